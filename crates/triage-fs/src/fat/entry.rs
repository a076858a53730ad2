//! A directory entry. Specification, section 6.

use triage_evidence::{Kind, Times};

use super::dos_time::moment;
use super::short_name::DELETED;
use crate::bytes::{slice_at, u8_at, u16_at, u32_at};

/// The length of an entry.
pub(super) const ENTRY_BYTES: u64 = 32;
/// `DIR_Attr`.
const VOLUME_LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
/// Bits that no entry has.
const RESERVED: u8 = 0xc0;

/// An entry that is no part of a long name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) raw_name: [u8; 11],
    pub(super) case: u8,
    attributes: u8,
    pub(super) first_cluster: u32,
    pub(super) size_bytes: u32,
    pub(super) is_deleted: bool,
    /// Whether it stands behind the end of its directory.
    pub(super) is_behind_end: bool,
    created: (u16, u16, u8),
    accessed: u16,
    modified: (u16, u16),
}

impl Entry {
    /// Reads an entry; `None` if it is the end of the directory or cut off.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let raw_name: [u8; 11] = slice_at(bytes, 0, 11)?.try_into().ok()?;
        let [first, ..] = raw_name;
        if first == 0 {
            return None;
        }
        let high = u32::from(u16_at(bytes, 20)?).checked_shl(16)?;
        Some(Self {
            raw_name,
            attributes: u8_at(bytes, 11)?,
            case: u8_at(bytes, 12)?,
            created: (u16_at(bytes, 16)?, u16_at(bytes, 14)?, u8_at(bytes, 13)?),
            accessed: u16_at(bytes, 18)?,
            modified: (u16_at(bytes, 24)?, u16_at(bytes, 22)?),
            first_cluster: high | u32::from(u16_at(bytes, 26)?),
            size_bytes: u32_at(bytes, 28)?,
            is_deleted: first == DELETED,
            is_behind_end: false,
        })
    }

    pub(super) const fn kind(&self) -> Kind {
        if self.attributes & DIRECTORY != 0 { Kind::Directory } else { Kind::File }
    }

    pub(super) const fn is_label(&self) -> bool {
        self.attributes & (VOLUME_LABEL | DIRECTORY) == VOLUME_LABEL
    }

    /// Says whether it leads to no content.
    pub(super) const fn is_empty(&self) -> bool {
        self.first_cluster == 0 && self.size_bytes == 0
    }

    /// Says whether it is the entry of the directory itself or of the one above.
    pub(super) const fn is_dots(&self) -> bool {
        matches!(&self.raw_name, b".          " | b"..         ")
    }

    /// Says whether bytes behind the end of a directory look like an entry that was.
    pub(super) fn may_have_been(&self, holds: impl Fn(u32) -> bool) -> bool {
        let is_name = |&byte: &u8| byte >= 0x20 && !br#""*+,/:;<=>?[\]|"#.contains(&byte);
        let [first, rest @ ..] = &self.raw_name;
        self.attributes & RESERVED == 0
            && (is_name(first) || self.is_deleted || *first == 0x05)
            && *first != b' '
            && rest.iter().all(is_name)
            && (self.first_cluster == 0 || holds(self.first_cluster))
    }

    /// Says whether bytes of a free cluster are an entry that a file system writes: stricter than
    /// behind the end of a directory, where entries are to be expected.
    pub(super) fn is_plausible(&self, holds: impl Fn(u32) -> bool) -> bool {
        const CASE: u8 = 0x18;
        let (date, time) = self.modified;
        let is_directory = self.kind() == Kind::Directory;
        !self.is_label()
            && self.case & !CASE == 0
            && moment(date, time, 0).is_some()
            && (self.size_bytes == 0 || self.first_cluster != 0)
            && (!is_directory || self.size_bytes == 0 && self.first_cluster != 0)
            && self.may_have_been(holds)
    }

    pub(super) fn times(&self) -> Times {
        let (date, time, hundredths) = self.created;
        Times {
            modified: moment(self.modified.0, self.modified.1, 0),
            accessed: moment(self.accessed, 0, 0),
            changed: None,
            born: moment(date, time, hundredths),
        }
    }
}
