//! One name met in evidence, with everything that its file system says about it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{Location, Problem, Recovery, Times};

/// What kind of thing a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file: the only kind whose content is read.
    File,
    /// A directory.
    Directory,
    /// A symbolic link: its target is recorded, never followed.
    Symlink,
    /// A named pipe: never opened.
    Fifo,
    /// A socket: never opened.
    Socket,
    /// A block device node: never opened.
    BlockDevice,
    /// A character device node: never opened.
    CharDevice,
    /// The file system did not say, because the entry could not be examined.
    Unknown,
    /// A volume of a disk whose files are not listed: encrypted, or of a kind that is not read.
    Volume,
    /// Bytes of a disk or volume that belong to no file.
    Space,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 10] = [
        Self::File,
        Self::Directory,
        Self::Symlink,
        Self::Fifo,
        Self::Socket,
        Self::BlockDevice,
        Self::CharDevice,
        Self::Unknown,
        Self::Volume,
        Self::Space,
    ];

    /// Returns the name used in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::BlockDevice => "block_device",
            Self::CharDevice => "char_device",
            Self::Unknown => "unknown",
            Self::Volume => "volume",
            Self::Space => "space",
        }
    }

    /// Says whether the size of such an entry counts in the coverage.
    #[must_use]
    pub const fn holds_bytes(self) -> bool {
        matches!(self, Self::File | Self::Volume | Self::Space)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = ();

    /// Reads the name used in the manifest.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// The number of a device: of the one that holds a file, or that a device node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// The class of device.
    pub major: u32,
    /// The device within its class.
    pub minor: u32,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// What identifies a file, whatever its names: the device and the inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The device that holds the file system.
    pub device: Device,
    /// The inode number.
    pub inode: u64,
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.device, self.inode)
    }
}

/// Who owns a file and who may do what, as numbers: names belong to the examined system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner's user number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// The permission bits, set-id and sticky bits included; without the type bits.
    pub mode: u32,
}

/// One name met. Fields that the file system did not give are `None`, never invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub location: Location,
    /// What it is.
    pub kind: Kind,
    /// The logical size of a regular file or the length of a link's target, in bytes.
    pub size_bytes: Option<u64>,
    /// What is allocated on the disk for it, in bytes; less than the size for a sparse file.
    pub allocated_bytes: Option<u64>,
    /// The times that the file system keeps.
    pub times: Times,
    /// What identifies the file.
    pub id: Option<FileId>,
    /// How many names the file has.
    pub links: Option<u64>,
    /// Owner, group and mode.
    pub ownership: Option<Ownership>,
    /// The raw bytes of a symbolic link's target.
    pub target: Option<Vec<u8>>,
    /// The device that a device node stands for.
    pub node: Option<Device>,
    /// The times that the name itself keeps, such as `$FILE_NAME` of NTFS.
    pub name_times: Option<Times>,
    /// For a deleted entry: how far its content can be trusted. `None` for one that exists.
    pub recovery: Option<Recovery>,
    /// What else is known, of an image or a volume.
    pub facts: Option<Box<Facts>>,
}

/// What is known of an image or a volume as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Names and values, such as `file_system` and `ntfs`.
    pub pairs: BTreeMap<String, String>,
    /// What a reader should know: a dirty journal, a backup that had to be used.
    pub notes: Vec<Problem>,
}

impl Entry {
    /// Returns an entry of which only the place and perhaps the kind are known.
    #[must_use]
    pub const fn unexamined(location: Location, kind: Kind) -> Self {
        Self {
            location,
            kind,
            size_bytes: None,
            allocated_bytes: None,
            times: Times { modified: None, accessed: None, changed: None, born: None },
            id: None,
            links: None,
            ownership: None,
            target: None,
            node: None,
            name_times: None,
            recovery: None,
            facts: None,
        }
    }

    /// Says whether the entry may have content although nothing says how much.
    #[must_use]
    pub const fn lacks_size(&self) -> bool {
        let may_hold = matches!(self.kind, Kind::File | Kind::Unknown);
        may_hold && self.size_bytes.is_none() && self.recovery.is_none()
    }

    /// Says whether the file system allocated less than the logical size.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        matches!((self.allocated_bytes, self.size_bytes), (Some(disk), Some(size)) if disk < size)
    }
}
