//! BSD reversed check files (`md5 -r`): `HEX NAME` with one space. Nothing is escaped.

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
    name: "bsd-reversed",
    about: "check file of md5 -r: hex, one space, name",
    fits,
    read,
};

/// A second space or a star would make the line one of GNU's.
fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    sample.vote(|line| {
        let (hex, rest) = split_hex(line);
        let reversed = matches!(rest, [b' ', next, ..] if !matches!(next, b' ' | b'*'));
        is_digest_length(hex.len()) && reversed
    })
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let hint = sink.options().algorithm;
    if hint.is_none() {
        sink.note_algorithm_by_length();
    }
    read_lines(input, sink, |line| parse(line, hint))
}

fn parse(line: &[u8], hint: Option<Algorithm>) -> Result<Row, Bad> {
    let (hex, rest) = split_hex(line);
    let name = rest.strip_prefix(b" ").ok_or((Reason::NotInFormat, hex.len()))?;
    let digest = unnamed_digest(hex, hint)?;
    check_name(name, line.len() - name.len())?;
    Ok(row_of(digest))
}
