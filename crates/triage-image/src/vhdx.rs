//! VHDX of Hyper-V: fixed and dynamic. [MS-VHDX].
//!
//! The log is not replayed: one that holds entries is noted. Differencing disks are refused.

use std::sync::Arc;

use triage_evidence::{ByteSource, Facts, Problem, hex};

use crate::blocks::{Blocked, Blocks, DOUBLED, is_doubled, of_all, read_stored};
use crate::bytes::{damaged, read_vec, short, slice_at, u16_at, u32_at, u64_at, unsupported};
use crate::cache::Cache;
use crate::crc32c::crc32c;
use crate::open::Image;

/// The beginning.
const MAGIC: &[u8] = b"vhdxfile";
/// Where the two headers and the two region tables stand.
const HEADERS: [u64; 2] = [64 * 1024, 128 * 1024];
const REGIONS: [u64; 2] = [192 * 1024, 256 * 1024];
/// How much of a header its checksum is of.
const HEADER_BYTES: usize = 4096;
/// How many entries of the table of blocks are looked at when the image is opened: a disk of 8 TiB
/// in blocks of 1 MiB.
const LIMIT_LOOKED_AT: u64 = 8 * 1024 * 1024;
/// How long a region table and a metadata table are.
const TABLE_BYTES: usize = 64 * 1024;
/// [MS-VHDX] 2.2.3.2: the regions.
const BAT: &str = "6677c22d23f600429d64115e9bfd4a08";
const METADATA: &str = "06a27c8b90479a4bb8fe575f050f886e";
/// [MS-VHDX] 2.6.2: the items of metadata.
const FILE_PARAMETERS: &str = "3767a1ca36fa434db3b633f0aa44e76b";
const DISK_SIZE: &str = "2442a52f1bcd7648b2115dbed83bf4b8";
const SECTOR_SIZE: &str = "1dbf41816fa90947ba47f233a8faab5f";
/// Entries of the table that are read at once.
const PIECE_ENTRIES: u64 = 8192;
/// Pieces of the table that are kept.
const CACHE_PIECES: usize = 64;
/// [MS-VHDX] 2.5.1.1: the block is stored in full.
const FULLY_PRESENT: u64 = 6;

pub(crate) fn is(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

struct Vhdx {
    file: Arc<dyn ByteSource>,
    size_bytes: u64,
    block_bytes: u64,
    /// How many payload blocks stand before an entry that is not one.
    chunk_ratio: u64,
    table_start: u64,
    table_bytes: u64,
    table: Cache<Vec<u64>>,
}

/// Opens an image.
///
/// # Errors
/// A [`Problem`] if it makes no sense or is a differencing disk.
pub(crate) fn open(file: Arc<dyn ByteSource>) -> Result<Image, Problem> {
    let broken = || damaged("the tables of the VHDX image make no sense");
    let mut facts = Facts::default();
    look_at_headers(&file, &mut facts.notes);
    let regions = regions(&file, &mut facts.notes).ok_or_else(broken)?;
    let region = |wanted: &str| {
        let count = short(u64::from(u32_at(&regions, 8)?)).min(2047);
        let entries = regions.get(16..)?.chunks_exact(32).take(count);
        let entry = entries.into_iter().find(|entry| hex(&entry[..16]) == wanted)?;
        Some((u64_at(entry, 16)?, u64::from(u32_at(entry, 24)?)))
    };
    let (metadata_start, _) = region(METADATA).ok_or_else(broken)?;
    let (table_start, table_bytes) = region(BAT).ok_or_else(broken)?;
    let metadata = read_vec(&file, metadata_start, TABLE_BYTES)?;
    let item = |wanted: &str, length: usize| {
        let count = usize::from(u16_at(&metadata, 10)?).min(2047);
        let entries = metadata.get(32..)?.chunks_exact(32).take(count);
        let entry = entries.into_iter().find(|entry| hex(&entry[..16]) == wanted)?;
        let at = metadata_start.checked_add(u64::from(u32_at(entry, 16)?))?;
        read_vec(&file, at, length).ok()
    };
    let parameters = item(FILE_PARAMETERS, 8).ok_or_else(broken)?;
    let size = item(DISK_SIZE, 8).ok_or_else(broken)?;
    let sector = item(SECTOR_SIZE, 4).ok_or_else(broken)?;
    if u32_at(&parameters, 4).ok_or_else(broken)? & 2 != 0 {
        return Err(unsupported("a differencing VHDX image is not read"));
    }
    let block_bytes = u64::from(u32_at(&parameters, 0).ok_or_else(broken)?);
    let sector_bytes = u64::from(u32_at(&sector, 0).ok_or_else(broken)?);
    let is_sound = block_bytes.is_power_of_two()
        && (1 << 20..=256 << 20).contains(&block_bytes)
        && matches!(sector_bytes, 512 | 4096);
    if !is_sound {
        return Err(broken());
    }
    let vhdx = Vhdx {
        file,
        size_bytes: u64_at(&size, 0).ok_or_else(broken)?,
        block_bytes,
        chunk_ratio: (sector_bytes << 23) / block_bytes,
        table_start,
        table_bytes,
        table: Cache::new(CACHE_PIECES, PIECE_ENTRIES * 8),
    };
    look_at_table(&vhdx, &mut facts.notes);
    Ok(Image::new("vhdx", Arc::new(Blocked(vhdx)), facts))
}

/// Reads a structure if it begins with its signature, and says whether it fits the checksum at 4.
fn checked(
    file: &Arc<dyn ByteSource>,
    at: u64,
    length: usize,
    signature: &[u8],
) -> Option<(Vec<u8>, bool)> {
    let bytes = read_vec(file, at, length).ok().filter(|bytes| bytes.starts_with(signature))?;
    let mut summed = bytes.clone();
    summed.get_mut(4..8)?.fill(0);
    let is_sound = u32_at(&bytes, 4) == Some(crc32c(&summed));
    Some((bytes, is_sound))
}

/// Looks at both headers: the newer of the sound ones says whether there is a log.
fn look_at_headers(file: &Arc<dyn ByteSource>, notes: &mut Vec<Problem>) {
    let headers: Vec<_> =
        HEADERS.into_iter().filter_map(|at| checked(file, at, HEADER_BYTES, b"head")).collect();
    let sound = headers
        .iter()
        .filter(|header| header.1)
        .filter_map(|(header, _)| Some((u64_at(header, 8)?, slice_at(header, 48, 16)?)));
    let sound: Vec<_> = sound.collect();
    if sound.len() < HEADERS.len() {
        notes.push(damaged("a header of the image is damaged: its log may hold changes"));
    }
    if sound.iter().max().is_some_and(|(_, log)| log.iter().any(|&byte| byte != 0)) {
        let text = "the log of the image holds changes; it is not replayed";
        notes.push(unsupported(text));
    }
}

/// Returns the first region table that fits its checksum, or else the first that calls itself one.
fn regions(file: &Arc<dyn ByteSource>, notes: &mut Vec<Problem>) -> Option<Vec<u8>> {
    let tables: Vec<_> =
        REGIONS.into_iter().filter_map(|at| checked(file, at, TABLE_BYTES, b"regi")).collect();
    let sound = tables.iter().filter(|table| table.1).count();
    if sound < REGIONS.len() {
        notes.push(damaged("a region table of the image is damaged"));
    }
    let best = tables.iter().find(|table| table.1).or(tables.first());
    best.map(|(table, _)| table.clone())
}

/// Looks at the table of blocks, as far as it is not too long for that.
fn look_at_table(vhdx: &Vhdx, notes: &mut Vec<Problem>) {
    let count = vhdx.size_bytes.div_ceil(vhdx.block_bytes);
    let count = count.saturating_add(count.saturating_sub(1) / vhdx.chunk_ratio.max(1));
    let (mut starts, mut has_unread, mut is_longer) = (Vec::new(), false, false);
    let held = (vhdx.table_bytes / 8).min(LIMIT_LOOKED_AT);
    for piece in 0..held.div_ceil(PIECE_ENTRIES) {
        // What cannot be read is told by whoever reads the blocks.
        let Ok(entries) = vhdx.piece(piece) else { continue };
        for (place, &entry) in (piece * PIECE_ENTRIES..).zip(entries.iter()) {
            let is_stored = entry & 7 == FULLY_PRESENT;
            is_longer |= place >= count && entry != 0;
            has_unread |= !is_stored && entry >> 20 != 0;
            starts.extend(is_stored.then_some(entry >> 20 << 20));
        }
    }
    if is_longer {
        notes.push(damaged("the image holds blocks behind the end of its disk"));
    }
    if has_unread {
        let text = "blocks of the image have a place and are said to hold nothing: not read";
        notes.push(unsupported(text));
    }
    if is_doubled(starts.into_iter(), vhdx.block_bytes) {
        notes.push(damaged(DOUBLED));
    }
}

impl Vhdx {
    /// Returns a piece of the table of blocks.
    fn piece(&self, piece: u64) -> Result<Arc<Vec<u64>>, Problem> {
        self.table.get(piece, || {
            let start = piece * PIECE_ENTRIES * 8;
            let left = self.table_bytes.saturating_sub(start).min(PIECE_ENTRIES * 8);
            let bytes = read_vec(&self.file, self.table_start.saturating_add(start), short(left))?;
            Ok(bytes.chunks_exact(8).filter_map(|entry| u64_at(entry, 0)).collect())
        })
    }
}

impl Blocks for Vhdx {
    fn disk_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem> {
        // Behind each chunk of payload blocks stands one entry of a bitmap block.
        let place = number + number / self.chunk_ratio.max(1);
        let piece = place / PIECE_ENTRIES;
        let entries = self.piece(piece).map_err(of_all)?;
        let entry = entries.get(short(place % PIECE_ENTRIES)).copied();
        let entry = entry.ok_or_else(|| damaged("the table of the image is too short"))?;
        match entry & 7 {
            FULLY_PRESENT => {
                let start = entry >> 20 << 20;
                read_stored(&self.file, start.saturating_add(within), out)
            }
            0..=3 => {
                out.fill(0);
                Ok(())
            }
            state => Err(damaged(format!("a block of the image is in state {state}"))),
        }
    }
}
