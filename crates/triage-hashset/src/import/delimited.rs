//! Delimited text: comma, semicolon, tab or pipe, columns by header names or by an explicit map.
//!
//! A file without a header needs the map: what a bare column means is not guessed.

use std::io::BufRead;

use super::Grammar;
use super::columns::{BadMap, Column, ColumnMap, DELIMITERS, Field, field_of_header};
use super::lines::Lines;
use super::quoted::{Fields, Records, Split, split};
use super::sample::{Sample, is_comment};
use super::sink::{Place, Sink};
use super::text::{Bad, named_digest};
use crate::{Error, Reason, Row, RowCategory};

pub(super) static FORMAT: Grammar = Grammar {
    name: "delimited",
    about: "CSV, TSV or semicolon-separated, with a header or a column map",
    fits: |sample, _| !sample.is_binary() && by_header(sample).is_some(),
    read,
};

/// How many lines are looked at to find the delimiter that fits a map.
const DELIMITER_LINES: usize = 20;

/// How the file is to be read.
pub(super) struct Layout {
    /// The byte between two fields.
    pub(super) delimiter: u8,
    /// What is used, and in which column, from 0.
    pub(super) columns: Vec<(Field, usize)>,
    /// Whether the first record names the columns.
    pub(super) has_header: bool,
    /// Whether a record that begins with `#` is a comment wherever it stands; else only before
    /// the first record, since later `#` may begin a name.
    pub(super) comments: bool,
}

/// Returns the layout that the first line names: at least two columns, one of them with digests.
pub(super) fn by_header(sample: &Sample) -> Option<Layout> {
    let first = sample.lines().next()?;
    let layouts = DELIMITERS.iter().filter_map(|(delimiter, _)| {
        let mut fields = Fields::default();
        if split(first, *delimiter, &mut fields) != Split::Done || fields.len() < 2 {
            return None;
        }
        let mut columns: Vec<(Field, usize)> = Vec::new();
        for place in 0..fields.len() {
            let name = fields.get(place)?;
            // A row of digests is no header, and iLook's needs a reader that knows its names.
            if is_no_header(name) {
                return None;
            }
            let field = field_of_header(name);
            // Of two columns with the same name the first counts.
            let Some(field) = field.filter(|f| columns.iter().all(|(known, _)| known != f)) else {
                continue;
            };
            columns.push((field, place));
        }
        let any = columns.iter().any(|(field, _)| matches!(field, Field::Digest(_)));
        any.then_some(Layout { delimiter: *delimiter, columns, has_header: true, comments: false })
    });
    layouts.max_by_key(|layout| layout.columns.len())
}

/// Says whether a field shows that its line is no header of this format.
fn is_no_header(field: &[u8]) -> bool {
    let digest = field.len() >= 32 && field.iter().all(u8::is_ascii_hexdigit);
    digest || matches!(field, b"V1Hash" | b"V3Hash" | b"V4Hash")
}

/// Returns the layout that a map asks for.
fn by_map(map: &ColumnMap, sample: &Sample) -> Result<Layout, BadMap> {
    let candidates = DELIMITERS.iter().map(|(delimiter, _)| *delimiter);
    let candidates = candidates.filter(|d| map.delimiter.is_none_or(|wanted| wanted == *d));
    let mut best: Option<(usize, Layout)> = None;
    let mut problem = None;
    for delimiter in candidates {
        match columns_of(map, delimiter, sample) {
            Err(bad) => problem = Some(bad),
            Ok(layout) => {
                let score = score(&layout, sample);
                if best.as_ref().is_none_or(|(most, _)| score > *most) {
                    best = Some((score, layout));
                }
            }
        }
    }
    let empty = || problem.unwrap_or_else(|| BadMap::new("", "no delimiter"));
    best.map(|(_, layout)| layout).ok_or_else(empty)
}

/// Finds the columns of a map, by place or by the header.
fn columns_of(map: &ColumnMap, delimiter: u8, sample: &Sample) -> Result<Layout, BadMap> {
    let mut header = Fields::default();
    let whole = split(sample.lines().next().unwrap_or_default(), delimiter, &mut header);
    let find = |column: &Column| match column {
        Column::Place(place) => Ok(*place),
        Column::Name(name) => (0..header.len())
            .find(|place| {
                header.get(*place).is_some_and(|f| f.eq_ignore_ascii_case(name.as_bytes()))
            })
            .ok_or_else(|| BadMap::new(name, "no column has that name")),
    };
    let columns: Result<Vec<(Field, usize)>, BadMap> =
        map.columns.iter().map(|(field, column)| Ok((*field, find(column)?))).collect();
    let columns = columns?;
    let by_name = map.columns.iter().any(|(_, column)| matches!(column, Column::Name(_)));
    // A first line with words in every digest column is a header; a bad digest has hex digits.
    let words = |place: &usize| {
        let field = header.get(*place).unwrap_or_default();
        !field.is_empty() && field.len() < 16 && field.iter().any(|b| !b.is_ascii_hexdigit())
    };
    let mut digests = columns.iter().filter(|(field, _)| matches!(field, Field::Digest(_)));
    let has_header = by_name || (whole == Split::Done && digests.all(|(_, place)| words(place)));
    Ok(Layout { delimiter, columns, has_header, comments: false })
}

/// Returns how many of the first lines have a digest where the layout expects one.
fn score(layout: &Layout, sample: &Sample) -> usize {
    let mut fields = Fields::default();
    let fits = |line: &&[u8]| {
        split(line, layout.delimiter, &mut fields) == Split::Done && {
            let mut row = Row::default();
            read_row(layout, &fields, &mut row).is_ok() && !row.digests.is_empty()
        }
    };
    sample.lines().take(DELIMITER_LINES).filter(fits).count()
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let layout = match &sink.options().columns {
        Some(map) => by_map(map, sample)?,
        None => by_header(sample).ok_or_else(|| {
            BadMap::new("", "the file has no header with known names; give the columns")
        })?,
    };
    read_records(input, &layout, sink)
}

/// Reads all records of a known layout.
pub(super) fn read_records(
    input: &mut dyn BufRead,
    layout: &Layout,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut records = Records::new(Lines::new(input), layout.delimiter);
    let mut fields = Fields::default();
    let mut row = Row::default();
    let mut first = true;
    while let Some((line, verdict)) = records.next(&mut fields).map_err(|error| sink.io(error))? {
        let place = |at: usize| Place { line, column: (at as u64).saturating_add(1) };
        let is_comment = fields.get(0).is_some_and(|field| !field.is_empty() && is_comment(field));
        if is_comment && (layout.comments || (first && verdict.is_ok())) {
            continue;
        }
        if first && verdict.is_ok() {
            first = false;
            if layout.has_header {
                note_unused(layout, &fields, sink);
                continue;
            }
        }
        let verdict = verdict.map_err(|bad| (bad.reason, bad.at));
        match verdict.and_then(|()| read_row(layout, &fields, &mut row)) {
            Ok(()) => sink.accept_row(&row, place(0))?,
            Err((reason, at)) => sink.reject(reason, place(at))?,
        }
    }
    Ok(())
}

/// Names the columns that are not used in the report.
fn note_unused(layout: &Layout, header: &Fields, sink: &mut Sink<'_>) {
    for place in 0..header.len() {
        if layout.columns.iter().all(|(_, used)| *used != place) {
            let name = header.get(place).and_then(|name| std::str::from_utf8(name).ok());
            sink.ignore_field(name.unwrap_or_default());
        }
    }
}

/// Reads the fields of one record; what was in `row` is gone.
fn read_row(layout: &Layout, fields: &Fields, row: &mut Row) -> Result<(), Bad> {
    row.digests.clear();
    row.perceptual.clear();
    (row.size_bytes, row.category, row.no_perceptual) = (None, None, 0);
    let mut label = None;
    for (field, place) in &layout.columns {
        let Some(text) = fields.get(*place).filter(|text| !is_null(text)) else { continue };
        let start = fields.start(*place);
        match field {
            Field::Digest(algorithm) => {
                let digest = named_digest(text, *algorithm);
                row.digests.insert(digest.map_err(|(reason, at)| (reason, start + at))?);
            }
            Field::Size => {
                let size = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                row.size_bytes = Some(size.ok_or((Reason::BadSize, start))?);
            }
            Field::Label => label = Some((text, start)),
            Field::Perceptual(kind) => {
                row.add_perceptual(*kind, std::str::from_utf8(text).unwrap_or("?"));
            }
            Field::Category => {
                let text = std::str::from_utf8(text).map_err(|_| (Reason::BadCategory, start))?;
                let category = RowCategory::from_text(text);
                row.category = category.map_err(|_| (Reason::BadCategory, start))?;
            }
        }
    }
    // What a label without a category means is not known.
    if let (Some(category), Some((text, start))) = (&mut row.category, label) {
        let latin = || text.iter().copied().map(char::from).collect();
        let text = std::str::from_utf8(text).map_or_else(|_| latin(), str::to_owned);
        let text = RowCategory::label_of(&text).ok_or((Reason::BadCategory, start))?;
        category.label.get_or_insert(text);
    }
    Ok(())
}

/// Says whether a field stands for nothing.
fn is_null(text: &[u8]) -> bool {
    let nulls: [&[u8]; 6] = [b"", b"-", b"n/a", b"na", b"null", b"none"];
    nulls.iter().any(|null| text.eq_ignore_ascii_case(null))
}
