//! The delta of an NSRL RDSv3 release: a text of SQL statements, one a line, to be applied to the
//! full database before it (NIST, "RDSv3 Schema", 2022).
//!
//! Rows that are inserted into `FILE` or `METADATA` are rows of this set: what is new in the
//! release. A delta also deletes and updates: each such statement on these tables is a rejected
//! row, so that nobody takes the import for the whole release.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::columns::{Field, field_of_header};
use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, named_digest, no_second_row};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "nsrl-delta", about: "SQL delta of NSRL RDSv3: what is new", fits, read };

/// The tables whose rows have digests.
const TABLES: [&str; 2] = ["FILE", "METADATA"];

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let is_row = |line: &[u8]| statement(line).is_some_and(|(_, table)| is_listed(table));
    !sample.is_binary()
        && sample.lines().next().is_some_and(|line| {
            let words = line.split(|byte| !byte.is_ascii_alphabetic()).next();
            matches!(words, Some(b"BEGIN" | b"INSERT" | b"DELETE" | b"UPDATE" | b"PRAGMA"))
        })
        && sample.lines().any(is_row)
}

fn is_listed(table: &str) -> bool {
    TABLES.iter().any(|name| table.eq_ignore_ascii_case(name))
}

/// Returns the verb of a statement on a table, and the table.
fn statement(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line.get(..line.len().min(64))?).ok()?;
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    let verb = words.next()?;
    let next = words.next()?;
    let table = match next.to_ascii_uppercase().as_str() {
        "INTO" | "FROM" => words.next()?,
        "OR" => words.nth(2)?,
        _ => next,
    };
    Some((verb, table))
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut rows = Rows::default();
    let mut lines = super::lines::Lines::new(input);
    while let Some(line) = lines.next().map_err(|error| sink.io(error))? {
        let at = super::sink::Place { line: line.number, column: 1 };
        if line.too_long {
            sink.reject(Reason::LineTooLong, at)?;
            continue;
        }
        let Some((verb, table)) = statement(line.bytes).filter(|(_, table)| is_listed(table))
        else {
            continue;
        };
        if !verb.eq_ignore_ascii_case("INSERT") {
            sink.reject(Reason::Removal, at)?;
            continue;
        }
        let row = rows.parse(line.bytes, table);
        match row.and_then(|row| no_second_row(line.bytes).map(|()| row)) {
            Ok(row) => sink.accept(row, at)?,
            Err((reason, column)) => {
                let column = (column as u64).saturating_add(1);
                sink.reject(reason, super::sink::Place { column, ..at })?;
            }
        }
    }
    Ok(())
}

/// Reads rows; keeps its buffer from row to row.
#[derive(Default)]
struct Rows {
    values: Vec<(usize, Vec<u8>)>,
}

impl Rows {
    /// Reads `INSERT INTO FILE(names...) VALUES(...);`.
    fn parse(&mut self, line: &[u8], table: &str) -> Result<Row, Bad> {
        let bad = |at| (Reason::NotInFormat, at);
        let open = find(line, 0, b'(').ok_or(bad(0))?;
        let close = find(line, open, b')').ok_or(bad(open))?;
        let names = line.get(open.saturating_add(1)..close).unwrap_or_default();
        let second = find(line, close, b'(').ok_or(bad(close))?;
        self.values(line, second.saturating_add(1))?;
        let mut row = Row::default();
        let size_name: &[u8] =
            if table.eq_ignore_ascii_case("FILE") { b"file_size" } else { b"bytes" };
        for (place, name) in names.split(|byte| *byte == b',').enumerate() {
            let Some((at, text)) = self.values.get(place) else { return Err(bad(second)) };
            let name = name.trim_ascii();
            match field_of_header(name) {
                Some(Field::Digest(algorithm)) => digest(text, algorithm, *at, &mut row)?,
                _ if name.eq_ignore_ascii_case(size_name) => {
                    let size = std::str::from_utf8(text).ok().and_then(|size| size.parse().ok());
                    row.size_bytes = Some(size.ok_or((Reason::BadSize, *at))?);
                }
                _ => {}
            }
        }
        Ok(row)
    }

    /// Splits `'a','it''s',1)` into values.
    fn values(&mut self, line: &[u8], start: usize) -> Result<(), Bad> {
        self.values.clear();
        let mut at = start;
        loop {
            let mut value = Vec::new();
            let begun = at;
            if line.get(at) == Some(&b'\'') {
                loop {
                    at = at.saturating_add(1);
                    match (line.get(at), line.get(at.saturating_add(1))) {
                        (Some(b'\''), Some(b'\'')) => {
                            value.push(b'\'');
                            at = at.saturating_add(1);
                        }
                        (Some(b'\''), _) => break,
                        (Some(byte), _) => value.push(*byte),
                        (None, _) => return Err((Reason::BadQuoting, begun)),
                    }
                }
                at = at.saturating_add(1);
            } else {
                while let Some(byte) = line.get(at).filter(|byte| !matches!(byte, b',' | b')')) {
                    value.push(*byte);
                    at = at.saturating_add(1);
                }
            }
            self.values.push((begun, value.trim_ascii().to_vec()));
            match line.get(at) {
                Some(b',') => at = at.saturating_add(1),
                Some(b')') => return Ok(()),
                _ => return Err((Reason::NotInFormat, at)),
            }
            while line.get(at) == Some(&b' ') {
                at = at.saturating_add(1);
            }
        }
    }
}

fn digest(text: &[u8], algorithm: Algorithm, at: usize, row: &mut Row) -> Result<(), Bad> {
    if !text.is_empty() {
        let digest = named_digest(text, algorithm);
        let digest = digest.map_err(|(reason, more)| (reason, at.saturating_add(more)))?;
        row.add(digest).map_err(|reason| (reason, at))?;
    }
    Ok(())
}

fn find(line: &[u8], from: usize, wanted: u8) -> Option<usize> {
    let rest = line.get(from..)?;
    rest.iter().position(|byte| *byte == wanted).map(|place| from.saturating_add(place))
}
