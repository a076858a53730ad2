//! The fixtures by name.

use std::sync::Arc;

use triage_evidence::{ByteSource, FileSystem, Problem};
use triage_fs::open_file_system;

use crate::reading::{Line, Reading, unpacked};

/// Every fixture with the name of its file system.
pub(crate) const VOLUMES: [(&str, &str); 12] = [
    ("ext2", "ext2"),
    ("ext3", "ext3"),
    ("ext4", "ext4"),
    ("ext4-inline", "ext4"),
    ("ext4-meta", "ext4"),
    ("ext4-old", "ext4"),
    ("ext4-bigalloc", "ext4"),
    ("fat12", "fat12"),
    ("fat16", "fat16"),
    ("fat32", "fat32"),
    ("exfat", "exfat"),
    ("exfat-made", "exfat"),
];

/// Returns a fixture, unpacked.
pub(crate) fn disk(name: &str) -> Vec<u8> {
    unpacked("disks", &format!("{name}.img"))
}

/// Opens a volume of that file system.
pub(crate) fn open(
    file_system: &str,
    source: impl ByteSource + 'static,
) -> Result<Box<dyn FileSystem>, Problem> {
    open_file_system(file_system, Arc::new(source)).unwrap()
}

/// Opens a fixture.
pub(crate) fn volume(name: &str) -> Box<dyn FileSystem> {
    let (_, file_system) = VOLUMES.iter().find(|row| row.0 == name).unwrap();
    open(file_system, disk(name)).unwrap()
}

/// Reads a fixture.
pub(crate) fn reading(name: &str) -> Reading {
    Reading::of(&*volume(name))
}

/// Returns the line of a path.
pub(crate) fn line<'a>(reading: &'a Reading, path: &str) -> &'a Line {
    let found = reading.lines.iter().find(|line| line.path == path);
    found.unwrap_or_else(|| panic!("{path} was not met"))
}
