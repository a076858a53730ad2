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

/// Returns seconds since 1970 as RFC 3339 in UTC, for people; a number if no calendar has it.
#[must_use]
pub fn utc_text(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Reads the time of a time-stamp: `YYYYMMDDhhmmss[.s...]Z` (RFC 3161, 2.4.2). The fraction is cut.
pub(crate) fn generalized(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole.get(range);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?
    );
    unix_seconds(&text)
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
        assert_eq!(utc_text(seconds), "2026-11-24T04:02:11Z");
    }

    #[test]
    fn times_of_stamps_have_one_form() {
        assert_eq!(generalized(b"20261124040211Z"), unix_seconds("2026-11-24T04:02:11Z"));
        assert_eq!(generalized(b"20261124040211.25Z"), unix_seconds("2026-11-24T04:02:11Z"));
        let bad = ["20261124040211", "20261324040211Z", "202611240402Z", "20261124040211.Z", "Z"];
        bad.iter().for_each(|text| assert_eq!(generalized(text.as_bytes()), None, "{text}"));
    }
}
