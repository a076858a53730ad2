//! hashdeep 1.0: two header lines, then `size,digest,...,name` (hashdeep FILEFORMAT).
//!
//! Fields are never quoted; everything after the last expected comma is the name. Columns of
//! algorithms that are not computed here (tiger, whirlpool) are passed over and counted.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::lines::{Lines, trim_end};
use super::sample::{Sample, is_comment};
use super::sink::{Place, Sink};
use super::text::{Bad, check_name, named_digest, no_second_row};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

/// The first line.
const FIRST: &[u8] = b"%%%% HASHDEEP-1.0";
/// What the second line and those that name columns again begin with.
const MARK: &[u8] = b"%%%% ";

pub(super) static FORMAT: Grammar = Grammar {
    name: "hashdeep",
    about: "hashdeep 1.0: size, several digests, name",
    fits: |sample: &Sample, _: &ImportOptions| {
        let first = sample.text().split(|byte| *byte == b'\n').next();
        !sample.is_binary() && first.map(trim_end) == Some(FIRST)
    },
    read,
};

/// The columns between size and name; `None` for an algorithm that is not computed.
type Columns = Vec<Option<Algorithm>>;

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut lines = Lines::new(input);
    let mut columns: Option<Columns> = None;
    while let Some(line) = lines.next().map_err(|error| sink.io(error))? {
        let place = Place { line: line.number, column: 1 };
        if line.too_long {
            sink.reject(Reason::LineTooLong, place)?;
        } else if line.bytes == FIRST || is_comment(line.bytes) {
        } else if let Some(header) = line.bytes.strip_prefix(MARK) {
            let read = read_columns(header, sink);
            columns = Some(read.ok_or_else(|| sink.damaged(&"no header of hashdeep", place))?);
        } else {
            let Some(columns) = &columns else {
                return Err(sink.damaged(&"a row before the header that names its columns", place));
            };
            match parse(line.bytes, columns) {
                Ok(row) => sink.accept(row, place)?,
                Err((reason, at)) => {
                    sink.reject(reason, Place { column: at as u64 + 1, ..place })?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the header line that names the columns.
fn read_columns(header: &[u8], sink: &mut Sink<'_>) -> Option<Columns> {
    let header = std::str::from_utf8(header).ok()?.trim_end();
    let between = header.strip_prefix("size,")?.strip_suffix(",filename")?;
    let names = between.split(',');
    let columns = names.map(|name| {
        let algorithm = name.parse().ok();
        if algorithm.is_none() {
            sink.ignore_field(name);
        }
        algorithm
    });
    Some(columns.collect())
}

fn parse(line: &[u8], columns: &Columns) -> Result<Row, Bad> {
    let mut fields = line.splitn(columns.len() + 2, |byte| *byte == b',');
    let mut at = 0;
    let size = fields.next().unwrap_or_default();
    let size_bytes = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
    let mut row =
        Row { size_bytes: Some(size_bytes.ok_or((Reason::BadSize, 0))?), ..Row::default() };
    at += size.len() + 1;
    for column in columns {
        let field = fields.next().ok_or((Reason::NotInFormat, line.len()))?;
        // hashdeep leaves a field empty that its run did not compute.
        if let Some(algorithm) = column.filter(|_| !field.is_empty()) {
            let digest = named_digest(field, algorithm);
            let digest = digest.map_err(|(reason, place)| (reason, at + place))?;
            row.add(digest).map_err(|reason| (reason, at))?;
        }
        at += field.len() + 1;
    }
    check_name(fields.next().ok_or((Reason::NotInFormat, line.len()))?, at)?;
    no_second_row(line)?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_have_commas_and_a_missing_field_is_refused() {
        let columns = vec![Some(Algorithm::Md5), None];
        let row = parse(b"11,462d283d443ab2b6f256a6b5b2c7f104,00,a,b", &columns).unwrap();
        assert_eq!((row.size_bytes, row.digests.iter().count()), (Some(11), 1));
        let short = parse(b"11,462d283d443ab2b6f256a6b5b2c7f104", &columns);
        assert_eq!(short, Err((Reason::NotInFormat, 35)));
        let bad = parse(b"11,462d283d443ab2b6f256a6b5b2c7f1x4,00,a", &columns);
        assert_eq!(bad, Err((Reason::NotHex, 33)));
    }
}
