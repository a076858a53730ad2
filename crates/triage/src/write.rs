//! The door through which the binary itself writes: keys and canaries, never beside evidence.
#![expect(
    clippy::disallowed_methods,
    reason = "the one writing door of the binary; new files only"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file that does not exist yet.
pub(crate) fn new_file(path: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a file whole: under another name, made durable, then renamed. Two processes that write
/// the same file at once leave one of the two.
pub(crate) fn whole_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = Path::new(&part);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, path)
}

/// Opens a file to add to it.
pub(crate) fn appended_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Creates a folder and those above it, if they do not exist.
pub(crate) fn folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

/// Begins a file that does not exist yet.
pub(crate) fn new_writer(path: &Path) -> std::io::Result<BufWriter<File>> {
    Ok(BufWriter::new(OpenOptions::new().write(true).create_new(true).open(path)?))
}

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a file that does not exist yet as a whole: under another name first, made durable, then
/// renamed, so that a file of that name is never a torn one.
pub(crate) fn new_file_from(
    path: &Path,
    render: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(part)?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let done = render(&mut out)
        .and_then(|()| out.into_inner().map_err(std::io::IntoInnerError::into_error))
        .and_then(|file| file.sync_all())
        .and_then(|()| rename_new(part, path));
    if done.is_err() {
        // What is left is a torn file under a name of our own.
        let _kept = fs::remove_file(part);
    }
    done
}

/// Gives a file that was written under another name its own, which must not exist.
pub(crate) fn name_new(from: &Path, to: &Path) -> std::io::Result<()> {
    rename_new(from, to)
}

/// Renames without replacing; where the file system cannot promise that, it is looked at first.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(std::io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(from, to)
        }
        renamed => renamed.map_err(Into::into),
    }
}

/// Creates a folder that does not exist yet.
pub(crate) fn new_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)
}

/// Changes one byte of a file of a canary package.
pub(crate) fn flip_byte(path: &Path, place: usize) -> std::io::Result<()> {
    let mut bytes = fs::read(path)?;
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1;
    }
    fs::write(path, bytes)
}

/// Removes a canary's folder.
pub(crate) fn remove_folder(path: &Path) -> std::io::Result<()> {
    fs::remove_dir_all(path)
}
