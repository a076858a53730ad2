//! Run lists: which clusters hold a value, in logical order.
//!
//! Spec: "data runs" in libfsntfs documentation; `run_unpack` in the Linux kernel,
//! `fs/ntfs3/run.c`.

use super::bytes::{slice_at, u8_at};

/// Clusters that follow each other in a value and on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first cluster of the value that it holds.
    pub(super) first: u64,
    /// Where it lies on the disk, in clusters; `None` for a hole.
    pub(super) cluster: Option<u64>,
    /// How many clusters it has; never 0.
    pub(super) count: u64,
}

impl Extent {
    /// Returns the cluster of the value that follows this extent.
    pub(super) const fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// Decodes runs whose first cluster is `first` of the value.
pub(super) fn decode(runs: &[u8], first: u64) -> RunList<'_> {
    RunList { rest: runs, first, cluster: 0, is_damaged: false }
}

/// Extents that are decoded one after another.
#[derive(Clone, Debug)]
pub(super) struct RunList<'a> {
    rest: &'a [u8],
    first: u64,
    cluster: u64,
    is_damaged: bool,
}

impl RunList<'_> {
    /// Says, after the last extent, whether a run was impossible and the rest was given up.
    pub(super) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    fn step(&mut self, header: u8) -> Option<Extent> {
        let (count_bytes, offset_bytes) = (usize::from(header & 15), usize::from(header >> 4));
        let count = slice_at(self.rest, 1, count_bytes)?;
        let after = count_bytes.saturating_add(1);
        let offset = slice_at(self.rest, after, offset_bytes)?;
        let count = u64::try_from(signed(count)?).ok().filter(|&count| count > 0)?;
        let cluster = if offset_bytes == 0 {
            None
        } else {
            self.cluster = self.cluster.checked_add_signed(signed(offset)?)?;
            self.cluster.checked_add(count)?;
            Some(self.cluster)
        };
        let extent = Extent { first: self.first, cluster, count };
        self.first = self.first.checked_add(count)?;
        self.rest = self.rest.get(after.saturating_add(offset_bytes)..)?;
        Some(extent)
    }
}

impl Iterator for RunList<'_> {
    type Item = Extent;

    fn next(&mut self) -> Option<Extent> {
        let header = u8_at(self.rest, 0).filter(|&header| header != 0)?;
        let extent = self.step(header);
        if extent.is_none() {
            self.is_damaged = true;
            self.rest = &[];
        }
        extent
    }
}

/// Returns a signed little-endian number of up to eight bytes.
fn signed(bytes: &[u8]) -> Option<i64> {
    let fill = if bytes.last()? & 0x80 == 0 { 0 } else { 0xff };
    let mut wide = [fill; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_relative_to_the_one_before() {
        // The example of the documentation of the Linux NTFS project, with a hole in between.
        let runs = [0x21, 0x18, 0x34, 0x56, 0x01, 0x08, 0x11, 0x30, 0xe0, 0x00, 0x11, 1, 1];
        let extents: Vec<_> = decode(&runs, 0).collect();
        assert_eq!(
            extents,
            [
                Extent { first: 0, cluster: Some(0x5634), count: 0x18 },
                Extent { first: 0x18, cluster: None, count: 8 },
                Extent { first: 0x20, cluster: Some(0x5614), count: 0x30 },
            ]
        );
    }

    #[test]
    fn impossible_runs_end_the_list() {
        for runs in [
            &[0x11, 0, 5][..],
            &[0x11, 0x80, 5],
            &[0x11, 1, 0xff],
            &[0x19, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[0x21, 1, 1],
            &[0x0f, 1],
            &[0x88, 255, 255, 255, 255, 255, 255, 255, 127, 1, 0, 0, 0, 0, 0, 0, 0x7f, 0],
        ] {
            let mut list = decode(runs, (1 << 63) + 1);
            while list.next().is_some() {}
            assert!(list.is_damaged(), "{runs:x?}");
        }
        let mut list = decode(&[0x10], 0);
        assert!(list.next().is_none() && list.is_damaged());
    }
}
