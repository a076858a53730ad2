//! HashKeeper `.hsh`: quoted CSV whose column `hash` holds MD5.
//!
//! The `.hke` file that comes with it names the sets and holds no digest; what it says of
//! `notable_flag` is given as the disposition of the set.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::sample::Sample;
use super::sink::Sink;
use super::{Grammar, ImportOptions, delimited, headed};
use crate::Error;

pub(super) static FORMAT: Grammar =
    Grammar { name: "hashkeeper", about: "HashKeeper .hsh (MD5)", fits, read };

/// How the header begins.
const FIRST: &[u8] = b"\"file_id\",\"hashset_id\",\"file_name\"";

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    !sample.is_binary() && sample.lines().next().is_some_and(|line| line.starts_with(FIRST))
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let header = sample.lines().next().unwrap_or_default();
    let layout = headed::layout(header, b',', Some(("hash", Algorithm::Md5)));
    let layout = layout.ok_or_else(|| sink.damaged(&"no header of HashKeeper", super::TOP))?;
    delimited::read_records(input, &layout, sink)
}
