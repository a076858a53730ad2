//! Leaves and keys of many values at once, in vector lanes.
//!
//! What they are is said in `salted.rs` and `index.rs`, where each is made alone; here are the same
//! values, several times as fast. A scan and a verification make one leaf and several keys for
//! every entry.

use triage_hash::Messages;

use crate::index::{KEY_BYTES, Key, ValueKind};
use crate::redact::write_without_names;
use crate::salted::{Salter, halves};

/// The bytes that HMAC adds to its key (RFC 2104, section 2).
const INNER: u8 = 0x36;
const OUTER: u8 = 0x5c;

/// Returns HMAC-SHA-256 over each message, keyed with the seed.
fn codes<'a>(salter: &Salter, messages: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<[u8; 32]> {
    let mut inner = Messages::after(&salter.padded.map(|byte| byte ^ INNER));
    inner.reserve(messages.len(), 0);
    messages.for_each(|message| inner.push([message]));
    let mut outer = Messages::after(&salter.padded.map(|byte| byte ^ OUTER));
    outer.reserve(inner.len(), 0);
    inner.sha256().iter().for_each(|hash| outer.push([hash]));
    outer.sha256()
}

/// Returns the codes over numbers in decimal digits behind a prefix.
fn codes_of_numbers(
    salter: &Salter,
    prefix: &str,
    numbers: impl Iterator<Item = u64>,
) -> Vec<[u8; 32]> {
    let (mut digits, mut ends) = (Vec::new(), vec![0]);
    for number in numbers {
        digits.extend_from_slice(prefix.as_bytes());
        push_digits(number, &mut digits);
        ends.push(digits.len());
    }
    codes(salter, ends.windows(2).map(|pair| digits.get(pair[0]..pair[1]).unwrap_or_default()))
}

/// Appends a number in decimal digits: for every line and key, and `write!` takes several times as
/// long.
fn push_digits(mut number: u64, out: &mut Vec<u8>) {
    // The greatest number has 20 digits.
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
        first = place;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Returns the leaves of lines, each with its number and without its line end: for each what
/// [`crate::line_leaf`] returns with the salts of its number.
#[must_use]
pub fn line_leaves(salter: &Salter, lines: &[(u64, &[u8])]) -> Vec<[u8; 32]> {
    let codes = codes_of_numbers(salter, "", lines.iter().map(|(number, _)| *number));
    let mut messages = Messages::new();
    let bytes: usize = lines.iter().map(|(_, line)| line.len()).sum();
    messages.reserve(2 * lines.len(), 2 * bytes);
    for (code, (_, line)) in codes.iter().zip(lines) {
        let (whole, redacted) = halves(code);
        messages.push([&whole, line]);
        messages.push_written(&mut |out| {
            out.extend_from_slice(&redacted);
            write_without_names(line, out);
        });
    }
    let commitments = messages.sha256();
    messages.clear();
    for [whole, redacted] in commitments.as_chunks().0 {
        messages.push([&[0], whole, redacted]);
    }
    messages.sha256()
}

/// Returns the leaves of keys that stand one after the other in the index, the first of them at
/// the place `first`: for each what [`Key::leaf`] returns with the salt of its place.
#[must_use]
pub fn key_leaves(salter: &Salter, first: u64, keys: &[Key]) -> Vec<[u8; 32]> {
    let codes = codes_of_numbers(salter, "index:", (first..).take(keys.len()));
    let mut messages = Messages::new();
    messages.reserve(keys.len(), 0);
    for (code, key) in codes.iter().zip(keys) {
        messages.push([&[0], &halves(code).0, &key.0]);
    }
    messages.sha256()
}

/// Returns the keys of values: for each what [`Key::of`] returns.
#[must_use]
pub fn keys_of<'a>(values: impl Iterator<Item = (ValueKind, &'a [u8])>) -> Vec<Key> {
    let mut messages = Messages::new();
    values.for_each(|(kind, value)| messages.push([kind.name().as_bytes(), &[0], value]));
    let first_half = |hash: &[u8; 32]| {
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&hash[..KEY_BYTES]);
        Key(key)
    };
    messages.sha256().iter().map(first_half).collect()
}

#[cfg(test)]
mod tests {
    use triage_hash::Algorithm;

    use super::*;
    use crate::salted::line_leaf;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 9, 10, 1_234_567_890, 99_999, 100_000, u64::MAX] {
            let mut digits = b"index:".to_vec();
            push_digits(number, &mut digits);
            assert_eq!(digits, format!("index:{number}").as_bytes());
        }
    }

    #[test]
    fn many_at_once_are_what_each_is_alone() {
        let salter = Salter::new(&[9; 32]);
        for count in [0, 1, 5, 16, 100] {
            let line = |n: usize| format!(r#"{{"path":"{}","seq":{n}}}"#, "p/".repeat(n * 3));
            let lines: Vec<String> = (0..count).map(line).collect();
            let numbered: Vec<(u64, &[u8])> =
                (995..).zip(lines.iter().map(String::as_bytes)).collect();
            let alone: Vec<_> =
                numbered.iter().map(|(n, line)| line_leaf(&salter.line(*n), line)).collect();
            assert_eq!(line_leaves(&salter, &numbered), alone);

            let kinds = [ValueKind::Path, ValueKind::Digest(Algorithm::Sha3_256)];
            let values = || kinds.iter().cycle().copied().zip(lines.iter().map(String::as_bytes));
            let keys: Vec<Key> = values().map(|(kind, value)| Key::of(kind, value)).collect();
            assert_eq!(keys_of(values()), keys);

            let alone: Vec<_> =
                (99_990..).zip(&keys).map(|(n, key)| key.leaf(&salter.key(n))).collect();
            assert_eq!(key_leaves(&salter, 99_990, &keys), alone);
        }
    }
}
