//! Times as they stand in documents of the custody, for comparison. No clock is asked here.

use jiff::Timestamp;

/// Returns the seconds since 1970 in UTC of an RFC 3339 time with an offset.
#[must_use]
pub fn unix_seconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// Returns seconds since 1970 as digits in UTC, `YYYYMMDDHHMMSS`: text that sorts by time.
#[must_use]
pub fn utc_digits(seconds: i64) -> Option<String> {
    let time = Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%Y%m%d%H%M%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_minded() {
        let seconds = unix_seconds("2026-11-24T05:02:11+01:00").unwrap();
        assert_eq!(utc_digits(seconds).unwrap(), "20261124040211");
        assert_eq!(unix_seconds("2026-11-24T05:02:11"), None);
        assert_eq!(unix_seconds("yesterday"), None);
    }
}
