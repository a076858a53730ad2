//! Memory that overflows onto the disk: bytes that grow and are read again.
//!
//! Without a folder everything stays in memory. With one, whatever does not fit goes into files in
//! it, which have no name: they are gone with the process, however it ends. A [`Spool`] has one for
//! the moment in which a library opens it.

#![expect(clippy::disallowed_methods, reason = "the named door of the crate for scratch files")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Error;

/// Size of the buffer of a file that is written or read from start to end.
const BUFFER: usize = 1 << 20;

/// The flag of `open(2)` that makes a file without a name.
const O_TMPFILE: i32 = rustix::fs::OFlags::TMPFILE.bits().cast_signed();

/// Where scratch files go, and how much memory may be used before.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// A folder; `None` keeps everything in memory.
    pub(crate) folder: Option<PathBuf>,
    /// Bytes of memory for sorting.
    pub(crate) memory_bytes: usize,
}

impl Scratch {
    /// Keeps everything in memory.
    pub(crate) const fn in_memory() -> Self {
        Self { folder: None, memory_bytes: usize::MAX }
    }

    /// Uses about that much memory, then files without a name in the folder.
    #[must_use]
    pub fn in_folder(folder: &Path, memory_bytes: usize) -> Self {
        Self { folder: Some(folder.to_owned()), memory_bytes }
    }

    /// Returns the same with a part of the memory.
    pub(crate) fn share(&self, parts: usize) -> Self {
        Self { folder: self.folder.clone(), memory_bytes: self.memory_bytes / parts.max(1) }
    }

    /// Returns a new scratch file that a library can open by a name for a moment.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder refuses. Without a folder there is none.
    pub(crate) fn spool(&self) -> Result<Option<Spool>, Error> {
        let Some(folder) = &self.folder else { return Ok(None) };
        if let Ok(file) = scratch_options().custom_flags(O_TMPFILE).open(folder) {
            return Ok(Some(Spool { file, folder: folder.clone(), name: None }));
        }
        let (file, path) = named_file(folder)?;
        Ok(Some(Spool { file, folder: folder.clone(), name: Some(Name(path)) }))
    }

    /// Returns a new scratch file that has no name, so that it is gone with the process, however it
    /// ends, and that nobody else can open.
    pub(crate) fn file(&self) -> Result<Option<File>, Error> {
        let Some(folder) = &self.folder else { return Ok(None) };
        if let Ok(file) = scratch_options().custom_flags(O_TMPFILE).open(folder) {
            return Ok(Some(file));
        }
        // A file system that knows only files with names: the name goes at once.
        let (file, path) = named_file(folder)?;
        std::fs::remove_file(&path).map_err(failed("unlink", &path))?;
        Ok(Some(file))
    }

    /// Returns the error of a scratch file.
    pub(crate) fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> Error + use<> {
        let folder = self.folder.clone().unwrap_or_default();
        move |source| Error::Io { action, path: folder.clone(), source }
    }
}

fn scratch_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Returns a name in the folder that a scratch file of this process may have.
fn scratch_name(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!(".triage-spill-{}-{number}.part", std::process::id()))
}

/// Creates a scratch file under a name that is not taken.
fn named_file(folder: &Path) -> Result<(File, PathBuf), Error> {
    for number in 0..u32::MAX {
        let path = scratch_name(folder, number);
        match scratch_options().create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("create", &path)(error)),
        }
    }
    Err(failed("create a scratch file in", folder)(io::ErrorKind::AlreadyExists.into()))
}

/// A name that goes when it is no longer needed.
struct Name(PathBuf);

impl Drop for Name {
    fn drop(&mut self) {
        // Nobody could do anything about a name that stays; it says whose it is.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A scratch file for a library that opens files by their names.
pub(crate) struct Spool {
    file: File,
    folder: PathBuf,
    /// On file systems that know only files with names.
    name: Option<Name>,
}

impl Spool {
    /// Takes everything there is, up to `most` bytes. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Limit`], [`Error::Io`] of the scratch file, and what `source` makes of a failed
    /// read.
    pub(crate) fn fill(
        &mut self,
        input: &mut dyn Read,
        most: u64,
        source: &dyn Fn(io::Error) -> Error,
    ) -> Result<u64, Error> {
        let mut buffer = vec![0; BUFFER];
        let mut total = 0_u64;
        loop {
            let length = match input.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(source(error)),
            };
            total = total.saturating_add(length as u64);
            if total > most {
                return Err(Error::Limit { what: "bytes of an unpacked database", limit: most });
            }
            let written = self.file.write_all(&buffer[..length]);
            written.map_err(failed("unpack into a scratch file in", &self.folder))?;
        }
    }

    /// Gives the file a name while `open` opens it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file system refuses, and what `open` returns.
    pub(crate) fn open_by_name<T>(
        &self,
        open: impl FnOnce(&Path) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(Name(path)) = &self.name {
            return open(path);
        }
        let held = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let cwd = rustix::fs::CWD;
        for number in 0..u32::MAX {
            let path = scratch_name(&self.folder, number);
            let follow = rustix::fs::AtFlags::SYMLINK_FOLLOW;
            match rustix::fs::linkat(cwd, &held, cwd, &path, follow) {
                Ok(()) => {
                    let name = Name(path);
                    return open(&name.0);
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => {
                    return Err(failed("name a scratch file in", &self.folder)(error.into()));
                }
            }
        }
        Err(failed("name a scratch file in", &self.folder)(io::ErrorKind::AlreadyExists.into()))
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { action, path: path.clone(), source }
}

/// Bytes that grow.
pub(crate) struct Growing {
    scratch: Scratch,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    len: u64,
}

impl Growing {
    /// Returns none yet.
    pub(crate) fn new(scratch: &Scratch) -> Result<Self, Error> {
        let file = scratch.file()?.map(|file| BufWriter::with_capacity(BUFFER, file));
        Ok(Self { scratch: scratch.clone(), memory: Vec::new(), file, len: 0 })
    }

    /// Appends bytes.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.len += bytes.len() as u64;
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some(file) => {
                let failed = |error| self.scratch.failed("write a scratch file in")(error);
                file.write_all(bytes).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Ends the growth.
    pub(crate) fn finish(self) -> Result<Stored, Error> {
        let failed = self.scratch.failed("write a scratch file in");
        let file = match self.file {
            None => None,
            Some(file) => Some(file.into_inner().map_err(|error| failed(error.into_error()))?),
        };
        Ok(Stored { scratch: self.scratch, memory: self.memory, file, len: self.len })
    }
}

/// Bytes that have grown; read at any place, by several threads.
pub(crate) struct Stored {
    scratch: Scratch,
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

impl Stored {
    /// Returns how many bytes there are.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Hands all bytes out in pieces.
    pub(crate) fn read_all(
        &self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.read_range(0, self.len, each)
    }

    /// Hands `len` bytes from `start` on out in pieces.
    pub(crate) fn read_range(
        &self,
        start: u64,
        len: u64,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = self.scratch.failed("read a scratch file in");
        let end = start.saturating_add(len);
        let Some(file) = &self.file else {
            let range = (start.min(self.len) as usize)..(end.min(self.len) as usize);
            return each(&self.memory[range]);
        };
        let mut buffer = vec![0; BUFFER.min(len as usize)];
        let mut at = start;
        while at < end {
            let piece = &mut buffer[..BUFFER.min((end - at) as usize)];
            file.read_exact_at(piece, at).map_err(&failed)?;
            at += piece.len() as u64;
            each(piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spool_has_a_name_while_it_is_opened_and_then_none() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch { folder: Some(folder.path().to_owned()), memory_bytes: 1 };
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let (file, path) = named_file(folder.path()).unwrap();
        let named = Spool { file, folder: folder.path().to_owned(), name: Some(Name(path)) };
        for mut spool in [scratch.spool().unwrap().unwrap(), named] {
            let whole = spool.fill(&mut &b"content"[..], 7, &|error| panic!("{error}")).unwrap();
            assert_eq!(whole, 7);
            let read = |path: &Path| Ok(std::fs::read(path).unwrap());
            assert_eq!(spool.open_by_name(read).unwrap(), b"content");
            let more = spool.fill(&mut &b"more"[..], 3, &|error| panic!("{error}"));
            assert!(matches!(more, Err(Error::Limit { limit: 3, .. })));
        }
        assert_eq!(names(), 0, "neither stays");
        assert!(Scratch::in_memory().spool().unwrap().is_none());
    }

    #[test]
    fn what_was_put_is_read_at_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let spilling = Scratch { folder: Some(folder.path().to_owned()), memory_bytes: 1 };
        for scratch in [Scratch::in_memory(), spilling] {
            let mut growing = Growing::new(&scratch).unwrap();
            for number in 0..700_000_u32 {
                growing.put(&number.to_le_bytes()).unwrap();
            }
            let stored = growing.finish().unwrap();
            let read = |start, len| {
                let mut out = Vec::new();
                let mut each = |bytes: &[u8]| {
                    out.extend_from_slice(bytes);
                    Ok(())
                };
                stored.read_range(start, len, &mut each).unwrap();
                out
            };
            assert_eq!(read(4 * 699_999, 4), 699_999_u32.to_le_bytes());
            let all = read(0, stored.len());
            assert!(all.chunks(4).zip(0_u32..).all(|(bytes, n)| bytes == n.to_le_bytes()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file stays");
    }
}
