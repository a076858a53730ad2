//! Short names: eight bytes and three. Specification, section 6.1.

/// Code page 437 above ASCII: the page of the first PCs. The volume does not say which page it is.
const PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The base name is shown in lower case: a bit of Windows NT.
const LOWER_BASE: u8 = 0x08;
/// The extension is.
const LOWER_EXTENSION: u8 = 0x10;
/// Stands for a first byte of 0xE5, which marks deleted entries.
const REAL_E5: u8 = 0x05;
/// Marks a deleted entry.
pub(super) const DELETED: u8 = 0xe5;

/// Returns a name as people see it. The first character of a deleted one is gone: `_`.
pub(super) fn decode(raw: &[u8; 11], case: u8) -> Vec<u8> {
    let mut raw = *raw;
    let [first, ..] = &mut raw;
    match *first {
        DELETED => *first = b'_',
        REAL_E5 => *first = DELETED,
        _ => {}
    }
    let (base, extension) = raw.split_at(8);
    let mut name = String::new();
    push(trimmed(base), case & LOWER_BASE != 0, &mut name);
    let extension = trimmed(extension);
    if !extension.is_empty() {
        name.push('.');
        push(extension, case & LOWER_EXTENSION != 0, &mut name);
    }
    name.into_bytes()
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != b' ');
    end.and_then(|end| bytes.get(..=end)).unwrap_or_default()
}

fn push(bytes: &[u8], lower: bool, name: &mut String) {
    for &byte in bytes {
        let character = match byte.checked_sub(0x80) {
            None => char::from(byte),
            Some(place) => PAGE_437.chars().nth(usize::from(place)).unwrap_or('_'),
        };
        name.push(if lower { character.to_ascii_lowercase() } else { character });
    }
}

/// Returns the checksum that the parts of a long name carry. Specification, section 7.2.
pub(super) fn checksum(raw: &[u8; 11]) -> u8 {
    raw.iter().fold(0_u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_together() {
        assert_eq!(PAGE_437.chars().count(), 128);
        assert_eq!(decode(b"README  TXT", 0), b"README.TXT");
        assert_eq!(decode(b"README  TXT", 0x18), b"readme.txt");
        assert_eq!(decode(b"NOEXT      ", 0x10), b"NOEXT");
        assert_eq!(decode(b"\xe5ELETED JPG", 0), b"_ELETED.JPG");
        assert_eq!(decode(b"\x05BC     X  ", 0), "σBC.X".as_bytes());
        assert_eq!(decode(b"\x9cBER    TXT", 0), "£BER.TXT".as_bytes());
    }
}
