//! Content that stands in the inode itself: the field of the block map, then an extended attribute.
//! Kernel documentation, "Inline Data".

use triage_evidence::Problem;

use super::inode::Inode;
use crate::bytes::{damaged, short, slice_at, u8_at, u16_at, u32_at};

/// What attributes within an inode begin with.
const MAGIC: u32 = 0xea02_0000;
/// The index of names that begin with `system.`.
const SYSTEM: u8 = 7;
/// The rest of the name.
const NAME: &[u8] = b"data";

/// Returns the content, cut to the size that the inode gives.
///
/// # Errors
/// A [`Problem`] if the inode holds less than that.
pub(super) fn content(inode: &Inode) -> Result<Vec<u8>, Problem> {
    let mut content = inode.block.to_vec();
    content.extend_from_slice(attribute(&inode.rest).unwrap_or_default());
    let wanted = short(inode.size_bytes);
    if content.len() < wanted {
        return Err(damaged("the content in the inode is shorter than its size"));
    }
    content.truncate(wanted);
    Ok(content)
}

/// Returns the two parts of a directory in an inode: behind the number of the parent, and in the
/// attribute.
pub(super) fn directory(inode: &Inode) -> [Vec<u8>; 2] {
    let first = inode.block.get(4..).unwrap_or_default().to_vec();
    [first, attribute(&inode.rest).unwrap_or_default().to_vec()]
}

/// Returns the value of `system.data`.
fn attribute(rest: &[u8]) -> Option<&[u8]> {
    if u32_at(rest, 0)? != MAGIC {
        return None;
    }
    let entries = rest.get(4..)?;
    let mut at = 0_usize;
    // Each turn moves on by at least 16 bytes.
    loop {
        let name_length = usize::from(u8_at(entries, at)?);
        let index = u8_at(entries, at.checked_add(1)?)?;
        if name_length == 0 && index == 0 {
            return None;
        }
        let name = slice_at(entries, at.checked_add(16)?, name_length)?;
        if index == SYSTEM && name == NAME {
            let start = usize::from(u16_at(entries, at.checked_add(2)?)?);
            let length = usize::try_from(u32_at(entries, at.checked_add(8)?)?).ok()?;
            return slice_at(entries, start, length);
        }
        at = at.checked_add(16)?.checked_add(name_length.checked_next_multiple_of(4)?)?;
    }
}
