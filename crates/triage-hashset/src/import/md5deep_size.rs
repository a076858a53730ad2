//! Output of `md5deep -z` and its sisters: size right-aligned in ten columns, digest, name.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::sample::Sample;
use super::sink::Sink;
use super::text::{
    Bad, check_name, is_digest_length, read_lines, row_of, split_hex, unnamed_digest,
};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar = Grammar {
    name: "md5deep-size",
    about: "output of md5deep -z: size, digest, name",
    fits: |sample: &Sample, _: &ImportOptions| {
        sample.vote(|line| split(line).is_ok_and(|parts| is_digest_length(parts.hex.len())))
    },
    read,
};

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let hint = sink.options().algorithm;
    if hint.is_none() {
        sink.note_algorithm_by_length();
    }
    read_lines(input, sink, |line| parse(line, hint))
}

/// The parts of a line.
struct Parts<'a> {
    size: &'a [u8],
    hex: &'a [u8],
    name: &'a [u8],
}

fn split(line: &[u8]) -> Result<Parts<'_>, Bad> {
    let text = line.trim_ascii_start();
    let digits = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (size, rest) = text.split_at(digits);
    let bad = |rest: &[u8]| (Reason::NotInFormat, line.len() - rest.len());
    let rest = rest.strip_prefix(b"  ").filter(|_| digits > 0).ok_or_else(|| bad(rest))?;
    let (hex, rest) = split_hex(rest);
    match rest {
        [b' ', b' ' | b'*', name @ ..] => Ok(Parts { size, hex, name }),
        _ => Err(bad(rest)),
    }
}

fn parse(line: &[u8], hint: Option<Algorithm>) -> Result<Row, Bad> {
    let Parts { size, hex, name } = split(line)?;
    let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
    let name_at = line.len() - name.len();
    let hex_at = name_at - 2 - hex.len();
    let digest = unnamed_digest(hex, hint).map_err(|(reason, at)| (reason, at + hex_at))?;
    check_name(name, name_at)?;
    Ok(Row { size_bytes: Some(size.ok_or((Reason::BadSize, 0))?), ..row_of(digest) })
}
