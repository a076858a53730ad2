//! Numbers and ranges in bytes that may be too short.

use triage_evidence::ByteSource;

/// Returns the bytes at an offset.
pub(crate) fn slice_at(bytes: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    bytes.get(offset..offset.checked_add(length)?)
}

/// Says whether these bytes stand at an offset.
pub(crate) fn has(bytes: &[u8], offset: usize, expected: &[u8]) -> bool {
    slice_at(bytes, offset, expected.len()) == Some(expected)
}

/// Returns the byte at an offset.
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// Returns the little-endian number of two bytes at an offset.
pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    slice_at(bytes, offset, 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// Returns the little-endian number of four bytes at an offset.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    slice_at(bytes, offset, 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// Returns the little-endian number of eight bytes at an offset.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    slice_at(bytes, offset, 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// How many bad places are read around in one range: more of them, and nothing is left to tell.
const LIMIT_BAD_PLACES: usize = 256;

/// What was read of a range.
pub(crate) struct Held {
    /// As much of the range as the source holds; zeros where it could not be read.
    pub(crate) bytes: Vec<u8>,
    /// Whether all of that was read.
    pub(crate) is_whole: bool,
}

/// Reads up to `length` bytes, around what is bad; fewer where the source ends.
pub(crate) fn read_around(source: &dyn ByteSource, offset: u64, length: usize) -> Held {
    let mut bytes = vec![0; length];
    let (mut filled, mut wanted, mut bad_places) = (0_usize, length, 0_usize);
    while filled < length && bad_places < LIMIT_BAD_PLACES {
        let at = offset.saturating_add(long(filled));
        let Some(rest) = bytes.get_mut(filled..wanted) else { break };
        match source.read_at(at, rest) {
            Ok(0) => break,
            Ok(more) => {
                filled = filled.saturating_add(more);
                wanted = if filled < wanted { wanted } else { length };
            }
            Err(problem) => {
                let before = problem.offset.unwrap_or(at).saturating_sub(at);
                let before = usize::try_from(before).unwrap_or(0);
                if before > 0 && before < wanted.saturating_sub(filled) {
                    wanted = filled.saturating_add(before);
                    continue;
                }
                let lost = problem.lost_bytes.and_then(|lost| usize::try_from(lost).ok());
                let end = filled.saturating_add(lost.unwrap_or(length).max(1)).min(length);
                if let Some(lost) = bytes.get_mut(filled..end) {
                    lost.fill(0);
                }
                (filled, wanted) = (end, length);
                bad_places = bad_places.saturating_add(1);
            }
        }
    }
    bytes.truncate(filled);
    Held { bytes, is_whole: bad_places == 0 }
}

/// Reads up to `length` bytes, zeros where they cannot be read; fewer where the source ends.
pub(crate) fn read(source: &dyn ByteSource, offset: u64, length: usize) -> Vec<u8> {
    read_around(source, offset, length).bytes
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use triage_evidence::{Problem, ProblemKind};

    use super::*;

    /// 4,096 bytes of which the third and the fourth sector are bad.
    struct Bad;

    impl ByteSource for Bad {
        fn size_bytes(&self) -> u64 {
            4096
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
            let end = offset.saturating_add(long(buffer.len())).min(4096);
            if offset < 2048 && end > 1024 {
                let at = offset.max(1024) / 512 * 512;
                let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
                return Err(problem.at(at.max(offset)).losing(at + 512 - at.max(offset)));
            }
            buffer.fill(7);
            Ok(usize::try_from(end.saturating_sub(offset)).unwrap())
        }
    }

    #[test]
    fn a_bad_sector_costs_itself_and_is_told() {
        let held = read_around(&Bad, 0, 5000);
        assert!(!held.is_whole && held.bytes.len() == 4096);
        let is_bad = |at: usize| (1024..2048).contains(&at);
        assert!(held.bytes.iter().enumerate().all(|(at, byte)| (*byte == 0) == is_bad(at)));
        assert!(read_around(&Bad, 2048, 512).is_whole);
        assert_eq!(read(&Bad, 1000, 100)[..24], [7; 24]);
    }
}
