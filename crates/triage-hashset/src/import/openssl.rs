//! Output of `openssl dgst`: `MD5(NAME)= HEX` and, from version 3, `SHA2-256(NAME)= HEX`.

use std::io::BufRead;

use super::bsd_tag::{is_tagged, parse};
use super::sample::Sample;
use super::sink::Sink;
use super::text::read_lines;
use super::{Grammar, ImportOptions};
use crate::Error;

pub(super) static FORMAT: Grammar = Grammar {
    name: "openssl",
    about: "output of openssl dgst: SHA2-256(name)= hex",
    fits: |sample: &Sample, _: &ImportOptions| sample.vote(|line| is_tagged(line, b"(", b")= ")),
    read,
};

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    read_lines(input, sink, |line| parse(line, b"(", b")= "))
}
