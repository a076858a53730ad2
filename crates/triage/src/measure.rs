//! Sizes and times as people type and read them.

use std::time::Duration;

pub(crate) use triage_evidence::{count, counted, noun};

/// Reads a size such as `512`, `10K`, `2.5GiB` or `1T`; the units are powers of 1,024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_lowercase();
    let factor: u64 = match unit.trim_end_matches("ib").trim_end_matches('b') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        "p" => 1 << 50,
        _ => return Err(format!("{text:?} is no size; write 512, 10K, 20M, 4G or 1T")),
    };
    let wrong = || format!("{text:?} is no size; write 512, 10K, 20M, 4G or 1T");
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

/// Reads a time span such as `90`, `90s`, `10m`, `1h30m`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time span; write 90s, 10m or 1h30m");
    let mut seconds = 0_u64;
    let mut rest = text;
    if let Ok(plain) = text.parse::<u64>() {
        return Ok(Duration::from_secs(plain));
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..end].parse().map_err(|_| wrong())?;
        let unit = rest[end..].chars().next().ok_or_else(wrong)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        seconds =
            number.checked_mul(factor).and_then(|n| seconds.checked_add(n)).ok_or_else(wrong)?;
        rest = &rest[end + unit.len_utf8()..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

/// Writes a number of bytes with a unit.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut whole = count;
    let mut tenths = 0;
    let mut unit = UNITS[0];
    for next in UNITS {
        unit = next;
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
        if whole < 1024 {
            break;
        }
    }
    format!("{whole}.{tenths} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_read_and_nonsense_is_refused() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("10K"), Ok(10_240));
        assert_eq!(size("4GiB"), Ok(4 << 30));
        assert!(size("").is_err() && size("x").is_err() && size("1X").is_err());
        assert!(size("99999999999P").is_err());
        assert_eq!(span("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(span("90"), Ok(Duration::from_secs(90)));
        assert!(span("").is_err() && span("1x").is_err() && span("m").is_err());
    }

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(3 << 30), "3.0 GiB");
    }
}
