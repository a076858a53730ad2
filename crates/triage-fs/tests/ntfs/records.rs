//! NTFS fixtures and where their records lie.

use std::sync::Arc;

use triage_evidence::{ByteSource, FileSystem, Problem};

use crate::reading::unpacked;

/// Returns a fixture, unpacked.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    unpacked("ntfs", name)
}

/// Opens a volume in memory or elsewhere.
pub(crate) fn open(source: impl ByteSource + 'static) -> Result<triage_fs::Ntfs, Problem> {
    triage_fs::open_ntfs(Arc::new(source))
}

/// Finds the byte on the disk where a record begins, by the number that it holds.
pub(crate) fn record(disk: &[u8], number: u32) -> usize {
    let is_it = |&at: &usize| {
        disk[at..at + 4] == *b"FILE" && disk[at + 0x2c..at + 0x30] == number.to_le_bytes()
    };
    // The mirror holds the first four once more, further up.
    (0..disk.len() - 1024).step_by(512).find(is_it).unwrap()
}

/// Returns the number of a file in the root directory.
pub(crate) fn number(volume: &dyn FileSystem, name: &str) -> u32 {
    let names = volume.list(volume.root()).names;
    let found = names.iter().find(|found| found.name == name.as_bytes()).unwrap();
    (found.node.0 & 0xffff_ffff) as u32
}
