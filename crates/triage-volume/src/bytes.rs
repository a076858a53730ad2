//! Numbers and ranges in bytes that may be too short.

use triage_evidence::ByteSource;

/// Returns the bytes at an offset.
pub(crate) fn slice_at(bytes: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(length)?)
}

/// Says whether these bytes stand at an offset.
pub(crate) fn has(bytes: &[u8], offset: usize, expected: &[u8]) -> bool {
    slice_at(bytes, offset, expected.len()) == Some(expected)
}

/// Returns the byte at an offset.
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// Returns the little-endian number of two bytes at an offset.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    slice_at(bytes, offset, 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// Returns the little-endian number of four bytes at an offset.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    slice_at(bytes, offset, 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// Returns the little-endian number of eight bytes at an offset.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    slice_at(bytes, offset, 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// How many bad places are read around in one range: more of them, and nothing is left to tell.
const LIMIT_BAD_PLACES: usize = 256;

/// What was read of a range.
pub(crate) struct Held {
    /// As much of the range as the source holds; zeros where it could not be read.
    pub(crate) bytes: Vec<u8>,
    /// Whether all of that was read.
    pub(crate) is_whole: bool,
}

/// Reads up to `length` bytes, around what is bad; fewer where the source ends.
pub(crate) fn read_around(source: &dyn ByteSource, offset: u64, length: usize) -> Held {
    let mut bytes = vec![0; length];
    let around = triage_evidence::read_around(source, offset, &mut bytes, LIMIT_BAD_PLACES);
    bytes.truncate(around.held);
    Held { bytes, is_whole: around.bad.is_empty() }
}

/// Reads up to `length` bytes, zeros where they cannot be read; fewer where the source ends.
pub(crate) fn read(source: &dyn ByteSource, offset: u64, length: usize) -> Vec<u8> {
    read_around(source, offset, length).bytes
}
