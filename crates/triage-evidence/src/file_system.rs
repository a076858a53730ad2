//! A file system that is read from a byte source by this program, not by the operating system.
//!
//! A reader knows its nodes by number and gives facts; who walks it, how names become locations
//! and what is hashed is not its business. Nothing allocated and nothing deleted is left out: a
//! node that cannot be understood is listed all the same, and examining it tells the problem.

use std::str::FromStr;

use crate::{Device, Kind, Ownership, Problem, Stream, Times};

/// The number by which a file system knows a file: an inode, a record of the MFT with its
/// sequence, the place of a directory entry. Only its own file system can read meaning into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// Whether a name exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameState {
    /// The name exists.
    Allocated,
    /// The name was deleted; its node is free or deleted too.
    Deleted,
    /// The name was deleted and its node belongs to another file by now: there is no content.
    Reallocated,
}

/// How far the content of a deleted file can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recovery {
    /// The file system still says where the content lies, and no other file has taken that place.
    Certain,
    /// The place is a guess, or a part of it belongs to another file by now.
    Guess,
    /// Nothing says where the content was.
    Lost,
}

impl Recovery {
    /// Every value, in order.
    pub const ALL: [Self; 3] = [Self::Certain, Self::Guess, Self::Lost];

    /// Returns the name used in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Guess => "guess",
            Self::Lost => "lost",
        }
    }
}

impl FromStr for Recovery {
    type Err = ();

    /// Reads the name used in the manifest.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|recovery| recovery.name() == text).ok_or(())
    }
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName {
    /// The bytes of the name; UTF-16 as WTF-8, so that unpaired surrogates are kept.
    pub name: Vec<u8>,
    /// What it names.
    pub node: NodeId,
    /// The kind that the directory gives, or `Unknown` where it gives none.
    pub kind: Kind,
    /// Whether the name exists.
    pub state: NameState,
}

/// The names of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNames {
    /// The names in the order of the disk, without `.` and `..`.
    pub names: Vec<NodeName>,
    /// Why names may be missing.
    pub problem: Option<Problem>,
}

/// A further stream of a file, beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName {
    /// The name; WTF-8.
    pub name: Vec<u8>,
    /// The logical size in bytes.
    pub size_bytes: u64,
    /// What is allocated for it in bytes.
    pub allocated_bytes: Option<u64>,
}

/// What a file system says about a node. What it does not keep is `None`, never invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The logical size of the content, or the length of a link's target, in bytes.
    pub size_bytes: Option<u64>,
    /// What is allocated for the content in bytes.
    pub allocated_bytes: Option<u64>,
    /// The times of the node.
    pub times: Times,
    /// The times that the name itself keeps, such as `$FILE_NAME` of NTFS.
    pub name_times: Option<Times>,
    /// How many names the node has.
    pub links: Option<u64>,
    /// Owner, group and mode.
    pub ownership: Option<Ownership>,
    /// The target of a symbolic link.
    pub target: Option<Vec<u8>>,
    /// The device that a device node stands for.
    pub device: Option<Device>,
    /// For a deleted node: how far its content can be trusted. `None` if it is allocated.
    pub recovery: Option<Recovery>,
    /// The streams beside the content.
    pub streams: Vec<StreamName>,
    /// Why the content, or the target of a link, cannot be read as a whole though the node is
    /// understood: encrypted, compressed in a way that is not read, or on a bad place.
    pub unread: Option<Problem>,
}

impl Node {
    /// Returns an allocated node of which only the kind is known.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            size_bytes: None,
            allocated_bytes: None,
            times: Times { modified: None, accessed: None, changed: None, born: None },
            name_times: None,
            links: None,
            ownership: None,
            target: None,
            device: None,
            recovery: None,
            streams: Vec::new(),
            unread: None,
        }
    }
}

/// A range of a volume in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// Where it begins in the volume; `None` for a hole that the disk does not hold.
    pub start: Option<u64>,
    /// How long it is.
    pub size_bytes: u64,
}

/// What a file system says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeFacts {
    /// The name of the file system: `ntfs`, `fat12`, `fat16`, `fat32`, `exfat`, `ext2`, `ext4`...
    pub file_system: &'static str,
    /// The label that the owner gave; WTF-8 or raw bytes.
    pub label: Option<Vec<u8>>,
    /// The serial number or UUID in its usual text form.
    pub identifier: Option<String>,
    /// The size of an allocation unit in bytes.
    pub cluster_bytes: u64,
    /// The size of the file system in bytes, as it says itself.
    pub size_bytes: u64,
    /// What the time stamps mean where it is not UTC, such as "local time, zone not stored".
    pub time_zone: Option<&'static str>,
    /// What is wrong with the file system as a whole: a dirty journal, a second FAT that differs.
    pub problems: Vec<Problem>,
}

/// A file system that was opened on a byte source. Shared between threads.
pub trait FileSystem: Send + Sync {
    /// Returns what the file system says about itself.
    fn facts(&self) -> &VolumeFacts;

    /// Returns the node of the root directory.
    fn root(&self) -> NodeId;

    /// Returns the number by which tools of the field know a node.
    fn inode(&self, node: NodeId) -> u64 {
        node.0
    }

    /// Returns the number of a node as people of the field write it, without a space.
    fn node_text(&self, node: NodeId) -> String {
        node.0.to_string()
    }

    /// Lists a directory, allocated or deleted: its names, deleted ones that can still be read
    /// included.
    fn list(&self, directory: NodeId) -> NodeNames;

    /// Lists the deleted nodes that no directory names: their names are those that the nodes keep,
    /// or are made from the number, such as `inode-12`.
    fn orphans(&self) -> NodeNames;

    /// Examines a node.
    ///
    /// # Errors
    /// A [`Problem`] if the node cannot be read or contradicts the format.
    fn examine(&self, node: NodeId) -> Result<Node, Problem>;

    /// Opens the content of a regular file, or the stream beside it that has that name.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be opened: nothing there, encrypted, unsupported, damaged.
    fn open(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Box<dyn Stream>, Problem>;

    /// Returns where in the volume the content lies, in logical order; empty if it lies inside
    /// the node itself.
    ///
    /// # Errors
    /// A [`Problem`] as [`FileSystem::open`].
    fn runs(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Vec<Run>, Problem>;

    /// Returns how many bytes of the volume belong to no file and no structure of the file system.
    ///
    /// # Errors
    /// A [`Problem`] if the allocation map cannot be read.
    fn unallocated_bytes(&self) -> Result<u64, Problem>;
}
