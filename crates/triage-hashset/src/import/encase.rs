//! EnCase `.hash` (legacy, version 2): a head of 1,152 bytes and records of 18, each beginning with
//! an MD5. Offsets as in the readers of TSK and md5deep.

use std::io::{self, BufRead};

use triage_hash::{Algorithm, Digest};

use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::row_of;
use super::{Grammar, ImportOptions};
use crate::{Error, Reason};

pub(super) static FORMAT: Grammar =
    Grammar { name: "encase", about: "EnCase .hash, legacy (MD5)", fits, read };

/// The first bytes.
const MAGIC: &[u8] = b"HASH\r\n\xff\0";
/// Where the number of records stands, little-endian.
const COUNT_AT: usize = 16;
/// Where the records begin.
const HEAD_BYTES: usize = 1152;
/// An MD5 and two bytes of unknown meaning.
const RECORD_BYTES: usize = 18;

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    sample.text().starts_with(MAGIC)
}

/// Reads the records. "Line" of a bad row is its number.
fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut head = [0; HEAD_BYTES];
    if fill(input, &mut head).map_err(|error| sink.io(error))? < HEAD_BYTES {
        return Err(sink.damaged(&"the head of 1,152 bytes breaks off", super::TOP));
    }
    let count = head.get(COUNT_AT..).and_then(|bytes| bytes.first_chunk()).copied();
    let count = u64::from(u32::from_le_bytes(count.unwrap_or_default()));
    let mut number = 0_u64;
    loop {
        let mut record = [0; RECORD_BYTES];
        let length = fill(input, &mut record).map_err(|error| sink.io(error))?;
        let place = Place { line: number.saturating_add(1), column: 1 };
        if length == 0 {
            break;
        }
        if length < RECORD_BYTES {
            return Err(sink.damaged(&"the last record breaks off", place));
        }
        number = number.saturating_add(1);
        let md5 = record.get(..16).unwrap_or_default();
        match Digest::from_bytes(Algorithm::Md5, md5) {
            Ok(digest) => sink.accept(row_of(digest), place)?,
            Err(_) => sink.reject(Reason::WrongLength, place)?,
        }
    }
    if number == count {
        return Ok(());
    }
    let place = Place { line: number.saturating_add(1), column: 1 };
    Err(sink.damaged(&format!("the head says {count} records, there are {number}"), place))
}

/// Fills a buffer as far as the input goes.
fn fill(input: &mut dyn BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(more) => length = length.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
