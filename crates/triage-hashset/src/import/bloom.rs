//! The bloom filter of DCSO, such as that of CIRCL's hashlookup. There is no digest in it: the
//! filter itself goes into the index, and what it answers is a *probable* match.
//!
//! Of which algorithm the items are is not in the file: the person must say it, since a wrong guess
//! would be a set that never matches. The false-positive rate of the head is not believed but
//! computed from the bits, since a filter that was filled beyond its size is wrong ever more often.
//! That takes the places of an item for independent, which they are not in a small filter: so the
//! rate is tried as well, with digests of no file.
//! What stands behind the bits (free data of the writer) is not used.

use std::io::BufRead;

use super::sample::Sample;
use super::sink::Sink;
use super::{Grammar, ImportOptions, TOP};
use triage_hash::Algorithm;

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
    let mut trial = Trial::new(&header, algorithm);
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
        trial.see(header.bits_bytes().saturating_sub(left), part);
        left = left.saturating_sub(got as u64);
        filter.put(part)?;
    }
    if ones == 0 {
        return Err(sink.damaged(&"no bit of the filter is set: nothing is in it", TOP));
    }
    // Both spellings of each digest, in capitals and in small letters, are looked for.
    let each = header.false_positives_per_billion(ones).max(trial.found_per_billion());
    let false_positives_per_billion = each.saturating_mul(2).min(1_000_000_000);
    if false_positives_per_billion > MOST_PER_BILLION {
        let why = format!(
            "{ones} of {} bits are set: {false_positives_per_billion} of 10^9 other files would match \
             by chance",
            header.bits
        );
        return Err(sink.damaged(&why, TOP));
    }
    let items = header.items;
    let report = ProbableReport { items, bits: header.bits, ones, false_positives_per_billion };
    sink.accept_filter(algorithm, filter, report)
}

/// How many digests of no file are tried.
const TRIED: u32 = 1 << 14;
/// So few that are found may be chance: a filter of one in a million has one of them in 60 trials.
const CHANCE: u64 = 2;

/// Digests of no file, which are looked for while the bits go by.
struct Trial {
    /// The places of all bits that are asked for, each with its digest, sorted.
    places: Vec<(u64, u32)>,
    /// How many of them went by.
    seen: usize,
    /// Which digests are not in the filter.
    absent: Vec<bool>,
}

impl Trial {
    fn new(header: &Header, algorithm: Algorithm) -> Self {
        let mut places = Vec::new();
        for number in 0..TRIED {
            let digest = triage_hash::hash_bytes(
                triage_hash::Algorithms::NONE.with(algorithm),
                &[b"no file ", &number.to_le_bytes()[..]].concat(),
            );
            let text = digest.get(algorithm).map(|digest| format!("{digest:X}"));
            let of = header.places(text.unwrap_or_default().as_bytes());
            places.extend(of.map(|place| (place, number)));
        }
        places.sort_unstable();
        Self { places, seen: 0, absent: vec![false; TRIED as usize] }
    }

    /// Takes the next bytes of the filter, of which the first has this place.
    fn see(&mut self, first_byte: u64, bytes: &[u8]) {
        while let Some((place, number)) = self.places.get(self.seen) {
            let at = (place / 8).checked_sub(first_byte).and_then(|at| usize::try_from(at).ok());
            let Some(byte) = at.and_then(|at| bytes.get(at)) else { return };
            if byte >> (place % 8) & 1 == 0
                && let Some(absent) = self.absent.get_mut(*number as usize)
            {
                *absent = true;
            }
            self.seen = self.seen.saturating_add(1);
        }
    }

    /// Returns how many of 10^9 are found, as far as it can be told from these few.
    fn found_per_billion(&self) -> u64 {
        let found = self.absent.iter().filter(|absent| !**absent).count() as u64;
        match found {
            0..=CHANCE => 0,
            found => found.saturating_mul(1_000_000_000) / u64::from(TRIED),
        }
    }
}
