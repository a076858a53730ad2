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
        match self.digits() {
            Some(digits) => f.write_str(str::from_utf8(&digits).unwrap_or_default()),
            None => write!(f, "@{}.{:09}", self.seconds, self.nanoseconds),
        }
    }
}

/// 0000-01-01T00:00:00Z: RFC 3339 has no earlier year.
const YEAR_ZERO: i64 = -62_167_219_200;
/// 9999-12-30T22:00:00Z: later seconds are too near the end of the year 9999 for the calendar used
/// here, which allows for every zone.
const LAST_SECOND: i64 = 253_402_207_200;
/// Nanoseconds in a second.
const NANOS_PER_SECOND: i32 = 1_000_000_000;

impl Time {
    /// Appends what [`Time`] displays; four times a record, this is a good part of writing it.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self.digits() {
            Some(digits) => out.extend_from_slice(&digits),
            None => out.extend_from_slice(self.to_string().as_bytes()),
        }
    }

    /// Returns the form of RFC 3339 of a time in the years 0 to 9999.
    fn digits(&self) -> Option<[u8; 30]> {
        let nanoseconds = i32::try_from(self.nanoseconds).ok()?;
        if self.seconds < YEAR_ZERO || nanoseconds >= NANOS_PER_SECOND {
            return None;
        }
        let time = jiff::Timestamp::new(self.seconds, nanoseconds).ok()?;
        let time = jiff::tz::Offset::UTC.to_datetime(time);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let (date, clock) = (time.date(), time.time());
        write_digits(&mut text[..4], date.year().unsigned_abs().into());
        write_digits(&mut text[5..7], date.month().unsigned_abs().into());
        write_digits(&mut text[8..10], date.day().unsigned_abs().into());
        write_digits(&mut text[11..13], clock.hour().unsigned_abs().into());
        write_digits(&mut text[14..16], clock.minute().unsigned_abs().into());
        write_digits(&mut text[17..19], clock.second().unsigned_abs().into());
        write_digits(&mut text[20..29], self.nanoseconds);
        Some(text)
    }

    /// Reads the form of RFC 3339 that [`Time`] writes, and no other: `None` for anything that
    /// [`Time`] would not write in the same way.
    #[must_use]
    pub fn from_digits(text: &[u8]) -> Option<Self> {
        let text: &[u8; 30] = text.try_into().ok()?;
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')];
        let is_marked = marks.into_iter().all(|(place, mark)| text.get(place) == Some(&mark));
        (is_marked && text.last() == Some(&b'Z')).then_some(())?;
        let field = |place: std::ops::Range<usize>| number(text.get(place)?);
        let small = |place| field(place).and_then(|number| i8::try_from(number).ok());
        let year = i16::try_from(field(0..4)?).ok()?;
        let date = jiff::civil::Date::new(year, small(5..7)?, small(8..10)?).ok()?;
        let (hour, minute, second) = (field(11..13)?, field(14..16)?, field(17..19)?);
        (hour < 24 && minute < 60 && second < 60).then_some(())?;
        let midnight =
            jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        let of_day = i64::from(hour * 3600 + minute * 60 + second);
        let seconds = midnight.ok()?.as_second() + of_day;
        let time = Self { seconds, nanoseconds: field(20..29)? };
        (seconds <= LAST_SECOND).then_some(time)
    }

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

/// Reads digits as a number.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit & 15))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Writes a number with leading zeros.
fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
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
            (YEAR_ZERO, 0, "0000-01-01T00:00:00.000000000Z"),
            (YEAR_ZERO - 1, 0, "@-62167219201.000000000"),
            (253_402_207_200, 7, "9999-12-30T22:00:00.000000007Z"),
            (i64::MAX, 1, "@9223372036854775807.000000001"),
            (i64::MIN, 999_999_999, "@-9223372036854775808.999999999"),
        ] {
            let time = Time { seconds, nanoseconds };
            assert_eq!(time.to_string(), text);
            let mut written = Vec::new();
            time.write_text(&mut written);
            assert_eq!(written, text.as_bytes());
            assert_eq!(Time::from_text(text), Some(time));
            let digits = Some(time).filter(|_| !text.starts_with('@'));
            assert_eq!(Time::from_digits(text.as_bytes()), digits);
        }
    }

    #[test]
    fn only_what_is_written_is_read_as_digits() {
        let text = b"2024-02-29T23:59:59.123456789Z";
        for place in 0..text.len() {
            for byte in 0..=255 {
                let mut changed = *text;
                changed[place] = byte;
                let Some(time) = Time::from_digits(&changed) else { continue };
                assert_eq!(time.to_string().as_bytes(), changed);
            }
        }
        for other in ["2023-02-29T23:59:59.123456789Z", "9999-12-31T00:00:00.000000000Z", ""] {
            assert_eq!(Time::from_digits(other.as_bytes()), None);
        }
    }
}
