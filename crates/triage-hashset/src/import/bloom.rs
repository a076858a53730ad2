//! The bloom filter of DCSO, such as that of CIRCL's hashlookup. There is no digest in it: the
//! filter itself goes into the index, and what it answers is a *probable* match.
//!
//! Of which algorithm the items are is not in the file: the person must say it, since a wrong guess
//! would be a set that never matches. The false-positive rate of the head is not believed but
//! computed from the bits, since a filter that was filled beyond its size is wrong ever more often.
//! What stands behind the bits (free data of the writer) is not used.

use std::io::BufRead;

use super::sample::Sample;
use super::sink::Sink;
use super::{Grammar, ImportOptions, TOP};
use crate::bloom::{HEADER_LEN, Header};
use crate::{Disposition, Error, ProbableReport};

pub(super) static FORMAT: Grammar = Grammar {
    name: "bloom",
    about: "DCSO bloom filter of hex digests (hashlookup): its matches are probable only",
    fits: |sample, _: &ImportOptions| Header::read(sample.text()).is_some(),
    read,
};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// Most bytes of a filter: that of hashlookup, with 10^9 digests, has one gigabyte. A head that
/// asks for more is damaged.
const MOST_BYTES: u64 = 1 << 40;
/// A filter that is wrong for more than one in twenty files is no evidence of anything.
const MOST_PER_BILLION: u64 = 50_000_000;

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let path = sink.path().to_owned();
    let mut head = [0; HEADER_LEN];
    let whole = input.read_exact(&mut head).is_ok();
    let header = Header::read(&head).filter(|_| whole);
    let header = header.filter(|header| header.bits_bytes() <= MOST_BYTES);
    let header = header.ok_or_else(|| sink.damaged(&"no head of a bloom filter", TOP))?;
    let Some(algorithm) = sink.options().algorithm else {
        return Err(Error::AlgorithmNeeded { path });
    };
    if sink.options().description.disposition == Some(Disposition::KnownGood) {
        return Err(Error::ProbableKnownGood { path });
    }
    let mut filter = sink.growing()?;
    filter.put(&head)?;
    let mut left = header.bits_bytes();
    let mut ones = 0_u64;
    let mut piece = vec![0; PIECE];
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let part = piece.get_mut(..length).unwrap_or_default();
        let got = input.read(part).map_err(|error| sink.io(error))?;
        let part = part.get(..got).unwrap_or_default();
        if part.is_empty() {
            let why = format!("its head says {} bits, and the file breaks off", header.bits);
            return Err(sink.damaged(&why, TOP));
        }
        ones = part.iter().fold(ones, |sum, byte| sum.saturating_add(byte.count_ones().into()));
        left = left.saturating_sub(got as u64);
        filter.put(part)?;
    }
    if ones == 0 {
        return Err(sink.damaged(&"no bit of the filter is set: nothing is in it", TOP));
    }
    // Both spellings of each digest, in capitals and in small letters, are looked for.
    let false_positives_per_billion = header.false_positives_per_billion(ones).saturating_mul(2);
    if false_positives_per_billion > MOST_PER_BILLION {
        let why = format!(
            "{ones} of {} bits are set: more than one in twenty files would match by chance",
            header.bits
        );
        return Err(sink.damaged(&why, TOP));
    }
    let items = header.items;
    let report = ProbableReport { items, bits: header.bits, ones, false_positives_per_billion };
    sink.accept_filter(algorithm, filter, report)
}
