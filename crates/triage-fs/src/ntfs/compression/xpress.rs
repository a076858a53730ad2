//! XPRESS with Huffman codes: chunks of the Windows overlay filter.
//!
//! Spec: [MS-XCA] 2.2 (LZ77+Huffman).

use super::huffman::{Bits, Code};
use super::lznt1::copy_back;

/// The lengths of 512 codes in half a byte each stand before the bits.
const LENGTHS_BYTES: usize = 256;
/// The longest code.
const LIMIT_CODE_BITS: u32 = 15;
/// Symbols from here on are matches.
const FIRST_MATCH: u16 = 256;
/// A length of this value is continued in bytes.
const LONG: usize = 15;

/// Unpacks a chunk to its whole length. `None` if the bytes contradict the format.
pub(in crate::ntfs) fn unpack(packed: &[u8], chunk: &mut [u8]) -> Option<()> {
    let lengths = packed.get(..LENGTHS_BYTES)?;
    let lengths: Vec<u8> = lengths.iter().flat_map(|pair| [pair & 15, pair >> 4]).collect();
    let code = Code::new(&lengths, LIMIT_CODE_BITS)?;
    let mut bits = Bits::new(packed.get(LENGTHS_BYTES..)?);
    let mut position = 0_usize;
    while position < chunk.len() {
        let symbol = code.symbol(&mut bits)?;
        if bits.is_over() {
            return None;
        }
        if let Ok(literal) = u8::try_from(symbol) {
            *chunk.get_mut(position)? = literal;
            position = position.checked_add(1)?;
            continue;
        }
        let symbol = symbol.checked_sub(FIRST_MATCH)?;
        let distance_bits = u32::from(symbol >> 4);
        let distance = usize::try_from(bits.take(distance_bits)?).ok()?;
        let distance = distance | 1_usize.checked_shl(distance_bits)?;
        let mut length = usize::from(symbol & 15);
        if length == LONG {
            length = match bits.byte()? {
                u8::MAX => usize::from(bits.word()?),
                more => usize::from(more).checked_add(LONG)?,
            };
        }
        position = copy_back(chunk, position, distance, length.checked_add(3)?)?;
    }
    Some(())
}
