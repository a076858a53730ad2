//! The times that a file system keeps of an entry, with the precision that it really has.

use std::fmt;

/// A moment in UTC, as the file system stored it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z, negative before.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// Modified, accessed, changed and born: each only if the file system keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the content was last modified.
    pub modified: Option<Time>,
    /// When the content was last read.
    pub accessed: Option<Time>,
    /// When the inode or the record of the file was last changed; never "creation".
    pub changed: Option<Time>,
    /// When the file was created on this file system.
    pub born: Option<Time>,
}

impl fmt::Display for Time {
    /// Writes RFC 3339 in UTC with nine decimals; a time outside the years 0 to 9999, which a
    /// damaged file system can hold, as `@seconds.nanoseconds`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = i32::try_from(self.nanoseconds).unwrap_or(i32::MAX);
        match jiff::Timestamp::new(self.seconds, nanoseconds) {
            Ok(time) if self.seconds >= YEAR_ZERO && nanoseconds < NANOS_PER_SECOND => {
                write!(f, "{time:.9}")
            }
            _ => write!(f, "@{}.{:09}", self.seconds, self.nanoseconds),
        }
    }
}

/// 0000-01-01T00:00:00Z: RFC 3339 has no earlier year.
const YEAR_ZERO: i64 = -62_167_219_200;
/// Nanoseconds in a second.
const NANOS_PER_SECOND: i32 = 1_000_000_000;

impl Time {
    /// Reads what [`Time`] writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if let Some((seconds, nanos)) = text.strip_prefix('@').and_then(|t| t.split_once('.')) {
            return Some(Self { seconds: seconds.parse().ok()?, nanoseconds: nanos.parse().ok()? });
        }
        let time: jiff::Timestamp = text.parse().ok()?;
        let nanos = time.as_nanosecond();
        let seconds = nanos.div_euclid(i128::from(NANOS_PER_SECOND));
        let rest = nanos.rem_euclid(i128::from(NANOS_PER_SECOND));
        Some(Self { seconds: seconds.try_into().ok()?, nanoseconds: rest.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_all_digits_and_read_back() {
        for (seconds, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (1_763_632_800, 123_456_789, "2025-11-20T10:00:00.123456789Z"),
            (-1, 500_000_000, "1969-12-31T23:59:59.500000000Z"),
            (i64::MAX, 1, "@9223372036854775807.000000001"),
            (i64::MIN, 999_999_999, "@-9223372036854775808.999999999"),
        ] {
            let time = Time { seconds, nanoseconds };
            assert_eq!(time.to_string(), text);
            assert_eq!(Time::from_text(text), Some(time));
        }
    }
}
