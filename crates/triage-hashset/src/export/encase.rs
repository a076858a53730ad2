//! EnCase `.hash`, version 2: MD5 only. The count in the head is that of the records behind it.

use triage_hash::Algorithm;

use super::{Exporting, Form, Writing};
use crate::Error;

pub(super) static FORMAT: Form =
    Form { name: "encase", about: "EnCase .hash, legacy (MD5)", writing: Writing::Stream(write) };

/// Length of the head.
const HEAD_BYTES: usize = 1152;
/// Where the name of the set and its kind stand, and how long they may be, in bytes of UTF-16.
const NAME: (usize, usize) = (1032, 80);
const KIND: (usize, usize) = (1112, 40);

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    if !out.index.algorithms().contains(Algorithm::Md5) {
        let set = out.index.identity().name.clone();
        return Err(Error::Unfit {
            set,
            reason: "has no MD5, and EnCase sets hold MD5".to_owned(),
        });
    }
    let count = u32::try_from(out.index.digest_count(Algorithm::Md5)).unwrap_or(u32::MAX);
    let mut head = vec![0; HEAD_BYTES];
    let identity = out.index.identity();
    put_at(&mut head, 0, b"HASH\r\n\xff\0");
    put_at(&mut head, 8, &2_u32.to_le_bytes());
    put_at(&mut head, 12, &1_u32.to_le_bytes());
    put_at(&mut head, 16, &count.to_le_bytes());
    for ((at, most), text) in [(NAME, identity.name.as_str()), (KIND, identity.disposition.name())]
    {
        // The last two bytes stay zero.
        let units: Vec<u8> =
            text.encode_utf16().take(most / 2 - 1).flat_map(u16::to_le_bytes).collect();
        put_at(&mut head, at, &units);
    }
    out.put(&head)?;
    out.each_digest(Algorithm::Md5, &mut |out, digest, _| {
        out.put(digest.as_bytes())?;
        out.put(&[0, 0])
    })
}

fn put_at(head: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = head.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
