//! The semicolon CSV that ICSE-connected units exchange, both generations of its header.
//!
//! Unquoted, and rows may have fewer or more fields than the header. `Baseline` (illegal in any
//! country, as Interpol defines it) becomes a category of the scheme `icse`, never a number of a
//! national scheme. PhotoDNA is kept beside the set; ZZ40 and Lace are not used.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::lines::skip_line;
use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, named_digest, read_lines};
use super::{Grammar, ImportOptions};
use crate::{Error, PerceptualKind, Reason, Row, RowCategory};

pub(super) static FORMAT: Grammar =
    Grammar { name: "icse", about: "ICSE-style semicolon CSV, 12 or 16 columns", fits, read };

/// The scheme of the category.
const SCHEME: &str = "icse";
/// The label of rows with `Baseline` = `Yes`.
const BASELINE: &str = "Baseline";
/// The column of PhotoDNA, in hex.
const PHOTODNA: &[u8] = b"PhotoDNA";
/// How every header begins, and a column that only this format has.
const FIRST: &[u8] = b"MD5;SHA1;";
const MARK: &[u8] = b";Image ID;";

fn header(sample: &Sample) -> Option<&[u8]> {
    let first = sample.lines().next()?.trim_ascii();
    let marked = first.windows(MARK.len()).any(|part| part == MARK);
    (first.starts_with(FIRST) && marked).then_some(first)
}

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    !sample.is_binary() && header(sample).is_some()
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let header = header(sample).ok_or_else(|| sink.damaged(&"no header of ICSE", super::TOP))?;
    let names: Vec<&[u8]> = header.split(|byte| *byte == b';').collect();
    let baseline = names.iter().position(|name| *name == BASELINE.as_bytes());
    sink.note_scheme(SCHEME.to_owned());
    let photodna = names.iter().position(|name| *name == PHOTODNA);
    for name in names.iter().skip(2) {
        if *name != BASELINE.as_bytes() && *name != PHOTODNA {
            sink.ignore_field(std::str::from_utf8(name).unwrap_or_default());
        }
    }
    skip_line(input).map_err(|error| sink.io(error))?;
    read_lines(input, sink, |line| parse(line, Columns { baseline, photodna }))
}

/// Which columns the header names, beside the two of digests.
#[derive(Clone, Copy)]
struct Columns {
    baseline: Option<usize>,
    photodna: Option<usize>,
}

fn parse(line: &[u8], columns: Columns) -> Result<Row, Bad> {
    let mut row = Row::default();
    let mut start = 0_usize;
    for (place, field) in line.split(|byte| *byte == b';').enumerate() {
        let text = field.trim_ascii();
        let algorithm = match place {
            0 => Some(Algorithm::Md5),
            1 => Some(Algorithm::Sha1),
            _ => None,
        };
        if let Some(algorithm) = algorithm.filter(|_| !text.is_empty()) {
            let digest = named_digest(text, algorithm);
            let digest = digest.map_err(|(reason, at)| (reason, start.saturating_add(at)))?;
            row.add(digest).map_err(|reason| (reason, start))?;
        }
        if Some(place) == columns.photodna {
            let text = std::str::from_utf8(text).unwrap_or("?");
            row.add_perceptual(PerceptualKind::PhotoDna, text);
        }
        if Some(place) == columns.baseline && text.eq_ignore_ascii_case(b"yes") {
            row.category = RowCategory::from_text(BASELINE).unwrap_or_default();
        }
        start = start.saturating_add(field.len()).saturating_add(1);
    }
    if row.digests.is_empty() && row.perceptual.is_empty() {
        return Err((Reason::NoDigest, 0));
    }
    Ok(row)
}
