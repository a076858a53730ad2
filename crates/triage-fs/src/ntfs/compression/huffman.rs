//! Canonical Huffman codes over bits that come in words of 16, highest bit first.
//!
//! Spec: [MS-XCA] 2.2.4 and [MS-PATCH] 2.1 share this form.

use crate::ntfs::bytes::{u8_at, u16_at, u32_at};

/// The longest code that either format has.
const LIMIT_CODE_BITS: u32 = 16;

/// Bits and bytes that are taken from the same input.
pub(super) struct Bits<'a> {
    input: &'a [u8],
    next: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Takes the input from its beginning.
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self { input, next: 0, held: 0, count: 0 }
    }

    /// Makes sure that 16 bits are held; behind the end they are zeros.
    pub(super) fn refill(&mut self) {
        if self.count < 16 {
            let word = u64::from(u16_at(self.input, self.next).unwrap_or(0));
            self.next = self.next.saturating_add(2);
            self.held = (self.held << 16) | word;
            self.count = self.count.saturating_add(16);
        }
    }

    /// Returns the next bits, of which at most 16 are asked for, without taking them.
    fn peek(&mut self, bits: u32) -> u64 {
        self.refill();
        let shifted = self.held.checked_shr(self.count.saturating_sub(bits)).unwrap_or(0);
        shifted & 1_u64.wrapping_shl(bits).saturating_sub(1)
    }

    /// Takes up to 16 bits.
    pub(super) fn take(&mut self, bits: u32) -> Option<u32> {
        let value = self.peek(bits);
        self.count = self.count.checked_sub(bits)?;
        u32::try_from(value).ok()
    }

    /// Takes a byte from behind the words that were read.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = u8_at(self.input, self.next)?;
        self.next = self.next.checked_add(1)?;
        Some(byte)
    }

    /// Takes a 16-bit number from behind the words that were read.
    pub(super) fn word(&mut self) -> Option<u16> {
        let word = u16_at(self.input, self.next)?;
        self.next = self.next.checked_add(2)?;
        Some(word)
    }

    /// Takes a 32-bit number from behind the words that were read.
    pub(super) fn long(&mut self) -> Option<u32> {
        let long = u32_at(self.input, self.next)?;
        self.next = self.next.checked_add(4)?;
        Some(long)
    }

    /// Takes bytes from behind the words that were read.
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.input.get(self.next..)?.get(..length)?;
        self.next = self.next.checked_add(length)?;
        Some(bytes)
    }

    /// Moves to the next whole word; a word of padding follows if there already is one.
    pub(super) fn align(&mut self) {
        let unread = usize::try_from(self.count >> 4).unwrap_or(0).saturating_mul(2);
        let padding = if self.count & 15 == 0 { 2 } else { 0 };
        self.next = self.next.saturating_sub(unread).saturating_add(padding);
        self.count = 0;
        self.held = 0;
    }

    /// Says whether more was taken than there is.
    pub(super) fn is_over(&self) -> bool {
        // A word may be held that is not used yet.
        self.next > self.input.len().saturating_add(4)
    }
}

/// A code that is decoded by looking up the longest number of bits that it can have.
pub(super) struct Code {
    /// A symbol in the upper bits, the length of its code in the lower five; 0 for none.
    table: Vec<u16>,
    bits: u32,
}

impl Code {
    /// Builds a code from the lengths of the codes of its symbols, of which there are fewer than
    /// 2,048. `None` if they contradict each other.
    pub(super) fn new(lengths: &[u8], limit_bits: u32) -> Option<Self> {
        let bits = limit_bits.min(LIMIT_CODE_BITS);
        let size = 1_usize.checked_shl(bits)?;
        let mut table = vec![0_u16; size];
        let mut start = 0_usize;
        for length in 1..=bits {
            let span = 1_usize.checked_shl(bits.checked_sub(length)?)?;
            for (symbol, _) in (0_u16..).zip(lengths).filter(|(_, own)| u32::from(**own) == length)
            {
                let end = start.checked_add(span)?;
                let entry = symbol.checked_mul(32)? | u16::try_from(length).ok()?;
                table.get_mut(start..end)?.fill(entry);
                start = end;
            }
        }
        // A code of no symbols is right where it is never used.
        (start == size || start == 0).then_some(Self { table, bits })
    }

    /// Decodes one symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let index = usize::try_from(bits.peek(self.bits)).ok()?;
        let entry = self.table.get(index).copied()?;
        let length = u32::from(entry & 31);
        bits.count = bits.count.checked_sub(length)?;
        (length > 0).then_some(entry >> 5)
    }
}
