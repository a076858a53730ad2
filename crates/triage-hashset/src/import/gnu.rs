//! Check files of GNU coreutils (`md5sum`, `sha256sum`, ...) and of b3sum.
//!
//! `HEX`, a space, a space or `*`, the name. If the name has `\`, LF or CR, the line begins with
//! `\` and they are written `\\`, `\n`, `\r` (coreutils `cksum.c`); any other line is literal. Both
//! programs write 64 digits the same way: they are SHA-256 unless the options say BLAKE3 or
//! name the format `b3sum`. b3sum names are UTF-8 (`b3sum/what_does_check_do.md`).

use std::io::BufRead;

use triage_hash::{Algorithm, Digest};

use super::Grammar;
use super::sample::Sample;
use super::sink::Sink;
use super::text::{
    Bad, algorithm_of_length, check_escapes, check_name, is_digest_length, read_digests, split_hex,
    unnamed_digest,
};
use crate::{Error, Reason};

pub(super) static GNU: Grammar = Grammar {
    name: "gnu",
    about: "check file of md5sum, sha1sum, sha256sum, sha512sum, md5deep",
    fits: |sample, options| options.algorithm != Some(Algorithm::Blake3) && fits(sample),
    read,
};

pub(super) static B3SUM: Grammar = Grammar {
    name: "b3sum",
    about: "check file of b3sum; looks like sha256sum, so that it must be named",
    fits: |sample, options| options.algorithm == Some(Algorithm::Blake3) && fits(sample),
    read: read_b3sum,
};

fn fits(sample: &Sample) -> bool {
    sample.vote(|line| {
        split(line).is_ok_and(|(hex, name)| is_digest_length(hex.len()) && !name.is_empty())
    })
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let hint = sink.options().algorithm;
    if hint.is_none() {
        sink.note_algorithm_by_length();
    }
    read_digests(input, sink, |line| parse(line, hint))
}

fn read_b3sum(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    read_digests(input, sink, |line| {
        let digest = parse(line, Some(Algorithm::Blake3))?;
        match std::str::from_utf8(line) {
            Ok(text) if !text.contains(char::REPLACEMENT_CHARACTER) => Ok(digest),
            Ok(_) => Err((Reason::BadName, 0)),
            Err(error) => Err((Reason::BadName, error.valid_up_to())),
        }
    })
}

/// Splits a line into digest and name, both as written.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Bad> {
    let literal = line.strip_prefix(b"\\").unwrap_or(line);
    let (hex, rest) = split_hex(literal);
    match rest {
        [b' ', b' ' | b'*', name @ ..] => Ok((hex, name)),
        _ => Err((Reason::NotInFormat, line.len() - rest.len())),
    }
}

/// Reads a line without escapes and without anything wrong: nearly every one.
#[inline]
fn usual(line: &[u8], hint: Option<Algorithm>) -> Option<Digest> {
    let len = [32, 40, 64, 128].into_iter().find(|len| line.get(*len) == Some(&b' '))?;
    let (hex, rest) = line.split_at_checked(len)?;
    match rest {
        [b' ', b' ' | b'*', name @ ..] if !name.is_empty() && !name.contains(&0) => {
            Digest::from_hex(hint.or(algorithm_of_length(len))?, hex).ok()
        }
        _ => None,
    }
}

#[inline]
fn parse(line: &[u8], hint: Option<Algorithm>) -> Result<Digest, Bad> {
    if let Some(digest) = usual(line, hint) {
        return Ok(digest);
    }
    let (hex, name) = split(line)?;
    let escaped = line.starts_with(b"\\");
    let name_at = line.len() - name.len();
    let digest = unnamed_digest(hex, hint);
    let digest = digest.map_err(|(reason, at)| (reason, at + usize::from(escaped)))?;
    check_name(name, name_at)?;
    if escaped {
        check_escapes(name, name_at)?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "462d283d443ab2b6f256a6b5b2c7f104";

    fn reason(line: &str) -> Option<Bad> {
        parse(line.as_bytes(), None).err()
    }

    #[test]
    fn escapes_count_in_marked_lines_only() {
        assert_eq!(reason(&format!("\\{HEX}  a\\\\b\\n\\r")), None);
        assert_eq!(reason(&format!("\\{HEX}  a\\t")), Some((Reason::BadEscape, 36)));
        assert_eq!(reason(&format!("\\{HEX}  a\\")), Some((Reason::BadEscape, 36)));
        assert_eq!(reason(&format!("{HEX}  a\\t")), None);
    }

    #[test]
    fn a_name_with_nul_or_none_at_all_is_refused() {
        assert_eq!(reason(&format!("{HEX}  a\0{HEX}  b")), Some((Reason::BadName, 35)));
        assert_eq!(reason(&format!("{HEX}  ")), Some((Reason::NotInFormat, 34)));
        assert_eq!(reason(&format!("{HEX} a")), Some((Reason::NotInFormat, 32)));
    }

    #[test]
    fn a_hint_forbids_other_lengths() {
        let row = parse(format!("{HEX} *a").as_bytes(), Some(Algorithm::Blake3));
        assert_eq!(row, Err((Reason::WrongLength, 0)));
    }
}
