//! Reads the lines of a manifest in blocks: parsed side by side, handed on one after the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use triage_evidence::{Location, hex};

use crate::error::failed;
use crate::journal::UNSORTED;
use crate::{Error, Record, parse_line};

/// How many lines are worked on together: enough that their digests share vector lanes.
const PART_LINES: usize = 128;
/// How much is read and parsed at once.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;
/// The longest line: a path of 1 MiB, escaped and as hex, and a link's target.
const LIMIT_LINE_BYTES: usize = 16 * 1024 * 1024;

/// One line, parsed.
pub(crate) struct Parsed {
    /// The bytes without the line end.
    pub(crate) line: Vec<u8>,
    /// The record, or why there is none.
    pub(crate) record: Result<(Record, String), crate::LineError>,
}

/// Reads whole lines in order and hands on what `map` makes of each. Returns the length of the
/// whole lines in bytes; a torn last line is not handed on.
pub(crate) fn for_each_line<T: Send>(
    path: &Path,
    map: &(dyn Fn(u64, Parsed) -> T + Sync),
    take: &mut dyn FnMut(T) -> Result<(), Error>,
) -> Result<u64, Error> {
    let parse = |number: u64, line: &[u8]| {
        map(number, Parsed { line: line.to_vec(), record: parse_line(line) })
    };
    for_each_raw_line(path, &parse, take)
}

/// Like [`for_each_line`], for lines that need not be parsed.
pub(crate) fn for_each_raw_line<T: Send>(
    path: &Path,
    map: &(dyn Fn(u64, &[u8]) -> T + Sync),
    take: &mut dyn FnMut(T) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut reader = Reader::open(path)?;
    let (mut block, mut coming, mut number) = (Block::default(), Block::default(), 0);
    while reader.read_behind(&block, &mut coming, number)? {
        std::mem::swap(&mut block, &mut coming);
        let lines = split(block.lines());
        let made: Vec<T> = lines
            .par_iter()
            .enumerate()
            .map(|(place, line)| map(number + place as u64, line))
            .collect();
        number += made.len() as u64;
        made.into_iter().try_for_each(&mut *take)?;
    }
    Ok(reader.whole_bytes)
}

/// What was read of a file of lines.
pub(crate) struct ReadLines {
    /// The length of the whole lines in bytes.
    pub(crate) whole_bytes: u64,
    /// The SHA-256 of all bytes of the file; `None` if it was not read to its end.
    pub(crate) sha256: Option<String>,
}

/// Reads whole lines and hands on what `map` makes of some of them together, with the number of
/// the first. While it does, `take` gets what was made of earlier ones, in order, the bytes are
/// hashed, and the next ones read.
pub(crate) fn for_each_part<T: Send>(
    path: &Path,
    map: &(dyn Fn(u64, &[&[u8]]) -> T + Sync),
    take: &mut (dyn FnMut(T) -> Result<(), Error> + Send),
) -> Result<ReadLines, Error> {
    let mut reader = Reader::open(path)?;
    let mut hash = Sha256::new();
    let (mut block, mut coming, mut number) = (Block::default(), Block::default(), 0);
    let mut waiting: Vec<T> = Vec::new();
    let mut is_more = reader.read_behind(&coming, &mut block, number)?;
    while is_more {
        let lines = split(block.lines());
        let parts = lines.par_chunks(PART_LINES).enumerate();
        let make = |(part, lines)| map(number + (part * PART_LINES) as u64, lines);
        let behind = number + lines.len() as u64;
        let earlier = std::mem::take(&mut waiting);
        let read = || reader.read_behind(&block, &mut coming, behind);
        let work = || rayon::join(|| hash.update(block.fresh()), || parts.map(make).collect());
        let (taken, (read, ((), made))) = rayon::join(
            || earlier.into_iter().try_for_each(&mut *take),
            || rayon::join(read, work),
        );
        taken?;
        is_more = read?;
        waiting = made;
        number = behind;
        std::mem::swap(&mut block, &mut coming);
    }
    hash.update(block.fresh());
    waiting.into_iter().try_for_each(take)?;
    let sha256 = reader.ended.then(|| hex(&hash.finalize()));
    Ok(ReadLines { whole_bytes: reader.whole_bytes, sha256 })
}

/// Returns the lines of a block that ends with a line end, without their line ends.
fn split(block: &[u8]) -> Vec<&[u8]> {
    let mut start = 0;
    let line = |end| {
        let line = block.get(start..end).unwrap_or_default();
        start = end + 1;
        line
    };
    memchr::memchr_iter(b'\n', block).map(line).collect()
}

/// Some of the bytes of a file.
#[derive(Default)]
struct Block {
    /// Room, of which the first bytes are filled.
    bytes: Vec<u8>,
    filled: usize,
    /// How much of what is filled is whole lines.
    whole: usize,
    /// How much of what is filled was in the block before.
    known: usize,
}

impl Block {
    /// Returns the whole lines.
    fn lines(&self) -> &[u8] {
        self.bytes.get(..self.whole).unwrap_or_default()
    }

    /// Returns the bytes that were not in the block before.
    fn fresh(&self) -> &[u8] {
        self.bytes.get(self.known..self.filled).unwrap_or_default()
    }

    /// Returns what is behind the whole lines.
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.whole..self.filled).unwrap_or_default()
    }

    /// Makes room, and keeps what is filled.
    fn grow(&mut self, length: usize) {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
    }
}

/// Reads whole lines of a file, a block at a time.
struct Reader<'a> {
    path: &'a Path,
    file: File,
    ended: bool,
    /// How much was in whole lines.
    whole_bytes: u64,
}

impl<'a> Reader<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(failed("open", path))?;
        Ok(Self { path, file, ended: false, whole_bytes: 0 })
    }

    /// Puts into `block` what comes behind the whole lines of the one before; so many lines came
    /// until then. Says whether there are whole lines in it.
    fn read_behind(
        &mut self,
        before: &Block,
        block: &mut Block,
        lines: u64,
    ) -> Result<bool, Error> {
        let rest = before.rest();
        block.grow(rest.len() + BLOCK_BYTES);
        block.bytes[..rest.len()].copy_from_slice(rest);
        (block.known, block.filled, block.whole) = (rest.len(), rest.len(), 0);
        while !self.ended {
            let start = block.filled;
            self.read(block)?;
            let new = block.bytes.get(start..block.filled).unwrap_or_default();
            if let Some(end) = memchr::memrchr(b'\n', new) {
                block.whole = start + end + 1;
                self.whole_bytes += block.whole as u64;
                return Ok(true);
            }
            if block.filled > LIMIT_LINE_BYTES && !self.ended {
                // A power failure can leave any length of zeros behind the last line.
                if !more_lines_follow(&mut self.file, self.path)? {
                    return Ok(false);
                }
                let reason = format!("it is longer than {LIMIT_LINE_BYTES} bytes");
                return Err(damaged(lines, reason));
            }
        }
        Ok(false)
    }

    /// Reads on behind what is filled.
    fn read(&mut self, block: &mut Block) -> Result<(), Error> {
        let end = block.filled + BLOCK_BYTES;
        block.grow(end);
        while let Some(room) = block.bytes.get_mut(block.filled..end).filter(|r| !r.is_empty()) {
            match self.file.read(room).map_err(failed("read", self.path))? {
                0 => {
                    self.ended = true;
                    break;
                }
                more => block.filled += more,
            }
        }
        Ok(())
    }
}

/// Hands on whole lines, many at a time, with their line ends.
///
/// # Errors
/// [`Error`] if the file cannot be read, a line is too long, or the last one is torn; or the first
/// error of `take`.
pub(crate) fn for_each_block(
    path: &Path,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = Reader::open(path)?;
    let (mut block, mut coming, mut lines) = (Block::default(), Block::default(), 0);
    while reader.read_behind(&block, &mut coming, lines)? {
        std::mem::swap(&mut block, &mut coming);
        take(block.lines())?;
        lines += memchr::memchr_iter(b'\n', block.lines()).count() as u64;
    }
    // Nothing whole follows: what was read behind it is a torn line.
    match coming.filled {
        0 => Ok(()),
        _ => Err(damaged(lines, "it has no line end".to_owned())),
    }
}

/// Says whether a line end follows anywhere.
fn more_lines_follow(file: &mut File, path: &Path) -> Result<bool, Error> {
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut buffer).map_err(failed("read", path))? {
            0 => return Ok(false),
            length if buffer.iter().take(length).any(|&byte| byte == b'\n') => return Ok(true),
            _ => {}
        }
    }
}

fn damaged(number: u64, reason: String) -> Error {
    Error::Damaged { document: format!("line {} of the manifest", number + 1), reason }
}

/// Reads every record of a whole manifest; its lines must be numbered and sorted.
pub(crate) fn for_each_record(
    path: &Path,
    take: &mut dyn FnMut(Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let map = |number: u64, parsed: Parsed| {
        parsed.record.map(|(record, _)| record).map_err(|error| damaged(number, error.reason))
    };
    let mut number = 0;
    let mut last: Option<Location> = None;
    let whole = for_each_line(path, &map, &mut |record| {
        let record = record?;
        let location = &record.entry.location;
        if record.seq != number || last.as_ref().is_some_and(|last| last >= location) {
            return Err(damaged(number, UNSORTED.to_owned()));
        }
        last = Some(location.clone());
        number += 1;
        take(record)
    })?;
    let length = std::fs::metadata(path).map_err(failed("examine", path))?.len();
    if whole == length {
        return Ok(());
    }
    Err(damaged(number, "it has no line end".to_owned()))
}
