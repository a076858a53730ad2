//! A volume whose file system this program reads by itself.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use triage_evidence::{Device, FileId, FileSystem, Location, NodeId};

/// The number that stands for the directory of orphans, which no file system has.
const ORPHANS_INODE: u64 = u64::MAX;

/// A volume whose files are listed.
pub(crate) struct Volume {
    /// Its reader.
    pub(crate) files: Box<dyn FileSystem>,
    /// How many bytes of the disk it takes.
    pub(crate) size_bytes: u64,
    device: Device,
    /// The directories that were listed, with the hash of the location that they were listed at.
    claims: Mutex<HashMap<u64, u64>>,
}

/// What a directory of a walk shows of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A directory of the file system.
    Node(NodeId),
    /// Deleted files that no directory lists.
    Orphans,
}

impl Volume {
    /// Takes the reader of the volume with that number.
    pub(crate) fn new(files: Box<dyn FileSystem>, size_bytes: u64, number: u32) -> Self {
        let device = Device { major: 0, minor: number };
        Self { files, size_bytes, device, claims: Mutex::default() }
    }

    /// Returns what identifies a file of this volume within the disk.
    pub(crate) fn id_of(&self, node: NodeId) -> FileId {
        FileId { device: self.device, inode: self.files.inode(node) }
    }

    /// Returns what identifies a directory of a walk.
    pub(crate) fn id_of_place(&self, place: Place) -> FileId {
        match place {
            Place::Node(node) => self.id_of(node),
            Place::Orphans => FileId { device: self.device, inode: ORPHANS_INODE },
        }
    }

    /// Forgets which directories were listed.
    pub(crate) fn forget_claims(&self) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Notes that a directory is listed at a location. Returns `false` if it was listed at another
    /// one: each is walked once, so that a hostile volume cannot make a walk endless.
    pub(crate) fn claim(&self, id: FileId, location: &Location) -> bool {
        let mut hasher = DefaultHasher::new();
        location.path().hash(&mut hasher);
        let at = hasher.finish();
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        *claims.entry(id.inode).or_insert(at) == at
    }
}
