//! The sections of one algorithm, made of its digests in order.

use std::ops::Range;

use triage_hash::Algorithm;

use super::encode::{Sections, fan_place};
use super::filter::build_filter;
use super::layout::{Kind, LIST_BIT, fan_bits, read_u64};
use crate::Error;
use crate::spill::{Growing, Scratch, Stored};

/// Takes the digests of one algorithm in order, each with its row.
///
/// How long a prefix the table resolves, and so which bytes of the digests are written, depends on
/// how many distinct digests there are. That is known at the end only; the most that there can be
/// is known before, and nearly always gives the same bytes.
pub(super) struct Keys {
    algorithm: Algorithm,
    scratch: Scratch,
    /// Bits of the prefix, for the most digests that there can be.
    bits: u32,
    /// How many digests have each prefix, one place further on.
    fan: Vec<u32>,
    short: Growing,
    /// There once the place of a digest is not its row.
    links: Option<Growing>,
    lists: Growing,
    last: Vec<u8>,
    /// The rows of the last digest.
    rows: Vec<u32>,
    count: u32,
    list_len: u64,
}

impl Keys {
    /// Expects at most `most` digests.
    pub(super) fn new(algorithm: Algorithm, scratch: &Scratch, most: u64) -> Result<Self, Error> {
        let bits = fan_bits(most);
        Ok(Self {
            algorithm,
            scratch: scratch.clone(),
            bits,
            fan: vec![0_u32; (1 << bits) + 1],
            short: Growing::new(scratch)?,
            links: None,
            lists: Growing::new(scratch)?,
            last: Vec::new(),
            rows: Vec::new(),
            count: 0,
            list_len: 0,
        })
    }

    /// Returns how many distinct digests there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Takes a digest that is not before the last one; returns its place among the digests.
    #[inline]
    pub(super) fn put(&mut self, digest: &[u8], row: u32) -> Result<u32, Error> {
        if self.count == 0 || self.last != digest {
            self.link()?;
            self.last.clear();
            self.last.extend_from_slice(digest);
            self.fan[fan_place(digest, self.bits) + 1] += 1;
            self.short.put(&digest[(self.bits / 8) as usize..])?;
            self.count += 1;
        }
        self.rows.push(row);
        Ok(self.count - 1)
    }

    /// Writes the link of the last digest.
    fn link(&mut self) -> Result<(), Error> {
        let link = match self.rows.as_slice() {
            [] => return Ok(()),
            [row] => *row,
            several => {
                let place = u32::try_from(self.list_len).ok().filter(|p| p & LIST_BIT == 0);
                let limit = u64::from(LIST_BIT);
                let place =
                    place.ok_or(Error::Limit { what: "rows with shared digests", limit })?;
                self.lists.put(&(several.len() as u32).to_le_bytes())?;
                for row in several {
                    self.lists.put(&row.to_le_bytes())?;
                }
                self.list_len += several.len() as u64 + 1;
                LIST_BIT | place
            }
        };
        self.rows.clear();
        let place = self.count - 1;
        if self.links.is_none() && link != place {
            let mut links = Growing::new(&self.scratch)?;
            (0..place).try_for_each(|row| links.put(&row.to_le_bytes()))?;
            self.links = Some(links);
        }
        match &mut self.links {
            None => Ok(()),
            Some(links) => links.put(&link.to_le_bytes()),
        }
    }

    /// Adds the sections.
    pub(super) fn finish(mut self, sections: &mut Sections) -> Result<(), Error> {
        self.link()?;
        let algorithm = Some(self.algorithm);
        let count = u64::from(self.count);
        for place in 1..self.fan.len() {
            self.fan[place] += self.fan[place - 1];
        }
        let bits = fan_bits(count);
        let width = self.algorithm.len_bytes() - (bits / 8) as usize;
        let mut keys = self.short.finish()?;
        if bits / 8 != self.bits / 8 {
            keys = lengthened(&keys, &self.fan, self.bits, bits, &self.scratch)?;
        }
        let fan: Vec<u32> = self.fan.iter().step_by(1 << (self.bits - bits)).copied().collect();
        let fan_bytes: Vec<u8> = fan.iter().flat_map(|value| value.to_le_bytes()).collect();
        sections.add(Kind::Fan, algorithm, fan.len() as u64, &fan_bytes)?;
        let dropped = (bits / 8) as usize;
        let short = ShortKeys { bytes: &keys, width, dropped, fan: &fan };
        let filter = build_filter(&short, &self.scratch)?;
        sections.append(Kind::Keys, algorithm, count, keys);
        if let Some(links) = self.links {
            sections.append(Kind::Links, algorithm, count, links.finish()?);
        }
        if self.list_len > 0 {
            sections.append(Kind::Lists, algorithm, self.list_len, self.lists.finish()?);
        }
        sections.append(Kind::Filter, algorithm, count, filter);
        Ok(())
    }
}

/// The section of keys, and what puts them together again.
pub(super) struct ShortKeys<'a> {
    /// The bytes of the section.
    pub(super) bytes: &'a Stored,
    /// Bytes of one key.
    pub(super) width: usize,
    /// Bytes before it that the prefix table fixes.
    pub(super) dropped: usize,
    /// The prefix table.
    pub(super) fan: &'a [u32],
}

impl ShortKeys<'_> {
    /// Calls `take` with the digests of some prefixes: their first eight bytes, as a big-endian
    /// number, and the eight behind them, as a little-endian one.
    pub(super) fn each(
        &self,
        prefixes: Range<usize>,
        take: &mut dyn FnMut(u64, u64),
    ) -> Result<(), Error> {
        let at = |prefix: usize| self.fan.get(prefix).copied().unwrap_or(0);
        let (from, to) = (at(prefixes.start), at(prefixes.end));
        let bits = self.fan.len().saturating_sub(1).checked_ilog2().unwrap_or(0);
        let (mut prefix, mut place) = (prefixes.start, from);
        let mut begun = Vec::new();
        let mut one = |key: &[u8]| {
            while at(prefix + 1) <= place && prefix < prefixes.end {
                prefix += 1;
            }
            place += 1;
            // The prefix table fixes at most three bytes.
            let fixed = (prefix as u32).checked_shl(32 - bits).unwrap_or(0).to_be_bytes();
            let mut whole = [0; 16];
            let (head, tail) = whole.split_at_mut(self.dropped);
            head.copy_from_slice(&fixed[..self.dropped]);
            tail.copy_from_slice(&key[..tail.len()]);
            let word = read_u64(&whole, 8).unwrap_or(0);
            let leading = whole.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            take(leading, word);
            Ok(())
        };
        let width = self.width as u64;
        let len = u64::from(to.saturating_sub(from)) * width;
        self.bytes.read_range(u64::from(from) * width, len, &mut |bytes| {
            each_whole(bytes, self.width, &mut begun, &mut one)
        })
    }
}

/// Puts bytes before the keys that a prefix of `from` bits had made superfluous and one of `to`
/// bits does not: there are fewer digests than there could have been.
fn lengthened(
    keys: &Stored,
    fan: &[u32],
    from: u32,
    to: u32,
    scratch: &Scratch,
) -> Result<Stored, Error> {
    let (dropped, kept) = ((from / 8) as usize, (to / 8) as usize);
    let mut out = Growing::new(scratch)?;
    let count = u64::from(fan.last().copied().unwrap_or(0));
    let width = keys.len().checked_div(count).unwrap_or(0) as usize;
    let (mut prefix, mut place) = (0, 0_u32);
    let mut begun: Vec<u8> = Vec::with_capacity(width);
    let mut one = |key: &[u8]| -> Result<(), Error> {
        while fan.get(prefix + 1).is_some_and(|end| *end <= place) {
            prefix += 1;
        }
        place += 1;
        let bytes = (prefix as u32).checked_shl(32 - from).unwrap_or(0).to_be_bytes();
        out.put(&bytes[kept..dropped])?;
        out.put(key)
    };
    keys.read_all(&mut |bytes| each_whole(bytes, width, &mut begun, &mut one))?;
    out.finish()
}

/// Calls `each` with every part of `width` bytes of pieces that come one after the other; what the
/// last piece had of an unfinished part is in `begun`.
fn each_whole(
    mut bytes: &[u8],
    width: usize,
    begun: &mut Vec<u8>,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    if !begun.is_empty() {
        let (fill, after) = bytes.split_at(bytes.len().min(width - begun.len()));
        begun.extend_from_slice(fill);
        bytes = after;
        if begun.len() == width {
            each(begun)?;
            begun.clear();
        }
    }
    let parts = bytes.chunks_exact(width.max(1));
    begun.extend_from_slice(parts.remainder());
    parts.into_iter().try_for_each(each)
}
