//! What the formats of one row a line share: the loop over the lines, digests in hex, names.

use std::io::BufRead;

use triage_hash::{Algorithm, Digest, Digests};

use super::lines::Lines;
use super::sample::is_comment;
use super::sink::{Place, Sink};
use crate::{Error, Reason, Row};

/// Why a line is no row, and at which byte of it, from 0.
pub(super) type Bad = (Reason, usize);

/// Reads every line with `parse`; blank lines and comments are no rows.
pub(super) fn read_lines(
    input: &mut dyn BufRead,
    sink: &mut Sink<'_>,
    parse: impl Fn(&[u8]) -> Result<Row, Bad>,
) -> Result<(), Error> {
    each_line(input, sink, parse, Sink::accept)
}

/// Reads every line with `parse`, which gives a digest and nothing else.
pub(super) fn read_digests(
    input: &mut dyn BufRead,
    sink: &mut Sink<'_>,
    parse: impl Fn(&[u8]) -> Result<Digest, Bad>,
) -> Result<(), Error> {
    each_line(input, sink, parse, Sink::accept_digest)
}

/// Reads every line with `parse` and hands what it gives to `accept`.
pub(super) fn each_line<'a, T>(
    input: &mut dyn BufRead,
    sink: &mut Sink<'a>,
    parse: impl Fn(&[u8]) -> Result<T, Bad>,
    accept: impl Fn(&mut Sink<'a>, T, Place) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next().map_err(|error| sink.io(error))? {
        let start = Place { line: line.number, column: 1 };
        if line.too_long {
            sink.reject(Reason::LineTooLong, start)?;
        } else if !is_comment(line.bytes) {
            match parse(line.bytes).and_then(|row| no_second_row(line.bytes).map(|()| row)) {
                Ok(row) => accept(sink, row, start)?,
                Err((reason, at)) => {
                    let column = (at as u64).saturating_add(1);
                    sink.reject(reason, Place { column, ..start })?;
                }
            }
        }
    }
    Ok(())
}

/// Refuses a line with a bare CR or a NUL byte: behind it may stand another row, which would be
/// taken for words or a name and be missing without a word.
#[inline]
pub(super) fn no_second_row(line: &[u8]) -> Result<(), Bad> {
    match memchr::memchr2(b'\r', 0, line) {
        Some(at) if !is_line_end(line.get(at..)) => Err((Reason::NotInFormat, at)),
        _ => Ok(()),
    }
}

/// Says whether the rest of a line is nothing but CR: programs that write text twice as text end
/// their lines with CR CR LF.
pub(super) fn is_line_end(rest: Option<&[u8]>) -> bool {
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b'\r'))
}

/// Returns the algorithm that digests of this many hex digits have by default.
pub(super) const fn algorithm_of_length(digits: usize) -> Option<Algorithm> {
    match digits {
        32 => Some(Algorithm::Md5),
        40 => Some(Algorithm::Sha1),
        64 => Some(Algorithm::Sha256),
        128 => Some(Algorithm::Sha512),
        _ => None,
    }
}

/// Reads a digest that stands without the name of its algorithm.
pub(super) fn unnamed_digest(hex: &[u8], hint: Option<Algorithm>) -> Result<Digest, Bad> {
    if let Some(algorithm) = hint {
        return named_digest(hex, algorithm);
    }
    if let Some(algorithm) = algorithm_of_length(hex.len()) {
        return named_digest(hex, algorithm);
    }
    if let Some(at) = hex.iter().position(|digit| !digit.is_ascii_hexdigit()) {
        return Err((Reason::NotHex, at));
    }
    match hex.len() {
        // SHA-224 and SHA-384 are well-formed and simply not computed here.
        56 | 96 => Err((Reason::UnsupportedAlgorithm, 0)),
        _ => Err((Reason::WrongLength, 0)),
    }
}

/// Reads a digest of a known algorithm.
pub(super) fn named_digest(hex: &[u8], algorithm: Algorithm) -> Result<Digest, Bad> {
    // What is wrong is looked for only where something is.
    Digest::from_hex(algorithm, hex).map_err(|_| {
        match hex.iter().position(|digit| !digit.is_ascii_hexdigit()) {
            Some(at) => (Reason::NotHex, at),
            None => (Reason::WrongLength, 0),
        }
    })
}

/// Returns a row with one digest.
pub(super) fn row_of(digest: Digest) -> Row {
    Row { digests: Digests::from_iter([digest]), ..Row::default() }
}

/// Splits a line before its first byte that is no hex digit.
pub(super) fn split_hex(line: &[u8]) -> (&[u8], &[u8]) {
    // A table, not ranges: of a list of 10^7 rows the ranges were a fifth of the import.
    let is_hex = |byte: &u8| HEX_DIGITS.get(usize::from(*byte)).copied().unwrap_or(false);
    let len = line.iter().position(|byte| !is_hex(byte)).unwrap_or(line.len());
    line.split_at(len)
}

/// Whether each byte is a hex digit.
static HEX_DIGITS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        // The place is below 128.
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[byte as usize] = byte.is_ascii_hexdigit();
        }
        byte += 1;
    }
    table
};

/// Says whether the text has as many hex digits as a digest.
pub(super) fn is_digest_length(digits: usize) -> bool {
    algorithm_of_length(digits).is_some()
}

/// Checks a name that is written with escapes: `\\`, `\n` and, in GNU files, `\r`.
pub(super) fn check_escapes(name: &[u8], at: usize) -> Result<(), Bad> {
    let mut bytes = name.iter().enumerate();
    while let Some((place, byte)) = bytes.next() {
        if *byte == b'\\' && !matches!(bytes.next(), Some((_, b'\\' | b'n' | b'r'))) {
            return Err((Reason::BadEscape, at.saturating_add(place)));
        }
    }
    Ok(())
}

/// Checks that a name is there and has no NUL byte: those come from lists that end their lines
/// with NUL, of which everything after the first row would be lost in its name.
pub(super) fn check_name(name: &[u8], at: usize) -> Result<(), Bad> {
    if name.is_empty() {
        return Err((Reason::NotInFormat, at));
    }
    match name.iter().position(|byte| *byte == 0) {
        Some(place) => Err((Reason::BadName, at.saturating_add(place))),
        None => Ok(()),
    }
}
