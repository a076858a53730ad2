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
