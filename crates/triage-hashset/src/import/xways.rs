//! X-Ways text: the first line names the hash type, then one digest a line.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::lines::skip_line;
use super::sample::Sample;
use super::sink::Sink;
use super::text::{named_digest, read_lines, row_of};
use super::{Grammar, ImportOptions};
use crate::Error;

pub(super) static FORMAT: Grammar =
    Grammar { name: "xways", about: "X-Ways text: hash type, then digests", fits, read };

/// The hash types as X-Ways spells them.
const TYPES: [(&[u8], Algorithm); 3] =
    [(b"MD5", Algorithm::Md5), (b"SHA-1", Algorithm::Sha1), (b"SHA-256", Algorithm::Sha256)];

fn algorithm(line: &[u8]) -> Option<Algorithm> {
    TYPES.iter().find(|(name, _)| *name == line.trim_ascii()).map(|(_, algorithm)| *algorithm)
}

/// Fits if the second line is a digest of the type that the first one names.
fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let mut lines = sample.lines();
    let named = lines.next().and_then(algorithm);
    let second = lines.next().map(<[u8]>::trim_ascii);
    let is_digest = named.zip(second).is_some_and(|(of, hex)| named_digest(hex, of).is_ok());
    !sample.is_binary() && is_digest
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let first = sample.lines().next().unwrap_or_default();
    let algorithm = algorithm(first)
        .ok_or_else(|| sink.damaged(&"the first line names no hash type", super::TOP))?;
    // Comments before the header are lines of their own.
    let mut lines = sample.text().split(|byte| *byte == b'\n');
    let header = lines.position(|line| !super::sample::is_comment(line)).unwrap_or(0);
    for _ in 0..=header {
        skip_line(input).map_err(|error| sink.io(error))?;
    }
    read_lines(input, sink, |line| {
        let digest = named_digest(line.trim_ascii(), algorithm)?;
        Ok(row_of(digest))
    })
}
