//! The bytes of a list on their way in: counted and hashed as they are, decoded to UTF-8.
//!
//! UTF-16 (with a byte-order mark, or told by its zero bytes) becomes UTF-8; everything else goes
//! through untouched, because names in check files may be any bytes and digests are ASCII in
//! every other encoding of the field. Where lines end with CR alone, it becomes LF.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use triage_hash::{Algorithm, Algorithms, Digest, Hasher};

/// How many bytes are looked at to find out the format.
const HEAD_LEN: u64 = 256 * 1024;
/// Size of the read buffer.
const BUFFER: usize = 128 * 1024;
/// Bytes that are read and hashed at once.
const PIECE: usize = 512 * 1024;
/// Pieces that wait to be taken.
const PIECES_AHEAD: usize = 4;
/// How many bytes without a mark are looked at to tell UTF-16.
const UNMARKED: usize = 32;

/// Hashes and counts what is read from a file, in a thread of its own that reads ahead.
pub(super) struct Tap {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Pieces that were read go back, to be filled again.
    emptied: Sender<Vec<u8>>,
    piece: Vec<u8>,
    used: usize,
    worker: JoinHandle<(u64, Option<Digest>)>,
}

impl Tap {
    /// Returns a tap on a file that was just opened.
    pub(super) fn new(file: File) -> Self {
        let (full, pieces) = sync_channel(PIECES_AHEAD);
        let (emptied, empty) = channel();
        let worker = std::thread::spawn(move || read_ahead(file, &full, &empty));
        Self { pieces, emptied, piece: Vec::new(), used: 0, worker }
    }

    /// Reads the beginning of the file.
    pub(super) fn read_head(&mut self) -> io::Result<Vec<u8>> {
        head_of(self)
    }

    /// Reads what is left and returns the size and the SHA-256 of the whole file.
    pub(super) fn finish(mut self) -> io::Result<(u64, String)> {
        io::copy(&mut self, &mut io::sink())?;
        match self.worker.join() {
            Ok((size_bytes, digest)) => {
                Ok((size_bytes, digest.map(|digest| digest.to_string()).unwrap_or_default()))
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Reads a file to its end and hashes it, as long as somebody takes the pieces.
fn read_ahead(
    mut file: File,
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) -> (u64, Option<Digest>) {
    let mut hasher = Hasher::new(Algorithms::NONE.with(Algorithm::Sha256));
    let mut size_bytes = 0_u64;
    loop {
        let mut piece = empty.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let len = match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => break,
            Ok(len) => len,
            Err(error) => {
                let _ = full.send(Err(error));
                break;
            }
        };
        piece.truncate(len);
        hasher.update(&piece);
        size_bytes = size_bytes.saturating_add(len as u64);
        if full.send(Ok(piece)).is_err() {
            break;
        }
    }
    (size_bytes, hasher.finish().get(Algorithm::Sha256))
}

/// Reads as much of a list as its format is told by.
pub(super) fn head_of(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(HEAD_LEN).read_to_end(&mut head)?;
    Ok(head)
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.used >= self.piece.len() {
            let next = self.pieces.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
            let emptied = std::mem::replace(&mut self.piece, next);
            self.used = 0;
            // The thread may have come to the end already.
            let _ = self.emptied.send(emptied);
        }
        let mut rest = self.piece.get(self.used..).unwrap_or_default();
        let len = rest.read(buf)?;
        self.used = self.used.saturating_add(len);
        Ok(len)
    }
}

/// How the bytes of a list are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// ASCII, UTF-8 or an 8-bit code page: as they are.
    Bytes,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// Returns the encoding and the length of the byte-order mark.
fn encoding(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        _ => {
            let units = || head.get(..UNMARKED).unwrap_or_default().chunks_exact(2);
            let all = |zero: usize| {
                units().len() > 0
                    && units().all(|unit| {
                        unit.get(zero) == Some(&0) && unit.get(1 - zero).is_some_and(|b| *b != 0)
                    })
            };
            if all(1) {
                (Encoding::Utf16Le, 0)
            } else if all(0) {
                (Encoding::Utf16Be, 0)
            } else {
                (Encoding::Bytes, 0)
            }
        }
    }
}

/// Returns the whole text: the head that was read already, then the rest.
pub(super) fn decode<'a>(head: &'a [u8], rest: impl Read + 'a) -> Box<dyn BufRead + 'a> {
    let (encoding, mark) = encoding(head);
    let text = head.get(mark..).unwrap_or_default();
    // The bits of a filter are no text, whatever bytes they look like.
    let is_filter = head.starts_with(&crate::bloom::MAGIC);
    let ends_in_cr = !is_filter && ends_lines_with_cr(text, encoding);
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(text).chain(rest));
    let decoded = decoded(whole, encoding);
    if ends_in_cr { Box::new(BufReader::with_capacity(BUFFER, CrToLf(decoded))) } else { decoded }
}

/// Says whether lines end with CR alone, as on the Mac of old: there is a CR, and no LF.
fn ends_lines_with_cr(text: &[u8], encoding: Encoding) -> bool {
    let has = |end: u8| match encoding {
        Encoding::Bytes => text.contains(&end),
        Encoding::Utf16Le => text.chunks_exact(2).any(|unit| unit == [end, 0]),
        Encoding::Utf16Be => text.chunks_exact(2).any(|unit| unit == [0, end]),
    };
    has(b'\r') && !has(b'\n')
}

/// Makes every CR an LF.
struct CrToLf<R>(R);

impl<R: Read> Read for CrToLf<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(buf)?;
        for byte in buf.iter_mut().take(len).filter(|byte| **byte == b'\r') {
            *byte = b'\n';
        }
        Ok(len)
    }
}

fn decoded<'a>(whole: impl BufRead + 'a, encoding: Encoding) -> Box<dyn BufRead + 'a> {
    match encoding {
        Encoding::Bytes => Box::new(whole),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let big_endian = encoding == Encoding::Utf16Be;
            let decoder =
                Utf16 { input: whole, big_endian, high: None, text: [0; 8], used: 0, len: 0 };
            Box::new(BufReader::with_capacity(BUFFER, decoder))
        }
    }
}

/// Turns UTF-16 into UTF-8. What is no UTF-16 becomes U+FFFD.
struct Utf16<R> {
    input: R,
    big_endian: bool,
    /// A first half that waits for its second.
    high: Option<u16>,
    /// Encoded bytes that did not fit the reader's buffer.
    text: [u8; 8],
    used: usize,
    len: usize,
}

impl<R: BufRead> Utf16<R> {
    /// Returns the next code unit, U+FFFD for a lone last byte.
    fn unit(&mut self) -> io::Result<Option<u16>> {
        let mut pair = [0; 2];
        let first = self.input.fill_buf()?;
        if let Some(two) = first.first_chunk() {
            pair = *two;
            self.input.consume(2);
        } else {
            let mut len = 0;
            while let Some(rest) = pair.get_mut(len..).filter(|rest| !rest.is_empty()) {
                match self.input.read(rest)? {
                    0 if len == 0 => return Ok(None),
                    0 => return Ok(Some(0xfffd)),
                    n => len += n,
                }
            }
        }
        let unit =
            if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        Ok(Some(unit))
    }

    /// Encodes the next characters into `text`; leaves it empty at the end.
    fn advance(&mut self) -> io::Result<()> {
        (self.used, self.len) = (0, 0);
        let Some(unit) = self.unit()? else {
            if self.high.take().is_some() {
                self.put(char::REPLACEMENT_CHARACTER);
            }
            return Ok(());
        };
        match (self.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let pair = char::decode_utf16([high, unit]).next();
                self.put(pair.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (None, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                // One step deep: with a half kept, the next call ends.
                return self.advance();
            }
            (lost, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                if lost.is_some() {
                    self.put(char::REPLACEMENT_CHARACTER);
                }
            }
            (lost, unit) => {
                if lost.is_some() {
                    self.put(char::REPLACEMENT_CHARACTER);
                }
                let single = char::from_u32(u32::from(unit));
                self.put(single.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Ok(())
    }

    fn put(&mut self, character: char) {
        if let Some(room) = self.text.get_mut(self.len..).filter(|room| room.len() >= 4) {
            self.len += character.encode_utf8(room).len();
        }
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(room) = buf.get_mut(done..).filter(|room| !room.is_empty()) {
            if self.used == self.len {
                self.advance()?;
                if self.len == 0 {
                    break;
                }
            }
            let text = self.text.get(self.used..self.len).unwrap_or_default();
            let len = text.len().min(room.len());
            for (to, from) in room.iter_mut().zip(text) {
                *to = *from;
            }
            done += len;
            self.used += len;
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(head: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decode(head, rest).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn every_encoding_of_one_text_reads_alike() {
        let plain = "462d\u{e9}\u{1f600}\r\n0000000000000000000000000000000000000000";
        let le: Vec<u8> = plain.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = plain.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        assert_eq!(text(&marked(b"\xef\xbb\xbf", plain.as_bytes()), b""), plain.as_bytes());
        assert_eq!(text(&marked(b"\xff\xfe", &le), b""), plain.as_bytes());
        // The head may end between the two bytes of a unit.
        assert_eq!(text(b"\xfe\xff\x00", &be[1..]), plain.as_bytes());
        let ascii: Vec<u8> =
            "d41d8cd98f00b204e9800998ecf8427e".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&ascii, b""), b"d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn broken_utf16_becomes_replacement_characters() {
        let fffd = "\u{fffd}".as_bytes();
        assert_eq!(text(b"\xff\xfe\x00\xd8", b""), fffd);
        assert_eq!(text(b"\xff\xfe\x00\xdc", b""), fffd);
        assert_eq!(text(b"\xff\xfe\x41", b""), fffd);
        assert_eq!(text(b"\xff\xfe\x00\xd8\x00\xd8\x41\x00", b""), [fffd, fffd, b"A"].concat());
    }
}
