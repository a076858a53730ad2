//! The one display form of evidence-controlled bytes: safe to print, and lossless.
//!
//! Backslash becomes `\\`. NUL, which no file system allows in a name and which therefore marks
//! the steps that this program adds to a location, becomes `\:`. Other control bytes and DEL become
//! `\x1b`, bytes that are no UTF-8 `\xe9`.
//! Characters that steer a terminal or reorder text (C1 controls, bidirectional controls,
//! zero-width and line or paragraph separators, byte-order mark, tags, private use, unassigned
//! planes' noncharacters) become `\u{202e}`. Everything else stands for itself, so two different
//! byte strings never look the same to a program, and [`unescape`] gives the bytes back.

use std::str;

/// The text is not an escaped form: a backslash is followed by something that is no escape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {position} of the text begins no escape (expected \\\\, \\:, \\xHH or \\u{{H..}})")]
pub struct BadEscape {
    /// The place of the backslash, in bytes from 0.
    pub position: usize,
}

/// Returns the display form of `bytes`.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    // Nearly every name is printable ASCII: it is copied whole.
    if bytes.iter().all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\\') {
        out.push_str(str::from_utf8(bytes).unwrap_or_default());
        return out;
    }
    for piece in bytes.utf8_chunks() {
        for character in piece.valid().chars() {
            push_char(character, &mut out);
        }
        for &byte in piece.invalid() {
            push_byte(byte, &mut out);
        }
    }
    out
}

/// Appends one character, escaped if it is not safe to show.
fn push_char(character: char, out: &mut String) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\0' => out.push_str("\\:"),
        '\x01'..='\x1f' | '\x7f' => push_byte(u8::try_from(character).unwrap_or_default(), out),
        _ if steers(character) => {
            out.push_str("\\u{");
            push_hex(u32::from(character), out);
            out.push('}');
        }
        _ => out.push(character),
    }
}

/// Appends `\xHH`.
fn push_byte(byte: u8, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push_str("\\x");
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

/// Appends a number in lower-case hex without leading zeros.
fn push_hex(number: u32, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _infallible = write!(out, "{number:x}");
}

/// Says whether a character is invisible, reorders text, or has no agreed shape.
const fn steers(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Returns the bytes of a display form.
///
/// # Errors
/// [`BadEscape`] if a backslash begins no known escape.
pub fn unescape(text: &str) -> Result<Vec<u8>, BadEscape> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find('\\') {
        let (plain, escaped) = rest.split_at(position);
        out.extend_from_slice(plain.as_bytes());
        let bad = || BadEscape { position: text.len() - escaped.len() };
        let used = unescape_one(escaped, &mut out).ok_or_else(bad)?;
        rest = &escaped[used..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads one escape at the start of `text` and returns how many bytes it took.
fn unescape_one(text: &str, out: &mut Vec<u8>) -> Option<usize> {
    match text.as_bytes().get(1)? {
        b'\\' => {
            out.push(b'\\');
            Some(2)
        }
        b':' => {
            out.push(0);
            Some(2)
        }
        b'x' => {
            let digits = text.get(2..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            Some(4)
        }
        b'u' => {
            let (digits, _) = text.strip_prefix("\\u{")?.split_once('}')?;
            let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| hex)?;
            let mut utf8 = [0; 4];
            out.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut utf8).as_bytes());
            Some("\\u{}".len() + digits.len())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_shown_without_their_power() {
        for (bytes, shown) in [
            (&b"plain name.jpg"[..], "plain name.jpg"),
            (b"\x1b[2J\x07.txt", "\\x1b[2J\\x07.txt"),
            (b"latin1-\xe9.txt", "latin1-\\xe9.txt"),
            (b"a.jpg\0stream:x", "a.jpg\\:stream:x"),
            (b"back\\slash", "back\\\\slash"),
            (b"line\nbreak\r", "line\\x0abreak\\x0d"),
            ("rtl-\u{202e}gpj.exe".as_bytes(), "rtl-\\u{202e}gpj.exe"),
            ("c1-\u{9b}31m".as_bytes(), "c1-\\u{9b}31m"),
            ("été 日本".as_bytes(), "été 日本"),
        ] {
            assert_eq!(escape(bytes), shown);
            assert_eq!(unescape(shown).unwrap(), bytes);
        }
    }

    #[test]
    fn every_pair_of_bytes_comes_back() {
        for high in 0..=255_u8 {
            for low in 0..=255_u8 {
                let bytes = [high, low, b'\\', high];
                assert_eq!(unescape(&escape(&bytes)).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_broken_escape_is_refused_with_its_place() {
        for text in
            ["a\\", "a\\q", "a\\x1", "a\\xzz", "a\\u{}", "a\\u{110000}", "a\\u{12", "a\\x+1"]
        {
            assert_eq!(unescape(text), Err(BadEscape { position: 1 }), "{text}");
        }
    }
}
