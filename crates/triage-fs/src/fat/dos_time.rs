//! Dates and times of DOS. Specification, section 7: local time, from 1980 on, in steps of two
//! seconds. They are given as if the zone were UTC; who shows them says so.

use triage_evidence::Time;

/// Days from 1970-01-01 to 1980-01-01.
const DAYS_TO_1980: i64 = 3652;
/// Days before each month in a year that is no leap year.
const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Returns the moment of a date, a time and hundredths of a second; `None` for no date, and for one
/// that does not exist.
pub(crate) fn moment(date: u16, time: u16, hundredths: u8) -> Option<Time> {
    let (year, month, day) = (date >> 9, date >> 5 & 15, date & 31);
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31).checked_mul(2)?);
    let is_real = (1..=12).contains(&month) && day > 0 && hour < 24 && minute < 60 && second < 60;
    if !is_real || hundredths > 199 {
        return None;
    }
    let years = i64::from(year);
    // Every fourth year from 1980 on, 2100 left out, is a leap year.
    let is_leap = year.is_multiple_of(4) && year != 120;
    let leap_days = years.saturating_add(3).div_euclid(4).saturating_sub(i64::from(year > 120));
    let before = DAYS_BEFORE.get(usize::from(month).checked_sub(1)?).copied()?;
    let days = DAYS_TO_1980
        .saturating_add(years.saturating_mul(365))
        .saturating_add(leap_days)
        .saturating_add(before)
        .saturating_add(i64::from(is_leap && month > 2))
        .saturating_add(i64::from(day).saturating_sub(1));
    let seconds = i64::from(hour)
        .saturating_mul(3600)
        .saturating_add(i64::from(minute).saturating_mul(60))
        .saturating_add(i64::from(second))
        .saturating_add(i64::from(hundredths >= 100));
    let nanoseconds = u32::from(hundredths).checked_rem(100)?.checked_mul(10_000_000)?;
    Some(Time { seconds: days.saturating_mul(86_400).saturating_add(seconds), nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(year: u16, month: u16, day: u16, clock: (u16, u16, u16), hundredths: u8) -> String {
        let date = (year - 1980) << 9 | month << 5 | day;
        let time = clock.0 << 11 | clock.1 << 5 | (clock.2 / 2);
        moment(date, time, hundredths).map_or_else(String::new, |time| time.to_string())
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(text(1980, 1, 1, (0, 0, 0), 0), "1980-01-01T00:00:00.000000000Z");
        assert_eq!(text(2000, 2, 29, (23, 59, 58), 199), "2000-02-29T23:59:59.990000000Z");
        assert_eq!(text(2026, 11, 24, (12, 30, 2), 50), "2026-11-24T12:30:02.500000000Z");
        assert_eq!(text(2100, 3, 1, (0, 0, 0), 0), "2100-03-01T00:00:00.000000000Z");
        assert_eq!(text(2107, 12, 31, (0, 0, 0), 0), "2107-12-31T00:00:00.000000000Z");
        assert_eq!(text(2026, 13, 1, (0, 0, 0), 0), "");
        assert_eq!(moment(0, 0, 0), None);
    }
}
