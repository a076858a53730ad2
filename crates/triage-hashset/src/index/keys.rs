//! The sections of one algorithm, made of its digests in order.

use triage_hash::Algorithm;

use super::encode::Sections;
use super::filter::FilterBuilder;
use super::layout::{Kind, LIST_BIT, fan_bits};
use crate::Error;
use crate::spill::{Growing, Scratch};

/// Takes the digests of one algorithm in order, each with its row.
pub(super) struct Keys {
    algorithm: Algorithm,
    scratch: Scratch,
    /// The distinct digests at full length: how much of them the prefix table saves is known only
    /// when their number is.
    full: Growing,
    links: Growing,
    lists: Growing,
    last: Vec<u8>,
    /// The rows of the last digest.
    rows: Vec<u32>,
    count: u32,
    list_len: u64,
    /// Whether the place of every digest is its row, so that no links are needed.
    is_identity: bool,
}

impl Keys {
    pub(super) fn new(algorithm: Algorithm, scratch: &Scratch) -> Result<Self, Error> {
        Ok(Self {
            algorithm,
            scratch: scratch.clone(),
            full: Growing::new(scratch)?,
            links: Growing::new(scratch)?,
            lists: Growing::new(scratch)?,
            last: Vec::new(),
            rows: Vec::new(),
            count: 0,
            list_len: 0,
            is_identity: true,
        })
    }

    /// Returns how many distinct digests there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Takes a digest that is not before the last one; returns its place among the digests.
    pub(super) fn put(&mut self, digest: &[u8], row: u32) -> Result<u32, Error> {
        if self.count == 0 || self.last != digest {
            self.link()?;
            self.last.clear();
            self.last.extend_from_slice(digest);
            self.full.put(digest)?;
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
        self.is_identity &= link == self.count - 1;
        self.rows.clear();
        self.links.put(&link.to_le_bytes())
    }

    /// Adds the sections.
    pub(super) fn finish(mut self, sections: &mut Sections) -> Result<(), Error> {
        self.link()?;
        let (width, count) = (self.algorithm.len_bytes(), self.count);
        let bits = fan_bits(u64::from(count));
        let dropped = (bits / 8) as usize;
        let mut fan = vec![0_u32; (1 << bits) + 1];
        let mut short = Growing::new(&self.scratch)?;
        let mut filter = FilterBuilder::new(u64::from(count));
        let mut begun: Vec<u8> = Vec::with_capacity(width);
        let mut take = |key: &[u8]| -> Result<(), Error> {
            fan[super::encode::fan_place(key, bits) + 1] += 1;
            filter.push(key);
            short.put(&key[dropped..])
        };
        self.full.read_all(&mut |mut bytes| {
            if !begun.is_empty() {
                let (fill, after) = bytes.split_at(bytes.len().min(width - begun.len()));
                begun.extend_from_slice(fill);
                bytes = after;
                if begun.len() == width {
                    take(&begun)?;
                    begun.clear();
                }
            }
            let keys = bytes.chunks_exact(width);
            begun.extend_from_slice(keys.remainder());
            keys.into_iter().try_for_each(&mut take)
        })?;
        for place in 1..fan.len() {
            fan[place] += fan[place - 1];
        }
        let algorithm = Some(self.algorithm);
        let fan_bytes: Vec<u8> = fan.iter().flat_map(|value| value.to_le_bytes()).collect();
        sections.add(Kind::Fan, algorithm, fan.len() as u64, &fan_bytes)?;
        sections.append(Kind::Keys, algorithm, u64::from(count), short);
        if !self.is_identity {
            sections.append(Kind::Links, algorithm, u64::from(count), self.links);
        }
        if self.list_len > 0 {
            sections.append(Kind::Lists, algorithm, self.list_len, self.lists);
        }
        sections.add(Kind::Filter, algorithm, u64::from(count), &filter.finish())
    }
}
