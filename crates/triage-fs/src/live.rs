//! A directory of a mounted file system, read through the operating system.
//!
//! Every call is relative to an open directory and follows no link: `openat` with `O_NOFOLLOW`,
//! `statx` with `AT_SYMLINK_NOFOLLOW`. `O_NONBLOCK` keeps an open from hanging on a pipe that took
//! the place of a file, `O_NOATIME` keeps access times as they were, where the caller may ask.

mod examine;
mod file;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use triage_evidence::{
    Directory, Entry, FileId, Kind, Listing, Location, Problem, ProblemKind, Stream,
};

use crate::errno::problem;
use examine::kind_of;
use file::LiveFile;

/// How many names of one directory are held in memory at once: with names of usual length some
/// 600 MiB. No real directory comes near; a hostile one ends as a problem in its record.
const LIMIT_NAMES: usize = 16_777_216;
/// The flags of every open. Nothing is ever opened for writing.
const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY);

/// An evidence path that was opened.
#[derive(Debug)]
pub enum LiveRoot {
    /// A directory: everything below it is the exhibit.
    Directory(Arc<LiveDirectory>),
    /// A single regular file, with the directory that holds it.
    File {
        /// The directory.
        parent: Arc<LiveDirectory>,
        /// The name in it.
        name: Vec<u8>,
    },
}

/// Opens a path that the operator typed. Unlike everything below it, the path itself may lead
/// through symbolic links.
///
/// # Errors
/// A [`Problem`] if it cannot be opened or is neither a directory nor a regular file.
pub fn open_live(path: &Path) -> Result<LiveRoot, Problem> {
    let failed = |errno| problem("cannot open the evidence", errno);
    let real = path.canonicalize().map_err(|error| {
        failed(error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
    })?;
    let bytes = real.as_os_str().as_bytes();
    match openat(CWD, bytes, OPEN | OFlags::DIRECTORY, Mode::empty()) {
        Ok(fd) => Ok(LiveRoot::Directory(Arc::new(LiveDirectory::new(fd, Arc::default())))),
        Err(Errno::NOTDIR) => {
            let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
                return Err(failed(Errno::NOTDIR));
            };
            let parent = parent.as_os_str().as_bytes();
            let fd =
                openat(CWD, parent, OPEN | OFlags::DIRECTORY, Mode::empty()).map_err(failed)?;
            let parent = Arc::new(LiveDirectory::new(fd, Arc::default()));
            let name = name.as_bytes().to_vec();
            let entry = parent.examine(&name, Location::root())?;
            if entry.kind != Kind::File {
                let text = format!("the evidence is a {}; not read by this version", entry.kind);
                return Err(Problem::new(ProblemKind::Unsupported, text));
            }
            Ok(LiveRoot::File { parent, name })
        }
        Err(errno) => Err(failed(errno)),
    }
}

/// An owner whose files refused `O_NOATIME`, so that it is not tried on each of them twice.
#[derive(Debug, Default)]
struct Refusals(AtomicU64);

impl Refusals {
    /// A user number never has this bit, so that 0 can mean "none yet".
    const SEEN: u64 = 1 << 32;

    fn has(&self, user: u32) -> bool {
        self.0.load(Ordering::Relaxed) == Self::SEEN | u64::from(user)
    }

    fn note(&self, user: u32) {
        self.0.store(Self::SEEN | u64::from(user), Ordering::Relaxed);
    }
}

/// An open directory of a mounted file system.
#[derive(Debug)]
pub struct LiveDirectory {
    fd: OwnedFd,
    refusals: Arc<Refusals>,
}

impl LiveDirectory {
    const fn new(fd: OwnedFd, refusals: Arc<Refusals>) -> Self {
        Self { fd, refusals }
    }

    /// Examines this directory itself.
    ///
    /// # Errors
    /// A [`Problem`] if the file system would not tell.
    pub fn examine_self(&self) -> Result<Entry, Problem> {
        examine::examine_open(self.fd.as_fd(), Location::root())
    }

    /// Says whether the file system lies in memory or on another computer, so that no head of a
    /// disk here moves when it is read.
    #[must_use]
    pub fn is_without_head(&self) -> bool {
        crate::pseudo::is_without_head(self.fd.as_fd())
    }

    /// Opens a name for reading, without changing its access time where that is permitted.
    fn open_name(&self, name: &[u8], more: OFlags, owner: Option<u32>) -> Result<OwnedFd, Errno> {
        let known = owner.is_some_and(|user| self.refusals.has(user));
        if !known {
            match openat(&self.fd, name, OPEN | OFlags::NOATIME | more, Mode::empty()) {
                Err(Errno::PERM) => {
                    if let Some(user) = owner {
                        self.refusals.note(user);
                    }
                }
                result => return result,
            }
        }
        openat(&self.fd, name, OPEN | more, Mode::empty())
    }

    /// Wraps a directory that was opened, if it is the one that was expected.
    fn directory(&self, fd: OwnedFd, expected: FileId) -> Result<Arc<dyn Directory>, Problem> {
        let found = examine::examine_open(fd.as_fd(), Location::root())?;
        if found.id != Some(expected) || found.kind != Kind::Directory {
            return Err(replaced());
        }
        Ok(Arc::new(Self::new(fd, Arc::clone(&self.refusals))))
    }
}

/// The problem of an entry that is no longer the one that was examined.
fn replaced() -> Problem {
    Problem::new(ProblemKind::Changed, "it was replaced between being examined and being opened")
}

impl Directory for LiveDirectory {
    fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let failed = |errno| Some(problem("cannot list the directory", errno));
        // A descriptor of its own: the place in the listing belongs to the open file.
        let fd = match self.open_name(b".", OFlags::DIRECTORY, None) {
            Ok(fd) => fd,
            Err(errno) => return Listing { problem: failed(errno), ..listing },
        };
        let mut names = match Dir::new(fd) {
            Ok(names) => names,
            Err(errno) => return Listing { problem: failed(errno), ..listing },
        };
        while let Some(next) = names.read() {
            let entry = match next {
                Ok(entry) => entry,
                Err(errno) => {
                    listing.problem = failed(errno);
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => Kind::Unknown,
                known => kind_of(known),
            };
            if listing.names.len() >= LIMIT_NAMES || !listing.names.push(name, kind) {
                let text = format!("the directory has more than {LIMIT_NAMES} names");
                listing.problem = Some(Problem::new(ProblemKind::LimitReached, text));
                break;
            }
        }
        listing
    }

    fn examine(&self, name: &[u8], location: Location) -> Result<Entry, Problem> {
        examine::examine_name(self.fd.as_fd(), name, location)
    }

    fn volume_kind(&self) -> Option<&'static str> {
        crate::pseudo::pseudo_name(self.fd.as_fd())
    }

    fn open_directory(&self, entry: &Entry) -> Result<Arc<dyn Directory>, Problem> {
        let owner = entry.ownership.map(|owner| owner.user);
        let fd = self
            .open_name(entry.location.name(), OFlags::DIRECTORY, owner)
            .map_err(|errno| problem("cannot open the directory", errno))?;
        self.directory(fd, entry.id.ok_or_else(replaced)?)
    }

    fn open_parent(&self, expected: FileId) -> Result<Arc<dyn Directory>, Problem> {
        let fd = self
            .open_name(b"..", OFlags::DIRECTORY, None)
            .map_err(|errno| problem("cannot return to the directory above", errno))?;
        self.directory(fd, expected)
    }

    fn open_stream(&self, entry: &Entry) -> Result<Box<dyn Stream>, Problem> {
        let owner = entry.ownership.map(|owner| owner.user);
        let fd =
            self.open_name(entry.location.name(), OFlags::empty(), owner).map_err(|errno| {
                match errno {
                    // It was a regular file a moment ago.
                    Errno::LOOP | Errno::NXIO | Errno::NOENT => replaced().with_code("ENOENT"),
                    _ => problem("cannot open the file", errno),
                }
            })?;
        let file = LiveFile::new(fd, entry);
        file.check_same()?;
        Ok(Box::new(file))
    }
}
