//! Little-endian numbers in bytes that nobody has checked.
//!
//! A field that lies behind the end is `None`: no caller can index out of bounds.

use triage_evidence::{Problem, ProblemKind};

/// Returns the byte at an offset.
pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// Returns the 16-bit number at an offset.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// Returns the 32-bit number at an offset.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Returns the 64-bit number at an offset.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Returns the 32-bit number at an offset as a length or an offset in memory.
pub(crate) fn usize_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32_at(bytes, at)?).ok()
}

/// Returns `length` bytes at an offset.
pub(crate) fn slice_at(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..)?.get(..length)
}

/// Returns a problem that says that the bytes contradict the format.
pub(crate) fn damaged(text: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Damaged, text)
}

/// Returns a length in memory as a length on the disk.
pub(crate) fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Returns a length on the disk as one in memory, or the largest there is.
pub(crate) fn short(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
