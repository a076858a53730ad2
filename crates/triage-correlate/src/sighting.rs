//! One file on one exhibit, as a record of fixed width that sorts by digest, then by exhibit.

use triage_evidence::Time;
use triage_hashset::{Disposition, Matches};

/// The longest digest that is joined: SHA-512.
const DIGEST_BYTES: usize = 64;
/// Bytes of a sighting behind the digest: exhibit, size, time, what lists say.
const REST_BYTES: usize = size_of::<u32>() + size_of::<u64>() + size_of::<i64>() + 1;
/// Stands for a time that is not known; no file system has it.
const NO_TIME: i64 = i64::MIN;

/// What lists say of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// An alerting set holds it.
    pub alert: bool,
    /// An informational set holds it, such as what was examined before.
    pub informational: bool,
    /// An alerting bloom filter says that it probably holds it: a filter may be wrong.
    pub probable_alert: bool,
    /// An informational bloom filter says that it probably holds it.
    pub probable_informational: bool,
}

impl Listed {
    fn to_byte(self) -> u8 {
        u8::from(self.alert)
            | u8::from(self.informational) << 1
            | u8::from(self.probable_alert) << 2
            | u8::from(self.probable_informational) << 3
    }

    fn from_byte(byte: u8) -> Self {
        Self {
            alert: byte & 1 != 0,
            informational: byte & 2 != 0,
            probable_alert: byte & 4 != 0,
            probable_informational: byte & 8 != 0,
        }
    }

    /// Returns what matches say. What is known good is for [`Matches::disposition`] to say.
    #[must_use]
    pub fn of(matches: &Matches) -> Self {
        let has = |disposition, exact| {
            matches.iter().any(|found| {
                found.disposition == disposition && found.certainty.is_exact() == exact
            })
        };
        Self {
            alert: has(Disposition::Alert, true),
            informational: has(Disposition::Informational, true),
            probable_alert: has(Disposition::Alert, false),
            probable_informational: has(Disposition::Informational, false),
        }
    }

    /// Says whether nothing but a bloom filter alerts.
    #[must_use]
    pub const fn is_only_probable_alert(self) -> bool {
        self.probable_alert && !self.alert
    }

    /// Returns what either says.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            alert: self.alert || other.alert,
            informational: self.informational || other.informational,
            probable_alert: self.probable_alert || other.probable_alert,
            probable_informational: self.probable_informational || other.probable_informational,
        }
    }
}

/// One file on one exhibit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// The digest, keyed or not.
    pub digest: &'a [u8],
    /// The number of the exhibit among those that are joined.
    pub exhibit: u32,
    /// The size in bytes; 0 if it is not told.
    pub size_bytes: u64,
    /// When the content was last modified, in seconds since 1970, as the file system says.
    pub modified: Option<i64>,
    /// What lists say of it.
    pub listed: Listed,
}

/// Returns how many bytes a sighting with such a digest takes.
pub(crate) const fn width(digest_bytes: usize) -> usize {
    digest_bytes + REST_BYTES
}

impl<'a> Sighting<'a> {
    /// Appends the sighting as bytes. They sort by digest, exhibit, size and time.
    pub fn put(&self, out: &mut Vec<u8>) {
        debug_assert!(self.digest.len() <= DIGEST_BYTES);
        out.extend_from_slice(self.digest);
        out.extend_from_slice(&self.exhibit.to_be_bytes());
        out.extend_from_slice(&self.size_bytes.to_be_bytes());
        // Shifted, so that times before 1970 come first.
        let time = self.modified.unwrap_or(NO_TIME).cast_unsigned() ^ 1 << 63;
        out.extend_from_slice(&time.to_be_bytes());
        out.push(self.listed.to_byte());
    }

    /// Reads what [`Sighting::put`] wrote; `None` for bytes of another width.
    pub(crate) fn read(bytes: &'a [u8], digest_bytes: usize) -> Option<Self> {
        let (digest, rest) = bytes.split_at_checked(digest_bytes)?;
        let (exhibit, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let time = (u64::from_be_bytes(*time) ^ 1 << 63).cast_signed();
        let [listed] = rest else { return None };
        Some(Self {
            digest,
            exhibit: u32::from_be_bytes(*exhibit),
            size_bytes: u64::from_be_bytes(*size),
            modified: Some(time).filter(|time| *time != NO_TIME),
            listed: Listed::from_byte(*listed),
        })
    }
}

/// Returns the seconds of a time.
pub(crate) fn seconds(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.seconds).filter(|seconds| *seconds != NO_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sighting_is_read_back_and_sorts_by_digest_exhibit_size_and_time() {
        let base = Sighting {
            digest: &[7; 32],
            exhibit: 9,
            size_bytes: 1 << 40,
            modified: Some(-5),
            listed: Listed { alert: true, probable_informational: true, ..Listed::default() },
        };
        let bytes = |sighting: &Sighting<'_>| {
            let mut out = Vec::new();
            sighting.put(&mut out);
            assert_eq!(out.len(), width(32));
            assert_eq!(Sighting::read(&out, 32).as_ref(), Some(sighting));
            out
        };
        let in_order = [
            Sighting { exhibit: 8, size_bytes: u64::MAX, ..base },
            Sighting { modified: None, ..base },
            base,
            Sighting { modified: Some(0), ..base },
            Sighting { size_bytes: 1 << 41, modified: None, ..base },
            Sighting { exhibit: 10, size_bytes: 0, ..base },
            Sighting { digest: &[8; 32], exhibit: 0, ..base },
        ];
        assert!(in_order.iter().map(bytes).collect::<Vec<_>>().is_sorted());
        assert_eq!(Sighting::read(&[0; 40], 32), None);
    }
}
