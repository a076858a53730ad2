//! The bloom filter of DCSO, as CIRCL's hashlookup and its readers use it: items are digests of one
//! algorithm in upper-case hex. Who has the filter can test digests, and cannot list them.

use std::io::Write as _;

use super::{Exporting, Form, Writing};
use crate::Error;
use crate::bloom::Header;

pub(super) static FORMAT: Form = Form {
    name: "bloom",
    about: "DCSO bloom filter of upper-case hex: answers `probably`",
    writing: Writing::Stream(write),
};

/// One file in a million that is not in the set is said to be: 29 bits a digest.
const RATE: f64 = 1e-6;
/// Most bytes of a filter, which is made in memory: 300 million digests.
const MOST_BYTES: u64 = 1 << 30;

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithm = out.one_algorithm()?;
    let header = Header::for_set(out.index.digest_count(algorithm), RATE);
    let length = usize::try_from(header.bits_bytes()).ok();
    let length = length.filter(|_| header.bits_bytes() <= MOST_BYTES);
    let length =
        length.ok_or(Error::Limit { what: "bytes of a bloom filter", limit: MOST_BYTES })?;
    let mut bits = vec![0_u8; length];
    let mut text = Vec::new();
    out.each_digest(algorithm, &mut |_, digest, _| {
        text.clear();
        // Writing into memory cannot fail.
        let _ = write!(text, "{digest:X}");
        for place in header.places(&text) {
            let byte = usize::try_from(place / 8).ok().and_then(|byte| bits.get_mut(byte));
            if let Some(byte) = byte {
                *byte |= 1 << (place % 8);
            }
        }
        Ok(())
    })?;
    out.put(&header.to_bytes())?;
    out.put(&bits)
}
