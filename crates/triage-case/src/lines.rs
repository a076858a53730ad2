//! Reads the lines of a manifest in blocks: parsed side by side, handed on one after the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;
use triage_evidence::Location;

use crate::error::failed;
use crate::journal::UNSORTED;
use crate::{Error, Record, parse_line};

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
    let mut file = File::open(path).map_err(failed("open", path))?;
    let mut block: Vec<u8> = Vec::new();
    let mut whole_bytes = 0;
    let mut number = 0;
    loop {
        let start = block.len();
        block.resize(start + BLOCK_BYTES, 0);
        let mut length = start;
        while length < block.len() {
            match file.read(&mut block[length..]).map_err(failed("read", path))? {
                0 => break,
                more => length += more,
            }
        }
        let ended = length < block.len();
        block.truncate(length);
        let whole = block.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<&[u8]> = block[..whole.saturating_sub(1)]
            .split(|&byte| byte == b'\n')
            .take(if whole == 0 { 0 } else { usize::MAX })
            .collect();
        let first = number;
        let made: Vec<T> = lines
            .par_iter()
            .enumerate()
            .map(|(place, line)| map(first + place as u64, line))
            .collect();
        number += made.len() as u64;
        made.into_iter().try_for_each(&mut *take)?;
        whole_bytes += whole as u64;
        block.drain(..whole);
        if ended {
            return Ok(whole_bytes);
        }
        if block.len() > LIMIT_LINE_BYTES {
            // A power failure can leave any length of zeros behind the last line.
            if !more_lines_follow(&mut file, path)? {
                return Ok(whole_bytes);
            }
            let reason = format!("it is longer than {LIMIT_LINE_BYTES} bytes");
            return Err(damaged(number, reason));
        }
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
