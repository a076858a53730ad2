//! `NSRLFile.txt` of the NSRL Reference Data Set, versions 1.5 and 2.x (NIST, "Data Formats of the
//! NSRL Reference Data Set Distribution", section 2).
//!
//! One row per digest and product, so that most rows are duplicates. Names are in the
//! manufacturer's own encoding and are never used. MD4 of version 1.5 is not computed here.

use std::io::BufRead;

use super::sample::Sample;
use super::sink::Sink;
use super::{Grammar, ImportOptions, delimited, headed};
use crate::Error;

pub(super) static FORMAT: Grammar =
    Grammar { name: "nsrl-text", about: "NSRLFile.txt of NSRL RDS 1.5 and 2.x", fits, read };

/// How every header begins, and the column that no other list has.
const FIRST: &[u8] = b"\"SHA-1\",\"";
const LAST: &[u8] = b"\"SpecialCode\"";

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let header = sample.lines().next().unwrap_or_default();
    !sample.is_binary() && header.starts_with(FIRST) && header.ends_with(LAST)
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let header = sample.lines().next().unwrap_or_default();
    let layout = headed::layout(header, b',', None);
    let layout = layout.ok_or_else(|| sink.damaged(&"no header of NSRLFile.txt", super::TOP))?;
    delimited::read_records(input, &layout, sink)
}
