//! LZX with a window of 32 KiB: chunks of the Windows overlay filter.
//!
//! Not the LZX of cabinets, whose blocks reach over chunks. Spec: [MS-PATCH] 2 (LZX DELTA) for the
//! bits; where WIM files and the overlay filter differ (16-bit block sizes, the translation of
//! x86 calls with a file size of 12,000,000), the description in wimlib, `lzx_constants.h`.

use super::huffman::{Bits, Code};
use super::lznt1::copy_back;

/// 256 literals, and 8 lengths for each of 30 slots of a distance.
const MAIN_SYMBOLS: usize = 256 + 8 * 30;
const LITERALS: usize = 256;
const LENGTH_SYMBOLS: usize = 249;
const ALIGNED_SYMBOLS: usize = 8;
const PRE_SYMBOLS: usize = 20;
const LIMIT_CODE_BITS: u32 = 16;
/// The size of a block whose size is not given, in bytes.
const BLOCK_BYTES: usize = 32 * 1024;
/// What an x86 call is translated with.
const FILE_BYTES: i32 = 12_000_000;
/// The last bytes of a chunk are not translated.
const TAIL_BYTES: usize = 10;

/// What lasts from block to block.
struct State {
    main: [u8; MAIN_SYMBOLS],
    length: [u8; LENGTH_SYMBOLS],
    recent: [usize; 3],
}

/// The codes of one block.
struct Codes {
    main: Code,
    length: Code,
    aligned: Option<Code>,
}

/// Unpacks a chunk to its whole length. `None` if the bytes contradict the format.
pub(in crate::ntfs) fn unpack(packed: &[u8], chunk: &mut [u8]) -> Option<()> {
    let mut bits = Bits::new(packed);
    let mut state = State { main: [0; MAIN_SYMBOLS], length: [0; LENGTH_SYMBOLS], recent: [1; 3] };
    let mut position = 0_usize;
    while position < chunk.len() {
        let kind = bits.take(3)?;
        let size = match bits.take(1)? {
            0 => usize::try_from(bits.take(16)?).ok()?,
            _ => BLOCK_BYTES,
        };
        let end = position.checked_add(size).filter(|&end| end <= chunk.len() && size > 0)?;
        match kind {
            1 | 2 => {
                let codes = read_codes(&mut bits, &mut state, kind == 2)?;
                packed_block(
                    &mut bits,
                    &codes,
                    &mut state.recent,
                    chunk.get_mut(..end)?,
                    position,
                )?;
            }
            3 => plain_block(&mut bits, &mut state.recent, chunk.get_mut(position..end)?)?,
            _ => return None,
        }
        position = end;
    }
    restore_calls(chunk);
    Some(())
}

fn read_codes(bits: &mut Bits<'_>, state: &mut State, is_aligned: bool) -> Option<Codes> {
    let mut aligned = None;
    if is_aligned {
        let mut lengths = [0; ALIGNED_SYMBOLS];
        for length in &mut lengths {
            *length = u8::try_from(bits.take(3)?).ok()?;
        }
        aligned = Some(Code::new(&lengths, 7)?);
    }
    let (literals, matches) = state.main.split_at_mut_checked(LITERALS)?;
    read_lengths(bits, literals)?;
    read_lengths(bits, matches)?;
    read_lengths(bits, &mut state.length)?;
    Some(Codes {
        main: Code::new(&state.main, LIMIT_CODE_BITS)?,
        length: Code::new(&state.length, LIMIT_CODE_BITS)?,
        aligned,
    })
}

/// Reads the lengths of codes, which are kept as differences from those before.
fn read_lengths(bits: &mut Bits<'_>, lengths: &mut [u8]) -> Option<()> {
    let mut pre = [0; PRE_SYMBOLS];
    for length in &mut pre {
        *length = u8::try_from(bits.take(4)?).ok()?;
    }
    let pre = Code::new(&pre, 15)?;
    let mut index = 0_usize;
    while index < lengths.len() {
        let symbol = pre.symbol(bits)?;
        let old = *lengths.get(index)?;
        let (run, length) = match symbol {
            17 => (bits.take(4)?.checked_add(4)?, 0),
            18 => (bits.take(5)?.checked_add(20)?, 0),
            19 => {
                let run = bits.take(1)?.checked_add(4)?;
                (run, difference(old, pre.symbol(bits)?)?)
            }
            _ => (1, difference(old, symbol)?),
        };
        let end = index.checked_add(usize::try_from(run).ok()?)?.min(lengths.len());
        lengths.get_mut(index..end)?.fill(length);
        index = end;
        if bits.is_over() {
            return None;
        }
    }
    Some(())
}

/// Lengths are counted modulo 17.
fn difference(old: u8, symbol: u16) -> Option<u8> {
    let symbol = u8::try_from(symbol).ok().filter(|&symbol| symbol < 17)?;
    old.checked_add(17)?.checked_sub(symbol)?.checked_rem(17)
}

fn packed_block(
    bits: &mut Bits<'_>,
    codes: &Codes,
    recent: &mut [usize; 3],
    chunk: &mut [u8],
    mut position: usize,
) -> Option<()> {
    while position < chunk.len() {
        let symbol = codes.main.symbol(bits)?;
        if bits.is_over() {
            return None;
        }
        if let Ok(literal) = u8::try_from(symbol) {
            *chunk.get_mut(position)? = literal;
            position = position.checked_add(1)?;
            continue;
        }
        let symbol = symbol.checked_sub(256)?;
        let mut length = usize::from(symbol & 7);
        if length == 7 {
            length = length.checked_add(usize::from(codes.length.symbol(bits)?))?;
        }
        let distance = distance(bits, codes, recent, symbol >> 3)?;
        position = copy_back(chunk, position, distance, length.checked_add(2)?)?;
    }
    Some(())
}

/// Reads a distance; the last three that were different are kept.
fn distance(
    bits: &mut Bits<'_>,
    codes: &Codes,
    recent: &mut [usize; 3],
    slot: u16,
) -> Option<usize> {
    let [first, second, third] = *recent;
    let (distance, kept) = match slot {
        0 => (first, [first, second, third]),
        1 => (second, [second, first, third]),
        2 => (third, [third, second, first]),
        _ => {
            let extra = u32::from(slot >> 1).saturating_sub(1);
            // Slots come in pairs: 4 and 6 begin two of 2, 8 and 12 two of 4, and so on.
            let base = if slot < 4 {
                usize::from(slot)
            } else {
                (2 | usize::from(slot & 1)).checked_shl(extra)?
            };
            let more = match &codes.aligned {
                Some(aligned) if extra >= 3 => {
                    let high = bits.take(extra.checked_sub(3)?)?;
                    (high << 3) | u32::from(aligned.symbol(bits)?)
                }
                _ => bits.take(extra)?,
            };
            let distance = base.checked_add(usize::try_from(more).ok()?)?.checked_sub(2)?;
            (distance, [distance, first, second])
        }
    };
    *recent = kept;
    Some(distance).filter(|&distance| distance > 0)
}

fn plain_block(bits: &mut Bits<'_>, recent: &mut [usize; 3], block: &mut [u8]) -> Option<()> {
    bits.align();
    for distance in recent {
        *distance = usize::try_from(bits.long()?).ok().filter(|&distance| distance > 0)?;
    }
    block.copy_from_slice(bits.bytes(block.len())?);
    if block.len() & 1 == 1 {
        // Padding to a whole word; at the end of the input it may be missing.
        let _padding = bits.byte();
    }
    Some(())
}

/// Makes the absolute targets of x86 calls relative again.
fn restore_calls(chunk: &mut [u8]) {
    let end = chunk.len().saturating_sub(TAIL_BYTES);
    let mut at = 0_usize;
    while at < end {
        let here = at;
        at = at.saturating_add(1);
        if chunk.get(here) != Some(&0xe8) {
            continue;
        }
        at = at.saturating_add(4);
        let place = chunk.get_mut(here.saturating_add(1)..).and_then(|rest| rest.first_chunk_mut());
        let (Some(place), Ok(position)) = (place, i32::try_from(here)) else {
            return;
        };
        let target = i32::from_le_bytes(*place);
        let relative = if (0..FILE_BYTES).contains(&target) {
            target.wrapping_sub(position)
        } else if target < 0 && target >= position.wrapping_neg() {
            target.wrapping_add(FILE_BYTES)
        } else {
            continue;
        };
        *place = relative.to_le_bytes();
    }
}
