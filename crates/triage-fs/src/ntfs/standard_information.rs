//! `$STANDARD_INFORMATION`: the times of a file. And the form of a time, which names share.
//!
//! Spec: [MS-FSCC] 2.4.7 (FileBasicInformation) for the meaning, [MS-DTYP] 2.3.3 (FILETIME) for
//! the unit; `struct ATTR_STD_INFO` in the Linux kernel, `fs/ntfs3/ntfs.h`, for the layout.

use triage_evidence::{Time, Times};

use super::bytes::u64_at;

/// A FILETIME counts 100 ns.
const TICKS_PER_SECOND: u64 = 10_000_000;
/// The length of a tick in nanoseconds.
const TICK_NANOSECONDS: u64 = 100;
/// Seconds from 1601-01-01 to 1970-01-01.
const EPOCH_SECONDS: i64 = 11_644_473_600;

/// Reads the times in the value of a `$STANDARD_INFORMATION`.
pub(super) fn times(value: &[u8]) -> Times {
    times_at(value, 0)
}

/// Reads the four times that lie at an offset: born, modified, changed, accessed.
pub(super) fn times_at(bytes: &[u8], at: usize) -> Times {
    let time = |index: usize| u64_at(bytes, at.saturating_add(index)).and_then(time);
    Times { born: time(0), modified: time(8), changed: time(16), accessed: time(24) }
}

/// Converts a FILETIME; 0 means that there is none.
fn time(ticks: u64) -> Option<Time> {
    let seconds = i64::try_from(ticks.checked_div(TICKS_PER_SECOND)?).ok()?;
    let rest = ticks.checked_rem(TICKS_PER_SECOND)?.checked_mul(TICK_NANOSECONDS)?;
    let time = Time {
        seconds: seconds.checked_sub(EPOCH_SECONDS)?,
        nanoseconds: u32::try_from(rest).ok()?,
    };
    (ticks != 0).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_ticks_since_1601() {
        let text = |ticks| time(ticks).unwrap().to_string();
        assert_eq!(text(116_444_736_000_000_000), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(text(1), "1601-01-01T00:00:00.000000100Z");
        assert_eq!(text(0x01d0_0000_0000_0001), "2014-11-14T11:41:59.374438500Z");
        assert_eq!(time(0), None);
        assert!(time(u64::MAX).is_some());
    }

    #[test]
    fn times_that_are_cut_off_are_none() {
        let mut value = vec![0; 20];
        value[8] = 1;
        let times = times(&value);
        assert_eq!((times.born, times.changed, times.accessed), (None, None, None));
        assert!(times.modified.is_some());
    }
}
