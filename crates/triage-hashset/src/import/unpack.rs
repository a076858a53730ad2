//! Lists that come compressed: gzip, zstd, xz, and zip archives with one list in them.
//!
//! Told by their first bytes. Unpacking is bounded: memory by the decoders' windows, output by a
//! multiple of the packed size, so that a bomb ends as an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::StreamingDecoder;

/// How many times its packed size a list may unpack to, beyond [`FREE_BYTES`]. Lists of digests
/// hardly compress: hex halves, and repeated names give a factor of ten or so.
const MOST_TIMES: u64 = 200;
/// How much any list may unpack to.
const FREE_BYTES: u64 = 64 << 20;
/// Most memory of the xz decoder, in KiB: the dictionary of `xz -9` is 64 MiB.
const XZ_MEMORY_KIB: u32 = 192 << 10;
/// Most members of a zip archive that are looked at.
const MAX_MEMBERS: usize = 256;

/// How a zip archive begins.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Zip,
}

/// Says how a file that begins like this is packed.
pub(super) fn packing(head: &[u8]) -> Option<Packing> {
    const MAGICS: [(&[u8], Packing); 4] = [
        (b"\x1f\x8b", Packing::Gzip),
        (b"\x28\xb5\x2f\xfd", Packing::Zstd),
        (b"\xfd7zXZ\0", Packing::Xz),
        (ZIP, Packing::Zip),
    ];
    MAGICS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, packing)| *packing)
}

/// Returns the unpacked bytes of a stream that is no archive.
pub(super) fn stream<'a>(
    packing: Packing,
    packed: impl Read + 'a,
    packed_bytes: u64,
) -> Box<dyn Read + 'a> {
    let packed = BufReader::new(packed);
    match packing {
        Packing::Gzip => bounded(flate2::bufread::MultiGzDecoder::new(packed), packed_bytes),
        Packing::Xz => {
            let reader = lzma_rust2::XzReader::new_mem_limit(packed, true, XZ_MEMORY_KIB);
            bounded(reader, packed_bytes)
        }
        Packing::Zstd => bounded(Frames { input: Some(packed), frame: None }, packed_bytes),
        Packing::Zip => Box::new(packed),
    }
}

fn bounded<'a>(unpacked: impl Read + 'a, packed_bytes: u64) -> Box<dyn Read + 'a> {
    let left = packed_bytes.saturating_mul(MOST_TIMES).saturating_add(FREE_BYTES);
    Box::new(Bounded { unpacked, left })
}

/// Ends with an error when more comes out than a list could hold.
struct Bounded<R> {
    unpacked: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.unpacked.read(buf)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            invalid(format!("it unpacks to more than {MOST_TIMES} times its size: no list does"))
        })?;
        Ok(length)
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

type Frame<R> = StreamingDecoder<R, ruzstd::decoding::FrameDecoder>;

/// All frames of a zstd file, one after the other (RFC 8878, 3).
struct Frames<R: BufRead> {
    input: Option<R>,
    frame: Option<Frame<R>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let length = frame.read(buf)?;
                if length > 0 || buf.is_empty() {
                    return Ok(length);
                }
            }
            if let Some(done) = self.frame.take() {
                self.input = Some(done.into_inner());
            }
            let Some(mut input) = self.input.take() else { return Ok(0) };
            if input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new(input).map_err(|error| invalid(error.to_string()))?;
            self.frame = Some(frame);
        }
    }
}

/// A zip archive with lists in it.
pub(super) struct Archive {
    archive: zip::ZipArchive<File>,
    size_bytes: u64,
}

impl Archive {
    /// Opens an archive.
    pub(super) fn open(file: File) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        let archive = zip::ZipArchive::new(file)?;
        Ok(Self { archive, size_bytes })
    }

    /// Returns the places and names of the members that are files.
    pub(super) fn members(&mut self) -> io::Result<Vec<(usize, String)>> {
        if self.archive.len() > MAX_MEMBERS {
            let text =
                format!("the archive has {} members, at most {MAX_MEMBERS}", self.archive.len());
            return Err(invalid(text));
        }
        let mut members = Vec::new();
        for place in 0..self.archive.len() {
            let member = self.archive.by_index_raw(place)?;
            if member.is_file() {
                members.push((place, shown_name(member.name_raw())));
            }
        }
        Ok(members)
    }

    /// Opens a member.
    pub(super) fn member(&mut self, place: usize) -> io::Result<Box<dyn Read + '_>> {
        let member = self.archive.by_index(place)?;
        // What the archive says of its members may be a lie.
        let packed_bytes = member.compressed_size().min(self.size_bytes);
        Ok(bounded(member, packed_bytes))
    }
}

/// A member's name for people: printable ASCII as it is, everything else as `?`.
fn shown_name(raw: &[u8]) -> String {
    let shown = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
    raw.iter().take(200).map(shown).collect()
}
