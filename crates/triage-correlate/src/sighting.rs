//! One file on one exhibit, as a record of fixed width that sorts by digest, then by exhibit.

use triage_evidence::Time;

/// The longest digest that is joined: SHA-512.
const DIGEST_BYTES: usize = 64;
/// Bytes of a sighting behind the digest: exhibit, size, time, what lists say.
const REST_BYTES: usize = size_of::<u32>() + size_of::<u64>() + size_of::<i64>() + 1;
/// Stands for a time that is not known; no file system has it.
const NO_TIME: i64 = i64::MIN;

/// What lists say of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// An alerting set knows it.
    pub alert: bool,
    /// An informational set knows it, such as what was examined before.
    pub informational: bool,
}

impl Listed {
    fn to_byte(self) -> u8 {
        u8::from(self.alert) | u8::from(self.informational) << 1
    }

    fn from_byte(byte: u8) -> Self {
        Self { alert: byte & 1 != 0, informational: byte & 2 != 0 }
    }

    /// Returns what either says.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            alert: self.alert || other.alert,
            informational: self.informational || other.informational,
        }
    }
}

/// One file on one exhibit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// The digest, keyed or not.
    pub digest: &'a [u8],
    /// The number of the exhibit among those that are joined.
    pub exhibit: u32,
    /// The size in bytes; 0 if it is not told.
    pub size_bytes: u64,
    /// When the content was last modified, in seconds since 1970, as the file system says.
    pub modified: Option<i64>,
    /// What lists say of it.
    pub listed: Listed,
}

/// Returns how many bytes a sighting with such a digest takes.
pub(crate) const fn width(digest_bytes: usize) -> usize {
    digest_bytes + REST_BYTES
}

impl<'a> Sighting<'a> {
    /// Appends the sighting as bytes. They sort by digest, exhibit, size and time.
    pub fn put(&self, out: &mut Vec<u8>) {
        debug_assert!(self.digest.len() <= DIGEST_BYTES);
        out.extend_from_slice(self.digest);
        out.extend_from_slice(&self.exhibit.to_be_bytes());
        out.extend_from_slice(&self.size_bytes.to_be_bytes());
        // Shifted, so that times before 1970 come first.
        let time = self.modified.unwrap_or(NO_TIME).cast_unsigned() ^ 1 << 63;
        out.extend_from_slice(&time.to_be_bytes());
        out.push(self.listed.to_byte());
    }

    /// Reads what [`Sighting::put`] wrote; `None` for bytes of another width.
    pub(crate) fn read(bytes: &'a [u8], digest_bytes: usize) -> Option<Self> {
        let (digest, rest) = bytes.split_at_checked(digest_bytes)?;
        let (exhibit, rest) = rest.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let time = (u64::from_be_bytes(*time) ^ 1 << 63).cast_signed();
        let [listed] = rest else { return None };
        Some(Self {
            digest,
            exhibit: u32::from_be_bytes(*exhibit),
            size_bytes: u64::from_be_bytes(*size),
            modified: Some(time).filter(|time| *time != NO_TIME),
            listed: Listed::from_byte(*listed),
        })
    }
}

/// Returns the seconds of a time.
pub(crate) fn seconds(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.seconds).filter(|seconds| *seconds != NO_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sighting_is_read_back_and_sorts_by_digest_exhibit_size_and_time() {
        let base = Sighting {
            digest: &[7; 32],
            exhibit: 9,
            size_bytes: 1 << 40,
            modified: Some(-5),
            listed: Listed { alert: true, informational: false },
        };
        let bytes = |sighting: &Sighting<'_>| {
            let mut out = Vec::new();
            sighting.put(&mut out);
            assert_eq!(out.len(), width(32));
            assert_eq!(Sighting::read(&out, 32).as_ref(), Some(sighting));
            out
        };
        let in_order = [
            Sighting { exhibit: 8, size_bytes: u64::MAX, ..base },
            Sighting { modified: None, ..base },
            base,
            Sighting { modified: Some(0), ..base },
            Sighting { size_bytes: 1 << 41, modified: None, ..base },
            Sighting { exhibit: 10, size_bytes: 0, ..base },
            Sighting { digest: &[8; 32], exhibit: 0, ..base },
        ];
        assert!(in_order.iter().map(bytes).collect::<Vec<_>>().is_sorted());
        assert_eq!(Sighting::read(&[0; 40], 32), None);
    }
}
