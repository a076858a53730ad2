//! The GUID partition table. UEFI specification 2.10, section 5.3.

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{has, read, slice_at, u16_at, u32_at, u64_at};
use crate::map::{Found, Volume};
use crate::type_name;

/// The least that a header holds.
const HEADER_BYTES: usize = 92;
/// The most that is read of an array of entries: a common table takes 16 KiB.
const LIMIT_ARRAY_BYTES: u64 = 4 * 1024 * 1024;
/// Entries behind this one are not read: common tables have 128.
const LIMIT_ENTRIES: u32 = 4096;
/// The sector sizes of disks that carry a table.
const SECTOR_BYTES: [u64; 2] = [512, 4096];

/// A header that agrees with its checksum.
struct Header {
    /// Where the other copy of the header stands.
    other: u64,
    array: u64,
    count: u32,
    entry_bytes: u32,
    array_crc: u32,
    first_usable: u64,
    last_usable: u64,
    identifier: String,
}

/// Reads the table of a disk, or its copy at the end; `None` if there is neither.
pub(crate) fn read_table(source: &dyn ByteSource) -> Option<Found> {
    let last = |sector: u64| source.size_bytes().checked_div(sector).unwrap_or(0).saturating_sub(1);
    let own = u64::from(source.sector_bytes());
    let sizes = [own].into_iter().chain(SECTOR_BYTES.into_iter().filter(|&size| size != own));
    for sector in sizes.clone().filter(|&size| size >= 512) {
        if let Some(header) = read_header(source, 1, sector) {
            return Some(first_table(source, &header, sector));
        }
    }
    for sector in sizes.filter(|&size| size >= 512) {
        if let Some(header) = read_header(source, last(sector), sector) {
            let text = "the partition table (GPT) is damaged: its copy at the end was read";
            return Some(table(source, &header, sector, Some(damaged(text))));
        }
    }
    None
}

/// Reads the table at the beginning: its entries from the copy if only that has sound ones.
fn first_table(source: &dyn ByteSource, header: &Header, sector: u64) -> Found {
    let end = header.other.saturating_add(1).saturating_mul(sector);
    let copy = read_header(source, header.other, sector);
    let notes = if end > source.size_bytes() {
        let text = "the disk ends before the copy of its partition table (GPT)";
        let lost = end.saturating_sub(source.size_bytes());
        vec![damaged(text).at(source.size_bytes()).losing(lost)]
    } else {
        let text = match &copy {
            None => Some("the copy of the partition table (GPT) is damaged"),
            Some(copy) if copy.array_crc != header.array_crc => {
                Some("the partition table (GPT) and its copy differ")
            }
            Some(_) => None,
        };
        text.map(damaged).into_iter().collect()
    };
    let is_sound = |header: &Header| fits(header, &array(source, header, sector));
    let sound = copy.filter(|copy| !is_sound(header) && is_sound(copy));
    let mut found = table(source, sound.as_ref().unwrap_or(header), sector, None);
    if sound.is_some() {
        let text = "the entries of the partition table are damaged: their copy was read";
        found.notes.push(damaged(text));
    }
    found.notes.extend(notes);
    found
}

/// Says whether the disk has something that calls itself a table although it is damaged.
pub(crate) fn is_signed(source: &dyn ByteSource) -> bool {
    SECTOR_BYTES.into_iter().any(|sector| has(&read(source, sector, 8), 0, b"EFI PART"))
}

fn read_header(source: &dyn ByteSource, at: u64, sector: u64) -> Option<Header> {
    let bytes = read(source, at.checked_mul(sector)?, usize::try_from(sector).ok()?);
    if !has(&bytes, 0, b"EFI PART") || u64_at(&bytes, 24)? != at {
        return None;
    }
    let size = usize::try_from(u32_at(&bytes, 12)?).ok().filter(|&size| size >= HEADER_BYTES)?;
    let mut checked = slice_at(&bytes, 0, size)?.to_vec();
    checked.get_mut(16..20)?.fill(0);
    if crc32fast::hash(&checked) != u32_at(&bytes, 16)? {
        return None;
    }
    Some(Header {
        other: u64_at(&bytes, 32)?,
        first_usable: u64_at(&bytes, 40)?,
        last_usable: u64_at(&bytes, 48)?,
        identifier: guid(slice_at(&bytes, 56, 16)?)?,
        array: u64_at(&bytes, 72)?,
        count: u32_at(&bytes, 80)?,
        entry_bytes: u32_at(&bytes, 84)?,
        array_crc: u32_at(&bytes, 88)?,
    })
}

fn table(source: &dyn ByteSource, header: &Header, sector: u64, note: Option<Problem>) -> Found {
    let mut found = Found { notes: note.into_iter().collect(), ..Found::default() };
    found.identifier = Some(header.identifier.clone());
    let entry_bytes = usize::try_from(header.entry_bytes).unwrap_or(0);
    let length = u64::from(header.count).saturating_mul(u64::from(header.entry_bytes));
    if entry_bytes < 128 || length > LIMIT_ARRAY_BYTES || header.count > LIMIT_ENTRIES {
        let text = format!(
            "the partition table says {} entries of {} bytes, more than is read",
            header.count, header.entry_bytes
        );
        found.notes.push(Problem::new(ProblemKind::LimitReached, text));
    }
    let array = array(source, header, sector);
    if !fits(header, &array) {
        found.notes.push(damaged("the entries of the partition table do not fit their checksum"));
    }
    if entry_bytes < 128 {
        return found;
    }
    let limit = usize::try_from(LIMIT_ENTRIES).unwrap_or(0);
    for (number, entry) in (1_u32..).zip(array.chunks_exact(entry_bytes).take(limit)) {
        if let Some(volume) = volume(number, entry, sector) {
            let is_outside = volume.start < header.first_usable.saturating_mul(sector)
                || volume.start.saturating_add(volume.size_bytes)
                    > header.last_usable.saturating_add(1).saturating_mul(sector);
            if is_outside {
                let text = "a volume lies outside the range that the table calls usable";
                found.note(damaged(text), volume.start, 1);
            }
            found.volumes.push(volume);
        }
    }
    found
}

/// Reads the entries of a table, as far as they are read.
fn array(source: &dyn ByteSource, header: &Header, sector: u64) -> Vec<u8> {
    let length = u64::from(header.count).saturating_mul(u64::from(header.entry_bytes));
    let wanted = usize::try_from(length.min(LIMIT_ARRAY_BYTES)).unwrap_or(0);
    read(source, header.array.saturating_mul(sector), wanted)
}

fn fits(header: &Header, array: &[u8]) -> bool {
    crc32fast::hash(array) == header.array_crc
}

fn volume(number: u32, entry: &[u8], sector: u64) -> Option<Volume> {
    let kind = slice_at(entry, 0, 16)?;
    if kind.iter().all(|&byte| byte == 0) {
        return None;
    }
    let (first, last) = (u64_at(entry, 32)?, u64_at(entry, 40)?);
    let name: Vec<u16> = (0..36_usize)
        .filter_map(|place| u16_at(entry, 56_usize.checked_add(place.checked_mul(2)?)?))
        .take_while(|&unit| unit != 0)
        .collect();
    let label: String =
        char::decode_utf16(name).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let count = last.saturating_add(1).saturating_sub(first);
    Some(Volume {
        number,
        start: first.saturating_mul(sector),
        size_bytes: count.saturating_mul(sector),
        type_name: type_name::of_gpt(&guid(kind)?),
        label: (!label.is_empty()).then(|| label.into_bytes()),
        identifier: guid(slice_at(entry, 16, 16)?),
        ..Volume::default()
    })
}

/// Writes a GUID as the UEFI specification does, appendix A: the first three parts little-endian.
fn guid(bytes: &[u8]) -> Option<String> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Some(format!(
        "{:08x}-{:04x}-{:04x}-{}-{}",
        u32_at(bytes, 0)?,
        u16_at(bytes, 4)?,
        u16_at(bytes, 6)?,
        hex(slice_at(bytes, 8, 2)?),
        hex(slice_at(bytes, 10, 6)?)
    ))
}

fn damaged(text: &str) -> Problem {
    Problem::new(ProblemKind::Damaged, text)
}
