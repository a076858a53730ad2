//! `$FILE_NAME`: one name of a file, the directory that holds it, and the times of the name.
//!
//! A directory index holds copies of it. Spec: `struct ATTR_FILE_NAME` in the Linux kernel,
//! `fs/ntfs3/ntfs.h`; libfsntfs documentation, "The file name attribute".

use triage_evidence::{Kind, Times};

use super::bytes::{slice_at, u8_at, u32_at, u64_at};
use super::record::Reference;
use super::{reparse, standard_information};
use crate::wtf8::wtf8;

/// The size of a `$FILE_NAME` in bytes without its name.
pub(super) const FIXED_BYTES: usize = 0x42;
/// The namespace of a short name that stands beside a long one.
const DOS: u8 = 2;
/// The highest namespace: Windows and DOS in one.
const LIMIT_NAMESPACE: u8 = 3;
/// The file is a directory.
const DIRECTORY: u32 = 0x1000_0000;
/// The file has a reparse point.
const REPARSE: u32 = 0x400;

/// One name of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileName<'a> {
    value: &'a [u8],
    /// The directory that holds the name.
    pub(super) parent: Reference,
    /// The name in UTF-16.
    pub(super) units: &'a [u8],
    /// The namespace; at most 3.
    pub(super) namespace: u8,
}

impl<'a> FileName<'a> {
    /// Reads the value of a `$FILE_NAME`, or the key of an entry of a directory index.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let length = usize::from(u8_at(value, 0x40)?).saturating_mul(2);
        Some(Self {
            value,
            parent: Reference(u64_at(value, 0)?),
            units: slice_at(value, FIXED_BYTES, length)?,
            namespace: u8_at(value, 0x41).filter(|&namespace| namespace <= LIMIT_NAMESPACE)?,
        })
    }

    /// Says whether this is the short name of a file that has a long one.
    pub(super) const fn is_short(&self) -> bool {
        self.namespace == DOS
    }

    /// Returns the times that the name keeps.
    pub(super) fn times(&self) -> Times {
        standard_information::times_at(self.value, 8)
    }

    /// Returns the name as WTF-8.
    pub(super) fn wtf8(&self) -> Vec<u8> {
        wtf8(self.units)
    }

    /// Returns the kind that the name gives.
    pub(super) fn kind(&self) -> Kind {
        let flags = u32_at(self.value, 0x38).unwrap_or(0);
        let tag = u32_at(self.value, 0x3c).filter(|_| flags & REPARSE != 0);
        match tag.and_then(reparse::kind) {
            Some(kind) => kind,
            None if flags & DIRECTORY != 0 => Kind::Directory,
            None => Kind::File,
        }
    }
}
