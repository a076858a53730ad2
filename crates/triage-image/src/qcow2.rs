//! QCOW2, versions 2 and 3. QEMU, `docs/interop/qcow2.txt`.
//!
//! Internal snapshots are named and not followed. An external data file and subclusters are
//! refused.

use std::io::Read;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress};
use triage_evidence::{ByteSource, Facts, Problem, ProblemKind};

use crate::blocks::{Blocked, Blocks, counted_from, of_all, read_stored};
use crate::bytes::{damaged, read_vec, short, slice_at, unsupported};
use crate::cache::Cache;
use crate::open::Image;
use crate::sibling::Place;

/// The beginning.
const MAGIC: &[u8] = b"QFI\xfb";
/// Offsets of clusters in entries of both tables.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// Bits of an entry of the second table.
const COMPRESSED: u64 = 1 << 62;
const ZERO: u64 = 1;
/// Bits of entries of the first and of the second table that the specification wants to be zero.
const RESERVED_L1: u64 = 0x7f00_0000_0000_01ff;
const RESERVED_L2: u64 = 0x3f00_0000_0000_01fe;
/// The longest first table that is read: a disk of 2 PiB in clusters of 64 KiB.
const LIMIT_L1: u64 = 4 * 1024 * 1024;
/// Pieces that are kept: tables and decompressed clusters of 64 KiB, as a rule.
const CACHE_PIECES: usize = 256;

pub(crate) fn is(first: &[u8]) -> bool {
    first.starts_with(MAGIC)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    slice_at(bytes, at, 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    slice_at(bytes, at, 8)?.try_into().ok().map(u64::from_be_bytes)
}

struct Qcow2 {
    file: Arc<dyn ByteSource>,
    parent: Option<Arc<dyn ByteSource>>,
    size_bytes: u64,
    cluster_bits: u32,
    is_zstd: bool,
    l1: Vec<u64>,
    tables: Cache<Vec<u64>>,
    clusters: Cache<Vec<u8>>,
}

/// Opens an image.
///
/// # Errors
/// A [`Problem`] if it makes no sense, is encrypted, or uses a feature that is not read.
pub(crate) fn open(file: Arc<dyn ByteSource>, place: Place<'_>) -> Result<Image, Problem> {
    let head = read_vec(&file, 0, 104)?;
    let broken = || damaged("the header of the QCOW2 image makes no sense");
    let word = |at| u32_be(&head, at).ok_or_else(broken);
    let wide = |at| u64_be(&head, at).ok_or_else(broken);
    let version = word(4)?;
    if !matches!(version, 2 | 3) {
        return Err(unsupported(format!("QCOW version {version} is not read")));
    }
    if word(32)? != 0 {
        return Err(Problem::new(ProblemKind::Encrypted, "the QCOW2 image is encrypted"));
    }
    let cluster_bits = word(20)?;
    let l1_entries = u64::from(word(36)?);
    if !(9..=21).contains(&cluster_bits) || l1_entries > LIMIT_L1 {
        return Err(broken());
    }
    // A table that is too short would make the rest of the disk zeros.
    let per_table = 1_u64 << (2 * cluster_bits - 3);
    if l1_entries < wide(24)?.div_ceil(per_table) {
        return Err(damaged("the first table of the QCOW2 image is shorter than its disk"));
    }
    let incompatible = if version == 3 { wide(72)? } else { 0 };
    if incompatible & !0b1011 != 0 {
        let text = format!("the QCOW2 image uses features that are not read: {incompatible:#x}");
        return Err(unsupported(text));
    }
    let header_bytes = if version == 3 { word(100)? } else { 72 };
    let is_zstd = header_bytes > 104 && read_vec(&file, 104, 1)? == [1];
    let mut facts = Facts::default();
    if incompatible & 3 != 0 {
        let text = "the QCOW2 image was not closed cleanly";
        facts.notes.push(damaged(text));
    }
    let snapshots = word(60)?;
    if snapshots > 0 {
        facts.pairs.insert("snapshots_not_followed".to_owned(), snapshots.to_string());
    }
    let bytes = read_vec(&file, wide(40)?, short(l1_entries * 8))?;
    let l1 = bytes.chunks_exact(8).filter_map(|entry| u64_be(entry, 0)).collect();
    let parent = parent(&file, wide(8)?, word(16)?, place, &mut facts)?;
    let qcow2 = Qcow2 {
        file,
        parent,
        size_bytes: wide(24)?,
        cluster_bits,
        is_zstd,
        l1,
        tables: Cache::new(CACHE_PIECES, 1 << cluster_bits),
        clusters: Cache::new(CACHE_PIECES, 1 << cluster_bits),
    };
    Ok(Image::new("qcow2", Arc::new(Blocked(qcow2)), facts))
}

/// Opens the image that holds what this one does not.
fn parent(
    file: &Arc<dyn ByteSource>,
    offset: u64,
    length: u32,
    place: Place<'_>,
    facts: &mut Facts,
) -> Result<Option<Arc<dyn ByteSource>>, Problem> {
    if offset == 0 || length == 0 {
        return Ok(None);
    }
    // The specification allows 1,023 bytes.
    let name = read_vec(file, offset, short(u64::from(length.min(1023))))?;
    let name = String::from_utf8_lossy(&name).into_owned();
    let image = place.open_parent(&name)?;
    facts.pairs.insert("parent".to_owned(), triage_evidence::escape(name.as_bytes()));
    facts.notes.extend(image.facts.notes);
    Ok(Some(image.source))
}

impl Qcow2 {
    /// Returns the entry of the second table for a cluster.
    fn entry(&self, cluster: u64) -> Result<u64, Problem> {
        let bits = self.cluster_bits - 3;
        let place = short(cluster >> bits);
        let entry = self.l1.get(place).copied();
        let entry = entry.ok_or_else(|| damaged("the first table of the image is too short"))?;
        let table = self.place(entry, RESERVED_L1)?;
        if table == 0 {
            return Ok(0);
        }
        let read = || {
            let bytes = read_vec(&self.file, table, 1 << self.cluster_bits)?;
            Ok::<_, Problem>(bytes.chunks_exact(8).filter_map(|entry| u64_be(entry, 0)).collect())
        };
        let entries = self.tables.get(table, read)?;
        let within = short(cluster & ((1 << bits) - 1));
        entries.get(within).copied().ok_or_else(|| damaged("a table of the image is cut off"))
    }

    /// Returns where the cluster of an entry lies; 0 if it is not stored.
    fn place(&self, entry: u64, reserved: u64) -> Result<u64, Problem> {
        let offset = entry & OFFSET;
        if entry & reserved != 0 || offset & ((1 << self.cluster_bits) - 1) != 0 {
            return Err(damaged("an entry of a table of the image makes no sense"));
        }
        Ok(offset)
    }

    /// Decompresses a cluster.
    fn inflate(&self, entry: u64) -> Result<Vec<u8>, Problem> {
        let shift = 62 - (self.cluster_bits - 8);
        let offset = entry & ((1 << shift) - 1);
        let sectors = (entry & !COMPRESSED & !(1 << 63)) >> shift;
        let end = (offset & !511).saturating_add((sectors + 1) * 512);
        let held = end.min(self.file.size_bytes()).saturating_sub(offset);
        let bytes = read_vec(&self.file, offset, short(held))?;
        let mut out = vec![0; 1 << self.cluster_bits];
        let broken = || damaged("a compressed cluster of the image is damaged");
        if self.is_zstd {
            let mut decoder =
                ruzstd::decoding::StreamingDecoder::new(&bytes[..]).map_err(|_| broken())?;
            decoder.read_exact(&mut out).map_err(|_| broken())?;
        } else {
            let mut inflater = Decompress::new(false);
            inflater.decompress(&bytes, &mut out, FlushDecompress::Finish).map_err(|_| broken())?;
            if short(inflater.total_out()) != out.len() {
                return Err(broken());
            }
        }
        Ok(out)
    }
}

impl Blocks for Qcow2 {
    fn disk_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn block_bytes(&self) -> u64 {
        1 << self.cluster_bits
    }

    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem> {
        let entry = self.entry(number).map_err(of_all)?;
        if entry & COMPRESSED != 0 {
            let cluster = self.clusters.get(number, || self.inflate(entry)).map_err(of_all)?;
            let from = slice_at(&cluster, short(within), out.len());
            out.copy_from_slice(from.ok_or_else(|| damaged("a cluster is too short"))?);
            return Ok(());
        }
        let offset = self.place(entry, RESERVED_L2).map_err(of_all)?;
        if entry & ZERO != 0 {
            out.fill(0);
        } else if offset != 0 {
            read_stored(&self.file, offset.saturating_add(within), out)?;
        } else {
            let at = (number << self.cluster_bits).saturating_add(within);
            read_parent(self.parent.as_ref(), at, out)?;
        }
        Ok(())
    }
}

/// Reads what only the parent holds; zeros where it ends, or where there is none. The offset of a
/// problem counts from the start of `out`.
pub(crate) fn read_parent(
    parent: Option<&Arc<dyn ByteSource>>,
    at: u64,
    out: &mut [u8],
) -> Result<(), Problem> {
    let mut done = 0;
    if let Some(parent) = parent {
        while done < out.len() {
            let read = parent.read_at(at.saturating_add(done as u64), &mut out[done..]);
            match read.map_err(|problem| counted_from(at, problem))? {
                0 => break,
                more => done += more,
            }
        }
    }
    out[done..].fill(0);
    Ok(())
}
