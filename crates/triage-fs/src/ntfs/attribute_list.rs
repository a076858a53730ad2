//! `$ATTRIBUTE_LIST`: the records that hold the attributes for which one record had no room.
//!
//! Only the list of the base record is followed, never that of a record that it names: a loop
//! cannot be made. Spec: `struct ATTR_LIST_ENTRY` in the Linux kernel, `fs/ntfs3/ntfs.h`.

use super::bytes::{u16_at, u32_at, u64_at};
use super::record::Reference;

/// The longest list that is read; Windows makes none above 256 KiB.
pub(super) const LIMIT_BYTES: u64 = 1024 * 1024;
/// The fields of an entry without its name, in bytes.
const ENTRY_BYTES: usize = 0x1a;

/// One entry: where an attribute, or a piece of it, lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The type of the attribute.
    pub(super) kind: u32,
    /// Its first cluster in the value.
    pub(super) first: u64,
    /// The record that holds it.
    pub(super) holder: Reference,
}

/// Reads the entries of a list, up to the first that is impossible.
pub(super) fn entries(list: &[u8]) -> impl Iterator<Item = Entry> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        let length = usize::from(u16_at(bytes, 4)?);
        if length < ENTRY_BYTES {
            return None;
        }
        rest = bytes.get(length..);
        Some(Entry {
            kind: u32_at(bytes, 0)?,
            first: u64_at(bytes, 8)?,
            holder: Reference(u64_at(bytes, 0x10)?),
        })
    })
}

/// Says whether the entries of a list go on to its end.
pub(super) fn is_whole(list: &[u8]) -> bool {
    let mut rest = list;
    while !rest.is_empty() {
        let length = u16_at(rest, 4).map(usize::from).filter(|&length| length >= ENTRY_BYTES);
        match length.and_then(|length| rest.get(length..)) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_at_the_first_impossible_one() {
        let mut list = [0; 0x20];
        list[0] = 0x80;
        list[4] = 0x20;
        list[8] = 9;
        list[0x10] = 77;
        list[0x16] = 3;
        let whole = list.repeat(3);
        let found: Vec<_> = entries(&whole).collect();
        assert_eq!(found.len(), 3);
        assert!(is_whole(&whole) && is_whole(&[]));
        assert_eq!(found[0], Entry { kind: 0x80, first: 9, holder: Reference::new(77, 3) });
        let mut stuck = whole.clone();
        stuck[0x24] = 0;
        assert_eq!(entries(&stuck).count(), 1);
        assert!(!is_whole(&stuck) && !is_whole(&whole[..0x50]));
        assert_eq!(entries(&whole[..0x50]).count(), 2);
    }
}
