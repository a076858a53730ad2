//! A record of the MFT: its header, and the fixups that show whether it was written as a whole.
//!
//! Index blocks carry the same fixups. Spec: `struct MFT_REC` and `struct NTFS_RECORD_HEADER` in
//! the Linux kernel, `fs/ntfs3/ntfs.h`; libfsntfs documentation, "MFT entry".

use triage_evidence::Problem;

use super::attribute::{Attributes, STANDARD_INFORMATION};
use super::bytes::{damaged, long, slice_at, u16_at, u32_at, u64_at, usize_at};

/// Every 512 bytes of a record end in the update sequence number, whatever the sector size.
const STRIDE_BYTES: usize = 512;
/// The record is in use.
const IN_USE: u16 = 1;
/// The record is of a directory.
const DIRECTORY: u16 = 2;

/// A reference to a record: its number and the sequence that it must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reference(pub(super) u64);

impl Reference {
    /// Makes a reference of a number and a sequence.
    pub(super) fn new(number: u64, sequence: u16) -> Self {
        Self((number & 0xffff_ffff_ffff) | (u64::from(sequence) << 48))
    }

    /// Returns the number of the record.
    pub(super) const fn number(self) -> u64 {
        self.0 & 0xffff_ffff_ffff
    }

    /// Returns the sequence that the record must have.
    pub(super) fn sequence(self) -> u16 {
        u16::try_from(self.0 >> 48).unwrap_or(0)
    }
}

/// Returns the sequence that a record had before the last one; zero is never used.
pub(super) const fn sequence_before(sequence: u16) -> u16 {
    match sequence {
        0 | 1 => u16::MAX,
        later => later.saturating_sub(1),
    }
}

/// Checks that every sector of a record or index block belongs to the same writing, and puts the
/// bytes back that the update sequence number had replaced.
///
/// # Errors
/// A [`Problem`] if the signature is another, if a sector differs, or if the fixups lie outside.
pub(super) fn apply_fixups(bytes: &mut [u8], signature: [u8; 4]) -> Result<(), Problem> {
    if slice_at(bytes, 0, 4) != Some(&signature) {
        return Err(damaged("a record does not begin with its signature"));
    }
    let outside = || damaged("the fixups of a record lie outside of it");
    let first = usize::from(u16_at(bytes, 4).ok_or_else(outside)?);
    let count = usize::from(u16_at(bytes, 6).ok_or_else(outside)?);
    let sectors = count.checked_sub(1).filter(|&sectors| sectors > 0).ok_or_else(outside)?;
    if sectors.saturating_mul(STRIDE_BYTES) > bytes.len() {
        return Err(outside());
    }
    let number = u16_at(bytes, first).ok_or_else(outside)?;
    for sector in 1..=sectors {
        let saved = first.saturating_add(sector.saturating_mul(2));
        let saved = u16_at(bytes, saved).ok_or_else(outside)?;
        let end = sector.saturating_mul(STRIDE_BYTES).saturating_sub(2);
        let tail = bytes.get_mut(end..).and_then(|tail| tail.first_chunk_mut::<2>());
        let tail = tail.ok_or_else(outside)?;
        if u16::from_le_bytes(*tail) != number {
            return Err(
                damaged("a sector of a record belongs to another writing (fixup)").at(long(end))
            );
        }
        *tail = saved.to_le_bytes();
    }
    Ok(())
}

/// A record of the MFT whose fixups were applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    bytes: &'a [u8],
    /// The sequence: how often the record was used.
    pub(super) sequence: u16,
    flags: u16,
    /// The record that this one continues, or 0 if it is a base record.
    pub(super) base: Reference,
}

impl<'a> Record<'a> {
    /// Reads the header of a record whose fixups were applied.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            bytes,
            sequence: u16_at(bytes, 0x10)?,
            flags: u16_at(bytes, 0x16)?,
            base: Reference(u64_at(bytes, 0x20)?),
        })
    }

    /// Says whether the record is in use.
    pub(super) const fn is_in_use(&self) -> bool {
        self.flags & IN_USE != 0
    }

    /// Says whether the record is of a directory.
    pub(super) const fn is_directory(&self) -> bool {
        self.flags & DIRECTORY != 0
    }

    /// Says whether the record continues another one. Only a base record begins with the times of
    /// the file, whatever a damaged reference says.
    pub(super) fn is_extension(&self) -> bool {
        let first = self.first().and_then(|first| u32_at(first, 0));
        self.base.0 != 0 && first != Some(STANDARD_INFORMATION)
    }

    /// Returns the bytes from the first attribute on.
    fn first(&self) -> Option<&'a [u8]> {
        let first = usize::from(u16_at(self.bytes, 0x14)?);
        let used = usize_at(self.bytes, 0x18)?.min(self.bytes.len());
        self.bytes.get(..used)?.get(first..)
    }

    /// Returns the attributes in the order of the disk.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.first())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[..4].copy_from_slice(b"FILE");
        bytes[4] = 0x30;
        bytes[6] = 3;
        bytes[0x30..0x36].copy_from_slice(&[7, 7, 1, 2, 3, 4]);
        bytes[510..512].copy_from_slice(&[7, 7]);
        bytes[1022..].copy_from_slice(&[7, 7]);
        bytes
    }

    #[test]
    fn fixups_restore_the_ends_of_the_sectors() {
        let mut bytes = block();
        apply_fixups(&mut bytes, *b"FILE").unwrap();
        assert_eq!((&bytes[510..512], &bytes[1022..]), (&[1, 2][..], &[3, 4][..]));
    }

    #[test]
    fn a_torn_record_is_damaged() {
        let mut bytes = block();
        bytes[1023] = 8;
        let problem = apply_fixups(&mut bytes, *b"FILE").unwrap_err();
        assert_eq!(problem.offset, Some(1022));
        for (at, value) in [(6, 4), (6, 1), (6, 0), (5, 0x40), (0, b'B')] {
            let mut bytes = block();
            bytes[at] = value;
            assert!(apply_fixups(&mut bytes, *b"FILE").is_err());
        }
        assert!(apply_fixups(&mut [], *b"FILE").is_err());
    }
}
