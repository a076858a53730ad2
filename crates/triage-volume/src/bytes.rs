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

/// Reads up to `length` bytes; fewer where the source ends or cannot be read.
pub(crate) fn read(source: &dyn ByteSource, offset: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match source.read_at(at, rest) {
            Ok(0) | Err(_) => break,
            Ok(more) => filled = filled.saturating_add(more),
        }
    }
    bytes.truncate(filled);
    bytes
}
