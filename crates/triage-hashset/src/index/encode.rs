//! Puts the sorted columns of a set into the bytes of an index file.

use triage_hash::Algorithm;

use super::filter;
use super::layout::{
    ALIGN, ENTRY_LEN, HEAD_DIGEST_AT, HEADER_LEN, Kind, LIST_BIT, MAGIC, MAJOR, MAX_JSON, MINOR,
    Meta, NO_ALGORITHM, NO_CLASS, NO_KEY, NO_SIZE, Section, algorithm_number, fan_bits,
};
use crate::{Category, Error};

/// The sorted digests of one algorithm.
pub(crate) struct KeyColumn {
    /// The algorithm.
    pub(crate) algorithm: Algorithm,
    /// The digests, each once, in order, end to end.
    pub(crate) keys: Vec<u8>,
    /// For each row the place of its digest, or [`NO_KEY`].
    pub(crate) key_of_row: Vec<u32>,
}

impl KeyColumn {
    /// Returns how many digests there are.
    pub(crate) fn count(&self) -> u64 {
        (self.keys.len() / self.algorithm.len_bytes()) as u64
    }
}

/// Everything an index holds of the rows.
pub(crate) struct Columns {
    /// The digests, in the order of algorithms.
    pub(crate) keys: Vec<KeyColumn>,
    /// The size of each row, or [`NO_SIZE`].
    pub(crate) sizes: Vec<u64>,
    /// The class of each row, or [`NO_CLASS`].
    pub(crate) classes: Vec<u16>,
}

/// The sections so far.
struct Sections {
    body: Vec<u8>,
    table: Vec<Section>,
}

impl Sections {
    fn add(&mut self, kind: Kind, algorithm: Option<Algorithm>, count: usize, bytes: &[u8]) {
        self.body.resize(self.body.len().next_multiple_of(ALIGN), 0);
        self.table.push(Section {
            kind: kind as u32,
            algorithm: algorithm.map_or(NO_ALGORITHM, algorithm_number),
            offset: self.body.len() as u64,
            len: bytes.len() as u64,
            count: count as u64,
            digest: *blake3::hash(bytes).as_bytes(),
        });
        self.body.extend_from_slice(bytes);
    }

    /// Returns the file: header, section table, sections.
    fn finish(mut self) -> Vec<u8> {
        let head_len = HEADER_LEN + self.table.len() * ENTRY_LEN;
        let shift = head_len.next_multiple_of(ALIGN) as u64;
        let mut out = Vec::with_capacity(self.body.len() + head_len + ALIGN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&MAJOR.to_le_bytes());
        out.extend_from_slice(&MINOR.to_le_bytes());
        out.extend_from_slice(&(HEADER_LEN as u32).to_le_bytes());
        out.extend_from_slice(&(shift + self.body.len() as u64).to_le_bytes());
        out.extend_from_slice(&(self.table.len() as u32).to_le_bytes());
        out.resize(HEADER_LEN, 0);
        for section in &mut self.table {
            section.offset += shift;
            section.write(&mut out);
        }
        let digest = head_digest(&out);
        out[HEAD_DIGEST_AT..HEADER_LEN].copy_from_slice(&digest);
        out.resize(shift as usize, 0);
        out.append(&mut self.body);
        out
    }
}

/// Returns the digest of a head (header and section table) with its own place taken as zeros. As
/// the table has the digests of all sections, it stands for the whole file.
pub(super) fn head_digest(head: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (before, rest) = head.split_at(HEAD_DIGEST_AT.min(head.len()));
    hasher.update(before).update(&[0; HEADER_LEN - HEAD_DIGEST_AT]);
    hasher.update(rest.get(HEADER_LEN - HEAD_DIGEST_AT..).unwrap_or_default());
    *hasher.finalize().as_bytes()
}

/// Returns the bytes of an index.
///
/// # Errors
/// [`Error::Limit`] if a part is larger than the format allows.
pub(crate) fn encode(
    meta: &Meta,
    categories: &[Category],
    columns: &Columns,
) -> Result<Vec<u8>, Error> {
    let rows = columns.sizes.len();
    let mut sections = Sections { body: Vec::new(), table: Vec::new() };
    sections.add(Kind::Meta, None, rows, &json(meta)?);
    sections.add(Kind::Categories, None, categories.len(), &json(&categories)?);
    if columns.sizes.iter().any(|size| *size != NO_SIZE) {
        let bytes: Vec<u8> = columns.sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
        sections.add(Kind::Sizes, None, rows, &bytes);
    }
    if columns.classes.iter().any(|class| *class != NO_CLASS) {
        let bytes: Vec<u8> = columns.classes.iter().flat_map(|class| class.to_le_bytes()).collect();
        sections.add(Kind::Classes, None, rows, &bytes);
    }
    // With one algorithm there is no other digest that could contradict.
    let several = columns.keys.len() > 1;
    for column in &columns.keys {
        add_keys(&mut sections, column)?;
        if several {
            let bytes = le_bytes(&column.key_of_row);
            sections.add(Kind::KeyOfRow, Some(column.algorithm), rows, &bytes);
        }
    }
    Ok(sections.finish())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let limit = MAX_JSON as u64;
    let too_long = Error::Limit { what: "bytes of description and categories", limit };
    match serde_json::to_vec(value) {
        Ok(bytes) if bytes.len() <= MAX_JSON => Ok(bytes),
        _ => Err(too_long),
    }
}

/// Adds the sections of one algorithm.
fn add_keys(sections: &mut Sections, column: &KeyColumn) -> Result<(), Error> {
    let algorithm = Some(column.algorithm);
    let width = column.algorithm.len_bytes();
    let count = column.keys.len() / width;
    let bits = fan_bits(count as u64);
    let mut fan = vec![0_u32; (1 << bits) + 1];
    for key in column.keys.chunks_exact(width) {
        fan[fan_place(key, bits) + 1] += 1;
    }
    for place in 1..fan.len() {
        fan[place] += fan[place - 1];
    }
    sections.add(Kind::Fan, algorithm, fan.len(), &le_bytes(&fan));
    let dropped = (bits / 8) as usize;
    let short: Vec<u8> =
        column.keys.chunks_exact(width).flat_map(|key| key[dropped..].iter().copied()).collect();
    sections.add(Kind::Keys, algorithm, count, &short);
    let (links, lists) = link(&column.key_of_row, count)?;
    sections.add(Kind::Links, algorithm, count, &le_bytes(&links));
    if !lists.is_empty() {
        sections.add(Kind::Lists, algorithm, lists.len(), &le_bytes(&lists));
    }
    sections.add(Kind::Filter, algorithm, count, &filter::encode(&column.keys, width)?);
    Ok(())
}

/// Returns the place of a digest in the prefix table: its first `bits` bits as a number.
#[inline]
pub(super) fn fan_place(digest: &[u8], bits: u32) -> usize {
    let first = digest.first_chunk().copied().map_or(0, u32::from_be_bytes);
    first.checked_shr(32 - bits.min(32)).unwrap_or(0) as usize
}

/// Returns for each key its row or, where it has several, the place of their list; and the lists.
fn link(key_of_row: &[u32], keys: usize) -> Result<(Vec<u32>, Vec<u32>), Error> {
    let mut counts = vec![0_u32; keys];
    for key in key_of_row.iter().filter(|key| **key != NO_KEY) {
        counts[*key as usize] += 1;
    }
    let mut links = vec![0_u32; keys];
    let mut lists = Vec::new();
    for (link, count) in links.iter_mut().zip(&counts).filter(|(_, count)| **count > 1) {
        let place = u32::try_from(lists.len()).ok().filter(|place| place & LIST_BIT == 0);
        let limit = u64::from(LIST_BIT);
        *link = LIST_BIT | place.ok_or(Error::Limit { what: "rows with shared digests", limit })?;
        lists.push(*count);
        lists.resize(lists.len() + *count as usize, NO_KEY);
    }
    // Rows fill their list from the front; the counts serve as what is left to fill.
    for (row, key) in (0_u32..).zip(key_of_row).filter(|(_, key)| **key != NO_KEY) {
        let link = &mut links[*key as usize];
        if *link & LIST_BIT == 0 {
            *link = row;
            continue;
        }
        let place = (*link & !LIST_BIT) as usize;
        let left = &mut counts[*key as usize];
        let filled = lists[place] - *left;
        lists[place + 1 + filled as usize] = row;
        *left -= 1;
    }
    Ok((links, lists))
}

/// Returns the values as little-endian bytes.
fn le_bytes(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
