//! Times as text, without the general formatter: three or four of them stand in every line.
//!
//! The text is that of [`Time`]'s `Display`, which remains the definition; a test compares both.

use triage_evidence::Time;

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds: what RFC 3339 can write. The upper
/// bound keeps a day's distance, since the general formatter's range ends within that day.
const FAST: std::ops::Range<i64> = -62_167_219_200..253_402_207_200;
const DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const MARCH_EPOCH: i64 = 719_468;
/// Days in 400 years.
const ERA: i64 = 146_097;

/// Appends a time with its quotation marks.
pub(super) fn push_time(time: Time, out: &mut Vec<u8>) {
    out.push(b'"');
    if FAST.contains(&time.seconds) && time.nanoseconds < 1_000_000_000 {
        push_fast(time, out);
    } else {
        out.extend_from_slice(time.to_string().as_bytes());
    }
    out.push(b'"');
}

/// Civil date from a day number, after H. Hinnant, "chrono-compatible low-level date algorithms".
fn push_fast(time: Time, out: &mut Vec<u8>) {
    let (day, second) = (time.seconds.div_euclid(DAY), time.seconds.rem_euclid(DAY));
    let shifted = day + MARCH_EPOCH;
    let (era, day_of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);

    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put(&mut text, 0, 4, year);
    put(&mut text, 5, 2, month);
    put(&mut text, 8, 2, day_of_month);
    put(&mut text, 11, 2, second / 3_600);
    put(&mut text, 14, 2, second / 60 % 60);
    put(&mut text, 17, 2, second % 60);
    put(&mut text, 20, 9, time.nanoseconds.into());
    out.extend_from_slice(&text);
}

fn put(text: &mut [u8; 30], start: usize, width: usize, mut number: i64) {
    for digit in text.iter_mut().skip(start).take(width).rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// Reads the text of a time. What is not exactly that text may be read as another time: the
/// caller writes the line again and compares.
pub(super) fn parse_time(text: &str) -> Option<Time> {
    let bytes: &[u8; 30] = match text.as_bytes().try_into() {
        Ok(bytes) if text.ends_with('Z') && !text.starts_with('@') => bytes,
        _ => return Time::from_text(text),
    };
    let number = |start: usize, width: usize| {
        let mut value = 0;
        for &digit in bytes.iter().skip(start).take(width) {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + i64::from(digit);
        }
        Some(value)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * ERA + day_of_era - MARCH_EPOCH;
    let seconds = days * DAY + hour * 3_600 + minute * 60 + second;
    Some(Time { seconds, nanoseconds: u32::try_from(number(20, 9)?).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_form_is_the_general_form() {
        let edges = [
            0,
            -1,
            951_782_400,
            951_868_799,
            1_709_164_800,
            4_107_542_400,
            FAST.start,
            FAST.start - 1,
            FAST.start + 86_400 * 60,
            FAST.end - 1,
            FAST.end,
            FAST.end + 86_400,
            i64::MAX,
            i64::MIN,
        ];
        let spread = (0..20_000).map(|i: i64| FAST.start + i * 15_778_471_111 / 1_000);
        for seconds in edges.into_iter().chain(spread) {
            for nanoseconds in [0, 1, 999_999_999] {
                let time = Time { seconds, nanoseconds };
                let mut out = Vec::new();
                push_time(time, &mut out);
                let general = time.to_string();
                assert_eq!(String::from_utf8(out).unwrap(), format!("\"{general}\""));
                assert_eq!(parse_time(&general), Some(time), "{general}");
            }
        }
    }
}
