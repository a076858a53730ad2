//! Numbers and ranges in bytes that may be too short.

use triage_evidence::{ByteSource, Problem, ProblemKind};

/// Returns the bytes at an offset.
pub(crate) fn slice_at(bytes: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(length)?)
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

/// Returns a number of bytes as a length in memory, or the largest there is.
pub(crate) fn short(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Returns a length in memory as a number of bytes.
pub(crate) fn long(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Fills a buffer, which must lie within the source.
///
/// # Errors
/// A [`Problem`] if the source ends before or cannot be read.
pub(crate) fn read_exact(
    source: &dyn ByteSource,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), Problem> {
    let mut filled = 0_usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(offset.saturating_add(long(filled)), rest)? {
            0 => return Err(damaged("the image ends where more of it is expected")),
            more => filled = filled.saturating_add(more),
        }
    }
    Ok(())
}

/// Reads bytes that must lie within the source.
///
/// # Errors
/// A [`Problem`] as [`read_exact`].
pub(crate) fn read_vec(
    source: &dyn ByteSource,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, Problem> {
    let end = offset.checked_add(long(length)).filter(|&end| end <= source.size_bytes());
    end.ok_or_else(|| damaged("the image ends where more of it is expected"))?;
    let mut bytes = vec![0; length];
    read_exact(source, offset, &mut bytes)?;
    Ok(bytes)
}

/// Returns the problem of bytes that contradict their format.
pub(crate) fn damaged(text: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Damaged, text)
}

/// Returns the problem of something that is known and not read.
pub(crate) fn unsupported(text: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::Unsupported, text)
}
