//! Reads the lines of a manifest in blocks: parsed side by side, handed on one after the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use triage_evidence::Location;

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
    let mut blocks = Blocks::open(path)?;
    let mut number = 0;
    while let Some(block) = blocks.next(number)? {
        let lines = split(block);
        let made: Vec<T> = lines
            .par_iter()
            .enumerate()
            .map(|(place, line)| map(number + place as u64, line))
            .collect();
        number += made.len() as u64;
        made.into_iter().try_for_each(&mut *take)?;
    }
    Ok(blocks.whole_bytes)
}

/// Reads whole lines and hands on what `map` makes of some of them together, with the number of
/// the first. While it does, `take` gets what was made of earlier ones, in order. Returns the
/// length of the whole lines in bytes.
pub(crate) fn for_each_part<T: Send>(
    path: &Path,
    map: &(dyn Fn(u64, &[&[u8]]) -> T + Sync),
    take: &mut (dyn FnMut(T) -> Result<(), Error> + Send),
) -> Result<u64, Error> {
    let mut blocks = Blocks::open(path)?;
    let mut number = 0;
    let mut waiting: Vec<T> = Vec::new();
    while let Some(block) = blocks.next(number)? {
        let lines = split(block);
        let parts = lines.par_chunks(PART_LINES).enumerate();
        let make = |(part, lines)| map(number + (part * PART_LINES) as u64, lines);
        let earlier = std::mem::take(&mut waiting);
        let (taken, made) = rayon::join(
            || earlier.into_iter().try_for_each(&mut *take),
            || parts.map(make).collect(),
        );
        taken?;
        waiting = made;
        number += lines.len() as u64;
    }
    waiting.into_iter().try_for_each(take)?;
    Ok(blocks.whole_bytes)
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

/// The whole lines of a file, a block at a time.
struct Blocks<'a> {
    path: &'a Path,
    file: File,
    block: Vec<u8>,
    /// How much of the block was handed out.
    whole: usize,
    ended: bool,
    /// How much was handed out in all.
    whole_bytes: u64,
}

impl<'a> Blocks<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(failed("open", path))?;
        Ok(Self { path, file, block: Vec::new(), whole: 0, ended: false, whole_bytes: 0 })
    }

    /// Returns the next whole lines, which come after so many others; `None` at the end.
    fn next(&mut self, number: u64) -> Result<Option<&[u8]>, Error> {
        self.block.drain(..self.whole);
        self.whole = 0;
        while !self.ended {
            let start = self.block.len();
            self.read()?;
            let new = self.block.get(start..).unwrap_or_default();
            if let Some(end) = memchr::memrchr(b'\n', new) {
                self.whole = start + end + 1;
                self.whole_bytes += self.whole as u64;
                return Ok(self.block.get(..self.whole));
            }
            if self.block.len() > LIMIT_LINE_BYTES && !self.ended {
                // A power failure can leave any length of zeros behind the last line.
                if !more_lines_follow(&mut self.file, self.path)? {
                    return Ok(None);
                }
                let reason = format!("it is longer than {LIMIT_LINE_BYTES} bytes");
                return Err(damaged(number, reason));
            }
        }
        Ok(None)
    }

    /// Reads on behind what is there.
    fn read(&mut self) -> Result<(), Error> {
        let mut length = self.block.len();
        self.block.resize(length + BLOCK_BYTES, 0);
        while let Some(room) = self.block.get_mut(length..).filter(|room| !room.is_empty()) {
            match self.file.read(room).map_err(failed("read", self.path))? {
                0 => {
                    self.ended = true;
                    break;
                }
                more => length += more,
            }
        }
        self.block.truncate(length);
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
    let mut file = File::open(path).map_err(failed("open", path))?;
    let mut block = vec![0; BLOCK_BYTES];
    let mut length = 0;
    let mut number = 0;
    loop {
        match file.read(&mut block[length..]).map_err(failed("read", path))? {
            0 if length == 0 => return Ok(()),
            0 => return Err(damaged(number, "it has no line end".to_owned())),
            more => length += more,
        }
        let Some(end) = memchr::memrchr(b'\n', &block[..length]) else {
            if length > LIMIT_LINE_BYTES {
                let reason = format!("it is longer than {LIMIT_LINE_BYTES} bytes");
                return Err(damaged(number, reason));
            }
            block.resize(block.len().max(length * 2), 0);
            continue;
        };
        take(&block[..=end])?;
        number += 1;
        block.copy_within(end + 1..length, 0);
        length -= end + 1;
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
