//! VHD of Virtual PC and Hyper-V: fixed, dynamic, differencing. Microsoft, "Virtual Hard Disk Image
//! Format Specification", version 1.0.

use std::sync::Arc;

use triage_evidence::{ByteSource, Facts, Problem, Slice, hex};

use crate::blocks::{Blocked, Blocks, DOUBLED, is_doubled, of_all, read_stored};
use crate::bytes::{damaged, read_vec, short, slice_at, unsupported};
use crate::cache::Cache;
use crate::open::Image;
use crate::qcow2::read_parent;
use crate::sibling::Place;

/// The footer, which a dynamic disk repeats at the beginning.
const COOKIE: &[u8] = b"conectix";
const FOOTER_BYTES: u64 = 512;
/// The header of a dynamic disk.
const HEADER_COOKIE: &[u8] = b"cxsparse";
const HEADER_BYTES: usize = 1024;
/// An entry of the table for a block that is not stored.
const UNUSED: u32 = u32::MAX;
/// The most blocks: the specification allows disks of 2,040 GiB in blocks of 512 KiB.
const LIMIT_BLOCKS: u32 = 16 * 1024 * 1024;
/// What the record calls the identifier of an image, by which a child knows its parent.
const IDENTIFIER: &str = "vhd_identifier";
/// Bitmaps of blocks that are kept.
const CACHE_BITMAPS: usize = 256;

/// Says whether a file is one by its first or last bytes.
pub(crate) fn is(first: &[u8], last: &[u8]) -> bool {
    first.starts_with(COOKIE) || last.starts_with(COOKIE)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    slice_at(bytes, at, 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    slice_at(bytes, at, 8)?.try_into().ok().map(u64::from_be_bytes)
}

/// The complement of the sum of all bytes but the four of the checksum itself.
fn fits(bytes: &[u8], at: usize) -> bool {
    let own = at..at + 4;
    let others = bytes.iter().enumerate().filter(|(place, _)| !own.contains(place));
    let sum = others.fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)));
    u32_be(bytes, at) == Some(!sum)
}

/// A bit for each sector of a block, in whole sectors, stands before the block.
const fn bitmap_bytes(block_bytes: u64) -> u64 {
    (block_bytes / 512).div_ceil(8).next_multiple_of(512)
}

struct Vhd {
    file: Arc<dyn ByteSource>,
    parent: Option<Arc<dyn ByteSource>>,
    is_differencing: bool,
    size_bytes: u64,
    block_bytes: u64,
    table: Vec<u32>,
    bitmaps: Cache<Vec<u8>>,
}

/// Opens an image.
///
/// # Errors
/// A [`Problem`] if it makes no sense or its parent is missing.
pub(crate) fn open(file: Arc<dyn ByteSource>, place: Place<'_>) -> Result<Image, Problem> {
    let mut facts = Facts::default();
    let footer = footer(&file, &mut facts)?;
    let broken = || damaged("the footer of the VHD image makes no sense");
    let size_bytes = u64_be(&footer, 48).ok_or_else(broken)?;
    let identifier = slice_at(&footer, 68, 16).map(hex).ok_or_else(broken)?;
    facts.pairs.insert(IDENTIFIER.to_owned(), identifier);
    match u32_be(&footer, 60).ok_or_else(broken)? {
        2 => {
            let held = file.size_bytes().saturating_sub(FOOTER_BYTES);
            if held < size_bytes {
                let text = "the image ends before the disk does";
                facts.notes.push(damaged(text).at(held).losing(size_bytes - held));
            }
            let source = Slice::new(file, 0, size_bytes.min(held));
            Ok(Image::new("vhd", Arc::new(source), facts))
        }
        kind @ (3 | 4) => {
            let at = u64_be(&footer, 16).ok_or_else(broken)?;
            let vhd = dynamic(file, at, size_bytes, kind == 4, place, &mut facts)?;
            Ok(Image::new("vhd", Arc::new(Blocked(vhd)), facts))
        }
        kind => Err(unsupported(format!("a VHD image of type {kind} is not read"))),
    }
}

/// Reads the footer, or its copy at the beginning.
fn footer(file: &Arc<dyn ByteSource>, facts: &mut Facts) -> Result<Vec<u8>, Problem> {
    let end = file.size_bytes().saturating_sub(FOOTER_BYTES);
    let is_sound = |bytes: &Vec<u8>| bytes.starts_with(COOKIE) && fits(bytes, 64);
    let footer = read_vec(file, end, 512)?;
    if is_sound(&footer) {
        return Ok(footer);
    }
    let copy = read_vec(file, 0, 512)?;
    if is_sound(&copy) {
        facts.notes.push(damaged("the footer of the image is damaged: its copy was read"));
        return Ok(copy);
    }
    // Some tools change a footer and leave its checksum: what both say alike is taken, and noted.
    if copy == footer && footer.starts_with(COOKIE) {
        facts.notes.push(damaged("the footer of the image does not fit its checksum"));
        return Ok(footer);
    }
    Err(damaged("the footer of the VHD image is damaged"))
}

fn dynamic(
    file: Arc<dyn ByteSource>,
    at: u64,
    size_bytes: u64,
    is_differencing: bool,
    place: Place<'_>,
    facts: &mut Facts,
) -> Result<Vhd, Problem> {
    let header = read_vec(&file, at, HEADER_BYTES)?;
    let broken = || damaged("the header of the VHD image makes no sense");
    if !header.starts_with(HEADER_COOKIE) {
        return Err(broken());
    }
    if !fits(&header, 36) {
        facts.notes.push(damaged("the header of the image does not fit its checksum"));
    }
    let block_bytes = u64::from(u32_be(&header, 32).ok_or_else(broken)?);
    let entries = u32_be(&header, 28).ok_or_else(broken)?;
    let makes_sense = block_bytes.is_power_of_two() && (512..=256 << 20).contains(&block_bytes);
    if !makes_sense || entries > LIMIT_BLOCKS {
        return Err(broken());
    }
    let start = u64_be(&header, 16).ok_or_else(broken)?;
    let bytes = read_vec(&file, start, short(u64::from(entries) * 4))?;
    let table: Vec<u32> = bytes.chunks_exact(4).filter_map(|entry| u32_be(entry, 0)).collect();
    let described = u64::from(entries).saturating_mul(block_bytes);
    if described < size_bytes {
        let text = "the table of the image is too short for its disk";
        facts.notes.push(damaged(text).at(described).losing(size_bytes - described));
    }
    let stored = table.iter().filter(|&&entry| entry != UNUSED);
    if is_doubled(
        stored.map(|&entry| u64::from(entry) * 512),
        bitmap_bytes(block_bytes) + block_bytes,
    ) {
        facts.notes.push(damaged(DOUBLED));
    }
    let parent = if is_differencing {
        let units = slice_at(&header, 64, 512).unwrap_or_default().chunks_exact(2);
        let units = units.map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
        let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
        let name = String::from_utf16_lossy(&units);
        let image = place.open_parent(&name)?;
        let own = slice_at(&header, 40, 16).map(hex);
        if own.as_ref() != image.facts.pairs.get(IDENTIFIER) {
            let text = "the file beside the image is not the parent that it was made from";
            facts.notes.push(damaged(text));
        }
        let held = image.source.size_bytes();
        if held < size_bytes {
            let text = "the parent of the image is smaller than its disk";
            facts.notes.push(damaged(text).at(held).losing(size_bytes - held));
        }
        facts.pairs.insert("parent".to_owned(), triage_evidence::escape(name.as_bytes()));
        facts.notes.extend(image.facts.notes);
        Some(image.source)
    } else {
        None
    };
    let bitmaps = Cache::new(CACHE_BITMAPS, bitmap_bytes(block_bytes));
    Ok(Vhd { file, parent, is_differencing, size_bytes, block_bytes, table, bitmaps })
}

impl Blocks for Vhd {
    fn disk_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem> {
        let at = number.saturating_mul(self.block_bytes).saturating_add(within);
        let entry = self.table.get(short(number)).copied();
        let entry = entry.ok_or_else(|| damaged("the table of the image is too short"))?;
        if entry == UNUSED {
            return read_parent(self.parent.as_ref(), at, out);
        }
        let start = u64::from(entry) * 512;
        let bitmap_bytes = bitmap_bytes(self.block_bytes);
        let data = start.saturating_add(bitmap_bytes).saturating_add(within);
        if !self.is_differencing {
            return read_stored(&self.file, data, out);
        }
        let read = || read_vec(&self.file, start, short(bitmap_bytes));
        let bitmap = self.bitmaps.get(number, read).map_err(of_all)?;
        // Sector by sector: a set bit says that this image holds it, not its parent.
        let mut done = 0;
        while done < out.len() {
            let place = within + done as u64;
            let part = short(512 - place % 512).min(out.len() - done);
            let sector = place / 512;
            let byte = bitmap.get(short(sector / 8)).copied().unwrap_or(0);
            let piece = &mut out[done..done + part];
            let read = if byte & (0x80 >> (sector % 8)) != 0 {
                read_stored(&self.file, data.saturating_add(done as u64), piece)
            } else {
                read_parent(self.parent.as_ref(), at + done as u64, piece)
            };
            read.map_err(|problem| {
                let within = problem.offset.unwrap_or(0);
                Problem { lost_bytes: problem.lost_bytes.or(Some(part as u64)), ..problem }
                    .at(done as u64 + within)
            })?;
            done += part;
        }
        Ok(())
    }
}
