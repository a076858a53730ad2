//! BSD tagged check files, also of GNU `--tag`: `SHA256 (NAME) = HEX`.
//!
//! The digest follows the last `) = `, so that names with parentheses survive. A line that begins
//! with `\` has an escaped name.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, check_escapes, check_name, named_digest, read_lines, row_of};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar = Grammar {
    name: "bsd",
    about: "tagged check file: SHA256 (name) = hex",
    fits: |sample: &Sample, _: &ImportOptions| {
        sample.vote(|line| split_tagged(line, b" (", b") = ").is_ok())
    },
    read,
};

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    read_lines(input, sink, |line| parse(line, b" (", b") = "))
}

/// The parts of a tagged line.
struct Tagged<'a> {
    tag: &'a [u8],
    name: &'a [u8],
    hex: &'a [u8],
}

/// Splits a tagged line at the first `open` and the last `close`.
fn split_tagged<'a>(line: &'a [u8], open: &[u8], close: &[u8]) -> Result<Tagged<'a>, Bad> {
    let not_in_format = (Reason::NotInFormat, 0);
    let text = line.strip_prefix(b"\\").unwrap_or(line);
    let start = text.windows(open.len()).position(|part| part == open).ok_or(not_in_format)?;
    let (tag, rest) = text.split_at(start);
    let rest = rest.get(open.len()..).unwrap_or_default();
    let end = rest.windows(close.len()).rposition(|part| part == close).ok_or(not_in_format)?;
    let (name, hex) = rest.split_at(end);
    let hex = hex.get(close.len()..).unwrap_or_default();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'_');
    if tag.is_empty() || !tag.iter().all(plain) {
        return Err(not_in_format);
    }
    Ok(Tagged { tag, name, hex })
}

/// Says whether a line is tagged in this way.
pub(super) fn is_tagged(line: &[u8], open: &[u8], close: &[u8]) -> bool {
    split_tagged(line, open, close).is_ok()
}

/// Reads a tagged line.
pub(super) fn parse(line: &[u8], open: &[u8], close: &[u8]) -> Result<Row, Bad> {
    let Tagged { tag, name, hex } = split_tagged(line, open, close)?;
    let algorithm = std::str::from_utf8(tag).ok().and_then(|tag| tag.parse::<Algorithm>().ok());
    let algorithm = algorithm.ok_or((Reason::UnsupportedAlgorithm, 0))?;
    let name_at = usize::from(line.starts_with(b"\\")) + tag.len() + open.len();
    check_name(name, name_at)?;
    if line.starts_with(b"\\") {
        check_escapes(name, name_at)?;
    }
    let hex_at = line.len() - hex.len();
    let digest = named_digest(hex.trim_ascii_end(), algorithm);
    digest.map(row_of).map_err(|(reason, at)| (reason, at + hex_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_parenthesis_ends_the_name() {
        let line = b"MD5 (a) = b) = 462d283d443ab2b6f256a6b5b2c7f104";
        assert!(parse(line, b" (", b") = ").is_ok());
    }

    #[test]
    fn an_algorithm_that_is_not_computed_is_named_as_such() {
        let line = b"SM3 (a) = 462d283d443ab2b6f256a6b5b2c7f104";
        assert_eq!(parse(line, b" (", b") = "), Err((Reason::UnsupportedAlgorithm, 0)));
        let line = b"MD5 (a) = 462d283d443ab2b6f256a6b5b2c7f10g";
        assert_eq!(parse(line, b" (", b") = "), Err((Reason::NotHex, 41)));
    }
}
