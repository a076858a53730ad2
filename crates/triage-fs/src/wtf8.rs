//! Names in UTF-16 as WTF-8: whatever sixteen-bit units the disk holds, nothing is lost.
//!
//! Spec: the WTF-8 encoding, section 3 (an unpaired surrogate is encoded as any code point).

/// Returns a name as WTF-8; an odd byte at its end is left out.
pub(crate) fn wtf8(units: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(units.len());
    let units = units.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied());
    for unit in char::decode_utf16(units.map(u16::from_le_bytes)) {
        match unit {
            Ok(character) => {
                name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Err(unpaired) => name.extend(surrogate(unpaired.unpaired_surrogate())),
        }
    }
    name
}

/// Encodes a unit from U+D800 to U+DFFF in the three bytes that UTF-8 would use.
fn surrogate(unit: u16) -> [u8; 3] {
    let byte = |bits: u16, mark: u8| u8::try_from(bits & 0x3f).unwrap_or(0) | mark;
    [0xed, byte(unit >> 6, 0x80), byte(unit, 0x80)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(units: &[u16]) -> Vec<u8> {
        wtf8(&units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn pairs_are_joined_and_unpaired_surrogates_kept() {
        assert_eq!(of(&[0x61, 0xe9, 0x4e2d]), "aé中".as_bytes());
        assert_eq!(of(&[0xd83d, 0xde00]), "\u{1f600}".as_bytes());
        assert_eq!(of(&[0xde00, 0xd83d]), [0xed, 0xb8, 0x80, 0xed, 0xa0, 0xbd]);
        assert_eq!(of(&[0xdfff, 0x2f]), [0xed, 0xbf, 0xbf, b'/']);
        assert_eq!(wtf8(&[0x61]), b"");
    }
}
