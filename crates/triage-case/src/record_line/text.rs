//! The pieces of a canonical line: strings, keys, numbers, hex.
//!
//! RFC 8785 section 3.2.2: in strings only the quotation mark, the backslash and control
//! characters are escaped. Numbers above 2^53-1, which a JSON reader may round, become strings.

/// The greatest integer that every JSON reader keeps exactly: 2^53 - 1.
pub(super) const MAX_EXACT: u64 = (1 << 53) - 1;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `,"key":`.
pub(super) fn push_key(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a string with its quotation marks.
pub(super) fn push_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (place, &byte) in bytes.iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(copied..place).unwrap_or_default());
        copied = place + 1;
        push_escape(byte, out);
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    out.push(b'"');
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        8 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        12 => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            push_hex_byte(byte, out);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends an integer, as a decimal string where a JSON number would not be exact.
pub(super) fn push_number(number: u64, out: &mut Vec<u8>) {
    let quoted = number > MAX_EXACT;
    if quoted {
        out.push(b'"');
    }
    push_decimal(number, out);
    if quoted {
        out.push(b'"');
    }
}

/// Appends decimal digits.
pub(super) fn push_decimal(mut number: u64, out: &mut Vec<u8>) {
    // u64::MAX has 20 digits.
    let mut digits = [b'0'; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        used += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Appends bytes as a string of lower-case hex.
pub(super) fn push_hex_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in bytes {
        push_hex_byte(byte, out);
    }
    out.push(b'"');
}

fn push_hex_byte(byte: u8, out: &mut Vec<u8>) {
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 15)]);
}

/// Reads lower-case hex.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
        .collect()
}
