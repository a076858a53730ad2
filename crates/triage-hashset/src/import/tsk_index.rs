//! The Sleuth Kit's `.idx`: sorted `DIGEST|offset` lines behind two lines of zeros (TSK,
//! `tsk/hashdb/binsrch_index.cpp`). The offsets into the source list are of no use here.

use std::io::BufRead;

use super::lines::skip_line;
use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, read_lines, row_of, split_hex, unnamed_digest};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "tsk-index", about: "index of The Sleuth Kit (.idx)", fits, read };

/// How the header lines begin; no digest of a file is all zeros.
const HEADER: &[u8] = b"0000000000000000000000000000000000000000";

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let mut lines = sample.lines();
    let is_header = |line: Option<&[u8]>| line.is_some_and(|line| line.starts_with(HEADER));
    !sample.is_binary()
        && is_header(lines.next())
        && sample.vote(|line| line.starts_with(HEADER) || parse(line).is_ok())
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    for _ in 0..2 {
        if input.fill_buf().map_err(|error| sink.io(error))?.starts_with(HEADER) {
            skip_line(input).map_err(|error| sink.io(error))?;
        }
    }
    read_lines(input, sink, parse)
}

fn parse(line: &[u8]) -> Result<Row, Bad> {
    let (hex, rest) = split_hex(line);
    let offset = rest.strip_prefix(b"|").ok_or((Reason::NotInFormat, hex.len()))?;
    if offset.is_empty() || !offset.iter().all(u8::is_ascii_digit) {
        return Err((Reason::NotInFormat, hex.len()));
    }
    unnamed_digest(hex, None).map(row_of)
}
