//! Long names: parts in entries before the one that they belong to. Specification, section 7.

use crate::bytes::{slice_at, u8_at};
use crate::wtf8::wtf8;

/// The attribute that marks a part, and the bits that decide.
const MARK: u8 = 0x0f;
const MARK_MASK: u8 = 0x3f;
/// The bit of the part that stands first on the disk and last in the name.
const LAST: u8 = 0x40;
/// The most parts of a name of 255 units.
const LIMIT_PARTS: usize = 20;

/// Parts of a name, as they lie on the disk: the end of the name first.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    units: Vec<[u8; 26]>,
    checksum: u8,
    /// The number that the next part must have.
    next: u8,
    is_deleted: bool,
}

impl Parts {
    /// Takes an entry if it is a part; what does not continue the parts before begins anew.
    pub(super) fn take(&mut self, entry: &[u8]) -> bool {
        let (Some(order), Some(attributes), Some(checksum)) =
            (u8_at(entry, 0), u8_at(entry, 11), u8_at(entry, 13))
        else {
            return false;
        };
        if attributes & MARK_MASK != MARK {
            return false;
        }
        let is_deleted = order == super::short_name::DELETED;
        let number = order & !LAST;
        let continues = !self.units.is_empty()
            && self.checksum == checksum
            && self.is_deleted == is_deleted
            && (is_deleted || order & LAST == 0 && number == self.next)
            && self.units.len() < LIMIT_PARTS;
        if !continues {
            self.clear();
            // A name begins with its last part.
            if !is_deleted && order & LAST == 0 {
                return true;
            }
        }
        let mut units = [0; 26];
        let fields = [slice_at(entry, 1, 10), slice_at(entry, 14, 12), slice_at(entry, 28, 4)];
        let bytes = fields.into_iter().flatten().flatten();
        for (to, from) in units.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.units.push(units);
        (self.checksum, self.is_deleted) = (checksum, is_deleted);
        self.next = number.saturating_sub(1);
        true
    }

    /// Forgets the parts.
    pub(super) fn clear(&mut self) {
        self.units.clear();
    }

    /// Says whether every part of a name that exists was met, and its entry is to follow.
    pub(super) const fn are_complete(&self) -> bool {
        !self.units.is_empty() && !self.is_deleted && self.next == 0
    }

    /// Returns the name of the entry that follows, if the parts belong to it.
    pub(super) fn name_for(&self, raw: &[u8; 11]) -> Option<Vec<u8>> {
        let [first, ..] = raw;
        let is_deleted = *first == super::short_name::DELETED;
        // The first byte of a deleted name is gone, and the checksum with it: that the parts agree
        // among themselves and are deleted too has to do.
        let belongs = if is_deleted {
            self.is_deleted
        } else {
            !self.is_deleted && self.next == 0 && self.checksum == super::short_name::checksum(raw)
        };
        if self.units.is_empty() || !belongs {
            return None;
        }
        let all: Vec<u8> = self.units.iter().rev().flatten().copied().collect();
        let units = all.chunks_exact(2);
        let length = units.take_while(|unit| !matches!(unit, [0, 0] | [0xff, 0xff])).count();
        let name = wtf8(all.get(..length.saturating_mul(2)).unwrap_or_default());
        (!name.is_empty()).then_some(name)
    }
}
