//! The byte layout of an index file: constants, header, section table (docs/formats/index.md).
//!
//! All integers are little-endian. Sections start at multiples of [`ALIGN`], so that a page of
//! the file belongs to one section.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use serde::{Deserialize, Serialize};
use triage_hash::Algorithm;

use crate::{ImportReport, PerceptualKind, SetIdentity};

/// The first eight bytes of every index file.
pub(crate) const MAGIC: &[u8; 8] = b"TRIAGEHX";
/// Major version of an index of plain digests.
pub(crate) const MAJOR: u16 = 1;
/// Major version of an index of keyed digests: a program that knows only the other must not find
/// nothing in it. Any other version cannot be read.
pub(crate) const MAJOR_KEYED: u16 = 2;
/// Major version of a bloom filter in place of digests, for the same reason.
pub(crate) const MAJOR_FILTER: u16 = 3;
/// Minor version: a later one has sections that this program may skip.
pub(crate) const MINOR: u16 = 4;
/// Length of the header; the section table follows.
pub(crate) const HEADER_LEN: usize = 64;
/// Where the digest of the head stands in the header.
pub(crate) const HEAD_DIGEST_AT: usize = 32;
/// Length of one entry of the section table.
pub(crate) const ENTRY_LEN: usize = 64;
/// Sections start at multiples of this.
pub(crate) const ALIGN: usize = 4096;
/// Most sections that are accepted; a set with six algorithms has 34, and at most 14 of
/// perceptual digests.
pub(crate) const MAX_SECTIONS: usize = 256;
/// Longest JSON section that is accepted, in bytes: it is read into memory when opened.
pub(crate) const MAX_JSON: usize = 64 << 20;
/// Value of a key column where the row has no digest of that algorithm.
pub(crate) const NO_KEY: u32 = u32::MAX;
/// Value of the size column where the size is not known.
pub(crate) const NO_SIZE: u64 = u64::MAX;
/// Value of the class column where the row has no category.
pub(crate) const NO_CLASS: u16 = u16::MAX;
/// Bit of a link that says: not a row number but a place in the lists.
pub(crate) const LIST_BIT: u32 = 0x8000_0000;
/// The algorithm number of sections that belong to none.
pub(crate) const NO_ALGORITHM: u32 = 0;

/// The kind of the binary-fuse filter that minor versions before 4 had, and no reader knows now.
pub(crate) const EARLIER_FILTER: u32 = 20;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// JSON: builder, identity, import report.
    Meta = 1,
    /// JSON: the categories by class number.
    Categories = 2,
    /// `u64` for each row: size of the file.
    Sizes = 3,
    /// `u16` for each row: class.
    Classes = 4,
    /// `u32` for each row: its key of this algorithm.
    KeyOfRow = 5,
    /// `u32` for each page before this section: its CRC-32.
    Checks = 6,
    /// `u64`: the distinct sizes in order, if every row has one.
    DistinctSizes = 7,
    /// `u32` for each prefix and one more: first key that has it.
    Fan = 16,
    /// The digests in order without the bytes that the prefix fixes.
    Keys = 17,
    /// `u32` for each key: its row, or with the highest bit its place in the lists.
    Links = 18,
    /// `u32` values: for each key with several rows their count and the rows.
    Lists = 19,
    /// Lines of a blocked Bloom filter over the keys.
    Filter = 22,
    /// A bloom filter of DCSO, head and bits, in place of digests.
    Bloom = 21,
    /// PhotoDNA, each behind the digest of its file, in order.
    PhotoDna = 32,
    /// PDQ, likewise.
    Pdq = 33,
}

impl Kind {
    /// Returns the words for error messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "section meta",
            Self::Categories => "section categories",
            Self::Sizes => "section sizes",
            Self::Classes => "section classes",
            Self::KeyOfRow => "section keys of rows",
            Self::Checks => "section page checks",
            Self::DistinctSizes => "section distinct sizes",
            Self::Fan => "section prefix table",
            Self::Keys => "section keys",
            Self::Links => "section links",
            Self::Lists => "section lists",
            Self::Filter => "section filter",
            Self::Bloom => "section bloom filter",
            Self::PhotoDna => "section PhotoDNA",
            Self::Pdq => "section PDQ",
        }
    }

    /// Returns the section of perceptual digests of that kind.
    pub(crate) const fn of_perceptual(kind: PerceptualKind) -> Self {
        match kind {
            PerceptualKind::PhotoDna => Self::PhotoDna,
            PerceptualKind::Pdq => Self::Pdq,
        }
    }
}

/// Returns the number of an algorithm in section tables.
pub(crate) const fn algorithm_number(algorithm: Algorithm) -> u32 {
    match algorithm {
        Algorithm::Md5 => 1,
        Algorithm::Sha1 => 2,
        Algorithm::Sha256 => 3,
        Algorithm::Sha512 => 4,
        Algorithm::Sha3_256 => 5,
        Algorithm::Blake3 => 6,
    }
}

/// One entry of the section table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// A [`Kind`] as a number.
    pub(crate) kind: u32,
    /// The algorithm it belongs to, or [`NO_ALGORITHM`].
    pub(crate) algorithm: u32,
    /// Where it starts in the file.
    pub(crate) offset: u64,
    /// How many bytes it has.
    pub(crate) len: u64,
    /// How many elements it has.
    pub(crate) count: u64,
    /// The BLAKE3 of its bytes.
    pub(crate) digest: [u8; 32],
}

impl Section {
    /// Appends the entry.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.kind.to_le_bytes());
        out.extend_from_slice(&self.algorithm.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.digest);
    }

    /// Reads an entry of [`ENTRY_LEN`] bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            kind: read_u32(bytes, 0)?,
            algorithm: read_u32(bytes, 4)?,
            offset: read_u64(bytes, 8)?,
            len: read_u64(bytes, 16)?,
            count: read_u64(bytes, 24)?,
            digest: *bytes.get(32..)?.first_chunk()?,
        })
    }
}

/// The JSON of the meta section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Which program compiled the index.
    pub(crate) builder: String,
    /// The set.
    pub(crate) identity: SetIdentity,
    /// What became of the rows of its source.
    pub(crate) report: ImportReport,
    /// The name of the key by which all digests are keyed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) keyed: Option<String>,
}

impl Meta {
    /// Returns the name and version of this program.
    pub(crate) fn this_builder() -> String {
        format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    }
}

/// Returns how many leading bits the prefix table of `keys` keys resolves: 8 to 16 keys share one.
pub(crate) const fn fan_bits(keys: u64) -> u32 {
    match keys.checked_ilog2() {
        Some(log) => log.saturating_sub(3),
        None => 0,
    }
}

/// Reads a `u32` at that byte.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a `u64` at that byte.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads the element `place` of a section of `u32`.
pub(crate) fn u32_at(section: &[u8], place: usize) -> Option<u32> {
    read_u32(section, place.checked_mul(4)?)
}
