//! The door through which the binary itself writes: keys and canaries, never beside evidence.
#![expect(
    clippy::disallowed_methods,
    reason = "the one writing door of the binary; new files only"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

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

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// A file that does not exist yet. It is written under another name first, made durable, then
/// renamed, so that a file of its name is never a torn one; what is not ended is removed.
pub(crate) struct NewFile {
    to: PathBuf,
    part: PathBuf,
    out: Option<BufWriter<File>>,
}

impl NewFile {
    /// Begins a file.
    pub(crate) fn begin(to: &Path) -> std::io::Result<Self> {
        if to.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&part)?;
        let out = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { to: to.to_path_buf(), part, out })
    }

    /// Returns the path that it gets.
    pub(crate) fn path(&self) -> &Path {
        &self.to
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> std::io::Result<()> {
        let named = match self.out.take() {
            None => Err(ErrorKind::BrokenPipe.into()),
            Some(out) => out
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .and_then(|()| rename_new(&self.part, &self.to)),
        };
        if named.is_err() {
            self.remove();
        }
        named
    }

    fn remove(&self) {
        // What is left is a torn file under a name of our own.
        let _kept = fs::remove_file(&self.part);
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.as_mut().ok_or(ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.as_mut().ok_or(ErrorKind::BrokenPipe)?.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.out.is_some() {
            self.remove();
        }
    }
}

/// Writes a file that does not exist yet as a whole.
pub(crate) fn new_file_from(
    path: &Path,
    render: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut file = NewFile::begin(path)?;
    render(&mut file)?;
    file.end()
}

/// Renames without replacing; where the file system cannot promise that, it is looked at first.
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if to.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
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
