//! Plain lists: one digest a line, `#` comments, optional words after white space.
//!
//! Without a hint the length of each digest names its algorithm, so that one list may mix them.

use std::io::BufRead;

use triage_hash::{Algorithm, Digest};

use super::sample::Sample;
use super::sink::Sink;
use super::text::{
    Bad, algorithm_of_length, is_digest_length, read_digests, split_hex, unnamed_digest,
};
use super::{Grammar, ImportOptions};
use crate::Error;

pub(super) static FORMAT: Grammar = Grammar {
    name: "plain",
    about: "one digest a line: MD5, SHA-1, SHA-256 or SHA-512 by length",
    fits,
    read,
};

/// Fits lists of bare digests only: with words after the digest a line could be a check file.
fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    sample.vote(|line| {
        let (hex, rest) = split_hex(unquote(line.trim_ascii()));
        rest.is_empty() && is_digest_length(hex.len())
    })
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let hint = sink.options().algorithm;
    if hint.is_none() {
        sink.note_algorithm_by_length();
    }
    read_digests(input, sink, |line| parse(line, hint))
}

#[inline]
fn parse(line: &[u8], hint: Option<Algorithm>) -> Result<Digest, Bad> {
    // Nearly every line: the digest and nothing else.
    if let Some(digest) = bare_digest(line, hint) {
        return Ok(digest);
    }
    let trimmed = line.trim_ascii_start();
    let indent = line.len() - trimmed.len();
    let end = trimmed.iter().position(u8::is_ascii_whitespace).unwrap_or(trimmed.len());
    let (word, _) = trimmed.split_at(end);
    let bare = unquote(word);
    let skipped = indent + usize::from(bare.len() < word.len());
    let digest = unnamed_digest(bare, hint);
    digest.map_err(|(reason, at)| (reason, at + skipped))
}

/// Reads a line that is a digest of the expected length from end to end.
#[inline]
fn bare_digest(line: &[u8], hint: Option<Algorithm>) -> Option<Digest> {
    let algorithm = hint.or(algorithm_of_length(line.len()))?;
    Digest::from_hex(algorithm, line).ok()
}

/// Takes one pair of double quotes away.
fn unquote(word: &[u8]) -> &[u8] {
    let inner = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\""));
    inner.unwrap_or(word)
}
