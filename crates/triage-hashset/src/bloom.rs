//! The bloom filter of DCSO (`bloom`, `flor`), which CIRCL's hashlookup hands out: header, bit
//! places, size. It holds no digests: it answers *no*, or *probably*.
//!
//! Layout, little-endian u64: version 1, items n that it was made for, false-positive rate p (f64),
//! probes k, bits m, items N that are in it; then ceil(m / 64) words, bit i = bit i % 64 of word
//! i / 64; then free data. An item is text: here the digest in hex.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

/// Length of the header.
pub(crate) const HEADER_LEN: usize = 48;
/// The first eight bytes: the version.
pub(crate) const MAGIC: [u8; 8] = 1_u64.to_le_bytes();
/// Most probes of a filter that is read: p would be 2^-64.
const MAX_PROBES: u64 = 64;
/// The modulus and the multiplier of the generator of bit places (in the sources of both readers).
const MODULUS: u64 = 18_446_744_073_709_551_557;
const MULTIPLIER: u64 = 18_446_744_073_709_550_147;
/// The offset and the prime of FNV-1, 64 bits (draft-eastlake-fnv, 5).
const FNV_OFFSET: u64 = 14_695_981_039_346_656_037;
const FNV_PRIME: u64 = 1_099_511_628_211;

/// The fewest items that a filter is made for: it has 3.5 KiB then.
const LEAST_CAPACITY: u64 = 1000;

/// What the header of a filter says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    /// How many items it was made for.
    pub(crate) capacity: u64,
    /// The false-positive rate when it is full.
    pub(crate) rate: f64,
    /// Probes for each item.
    pub(crate) probes: u64,
    /// Bits.
    pub(crate) bits: u64,
    /// How many items were put in.
    pub(crate) items: u64,
}

impl Header {
    /// Returns the header of a filter for so many items at that false-positive rate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the formula of the format is one of floating point; sizes stay below 2^53"
    )]
    pub(crate) fn for_items(items: u64, rate: f64) -> Self {
        let ln2 = std::f64::consts::LN_2;
        // The readers round a negative number up, which is towards zero.
        let bits = (items as f64 * rate.ln() / (ln2 * ln2)).ceil().abs();
        let probes = (ln2 * bits / (items.max(1) as f64)).ceil();
        Self {
            capacity: items,
            rate,
            probes: (probes as u64).clamp(1, MAX_PROBES),
            bits: (bits as u64).max(1),
            items,
        }
    }

    /// Returns the header of a filter for a set of so many items.
    ///
    /// The generator of places keeps the last bits of its state to themselves: with few bits, or a
    /// number of bits that a power of two divides, items share all their places and match by
    /// chance. So a filter is made for [`LEAST_CAPACITY`] items at least, its bits odd in number.
    pub(crate) fn for_set(items: u64, rate: f64) -> Self {
        let mut capacity = items.max(LEAST_CAPACITY);
        loop {
            let header = Self::for_items(capacity, rate);
            if header.bits % 2 == 1 {
                return Self { items, ..header };
            }
            capacity = capacity.saturating_add(1);
        }
    }

    /// Reads a header; `None` if it is none that makes sense.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let word = |place: usize| {
            let at = place.checked_mul(8)?;
            Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
        };
        let header = Self {
            capacity: word(1)?,
            rate: f64::from_bits(word(2)?),
            probes: word(3)?,
            bits: word(4)?,
            items: word(5)?,
        };
        let sensible = word(0)?.to_le_bytes() == MAGIC
            && (1..=MAX_PROBES).contains(&header.probes)
            && header.bits > 0
            && header.capacity > 0
            && header.rate > 0.0
            && header.rate < 1.0;
        sensible.then_some(header)
    }

    /// Returns the bytes of the header.
    pub(crate) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let words = [1, self.capacity, self.rate.to_bits(), self.probes, self.bits, self.items];
        let mut out = [0; HEADER_LEN];
        for (place, word) in out.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// Returns how many bytes of bits follow the header.
    pub(crate) const fn bits_bytes(&self) -> u64 {
        self.bits.div_ceil(64).saturating_mul(8)
    }

    /// Iterates over the places of the bits of an item.
    pub(crate) fn places(&self, item: &[u8]) -> impl Iterator<Item = u64> + use<> {
        let hash = item
            .iter()
            .fold(FNV_OFFSET, |hash, byte| hash.wrapping_mul(FNV_PRIME) ^ u64::from(*byte));
        let bits = self.bits.max(1);
        let mut state = hash.checked_rem(MODULUS).unwrap_or_default();
        (0..self.probes).map(move |_| {
            state = state.wrapping_mul(MULTIPLIER).checked_rem(MODULUS).unwrap_or_default();
            state.checked_rem(bits).unwrap_or_default()
        })
    }

    /// Says whether an item is probably in the filter whose bits `byte` gives.
    pub(crate) fn may_contain(&self, item: &[u8], byte: impl Fn(usize) -> Option<u8>) -> bool {
        self.places(item).all(|place| {
            let byte = usize::try_from(place / 8).ok().and_then(&byte);
            byte.is_some_and(|byte| byte >> (place % 8) & 1 == 1)
        })
    }

    /// Returns how many of 10^9 items that were not put in are said to be in a filter of which
    /// `ones` bits are set, rounded up. It is at least 1: no filter is certain.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rate between 0 and 1; the bits of a file are fewer than 2^53"
    )]
    pub(crate) fn false_positives_per_billion(&self, ones: u64) -> u64 {
        let share = ones as f64 / self.bits.max(1) as f64;
        let rate = (0..self.probes).fold(1.0, |rate, _| rate * share);
        (rate * 1e9).ceil().clamp(1.0, 1e9) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_the_other_implementations() {
        // The filter that DCSO's repository carries for its own tests: n, p, k, m.
        let header = Header::for_items(1000, 1e-6);
        assert_eq!((header.probes, header.bits), (20, 28_755));
        assert_eq!(Header::read(&header.to_bytes()), Some(header));
    }

    #[test]
    fn an_item_that_was_put_in_is_found_and_few_others_are() {
        let header = Header::for_items(100, 1e-3);
        let mut bits = vec![0; header.bits_bytes() as usize];
        let item = |number: u32| format!("{number:08X}").into_bytes();
        for place in (0..100).flat_map(|number| header.places(&item(number))) {
            bits[(place / 8) as usize] |= 1 << (place % 8);
        }
        let says = |number| header.may_contain(&item(number), |byte| bits.get(byte).copied());
        assert!((0..100).all(says));
        let wrong = (100..100_100).filter(|number| says(*number)).count() as u64;
        let ones = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
        let computed = header.false_positives_per_billion(ones);
        // A filter that is just full has the rate that it was made for.
        assert!((500_000..=1_000_000).contains(&computed), "{computed}");
        assert!((wrong * 10_000).abs_diff(computed) < 400_000, "{wrong} of 100,000, {computed}");
        assert!(!header.may_contain(&item(1), |_| None), "what is not there has no bits");
    }

    #[test]
    fn a_filter_of_few_items_is_no_worse_than_a_large_one() {
        for count in [1, 2, 3, 64, 1001] {
            let header = Header::for_set(u64::from(count), 1e-6);
            assert_eq!((header.items, header.bits % 2), (u64::from(count), 1));
            let mut bits = vec![0; header.bits_bytes() as usize];
            let item = |number: u32| format!("{number:08X}").into_bytes();
            for place in (0..count).flat_map(|number| header.places(&item(number))) {
                bits[(place / 8) as usize] |= 1 << (place % 8);
            }
            let says = |number| header.may_contain(&item(number), |byte| bits.get(byte).copied());
            assert!((0..count).all(says));
            assert_eq!((count..count + 100_000).filter(|n| says(*n)).count(), 0, "{count} items");
        }
    }

    #[test]
    fn headers_without_sense_are_none() {
        let good = Header::for_items(1000, 1e-6);
        for bad in [
            Header { probes: 1 << 63, ..good },
            Header { probes: 0, ..good },
            Header { bits: 0, ..good },
            Header { capacity: 0, ..good },
            Header { rate: 0.0, ..good },
            Header { rate: f64::NAN, ..good },
        ] {
            assert_eq!(Header::read(&bad.to_bytes()), None, "{bad:?}");
        }
        assert_eq!(Header::read(&good.to_bytes()[..40]), None);
    }
}
