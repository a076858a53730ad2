//! The descriptor that every section of a segment begins with. Metz, "EWF", section 3.1.

use simd_adler32::adler32;
use triage_evidence::{ByteSource, Problem};

use crate::bytes::{damaged, read_vec, slice_at, u32_at, u64_at};

/// The length of a descriptor.
pub(super) const DESCRIPTOR_BYTES: usize = 76;

/// A section of a segment.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// Its type, such as `table`.
    pub(super) kind: String,
    /// Where its content begins in the segment.
    pub(super) start: u64,
    /// How long its content is, in bytes, as far as the segment holds it.
    pub(super) size_bytes: u64,
    /// Where the next section begins.
    pub(super) next: u64,
}

impl Section {
    /// Reads the descriptor at an offset.
    ///
    /// # Errors
    /// A [`Problem`] if the segment ends there or the checksum is wrong.
    pub(super) fn read(segment: &dyn ByteSource, at: u64) -> Result<Self, Problem> {
        let bytes = read_vec(segment, at, DESCRIPTOR_BYTES)?;
        let cut = || damaged("a section of the image is cut off");
        let checked = slice_at(&bytes, 0, 72).ok_or_else(cut)?;
        if u32_at(&bytes, 72) != Some(adler32(&checked)) {
            return Err(damaged("the descriptor of a section does not fit its checksum").at(at));
        }
        let name = slice_at(&bytes, 0, 16).ok_or_else(cut)?;
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        let size = u64_at(&bytes, 24).ok_or_else(cut)?;
        let next = u64_at(&bytes, 16).ok_or_else(cut)?;
        let start = at.saturating_add(76);
        let held = segment.size_bytes().saturating_sub(start);
        // Some writers leave the size of the last section at 0; the next one bounds it too.
        let by_next = next.saturating_sub(start);
        let by_size = size.saturating_sub(76);
        let size_bytes = if by_size == 0 { by_next } else { by_size }.min(held);
        let kind = String::from_utf8_lossy(name).into_owned();
        Ok(Self { kind, start, size_bytes, next })
    }
}
