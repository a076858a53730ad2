//! Counts as people read them.

/// Writes a number with separators between the thousands.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a number of things: `1 entry`, `2 entries`. The words may go on behind the noun, with
/// the verb that agrees.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), noun(number, one, many))
}

/// Returns the word that goes with a number, which is written already.
#[must_use]
pub const fn noun<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(12), "12");
        let told = [0, 1, 2, 1000].map(|number| counted(number, "entry is", "entries are"));
        assert_eq!(told, ["0 entries are", "1 entry is", "2 entries are", "1,000 entries are"]);
    }
}
