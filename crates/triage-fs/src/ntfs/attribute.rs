//! The attributes of a record: what lies in the record itself and where the rest lies.
//!
//! Not what an attribute means: each kind has a file of its own. Spec: `struct ATTRIB` in the
//! Linux kernel, `fs/ntfs3/ntfs.h`; libfsntfs documentation, "The attributes".

use super::bytes::{slice_at, u8_at, u16_at, u32_at, u64_at, usize_at};

/// `$STANDARD_INFORMATION`.
pub(super) const STANDARD_INFORMATION: u32 = 0x10;
/// `$ATTRIBUTE_LIST`.
pub(super) const ATTRIBUTE_LIST: u32 = 0x20;
/// `$FILE_NAME`.
pub(super) const FILE_NAME: u32 = 0x30;
/// `$VOLUME_NAME`.
pub(super) const VOLUME_NAME: u32 = 0x60;
/// `$VOLUME_INFORMATION`.
pub(super) const VOLUME_INFORMATION: u32 = 0x70;
/// `$DATA`.
pub(super) const DATA: u32 = 0x80;
/// `$INDEX_ROOT`.
pub(super) const INDEX_ROOT: u32 = 0x90;
/// `$INDEX_ALLOCATION`.
pub(super) const INDEX_ALLOCATION: u32 = 0xa0;
/// `$BITMAP`.
pub(super) const BITMAP: u32 = 0xb0;
/// `$REPARSE_POINT`.
pub(super) const REPARSE_POINT: u32 = 0xc0;
/// `$LOGGED_UTILITY_STREAM`, the last type.
const LAST_KIND: u32 = 0x100;
/// The end of the attributes.
const END: u32 = 0xffff_ffff;

/// The least that every attribute has, in bytes.
const HEADER_BYTES: usize = 16;
/// The mask of the ways to compress; only the first, LZNT1, was ever made.
const COMPRESSION: u16 = 0x00ff;
/// The content is encrypted by EFS.
const ENCRYPTED: u16 = 0x4000;
/// The content has holes.
const SPARSE: u16 = 0x8000;

/// One attribute, or one piece of an attribute that was split over records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// Its type.
    pub(super) kind: u32,
    /// Its name in UTF-16.
    pub(super) name: &'a [u8],
    flags: u16,
    /// Where its value is.
    pub(super) body: Body<'a>,
}

/// Where the value of an attribute is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// In the record.
    Resident(&'a [u8]),
    /// In clusters.
    Clusters(Piece<'a>),
}

/// A piece of a value that lies in clusters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The first cluster of the value that this piece holds.
    pub(super) first: u64,
    /// The runs, still encoded.
    pub(super) runs: &'a [u8],
    /// The sizes; only the first piece has them.
    pub(super) sizes: Sizes,
}

/// The sizes of a value that lies in clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// The logical size in bytes.
    pub(super) size_bytes: u64,
    /// How many bytes were ever written; what follows is zeros.
    pub(super) valid_bytes: u64,
    /// What is allocated on the disk in bytes.
    pub(super) allocated_bytes: u64,
    /// How many clusters are compressed together, as a power of two; 0 if none are.
    pub(super) unit_shift: u8,
}

impl<'a> Attribute<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        // Every type that exists is a multiple of 16.
        let kind = u32_at(bytes, 0).filter(|kind| *kind <= LAST_KIND && kind & 15 == 0)?;
        let name_bytes = usize::from(u8_at(bytes, 9)?).saturating_mul(2);
        let name = slice_at(bytes, usize::from(u16_at(bytes, 10)?), name_bytes);
        let name = if name_bytes == 0 { &[] } else { name? };
        let flags = u16_at(bytes, 12)?;
        let body = match u8_at(bytes, 8)? {
            0 => {
                let at = usize::from(u16_at(bytes, 0x14)?);
                Body::Resident(slice_at(bytes, at, usize_at(bytes, 0x10)?)?)
            }
            1 => Body::Clusters(Self::piece(bytes, flags)?),
            _ => return None,
        };
        Some(Self { kind, name, flags, body })
    }

    fn piece(bytes: &'a [u8], flags: u16) -> Option<Piece<'a>> {
        let first = u64_at(bytes, 0x10)?;
        let allocated = u64_at(bytes, 0x28)?;
        let packed = flags & (COMPRESSION | SPARSE) != 0 && first == 0;
        let sizes = Sizes {
            size_bytes: u64_at(bytes, 0x30)?,
            valid_bytes: u64_at(bytes, 0x38)?,
            allocated_bytes: packed.then(|| u64_at(bytes, 0x40)).flatten().unwrap_or(allocated),
            unit_shift: u8_at(bytes, 0x22)?,
        };
        let runs = bytes.get(usize::from(u16_at(bytes, 0x20)?)..)?;
        Some(Piece { first, runs, sizes })
    }

    /// Says whether the content is compressed.
    pub(super) const fn is_compressed(&self) -> bool {
        self.flags & COMPRESSION != 0
    }

    /// Says whether the content is encrypted by EFS.
    pub(super) const fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Returns the logical size of the value in bytes; 0 for a piece that is not the first.
    pub(super) fn size_bytes(&self) -> u64 {
        match self.body {
            Body::Resident(value) => super::bytes::long(value.len()),
            Body::Clusters(piece) if piece.first == 0 => piece.sizes.size_bytes,
            Body::Clusters(_) => 0,
        }
    }

    /// Says whether this is the only or the first piece of a value.
    pub(super) const fn is_first(&self) -> bool {
        matches!(self.body, Body::Resident(_) | Body::Clusters(Piece { first: 0, .. }))
    }

    /// Says whether this is the content of a file, or a piece of it: a directory has none.
    pub(super) const fn is_content(&self) -> bool {
        self.kind == DATA && self.name.is_empty()
    }

    /// Returns the value if it lies in the record.
    pub(super) const fn resident(&self) -> Option<&'a [u8]> {
        match self.body {
            Body::Resident(value) => Some(value),
            Body::Clusters(_) => None,
        }
    }
}

/// The attributes of one record.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a> {
    rest: Option<&'a [u8]>,
    is_damaged: bool,
}

impl<'a> Attributes<'a> {
    /// Takes the bytes from the first attribute on, or nothing if they lie outside the record.
    pub(super) const fn new(bytes: Option<&'a [u8]>) -> Self {
        Self { rest: bytes, is_damaged: bytes.is_none() }
    }

    /// Says, after the last attribute, whether one was impossible or their chain broke.
    pub(super) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Returns the bytes of the next attribute, if its length is possible.
    fn step(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        if u32_at(rest, 0) == Some(END) {
            return None;
        }
        let length = usize_at(rest, 4).filter(|&length| length >= HEADER_BYTES);
        let bytes = length.and_then(|length| rest.get(..length));
        self.is_damaged |= bytes.is_none();
        self.rest = bytes.and_then(|bytes| rest.get(bytes.len()..));
        bytes
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        // An attribute that is impossible costs itself, not those behind it.
        while let Some(bytes) = self.step() {
            match Attribute::parse(bytes) {
                Some(attribute) => return Some(attribute),
                None => self.is_damaged = true,
            }
        }
        None
    }
}
