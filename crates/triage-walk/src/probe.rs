//! A look at evidence that takes seconds, whatever its size: what it is, what it holds, and what
//! this computer does with it right now.
//!
//! Nothing is hashed, no directory is listed, and no more than a fixed number of bytes is read.

mod kernel;
mod metered;
mod storage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_evidence::{Entry, Facts, Problem, ProblemKind};
use triage_image::Image;

pub use kernel::{KernelFolders, Mount};
pub use storage::{OpenVolume, Relation, Storage};

use crate::disk::Disk;
use crate::evidence::open_disk;
use crate::{Error, OpenAs};
use metered::Metered;

/// The most that is read of a disk: two seconds from a slow USB stick. A file system whose tables
/// are larger is named, not opened.
const LIMIT_READ_BYTES: u64 = 64 * 1024 * 1024;

/// What the evidence is.
#[derive(Debug)]
pub enum Look {
    /// A folder of a mounted file system.
    Folder {
        /// The size of the file system that it lies on, in bytes, if that is told.
        volume_bytes: Option<u64>,
        /// How much of that is free, in bytes.
        free_bytes: Option<u64>,
    },
    /// A file that is no disk image.
    File {
        /// Its length in bytes.
        size_bytes: u64,
    },
    /// An image or a device.
    Disk {
        /// The format, such as `ewf` or `device`.
        format: &'static str,
        /// The size of the medium in bytes.
        size_bytes: u64,
        /// What is known of it as a whole.
        facts: Facts,
        /// Its volumes, then the gaps between them.
        parts: Vec<Part>,
    },
}

/// A volume of a disk, or a gap between volumes.
#[derive(Clone, Debug)]
pub struct Part {
    /// The first step of the locations in it, such as `vol1`.
    pub name: Vec<u8>,
    /// What a scan would record of it.
    pub entry: Entry,
    /// Why a scan would not list its files; `None` if it would, or for a gap.
    pub closed: Option<Problem>,
    /// Whether opening it would have taken more reading than a look may do.
    pub unopened: bool,
}

/// Looks at the evidence at a path.
///
/// # Errors
/// [`Error::Open`] if it cannot be opened.
pub fn look_at(path: &Path, open_as: OpenAs) -> Result<Look, Error> {
    let open = |problem| Error::Open { problem };
    if let Some(image) = open_disk(path, open_as).map_err(open)? {
        return Ok(look_at_disk(image));
    }
    let found = path.metadata().map_err(|error| open(unreadable(&error)))?;
    if found.is_dir() {
        let room = rustix::fs::statvfs(path).ok();
        let bytes = |blocks: u64, unit: u64| blocks.checked_mul(unit).filter(|&bytes| bytes > 0);
        return Ok(Look::Folder {
            volume_bytes: room.as_ref().and_then(|room| bytes(room.f_blocks, room.f_frsize)),
            free_bytes: room.as_ref().and_then(|room| bytes(room.f_bfree, room.f_frsize)),
        });
    }
    if found.is_file() {
        return Ok(Look::File { size_bytes: found.len() });
    }
    let text = "neither a folder, nor a file, nor a block device";
    Err(open(Problem::new(ProblemKind::Unsupported, text)))
}

fn look_at_disk(image: Image) -> Look {
    let (format, size_bytes) = (image.format, image.source.size_bytes());
    let source = Arc::new(Metered::new(Arc::clone(&image.source), LIMIT_READ_BYTES));
    let disk = Disk::open(&Image { source, ..image });
    let parts = disk.parts().map(|(name, entry, closed)| {
        let unopened = closed.is_some_and(metered::is_limit);
        let closed = closed.filter(|_| !unopened).cloned();
        Part { name: name.to_vec(), entry: entry.clone(), closed, unopened }
    });
    let parts = parts.collect();
    let facts = disk.root_entry().facts.as_deref().cloned().unwrap_or_default();
    Look::Disk { format, size_bytes, facts, parts }
}

/// Returns the absolute path of the evidence, with links resolved.
///
/// # Errors
/// [`Error::Open`] if there is nothing at the path.
pub fn resolved(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| Error::Open { problem: unreadable(&error) })
}

fn unreadable(error: &std::io::Error) -> Problem {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => "ENOENT",
        std::io::ErrorKind::PermissionDenied => "EACCES",
        _ => "",
    };
    Problem::new(ProblemKind::Unreadable, format!("cannot find it: {error}")).with_code(code)
}
