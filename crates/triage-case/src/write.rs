//! The only door through which the workspace writes a case. Nothing is ever overwritten.
#![expect(clippy::disallowed_methods, reason = "this is the one writing door of the case package")]

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::Error;
use crate::error::failed;

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 1024 * 1024;

/// How often, and how far apart, a lock is tried before somebody else is said to hold it.
const LOCK_TRIES: u32 = 10;
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// Creates a folder that must not exist, or must be empty.
pub(crate) fn create_empty_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            is_empty(path)?.then_some(()).ok_or_else(|| Error::Exists { path: path.to_path_buf() })
        }
        Err(source) => Err(failed("create", path)(source)),
    }
}

/// Says whether a folder holds nothing but what a run leaves that was killed before it wrote its
/// plan: it has scanned nothing.
pub(crate) fn is_empty(path: &Path) -> Result<bool, Error> {
    let begun = path.join("journal");
    Ok(holds_only(path, &["journal"])?
        && (!begun.exists() || holds_only(&begun, &["lock", "plan.json.part"])?))
}

/// Says whether a folder holds nothing but these names.
fn holds_only(folder: &Path, names: &[&str]) -> Result<bool, Error> {
    for entry in fs::read_dir(folder).map_err(failed("look into", folder))? {
        let name = entry.map_err(failed("look into", folder))?.file_name();
        if !names.iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Creates a folder and those above it, if they do not exist.
pub(crate) fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

/// Writes a file as a whole: under another name, made durable, then renamed. Replaces a file of
/// the same name, which only the finishing of an interrupted run does.
pub(crate) fn write_file(
    path: &Path,
    render: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let file = File::create(part).map_err(failed("create", part))?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
    render(&mut writer).map_err(failed("write", part))?;
    let file = writer.into_inner().map_err(|error| failed("write", part)(error.into_error()))?;
    file.sync_data().map_err(failed("make durable", part))?;
    fs::rename(part, path).map_err(failed("rename", part))
}

/// Opens a file to append to, creating it if need be, and cuts it to a length.
pub(crate) fn open_append(path: &Path, length: u64) -> Result<File, Error> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(failed("open for writing", path))?;
    let found = file.metadata().map_err(failed("examine", path))?.len();
    if found > length {
        file.set_len(length).map_err(failed("cut the torn end of", path))?;
    }
    Ok(file)
}

/// Takes the lock of a case, so that no second run writes to it.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(failed("open the lock", path))?;
    hold(file, path)
}

/// Waits a moment for the lock of an open file, which must then still have that path: whoever held
/// it may have put another file there.
fn hold(file: File, path: &Path) -> Result<File, Error> {
    // Whoever only asks whether it is held holds it for a moment, too.
    for _ in 0..LOCK_TRIES {
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let held = file.metadata().map_err(failed("examine", path))?;
            let same = |there: fs::Metadata| (held.dev(), held.ino()) == (there.dev(), there.ino());
            if fs::symlink_metadata(path).is_ok_and(same) {
                return Ok(file);
            }
            break;
        }
        std::thread::sleep(LOCK_WAIT);
    }
    Err(Error::Locked { path: path.to_path_buf() })
}

/// Opens a log of a closed package to append to it, and locks it. A package may come from anybody:
/// nothing is written through a link or to a file that has another name elsewhere.
pub(crate) fn open_held(path: &Path) -> Result<File, Error> {
    let flags =
        OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|errno| failed("open for writing", path)(errno.into()))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(failed("examine", path))?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        let reason = std::io::Error::other("not a regular file with one name");
        return Err(failed("write to", path)(reason));
    }
    hold(file, path)
}

/// Cuts a file to a length.
pub(crate) fn cut(file: &File, length: u64) -> std::io::Result<()> {
    file.set_len(length)
}

/// Says whether some process holds the lock; a lock that does not exist is held by nobody.
pub(crate) fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
}

/// Gives a file its final name.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(failed("rename", from))
}

/// Removes a journal: first what only a plan gives a meaning to, then the plan, then the lock. A
/// kill before the plan is gone means to close again; after it, at most an empty lock is left.
pub(crate) fn remove_journal(path: &Path) -> Result<(), Error> {
    let last = ["plan.json", "lock"];
    for entry in fs::read_dir(path).map_err(failed("look into", path))? {
        let entry = entry.map_err(failed("look into", path))?;
        if !last.iter().any(|name| entry.file_name() == *name) {
            remove_if_there(&entry.path())?;
        }
    }
    for name in last {
        remove_if_there(&path.join(name))?;
    }
    fs::remove_dir(path).map_err(failed("remove", path))
}

/// Removes a file of an earlier, killed closing.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(failed("remove", path)),
    }
}

/// Removes what [`write_file`] had not finished when it was killed; the journal is left alone.
pub(crate) fn remove_parts(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(failed("look into", folder))? {
        let entry = entry.map_err(failed("look into", folder))?;
        let kind = entry.file_type().map_err(failed("examine", folder))?;
        if kind.is_dir() && entry.file_name() != "journal" {
            remove_parts(&entry.path())?;
        } else if kind.is_file() && entry.file_name().as_encoded_bytes().ends_with(b".part") {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

/// Makes everything below the folder's file system durable.
pub(crate) fn sync_all(folder: &Path) -> Result<(), Error> {
    let file = File::open(folder).map_err(failed("open", folder))?;
    rustix::fs::syncfs(&file).map_err(|errno| failed("make durable", folder)(errno.into()))
}
