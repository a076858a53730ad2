//! The door through which a validation changes packages that it has made itself, in a folder of
//! its own. It is given no other path.
#![expect(clippy::disallowed_methods, reason = "edits of the validation's own scratch packages")]

use std::fs;
use std::path::Path;

/// Replaces the bytes of a file.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::write(path, bytes)
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    fs::remove_file(path)
}

/// Gives a file another name.
pub(crate) fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)
}

/// Gives a file a second name.
pub(crate) fn second_name(file: &Path, name: &Path) -> std::io::Result<()> {
    fs::hard_link(file, name)
}

/// Makes a symbolic link.
pub(crate) fn link(target: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, name)
}

/// Copies a folder of regular files and folders.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        // A package is three folders deep.
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
