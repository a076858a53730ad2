//! Canonical JSON, RFC 8785: one sequence of bytes for one document.
//!
//! Of the numbers only integers up to 2^53-1 are allowed: readers that hold numbers as IEEE 754
//! doubles (RFC 8785, 3.2.2.3) round greater ones silently. Greater ones are written as strings.

use std::str;

use serde_json::Value;

use crate::Error;

/// The greatest integer that is exact for every reader: 2^53-1.
pub const GREATEST_INTEGER: u64 = (1 << 53) - 1;
/// How deep a document may nest; ours nest three deep.
const LIMIT_DEPTH: u32 = 32;

/// Appends a string with its quotes (RFC 8785, 3.2.2.2).
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(position) = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\') {
        let (plain, special) = rest.split_at(position);
        out.extend_from_slice(plain);
        match special[0] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            byte => {
                out.extend_from_slice(b"\\u00");
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
        rest = &special[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends an unsigned integer: as a number if it is exact for every reader, else as a string.
pub fn write_integer(number: u64, out: &mut Vec<u8>) {
    let quoted = number > GREATEST_INTEGER;
    if quoted {
        out.push(b'"');
    }
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut left = number;
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
    if quoted {
        out.push(b'"');
    }
}

/// Returns the canonical bytes of a value, without a line end.
///
/// # Errors
/// [`Error::Number`] for a fraction or an integer beyond 2^53-1, [`Error::NotCanonical`] for a
/// value that nests too deep.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    write_value(value, &mut out, LIMIT_DEPTH)?;
    Ok(out)
}

fn write_value(value: &Value, out: &mut Vec<u8>, depth: u32) -> Result<(), Error> {
    let Some(deeper) = depth.checked_sub(1) else {
        let reason = format!("nested deeper than {LIMIT_DEPTH} levels");
        return Err(Error::NotCanonical { reason });
    };
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => match number.as_i64() {
            Some(exact) if exact.unsigned_abs() <= GREATEST_INTEGER => {
                out.extend_from_slice(exact.to_string().as_bytes());
            }
            _ => return Err(Error::Number { number: number.to_string() }),
        },
        Value::String(text) => write_string(text, out),
        Value::Array(values) => {
            out.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(value, out, deeper)?;
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            // RFC 8785, 3.2.3: by UTF-16 code units, which is not the order of UTF-8 bytes.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push(b'{');
            for (place, (key, value)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_string(key, out);
                out.push(b':');
                write_value(value, out, deeper)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Reads a document that must be in canonical form, byte for byte, without a line end. Doubled
/// keys, other spellings of a number, spaces and line ends are refused by that.
///
/// # Errors
/// [`Error::NotJson`], [`Error::Number`] or [`Error::NotCanonical`] with the first difference.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Error::NotJson { reason: error.to_string() })?;
    let canonical = to_vec(&value)?;
    if canonical == bytes {
        return Ok(value);
    }
    let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    let near = |bytes: &[u8]| {
        let end = bytes.len().min(same + 12);
        String::from_utf8_lossy(bytes.get(same..end).unwrap_or_default()).escape_debug().to_string()
    };
    let reason = format!(
        "differs from byte {same} on: expected {:?}, found {:?}",
        near(&canonical),
        near(bytes)
    );
    Err(Error::NotCanonical { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_8785_keys_comes_out_sorted_by_utf16() {
        // RFC 8785, 3.2.3: the keys of its sorting example, in the order that it gives.
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew",
            "1":"One","\ud83d\ude00":"Emoji","\u0080":"Control","\u00f6":"Latin"}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let out = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
            \"ö\":\"Latin\",\"€\":\"Euro Sign\",\"😀\":\"Emoji\",\"\u{fb33}\":\"Hebrew\"}";
        assert_eq!(out, expected);
    }

    #[test]
    fn strings_are_escaped_as_the_rfc_says() {
        let mut out = Vec::new();
        write_string("€$\u{f}\nA'B\"\\\\\"/\u{7f}", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#""€$\u000f\nA'B\"\\\\\"/"#.to_owned() + "\u{7f}\""
        );
    }

    #[test]
    fn great_integers_are_never_rounded() {
        for (number, text) in [
            (0, "0"),
            (9_007_199_254_740_991, "9007199254740991"),
            (9_007_199_254_740_993, "\"9007199254740993\""),
            (u64::MAX, "\"18446744073709551615\""),
        ] {
            let mut out = Vec::new();
            write_integer(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        assert!(to_vec(&serde_json::json!(9_007_199_254_740_993_u64)).is_err());
        assert!(to_vec(&serde_json::json!(1.5)).is_err());
    }

    #[test]
    fn every_other_spelling_is_refused() {
        assert!(parse_strict(br#"{"a":100,"b":"x"}"#).is_ok());
        for other in [
            r#"{"a":1e2,"b":"x"}"#,
            r#"{"a":100, "b":"x"}"#,
            r#"{"b":"x","a":100}"#,
            r#"{"a":100,"a":100,"b":"x"}"#,
            "{\"a\":100,\"b\":\"x\"}\n",
            r#"{"a":100,"b":"\u0078"}"#,
            r#"{"a":100,"b":"x"}}"#,
            r#"{"a":-0,"b":"x"}"#,
        ] {
            assert!(parse_strict(other.as_bytes()).is_err(), "{other}");
        }
        assert!(parse_strict("[".repeat(1000).as_bytes()).is_err());
    }
}
