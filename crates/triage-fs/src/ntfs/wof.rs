//! Files that the Windows overlay filter compressed: their content lies in a stream beside them.
//!
//! Spec: [MS-FSCC] 2.1.2.1 names the tag; `WOF_EXTERNAL_INFO` and
//! `FILE_PROVIDER_EXTERNAL_INFO_V1` of the Windows SDK (wdk `ntifs.h`) are the reparse point; the
//! table of chunks is the one of a WIM resource.

use triage_evidence::{Problem, ProblemKind, Stream};

use super::bytes::{damaged, long, short, u32_at, u64_at};
use super::compression::{UnitStream, Units, unpack_lzx, unpack_xpress};
use super::value::Value;
use super::volume::Volume;

/// `WofCompressedData` in UTF-16: the stream that holds the chunks.
pub(super) const STREAM: &[u8] = b"W\0o\0f\0C\0o\0m\0p\0r\0e\0s\0s\0e\0d\0D\0a\0t\0a\0";
/// The provider whose content lies in the same file.
const FILE_PROVIDER: u32 = 2;
/// Contents above 4 GiB have a table of 64-bit numbers.
const LIMIT_SHORT_BYTES: u64 = 0xffff_ffff;

/// How the chunks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// XPRESS with chunks of so many bytes.
    Xpress(usize),
    /// LZX with chunks of 32 KiB.
    Lzx,
}

impl Method {
    /// Reads what follows the header of the reparse point.
    ///
    /// # Errors
    /// A [`Problem`] if the content is not in the file, or compressed in an unknown way.
    pub(super) fn parse(content: &[u8]) -> Result<Self, Problem> {
        let unsupported = |text| Err(Problem::new(ProblemKind::Unsupported, text));
        if u32_at(content, 4) != Some(FILE_PROVIDER) {
            return unsupported("the content lies in a WIM archive");
        }
        match u32_at(content, 12) {
            Some(0) => Ok(Self::Xpress(4096)),
            Some(1) => Ok(Self::Lzx),
            Some(2) => Ok(Self::Xpress(8192)),
            Some(3) => Ok(Self::Xpress(16384)),
            _ => unsupported("the overlay filter compressed the content in an unknown way"),
        }
    }

    const fn chunk_bytes(self) -> usize {
        match self {
            Self::Xpress(bytes) => bytes,
            Self::Lzx => 32768,
        }
    }
}

/// Returns why a file has no content although it is said to be compressed.
pub(super) fn missing() -> Problem {
    damaged("the stream that holds the compressed content is missing")
}

/// The chunks of one file.
struct Chunks {
    volume: Volume,
    packed: Value,
    method: Method,
    size_bytes: u64,
    buffer: Vec<u8>,
}

/// Opens content of `size_bytes` whose chunks are in `packed`.
///
/// # Errors
/// A [`Problem`] if the stream is itself encrypted or compressed.
pub(super) fn open(
    volume: &Volume,
    packed: Value,
    method: Method,
    size_bytes: u64,
) -> Result<Box<dyn Stream>, Problem> {
    if packed.is_compressed || packed.is_encrypted {
        let text = "the compressed content is compressed or encrypted once more";
        return Err(Problem::new(ProblemKind::Unsupported, text));
    }
    let volume = volume.clone();
    let units = Chunks { volume, packed, method, size_bytes, buffer: Vec::new() };
    Ok(Box::new(UnitStream::new(units, method.chunk_bytes(), size_bytes, size_bytes)))
}

impl Chunks {
    /// Returns where a chunk begins behind the table; the first has no entry in it.
    fn start(&self, number: u64, entry_bytes: u64) -> Result<u64, Problem> {
        let Some(index) = number.checked_sub(1) else {
            return Ok(0);
        };
        let mut entry = [0; 8];
        let length = short(entry_bytes).min(entry.len());
        let place = index.saturating_mul(entry_bytes);
        self.packed.fill(&self.volume, place, entry.get_mut(..length).unwrap_or_default())?;
        // What a short entry does not fill is zero.
        Ok(u64_at(&entry, 0).unwrap_or(0))
    }
}

impl Units for Chunks {
    fn unpack(&mut self, number: u64, unit: &mut [u8]) -> Result<u64, Problem> {
        let chunk_bytes = long(unit.len());
        let chunks = self.size_bytes.div_ceil(chunk_bytes);
        let entry_bytes = if self.size_bytes > LIMIT_SHORT_BYTES { 8 } else { 4 };
        let table = chunks.saturating_sub(1).saturating_mul(entry_bytes);
        let start = self.start(number, entry_bytes)?.saturating_add(table);
        let next = number.saturating_add(1);
        let end = match next < chunks {
            true => self.start(next, entry_bytes)?.saturating_add(table),
            false => self.packed.sizes.size_bytes,
        };
        let length = end.checked_sub(start).filter(|&length| length <= chunk_bytes);
        let length = length.ok_or_else(|| damaged("the table of compressed chunks is damaged"))?;
        let rest = self.size_bytes.saturating_sub(number.saturating_mul(chunk_bytes));
        let room = unit.len().min(short(rest));
        let Some(unit) = unit.get_mut(..room) else {
            return Ok(1);
        };
        // A chunk that would not become smaller is stored as it is.
        if length == long(unit.len()) {
            self.packed.fill(&self.volume, start, unit)?;
            return Ok(0);
        }
        self.buffer.resize(short(length), 0);
        self.packed.fill(&self.volume, start, &mut self.buffer)?;
        let unpacked = match self.method {
            Method::Xpress(_) => unpack_xpress(&self.buffer, unit),
            Method::Lzx => unpack_lzx(&self.buffer, unit),
        };
        unpacked.map(|()| 0).ok_or_else(|| damaged("a compressed chunk is damaged"))
    }

    fn begins_at(&self) -> Option<u64> {
        self.volume.begins_at(&self.packed.extents)
    }
}
