//! Exports of NPS hashdb, a database of the digests of blocks: one JSON object a line, for a file
//! (`file_hash`, `filesize`) or a block (`block_hash`), and its tab form `file, block, number`.
//!
//! The files that the blocks come from are rows. Digests of blocks are none: no whole file has
//! them. They are counted as left out.

use std::io::BufRead;

use serde_json::Value;
use triage_hash::Algorithm;

use super::hashlookup::{Members, size};
use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, each_line, named_digest, row_of};
use super::{Grammar, ImportOptions};
use crate::{Error, Exclusion, Reason, Row};

pub(super) static FORMAT: Grammar = Grammar {
    name: "nps-hashdb",
    about: "NPS hashdb, JSON export or tab form: the files, not their blocks",
    fits: |sample: &Sample, _: &ImportOptions| sample.vote(|line| parse(line).is_ok()),
    read,
};

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    each_line(input, sink, parse, |sink, file, place| match file {
        Some(row) => sink.accept(row, place),
        None => {
            sink.exclude(Exclusion::OfBlock);
            Ok(())
        }
    })
}

/// Reads a line; `None` is a block.
fn parse(line: &[u8]) -> Result<Option<Row>, Bad> {
    if line.trim_ascii_start().starts_with(b"{") { parse_object(line) } else { parse_tabs(line) }
}

fn parse_object(line: &[u8]) -> Result<Option<Row>, Bad> {
    let Members(members) =
        serde_json::from_slice(line).map_err(|error| (Reason::NotInFormat, error.column()))?;
    let digest = |value: &Value| {
        let hex = value.as_str().ok_or((Reason::NotHex, 0))?;
        named_digest(hex.as_bytes(), Algorithm::Md5)
    };
    if let Some((_, block)) = members.iter().find(|(name, _)| name == "block_hash") {
        return digest(block).map(|_| None);
    }
    let mut row = Row::default();
    for (name, value) in &members {
        match name.as_str() {
            "file_hash" => {
                row.add(digest(value)?).map_err(|reason| (reason, 0))?;
            }
            "filesize" => {
                let size = size(value).ok_or((Reason::BadSize, 0))?;
                row.set_size(size).map_err(|reason| (reason, 0))?;
            }
            _ => {}
        }
    }
    if row.digests.is_empty() { Err((Reason::NoDigest, 0)) } else { Ok(Some(row)) }
}

/// Reads digest of the file, digest of a block, number of the block from 1.
fn parse_tabs(line: &[u8]) -> Result<Option<Row>, Bad> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let parts = (fields.next(), fields.next(), fields.next(), fields.next());
    let (Some(file), Some(block), Some(number), None) = parts else {
        return Err((Reason::NotInFormat, 0));
    };
    let at = |start: usize| move |(reason, at): Bad| (reason, at.saturating_add(start));
    let file_digest = named_digest(file, Algorithm::Md5)?;
    let start = file.len().saturating_add(1);
    named_digest(block, Algorithm::Md5).map_err(at(start))?;
    if number.is_empty() || !number.trim_ascii_end().iter().all(u8::is_ascii_digit) {
        return Err((Reason::NotInFormat, start.saturating_add(block.len()).saturating_add(1)));
    }
    Ok(Some(row_of(file_digest)))
}
