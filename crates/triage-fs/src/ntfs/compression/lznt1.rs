//! LZNT1: how NTFS compresses a file in units of 16 clusters.
//!
//! Spec: [MS-XCA] 2.5 (LZNT1 algorithm details).

use crate::ntfs::bytes::u16_at;

/// A chunk holds up to these many bytes when it is unpacked.
const CHUNK_BYTES: usize = 4096;
/// The chunk is compressed.
const COMPRESSED: u16 = 0x8000;
/// The mask of the length of a chunk, less one, without its header.
const LENGTH: u16 = 0x0fff;

/// Unpacks a unit; what is behind its end stays zero, as Windows leaves it. Returns `false` if the
/// bytes contradict the format.
pub(super) fn unpack(mut packed: &[u8], unit: &mut [u8]) -> bool {
    unit.fill(0);
    for chunk in unit.chunks_mut(CHUNK_BYTES) {
        let header = match u16_at(packed, 0) {
            None | Some(0) => return true,
            Some(header) => header,
        };
        let length = usize::from(header & LENGTH).saturating_add(1);
        let Some(body) = packed.get(2..).and_then(|rest| rest.get(..length)) else {
            return false;
        };
        packed = packed.get(length.saturating_add(2)..).unwrap_or_default();
        let is_whole = if header & COMPRESSED == 0 {
            let room = chunk.len();
            let body = body.get(..room).unwrap_or(body);
            chunk.get_mut(..body.len()).map(|chunk| chunk.copy_from_slice(body)).is_some()
        } else {
            unpack_chunk(body, chunk).is_some()
        };
        if !is_whole {
            return false;
        }
    }
    true
}

/// Unpacks one chunk of literals and back references.
fn unpack_chunk(mut body: &[u8], chunk: &mut [u8]) -> Option<()> {
    let mut position = 0_usize;
    while let Some((&flags, rest)) = body.split_first() {
        body = rest;
        for bit in 0..8 {
            if body.is_empty() {
                return Some(());
            }
            if flags >> bit & 1 == 0 {
                let (&literal, rest) = body.split_first()?;
                *chunk.get_mut(position)? = literal;
                position = position.checked_add(1)?;
                body = rest;
                continue;
            }
            let word = u16_at(body, 0)?;
            body = body.get(2..)?;
            // The more bytes there are to look back at, the more bits the distance has.
            let length_bits = length_bits(position)?;
            let distance = usize::from(word.checked_shr(length_bits)?).checked_add(1)?;
            let mask = 1_u16.checked_shl(length_bits)?.checked_sub(1)?;
            let length = usize::from(word & mask).checked_add(3)?;
            position = copy_back(chunk, position, distance, length)?;
        }
    }
    Some(())
}

/// Returns how many bits of a back reference are its length.
fn length_bits(position: usize) -> Option<u32> {
    let last = position.checked_sub(1)?;
    // 12 up to a position of 16, one less for each doubling.
    let doublings = usize::BITS.checked_sub((last >> 4).leading_zeros())?;
    12_u32.checked_sub(doublings)
}

/// Repeats what lies a distance back; returns the position behind it.
pub(super) fn copy_back(
    buffer: &mut [u8],
    position: usize,
    distance: usize,
    length: usize,
) -> Option<usize> {
    let start = position.checked_sub(distance)?;
    let end = position.checked_add(length).filter(|&end| end <= buffer.len())?;
    if distance >= length {
        buffer.copy_within(start..start.checked_add(length)?, position);
    } else {
        // The copy reads what it wrote itself: a repeated pattern.
        for (from, to) in (start..).zip(position..end) {
            let byte = *buffer.get(from)?;
            *buffer.get_mut(to)? = byte;
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        // [MS-XCA] 3.3.
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2,
            0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0,
            0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58,
            0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01,
            0x18, 0x90, 0x00,
        ];
        let text = b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E \
            E F# D E F# G F# D E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let mut unit = vec![9; 8192];
        assert!(unpack(&packed, &mut unit));
        assert_eq!(unit[..text.len()], text[..]);
        assert!(unit[text.len()..4096].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn impossible_chunks_are_refused() {
        let mut unit = vec![0; 4096];
        for packed in [
            &[0x05, 0xb0, 1, 0][..],
            &[0x02, 0xb0, 1, 0, 0],
            &[0x03, 0xb0, 2, b'a', 0, 0xf0],
            &[0x03, 0xb0, 2, b'a', 0xff, 0x0f, 0xff, 0xff],
        ] {
            let is_right = unpack(packed, &mut unit[..64]);
            assert!(!is_right, "{packed:x?}");
        }
        assert!(unpack(&[], &mut unit) && unpack(&[0, 0, 7], &mut unit));
        assert!(unpack(&[0x01, 0x30, b'a', b'b'], &mut unit) && unit.starts_with(b"ab\0"));
    }
}
