//! VMDK of VMware: sparse, compressed for streams, and flat with a descriptor. VMware, "Virtual Disk
//! Format 5.0".
//!
//! A disk with a parent (a snapshot) is refused: name the snapshot's base, or export the disk.

use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};
use triage_evidence::{ByteSource, Facts, Problem, Slice};

use crate::blocks::{Blocked, Blocks, of_all, read_stored};
use crate::bytes::{damaged, read_vec, short, slice_at, u16_at, u32_at, u64_at, unsupported};
use crate::cache::Cache;
use crate::joined::Joined;
use crate::open::Image;
use crate::sibling::Place;

/// The beginning of a sparse extent, and of a descriptor that is a file of its own.
const MAGIC: &[u8] = b"KDMV";
const DESCRIPTOR: &[u8] = b"# Disk DescriptorFile";
/// The footer holds the place of the directory if the header says this.
const AT_END: u64 = u64::MAX;
/// Flags of the header.
const ZEROED_GRAINS: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;
/// The longest descriptor that is read: common ones have some hundreds of bytes.
const LIMIT_DESCRIPTOR_BYTES: u64 = 1024 * 1024;
/// The most extents of a disk, and entries of a directory: a disk of 32 TiB.
const LIMIT_EXTENTS: usize = 4096;
const LIMIT_DIRECTORY: u64 = 1024 * 1024;
/// Tables and grains that are kept.
const CACHE_TABLES: usize = 256;
const CACHE_GRAINS: usize = 512;

pub(crate) fn is(first: &[u8]) -> bool {
    first.starts_with(MAGIC) || first.starts_with(DESCRIPTOR)
}

/// Opens an image.
///
/// # Errors
/// A [`Problem`] if it makes no sense, has a parent, or an extent of it is missing.
pub(crate) fn open(file: Arc<dyn ByteSource>, place: Place<'_>) -> Result<Image, Problem> {
    let first = read_vec(&file, 0, 4)?;
    let mut facts = Facts::default();
    if first == MAGIC {
        let sparse = sparse(file)?;
        return Ok(Image::new("vmdk", Arc::new(Blocked(sparse)), facts));
    }
    let length = file.size_bytes().min(LIMIT_DESCRIPTOR_BYTES);
    let text = read_vec(&file, 0, short(length))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    refuse_parent(&text)?;
    let mut extents: Vec<Arc<dyn ByteSource>> = Vec::new();
    for line in text.lines() {
        if let Some(extent) = extent(line, place)? {
            extents.push(extent);
        }
        if extents.len() > LIMIT_EXTENTS {
            return Err(damaged(format!("the disk has more than {LIMIT_EXTENTS} extents")));
        }
    }
    if extents.is_empty() {
        return Err(damaged("the descriptor of the VMDK image names no extent"));
    }
    facts.pairs.insert("extents".to_owned(), extents.len().to_string());
    Ok(Image::new("vmdk", Arc::new(Joined::new(extents)), facts))
}

/// Says no to a disk that holds only what differs from another one.
fn refuse_parent(descriptor: &str) -> Result<(), Problem> {
    let parent = descriptor.lines().find_map(|line| line.trim().strip_prefix("parentCID="));
    match parent.map(str::trim) {
        None | Some("ffffffff") => Ok(()),
        Some(_) => Err(unsupported("a VMDK image with a parent (a snapshot) is not read")),
    }
}

/// Opens what a line of a descriptor names: `RW 4192256 SPARSE "disk-s001.vmdk"`.
fn extent(line: &str, place: Place<'_>) -> Result<Option<Arc<dyn ByteSource>>, Problem> {
    let mut words = line.split_whitespace();
    if !matches!(words.next(), Some("RW" | "RDONLY")) {
        return Ok(None);
    }
    let broken = || damaged("an extent of the VMDK image makes no sense");
    let sectors: u64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(broken)?;
    let size_bytes = sectors.checked_mul(512).ok_or_else(broken)?;
    let kind = words.next().ok_or_else(broken)?;
    let name = line.split('"').nth(1);
    let after = line.rsplit('"').next().and_then(|rest| rest.trim().parse::<u64>().ok());
    let source: Arc<dyn ByteSource> = match kind {
        "ZERO" => Arc::new(Zeros(size_bytes)),
        "FLAT" | "VMFS" => {
            let file = place.open_raw(name.ok_or_else(broken)?)?;
            let start = after.unwrap_or(0).saturating_mul(512);
            let slice = Slice::new(file, start, size_bytes);
            if slice.size_bytes() < size_bytes {
                return Err(damaged("an extent of the VMDK image is shorter than it should be"));
            }
            Arc::new(slice)
        }
        "SPARSE" => {
            let sparse = sparse(place.open_raw(name.ok_or_else(broken)?)?)?;
            Arc::new(Slice::new(Arc::new(Blocked(sparse)), 0, size_bytes))
        }
        other => return Err(unsupported(format!("a VMDK extent of kind {other} is not read"))),
    };
    Ok(Some(source))
}

/// A range that holds zeros.
struct Zeros(u64);

impl ByteSource for Zeros {
    fn size_bytes(&self) -> u64 {
        self.0
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let length = short(self.0.saturating_sub(offset)).min(buffer.len());
        buffer[..length].fill(0);
        Ok(length)
    }
}

struct Sparse {
    file: Arc<dyn ByteSource>,
    size_bytes: u64,
    grain_bytes: u64,
    per_table: u64,
    has_zeroed: bool,
    is_compressed: bool,
    directory: Vec<u32>,
    tables: Cache<Vec<u32>>,
    grains: Cache<Vec<u8>>,
}

/// Reads the header of a sparse extent and its directory.
fn sparse(file: Arc<dyn ByteSource>) -> Result<Sparse, Problem> {
    let broken = || damaged("the header of the VMDK image makes no sense");
    let mut head = read_vec(&file, 0, 512)?;
    if !head.starts_with(MAGIC) {
        return Err(broken());
    }
    let (at, sectors) = (u64_at(&head, 28).unwrap_or(0), u64_at(&head, 36).unwrap_or(0));
    if at > 0 && sectors > 0 {
        let length = sectors.saturating_mul(512).min(LIMIT_DESCRIPTOR_BYTES);
        let text = read_vec(&file, at.saturating_mul(512), short(length))?;
        refuse_parent(&String::from_utf8_lossy(&text))?;
    }
    if u64_at(&head, 56) == Some(AT_END) {
        // The footer stands before the marker of the end, one sector each.
        let footer = file.size_bytes().saturating_sub(1024);
        head = read_vec(&file, footer, 512)?;
        if !head.starts_with(MAGIC) {
            return Err(damaged("the footer of the VMDK image is missing: it was cut off"));
        }
    }
    let word = |at| u64_at(&head, at).ok_or_else(broken);
    let flags = u32_at(&head, 8).ok_or_else(broken)?;
    let grain_bytes = word(20)?.saturating_mul(512);
    let per_table = u64::from(u32_at(&head, 44).ok_or_else(broken)?);
    let size_bytes = word(12)?.saturating_mul(512);
    let is_sound = grain_bytes.is_power_of_two()
        && (4096..=1 << 24).contains(&grain_bytes)
        && (1..=65536).contains(&per_table);
    let entries = size_bytes.div_ceil(grain_bytes.max(1)).div_ceil(per_table.max(1));
    if !is_sound || entries > LIMIT_DIRECTORY {
        return Err(broken());
    }
    let is_compressed = flags & COMPRESSED != 0;
    if is_compressed && u16_at(&head, 77) != Some(1) {
        return Err(unsupported("the VMDK image is compressed in a way that is not read"));
    }
    let bytes = read_vec(&file, word(56)?.saturating_mul(512), short(entries * 4))?;
    Ok(Sparse {
        file,
        size_bytes,
        grain_bytes,
        per_table,
        has_zeroed: flags & ZEROED_GRAINS != 0,
        is_compressed,
        directory: bytes.chunks_exact(4).filter_map(|entry| u32_at(entry, 0)).collect(),
        tables: Cache::new(CACHE_TABLES, per_table * 8),
        grains: Cache::new(CACHE_GRAINS, grain_bytes),
    })
}

impl Sparse {
    /// Returns the sector of a grain; 0 if it is not stored, 1 if it holds zeros.
    fn entry(&self, grain: u64) -> Result<u32, Problem> {
        let place = grain / self.per_table;
        let table = self.directory.get(short(place)).copied();
        let table = table.ok_or_else(|| damaged("the directory of the image is too short"))?;
        if table == 0 {
            return Ok(0);
        }
        let read = || {
            let bytes = read_vec(&self.file, u64::from(table) * 512, short(self.per_table * 4))?;
            Ok::<_, Problem>(bytes.chunks_exact(4).filter_map(|entry| u32_at(entry, 0)).collect())
        };
        let entries = self.tables.get(place, read)?;
        let within = short(grain % self.per_table);
        entries.get(within).copied().ok_or_else(|| damaged("a table of the image is cut off"))
    }

    /// Decompresses a grain: its number in sectors, its length, and a zlib stream.
    fn inflate(&self, sector: u32, grain: u64) -> Result<Vec<u8>, Problem> {
        let broken = || damaged("a compressed grain of the image is damaged");
        let at = u64::from(sector) * 512;
        let marker = read_vec(&self.file, at, 12)?;
        let number = u64_at(&marker, 0).ok_or_else(broken)?;
        let length = u64::from(u32_at(&marker, 8).ok_or_else(broken)?);
        if number.saturating_mul(512) != grain * self.grain_bytes || length > 2 * self.grain_bytes {
            return Err(broken());
        }
        let bytes = read_vec(&self.file, at + 12, short(length))?;
        let mut out = vec![0; short(self.grain_bytes)];
        let mut inflater = Decompress::new(true);
        match inflater.decompress(&bytes, &mut out, FlushDecompress::Finish) {
            // The last grain may be shorter than the others.
            Ok(Status::StreamEnd) => Ok(out),
            _ => Err(broken()),
        }
    }
}

impl Blocks for Sparse {
    fn disk_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        self.grain_bytes
    }

    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem> {
        let sector = self.entry(number).map_err(of_all)?;
        if sector == 0 || sector == 1 && self.has_zeroed {
            out.fill(0);
            return Ok(());
        }
        if !self.is_compressed {
            return read_stored(&self.file, u64::from(sector) * 512 + within, out);
        }
        let grain = self.grains.get(number, || self.inflate(sector, number)).map_err(of_all)?;
        let from = slice_at(&grain, short(within), out.len());
        out.copy_from_slice(from.ok_or_else(|| damaged("a grain is too short"))?);
        Ok(())
    }
}
