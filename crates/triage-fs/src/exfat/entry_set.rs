//! A set of entries: the file, its stream, its name. Specification, sections 7.4, 7.6 and 7.7.

use triage_evidence::{Kind, Time, Times};

use crate::bytes::{slice_at, u8_at, u16_at, u32_at, u64_at};
use crate::fat::dos_time::moment;
use crate::wtf8::wtf8;

/// The length of an entry.
const ENTRY_BYTES: usize = 32;
/// The bit of a type that says that the entry is in use.
pub(super) const IN_USE: u8 = 0x80;
/// Types without that bit.
pub(super) const FILE: u8 = 0x05;
const STREAM: u8 = 0x40;
const NAME: u8 = 0x41;
/// The bit of `FileAttributes`.
const DIRECTORY: u16 = 0x10;
/// The bit of `GeneralSecondaryFlags`: the content is contiguous and has no chain.
const NO_CHAIN: u8 = 0x02;
/// The most entries behind the first: 255 units of a name in parts of 15, and room for others.
const LIMIT_SECONDARIES: u8 = 18;

/// A set of entries that was read.
#[derive(Clone, Debug)]
pub(super) struct EntrySet {
    pub(super) name: Vec<u8>,
    attributes: u16,
    pub(super) size_bytes: u64,
    pub(super) valid_bytes: u64,
    pub(super) first_cluster: u32,
    pub(super) is_contiguous: bool,
    pub(super) is_deleted: bool,
    /// Whether the set fits its checksum; a deleted one cannot.
    pub(super) is_sound: bool,
    pub(super) times: Times,
}

impl EntrySet {
    /// Returns how many entries follow the first of a set.
    pub(super) fn secondaries(first: &[u8]) -> u8 {
        let is_file = u8_at(first, 0).is_some_and(|kind| kind & !IN_USE == FILE);
        let count = u8_at(first, 1).filter(|_| is_file).unwrap_or(0);
        count.min(LIMIT_SECONDARIES)
    }

    /// Reads a set; `None` if it is none. A single entry may be one of the volume's own files.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let kind = u8_at(bytes, 0)?;
        if kind & !IN_USE != FILE {
            return Self::own_file(bytes);
        }
        let stream = slice_at(bytes, ENTRY_BYTES, ENTRY_BYTES)?;
        if u8_at(stream, 0)? & !IN_USE != STREAM {
            return None;
        }
        let mut units = Vec::new();
        let names = bytes.chunks_exact(ENTRY_BYTES).skip(2);
        for entry in names.filter(|entry| u8_at(entry, 0).is_some_and(|k| k & !IN_USE == NAME)) {
            units.extend_from_slice(slice_at(entry, 2, 30)?);
        }
        let length = usize::from(u8_at(stream, 3)?).checked_mul(2)?;
        let is_deleted = kind & IN_USE == 0;
        Some(Self {
            name: wtf8(units.get(..length).unwrap_or(&units)),
            attributes: u16_at(bytes, 4)?,
            size_bytes: u64_at(stream, 24)?,
            valid_bytes: u64_at(stream, 8)?,
            first_cluster: u32_at(stream, 20)?,
            is_contiguous: u8_at(stream, 1)? & NO_CHAIN != 0,
            is_deleted,
            is_sound: is_deleted || checksum(bytes) == u16_at(bytes, 2)?,
            times: times(bytes)?,
        })
    }

    /// The map of clusters and the table of upper case have an entry each, and no name.
    fn own_file(bytes: &[u8]) -> Option<Self> {
        let name: &[u8] = match u8_at(bytes, 0)? {
            0x81 => b"$ALLOC_BITMAP",
            0x82 => b"$UPCASE_TABLE",
            _ => return None,
        };
        let size_bytes = u64_at(bytes, 24)?;
        Some(Self {
            name: name.to_vec(),
            attributes: 0,
            size_bytes,
            valid_bytes: size_bytes,
            first_cluster: u32_at(bytes, 20)?,
            is_contiguous: false,
            is_deleted: false,
            is_sound: true,
            times: Times::default(),
        })
    }

    pub(super) const fn kind(&self) -> Kind {
        if self.attributes & DIRECTORY != 0 { Kind::Directory } else { Kind::File }
    }
}

/// The checksum of a set, its own two bytes left out. Specification, section 6.3.3.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u16;
    for (place, &byte) in bytes.iter().enumerate() {
        if !matches!(place, 2 | 3) {
            sum = sum.rotate_right(1).wrapping_add(u16::from(byte));
        }
    }
    sum
}

/// Reads the times. Specification, sections 7.4.5 to 7.4.10.
fn times(bytes: &[u8]) -> Option<Times> {
    let time = |at: usize, hundredths: Option<usize>, zone: usize| {
        let (clock, date) = (u16_at(bytes, at)?, u16_at(bytes, at.checked_add(2)?)?);
        let hundredths = hundredths.and_then(|at| u8_at(bytes, at)).unwrap_or(0);
        let local = moment(date, clock, hundredths)?;
        Some(in_utc(local, u8_at(bytes, zone)?))
    };
    Some(Times {
        born: time(8, Some(20), 22),
        modified: time(12, Some(21), 23),
        accessed: time(16, None, 24),
        changed: None,
    })
}

/// The offset counts quarters of an hour in seven bits with a sign; the eighth says that it is set.
fn in_utc(local: Time, offset: u8) -> Time {
    if offset & 0x80 == 0 {
        return local;
    }
    let quarters = i64::from(offset & 0x7f);
    let quarters = if quarters >= 64 { quarters.saturating_sub(128) } else { quarters };
    let seconds = local.seconds.saturating_sub(quarters.saturating_mul(900));
    Time { seconds, ..local }
}
