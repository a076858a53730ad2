//! The door through which an index file is written: complete or not at all, never over another.

#![expect(clippy::disallowed_methods, reason = "the named door of the crate for writing")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::layout::{HEADER_LEN, MAGIC};
use crate::Error;

/// The flag of `open(2)` that refuses a symbolic link.
const O_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();

/// Writes a new file: first beside it as `NAME.part`, then to the disk, then under its name.
///
/// Whoever writes holds `NAME.part` and a lock on it, so that two writers of the same name cannot
/// meet. A `.part` that nobody holds is what a killed writer has left: if it looks like a begun
/// index it is begun anew, else it is somebody's file and stays.
///
/// # Errors
/// [`Error::Exists`] if the file or its `.part` is there, [`Error::Io`] if the disk refuses; what
/// was written is removed then.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    write_new_with(path, |file| file.write_all(bytes).map_err(failed))
}

/// Like [`write_new`], with the bytes written by `write`.
///
/// # Errors
/// As [`write_new`], and what `write` returns.
pub(crate) fn write_new_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), Error>,
) -> Result<(), Error> {
    write_part(path, |file, _| write(file))
}

/// Like [`write_new`], with the bytes written by a library that opens the file itself: `write` is
/// told where it lies, empty, under its temporary name.
///
/// # Errors
/// As [`write_new`], and what `write` returns.
pub(crate) fn write_new_at(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    write_part(path, |_, part| write(part))
}

fn write_part(
    path: &Path,
    write: impl FnOnce(&mut File, &Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |action| {
        let path = path.to_owned();
        move |source: io::Error| Error::Io { action, path, source }
    };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&part) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            take_over(&part).ok_or_else(|| Error::Exists { path: part.clone() })?
        }
        other => {
            let file = other.map_err(failed("create"))?;
            // Not every file system has locks. Without one, what a kill leaves has to be removed
            // by hand, because nobody can tell that it was left.
            let _ = file.try_lock();
            file
        }
    };
    let written = if fs::symlink_metadata(path).is_ok() {
        Err(Error::Exists { path: path.to_owned() })
    } else {
        write(&mut file, &part)
            .and_then(|()| file.sync_all().map_err(failed("write")))
            .and_then(|()| fs::rename(&part, path).map_err(failed("rename into place")))
    };
    if let Err(error) = written {
        // The first error is the one worth telling; a `.part` that stays is named by the next run.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    sync_folder(path).map_err(failed("write the folder entry of"))
}

/// Opens the `.part` that a killed writer of an index has left, and empties it.
fn take_over(part: &Path) -> Option<File> {
    let file =
        OpenOptions::new().read(true).write(true).custom_flags(O_NOFOLLOW).open(part).ok()?;
    file.try_lock().ok()?;
    // Its writer may have ended between the opening and the lock: then the name is another file's
    // or nobody's.
    let (named, held) = (fs::symlink_metadata(part).ok()?, file.metadata().ok()?);
    if !held.is_file() || (named.dev(), named.ino()) != (held.dev(), held.ino()) {
        return None;
    }
    let mut begun = Vec::new();
    (&file).take(HEADER_LEN as u64).read_to_end(&mut begun).ok()?;
    // The head is written last: until then there are zeros.
    if !begun.starts_with(MAGIC)
        && !crate::is_encrypted(&begun)
        && begun.iter().any(|byte| *byte != 0)
    {
        return None;
    }
    file.set_len(0).ok()?;
    (&file).seek(SeekFrom::Start(0)).ok()?;
    Some(file)
}

/// Brings the new name to the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
