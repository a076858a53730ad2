//! Records of hashlookup (CIRCL), one JSON object a line: `MD5`, `SHA-1`, `SHA-256`, `FileSize`.
//!
//! What the service knows is neither good nor bad, only known: the disposition is the operator's.

use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

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
    let Members(members) =
        serde_json::from_slice(line).map_err(|error| (Reason::NotInFormat, error.column()))?;
    let mut row = Row::default();
    for (name, value) in &members {
        if let Ok(algorithm) = name.parse() {
            let hex = value.as_str().ok_or((Reason::NotHex, 0))?;
            row.add(named_digest(hex.as_bytes(), algorithm)?).map_err(|reason| (reason, 0))?;
        } else if name.eq_ignore_ascii_case("FileSize") {
            let size = size(value).ok_or((Reason::BadSize, 0))?;
            row.set_size(size).map_err(|reason| (reason, 0))?;
        }
    }
    if row.digests.is_empty() { Err((Reason::NoDigest, 0)) } else { Ok(row) }
}

/// The members of an object as they are written: a map would keep one of two with the same name.
pub(super) struct Members(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Reads a size that may be a string.
pub(super) fn size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
