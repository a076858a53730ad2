//! Records of hashlookup (CIRCL), one JSON object a line: `MD5`, `SHA-1`, `SHA-256`, `FileSize`.
//!
//! What the service knows is neither good nor bad, only known: the disposition is the operator's.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, named_digest, read_lines};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "hashlookup", about: "hashlookup records, one JSON object a line", fits, read };

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    // The last line of a sample may be cut.
    sample.text().trim_ascii_start().starts_with(b"{") && sample.vote(|line| parse(line).is_ok())
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    read_lines(input, sink, parse)
}

fn parse(line: &[u8]) -> Result<Row, Bad> {
    let object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| (Reason::NotInFormat, error.column()))?;
    let mut row = Row::default();
    for (name, value) in &object {
        if let Ok(algorithm) = name.parse() {
            let hex = value.as_str().ok_or((Reason::NotHex, 0))?;
            row.digests.insert(named_digest(hex.as_bytes(), algorithm)?);
        } else if name.eq_ignore_ascii_case("FileSize") {
            row.size_bytes = Some(size(value).ok_or((Reason::BadSize, 0))?);
        }
    }
    if row.digests.is_empty() { Err((Reason::NoDigest, 0)) } else { Ok(row) }
}

/// Reads a size that may be a string.
fn size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
