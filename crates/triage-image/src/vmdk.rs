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
const ENDS_OF_LINES: u32 = 1;
const HAS_COPY: u32 = 1 << 1;
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
        let sparse = sparse(file, &mut facts.notes)?;
        return Ok(Image::new("vmdk", Arc::new(Blocked(sparse)), facts));
    }
    let length = file.size_bytes().min(LIMIT_DESCRIPTOR_BYTES);
    let text = read_vec(&file, 0, short(length))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    refuse_parent(&text)?;
    let lines = extent_lines(&text)?;
    if lines.is_empty() {
        return Err(damaged("the descriptor of the VMDK image names no extent"));
    }
    if lines.len() > LIMIT_EXTENTS {
        return Err(damaged(format!("the disk has more than {LIMIT_EXTENTS} extents")));
    }
    facts.pairs.insert("extents".to_owned(), lines.len().to_string());
    let mut extents = Vec::new();
    for line in &lines {
        extents.push(line.open(&lines, place, &mut facts.notes)?);
    }
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

/// An extent in a descriptor: `RW 4192256 SPARSE "disk-s001.vmdk"`.
struct Extent<'a> {
    size_bytes: u64,
    kind: &'a str,
    name: Option<&'a str>,
    /// Where it begins in its file, in bytes.
    start: u64,
}

/// Returns what a descriptor names. Each line of it is empty, a comment, a pair or an extent: one
/// that is none of them may have been an extent.
fn extent_lines(descriptor: &str) -> Result<Vec<Extent<'_>>, Problem> {
    let mut extents = Vec::new();
    for line in descriptor.lines().map(|line| line.trim_matches(['\0', ' ', '\t', '\r'])) {
        let is_extent = line
            .split_whitespace()
            .next()
            .is_some_and(|word| matches!(word, "RW" | "RDONLY" | "NOACCESS"));
        if is_extent {
            extents.push(Extent::parse(line)?);
        } else if !line.is_empty() && !line.starts_with('#') && !line.contains('=') {
            return Err(damaged("a line of the descriptor of the VMDK image makes no sense"));
        }
    }
    Ok(extents)
}

impl<'a> Extent<'a> {
    fn parse(line: &'a str) -> Result<Self, Problem> {
        let broken = || damaged("an extent of the VMDK image makes no sense");
        let mut words = line.split_whitespace().skip(1);
        let sectors: u64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(broken)?;
        let size_bytes = sectors.checked_mul(512).ok_or_else(broken)?;
        let kind = words.next().ok_or_else(broken)?;
        let after = line.rsplit('"').next().unwrap_or_default().trim();
        let is_flat = matches!(kind, "FLAT" | "VMFS");
        // VMware leaves the offset out where it is 0.
        let first: u64 = match after {
            offset if is_flat && !offset.is_empty() => offset.parse().map_err(|_| broken())?,
            _ => 0,
        };
        let start = first.checked_mul(512).ok_or_else(broken)?;
        Ok(Self { size_bytes, kind, name: line.split('"').nth(1), start })
    }

    /// Opens the file of an extent; `all` are those of the disk.
    fn open(
        &self,
        all: &[Self],
        place: Place<'_>,
        notes: &mut Vec<Problem>,
    ) -> Result<Arc<dyn ByteSource>, Problem> {
        let name = self.name.ok_or_else(|| damaged("an extent of the VMDK image has no file"));
        let size_bytes = self.size_bytes;
        let text = "a file of the VMDK image holds more than its descriptor says";
        Ok(match self.kind {
            "ZERO" => Arc::new(Zeros(size_bytes)),
            "FLAT" | "VMFS" => {
                let (file, name) = (place.open_raw(name?)?, self.name);
                let end = |extent: &Self| extent.start.saturating_add(extent.size_bytes);
                let ends = all.iter().filter(|other| other.name == name).map(end);
                if ends.max().is_some_and(|end| end < file.size_bytes()) {
                    notes.push(damaged(text));
                }
                let slice = Slice::new(file, self.start, size_bytes);
                if slice.size_bytes() < size_bytes {
                    let text = "an extent of the VMDK image is shorter than it should be";
                    return Err(damaged(text));
                }
                Arc::new(slice)
            }
            "SPARSE" => {
                let sparse = sparse(place.open_raw(name?)?, notes)?;
                if sparse.size_bytes < size_bytes {
                    let text = "an extent of the VMDK image is shorter than it should be";
                    return Err(damaged(text));
                }
                if sparse.size_bytes > size_bytes {
                    notes.push(damaged(text));
                }
                Arc::new(Slice::new(Arc::new(Blocked(sparse)), 0, size_bytes))
            }
            other => return Err(unsupported(format!("a VMDK extent of kind {other} is not read"))),
        })
    }
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
    /// The copy of the directory, which leads to copies of the tables; empty if there is none.
    copy: Vec<u32>,
    /// Tables of grains; nothing for a grain of which the copies say different places.
    tables: Cache<Vec<Option<u32>>>,
    grains: Cache<Vec<u8>>,
}

/// Notes what a header tells about the extent as a whole.
fn look_at_header(head: &[u8], notes: &mut Vec<Problem>) {
    let flags = u32_at(head, 8).unwrap_or(0);
    if slice_at(head, 72, 1).is_some_and(|byte| byte != [0]) {
        notes.push(damaged("the VMDK image was not closed cleanly"));
    }
    // A transfer as text changes the ends of lines.
    if flags & ENDS_OF_LINES != 0 && slice_at(head, 73, 4) != Some(&b"\n \r\n"[..]) {
        notes.push(damaged("the VMDK image was changed on its way: ends of lines differ"));
    }
}

/// Reads the header of a sparse extent and its directory.
fn sparse(file: Arc<dyn ByteSource>, notes: &mut Vec<Problem>) -> Result<Sparse, Problem> {
    let broken = || damaged("the header of the VMDK image makes no sense");
    let mut head = read_vec(&file, 0, 512)?;
    if !head.starts_with(MAGIC) {
        return Err(broken());
    }
    look_at_header(&head, notes);
    let mut stated = None;
    let (at, sectors) = (u64_at(&head, 28).unwrap_or(0), u64_at(&head, 36).unwrap_or(0));
    if at > 0 && sectors > 0 {
        let length = sectors.saturating_mul(512).min(LIMIT_DESCRIPTOR_BYTES);
        let text = read_vec(&file, at.saturating_mul(512), short(length))?;
        let text = String::from_utf8_lossy(&text);
        refuse_parent(&text)?;
        match extent_lines(&text) {
            Ok(extents) => stated = extents.iter().map(|extent| extent.size_bytes).reduce(u64::max),
            Err(problem) => notes.push(problem),
        }
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
    if stated.is_some_and(|stated| stated != size_bytes) {
        notes.push(damaged("the VMDK image tells two sizes of its disk"));
    }
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
    let entries = short(entries * 4);
    let directory = |at: u64| {
        let bytes = read_vec(&file, at.saturating_mul(512), entries)?;
        Ok::<_, Problem>(bytes.chunks_exact(4).filter_map(|entry| u32_at(entry, 0)).collect())
    };
    let has_copy = flags & HAS_COPY != 0 && word(48)? != 0;
    let mut copy: Vec<u32> = Vec::new();
    if has_copy {
        match directory(word(48)?) {
            Ok(read) => copy = read,
            Err(_) => notes.push(damaged("the copy of the directory of the image is missing")),
        }
    }
    let directory = directory(word(56)?)?;
    Ok(Sparse {
        file,
        size_bytes,
        grain_bytes,
        per_table,
        has_zeroed: flags & ZEROED_GRAINS != 0,
        is_compressed,
        directory,
        copy,
        tables: Cache::new(CACHE_TABLES, per_table * 8),
        grains: Cache::new(CACHE_GRAINS, grain_bytes),
    })
}

impl Sparse {
    /// Reads a table of grains, which all is 0 if it is not stored.
    fn table(&self, sector: u32) -> Result<Vec<u32>, Problem> {
        if sector == 0 {
            return Ok(vec![0; short(self.per_table)]);
        }
        let bytes = read_vec(&self.file, u64::from(sector) * 512, short(self.per_table * 4))?;
        Ok(bytes.chunks_exact(4).filter_map(|entry| u32_at(entry, 0)).collect())
    }

    /// Returns the sector of a grain; 0 if it is not stored, 1 if it holds zeros.
    fn entry(&self, grain: u64) -> Result<u32, Problem> {
        let place = grain / self.per_table;
        let table = self.directory.get(short(place)).copied();
        let table = table.ok_or_else(|| damaged("the directory of the image is too short"))?;
        let copy = self.copy.get(short(place)).copied();
        if table == 0 && copy.is_none_or(|copy| copy == 0) {
            return Ok(0);
        }
        // Two tables say where grains are: what is read is what both say, or the one that is left.
        let read = || {
            let (own, copy) = (self.table(table), copy.map(|copy| self.table(copy)));
            let pair = |(own, copy)| if own == copy { Some(own) } else { None };
            Ok::<_, Problem>(match (own, copy) {
                (Ok(own), Some(Ok(copy))) => own.into_iter().zip(copy).map(pair).collect(),
                (Ok(one), _) | (Err(_), Some(Ok(one))) => one.into_iter().map(Some).collect(),
                (Err(problem), _) => return Err(problem),
            })
        };
        let entries = self.tables.get(place, read)?;
        let within = short(grain % self.per_table);
        let entry = entries.get(within).copied();
        let entry = entry.ok_or_else(|| damaged("a table of the image is cut off"))?;
        entry.ok_or_else(|| damaged("two tables of the image tell different places"))
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
