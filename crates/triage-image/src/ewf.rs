//! E01: the Expert Witness Format of EnCase 1 to 7 (EWF v1), in one or many segment files.
//!
//! Layout: J. Metz, "Expert Witness Compression Format (EWF)". Chunks are verified against their
//! Adler-32, tables against theirs, a damaged table is replaced by its copy. Not read: EWF v2
//! (Ex01) and logical evidence (L01), which are named. The stored digests are handed out.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod chunk;
mod header;
mod marked;
mod section;
mod segment;
mod table;
mod volume;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use triage_evidence::{ByteSource, Facts, Problem, ProblemKind};

use crate::bytes::{damaged, long, short, unsupported};
use crate::cache::Cache;
use crate::open::{Image, StoredDigest};
use crate::raw::RawFile;
use segment::Reading;
use table::Table;
use volume::Geometry;

/// How an image of this format begins.
const SIGNATURE: &[u8] = b"EVF\x09\x0d\x0a\xff\x00";
/// How its relatives begin, and what they are.
const RELATIVES: [(&[u8], &str); 4] = [
    (b"EVF2\x0d\x0a\x81\x00", "an EWF image of version 2 (Ex01)"),
    (b"LVF\x09\x0d\x0a\xff\x00", "EWF logical evidence (L01)"),
    (b"LEF2\x0d\x0a\x81\x00", "EWF logical evidence of version 2 (Lx01)"),
    (b"DVF\x09\x0d\x0a\xff\x00", "an EWF delta image (d01)"),
];
/// Decoded chunks that are kept: common ones have 32 KiB.
const CACHE_CHUNKS: usize = 1024;
/// Tables that are kept.
const CACHE_TABLES: usize = 32;
/// From so many whole chunks in one read on, they are decoded on all processors.
const PARALLEL_CHUNKS: usize = 16;

/// Says whether a file begins as an image of this format or of a relative.
pub(crate) fn is(first: &[u8]) -> bool {
    first.starts_with(SIGNATURE) || RELATIVES.iter().any(|row| first.starts_with(row.0))
}

/// The medium inside an image.
pub(crate) struct Ewf {
    segments: Vec<RawFile>,
    geometry: Geometry,
    tables: Vec<Table>,
    chunks: Cache<Vec<u8>>,
    entries: Cache<Vec<u32>>,
}

/// Opens an image, given its first segment.
///
/// # Errors
/// A [`Problem`] if it is a relative that is not read, if it is not the first segment, or if it
/// does not tell the size of the medium.
pub(crate) fn open(path: &Path, first: RawFile, beginning: &[u8]) -> Result<Image, Problem> {
    if let Some(row) = RELATIVES.iter().find(|row| beginning.starts_with(row.0)) {
        return Err(unsupported(format!("{} is not read", row.1)));
    }
    let mut reading = Reading::all(path, first)?;
    let geometry = reading.geometry.ok_or_else(|| {
        damaged("no segment of the image tells the size of the medium (volume section)")
    })?;
    reading.place_tables(geometry.chunk_count());
    let mut facts = facts(&reading, &geometry);
    facts.notes.extend(missing(&reading.tables, &geometry));
    let stored = [("md5", &reading.md5), ("sha1", &reading.sha1)];
    let stored = stored.into_iter().filter_map(|(algorithm, digest)| {
        Some(StoredDigest { algorithm, digest: digest.clone()? })
    });
    let stored = stored.collect();
    let table_bytes = reading.tables.iter().map(Table::entries_bytes).max().unwrap_or(0);
    let errors = reading.errors.iter().map(|&(first, count)| geometry.range(first, count));
    let errors: Vec<_> = errors.collect();
    let plain: Arc<dyn ByteSource> = Arc::new(Ewf {
        segments: reading.segments,
        geometry,
        tables: reading.tables,
        chunks: Cache::new(CACHE_CHUNKS, geometry.chunk_bytes),
        entries: Cache::new(CACHE_TABLES, table_bytes),
    });
    let source = marked::mark(Arc::clone(&plain), errors);
    Ok(Image { format: "ewf", source, plain, facts, stored })
}

/// Tells of the parts of the medium that no table speaks of, and of chunks behind its end.
fn missing(tables: &[Table], geometry: &Geometry) -> Vec<Problem> {
    let mut notes = Vec::new();
    let mut lose = |from: u64, until: u64, text: &str| {
        let at = from.saturating_mul(geometry.chunk_bytes);
        let end = until.saturating_mul(geometry.chunk_bytes).min(geometry.size_bytes);
        if end > at {
            notes.push(damaged(text).at(at).losing(end.saturating_sub(at)));
        }
    };
    let mut next = 0;
    for table in tables {
        let text = "a table of the image and its copy are damaged: what they held is lost";
        lose(next, table.first_chunk, text);
        next = table.end();
    }
    let text = "the image ends before the medium does: segment files are missing or damaged";
    lose(next, geometry.chunk_count(), text);
    if next > geometry.chunk_count() {
        notes.push(damaged("the image holds more than the size of the medium that it tells"));
    }
    notes
}

fn facts(reading: &Reading, geometry: &Geometry) -> Facts {
    let mut pairs = reading.header.clone();
    let mut put = |name: &str, value: String| pairs.insert(name.to_owned(), value);
    put("segments", reading.segments.len().to_string());
    put("chunk_bytes", geometry.chunk_bytes.to_string());
    if !reading.errors.is_empty() {
        let sectors: u64 = reading.errors.iter().map(|(_, count)| u64::from(*count)).sum();
        put("acquisition_errors", reading.errors.len().to_string());
        put("acquisition_error_sectors", sectors.to_string());
    }
    Facts { pairs, notes: reading.notes.clone() }
}

impl Ewf {
    /// Decodes a chunk into a buffer of its length.
    fn decode(&self, number: u64, out: &mut [u8]) -> Result<(), Problem> {
        let place = self.tables.partition_point(|table| table.end() <= number);
        let table = self.tables.get(place).filter(|table| table.first_chunk <= number);
        let table = table.ok_or_else(|| damaged("no segment of the image holds this part"))?;
        let segment = self.segments.get(table.segment);
        let segment = segment.ok_or_else(|| damaged("a segment of the image is missing"))?;
        let entries = self.entries.get(long(place), || table.read(segment))?;
        let stored = table.stored(&entries, short(number.saturating_sub(table.first_chunk)))?;
        chunk::decode(segment, stored, self.geometry.chunk_bytes, out)
    }

    /// Decodes a chunk and says where the medium is lost if that fails.
    fn decode_at(&self, number: u64, out: &mut [u8], from: u64) -> Result<(), Problem> {
        self.decode(number, out).map_err(|problem| {
            let start = number.saturating_mul(self.geometry.chunk_bytes);
            let end = start.saturating_add(long(out.len()));
            let at = start.max(from);
            let kind = match problem.kind {
                ProblemKind::Damaged => ProblemKind::Unreadable,
                kind => kind,
            };
            Problem { kind, ..problem }.at(at).losing(end.saturating_sub(at))
        })
    }

    fn length_of(&self, number: u64) -> usize {
        let start = number.saturating_mul(self.geometry.chunk_bytes);
        short(self.geometry.size_bytes.saturating_sub(start).min(self.geometry.chunk_bytes))
    }
}

impl ByteSource for Ewf {
    fn size_bytes(&self) -> u64 {
        self.geometry.size_bytes
    }

    fn sector_bytes(&self) -> u32 {
        self.geometry.sector_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let rest = short(self.geometry.size_bytes.saturating_sub(offset));
        let length = rest.min(buffer.len());
        let Some(mut left) = buffer.get_mut(..length).filter(|left| !left.is_empty()) else {
            return Ok(0);
        };
        let chunk_bytes = self.geometry.chunk_bytes;
        let mut at = offset;
        while !left.is_empty() {
            let number = at.checked_div(chunk_bytes).unwrap_or(0);
            let within = short(at.saturating_sub(number.saturating_mul(chunk_bytes)));
            let whole = left.len().checked_div(short(chunk_bytes)).unwrap_or(0);
            let took = if within == 0 && whole > 0 {
                let bytes = whole.saturating_mul(short(chunk_bytes));
                let (now, later) = left.split_at_mut(bytes);
                self.whole(number, now)?;
                left = later;
                bytes
            } else {
                let make = || {
                    let mut chunk = vec![0; self.length_of(number)];
                    self.decode_at(number, &mut chunk, at).map(|()| chunk)
                };
                let chunk = self.chunks.get(number, make)?;
                let part = chunk.get(within..).unwrap_or_default();
                let bytes = part.len().min(left.len());
                if bytes == 0 {
                    break;
                }
                let (now, later) = left.split_at_mut(bytes);
                now.copy_from_slice(part.get(..bytes).unwrap_or_default());
                left = later;
                bytes
            };
            at = at.saturating_add(long(took));
        }
        Ok(short(at.saturating_sub(offset)))
    }
}

impl Ewf {
    /// Decodes whole chunks straight into their place.
    fn whole(&self, first: u64, out: &mut [u8]) -> Result<(), Problem> {
        let size = short(self.geometry.chunk_bytes);
        let one = |(place, part): (usize, &mut [u8])| {
            self.decode_at(first.saturating_add(long(place)), part, 0)
        };
        if out.len() < PARALLEL_CHUNKS.saturating_mul(size) {
            return out.chunks_mut(size).enumerate().try_for_each(one);
        }
        let all: Vec<_> = out.par_chunks_mut(size).enumerate().map(one).collect();
        // The first bad place, whichever thread found one first.
        all.into_iter().collect()
    }
}
