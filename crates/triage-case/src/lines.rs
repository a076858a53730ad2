//! Reads the lines of a manifest in blocks: parsed side by side, handed on one after the other.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use crate::error::failed;
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
            .map(|(place, line)| {
                let parsed = Parsed { line: line.to_vec(), record: parse_line(line) };
                map(first + place as u64, parsed)
            })
            .collect();
        number += made.len() as u64;
        made.into_iter().try_for_each(&mut *take)?;
        whole_bytes += whole as u64;
        block.drain(..whole);
        if ended {
            return Ok(whole_bytes);
        }
        if block.len() > LIMIT_LINE_BYTES {
            let document = format!("line {} of the manifest", number + 1);
            let reason = format!("it is longer than {LIMIT_LINE_BYTES} bytes");
            return Err(Error::Damaged { document, reason });
        }
    }
}

/// Reads every record of a manifest in order.
pub(crate) fn for_each_record(
    path: &Path,
    take: &mut dyn FnMut(Record) -> Result<(), Error>,
) -> Result<(), Error> {
    let map = |number: u64, parsed: Parsed| {
        parsed.record.map(|(record, _)| record).map_err(|error| Error::Damaged {
            document: format!("line {} of the manifest", number + 1),
            reason: error.reason,
        })
    };
    for_each_line(path, &map, &mut |record| take(record?)).map(|_| ())
}
