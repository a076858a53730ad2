//! The bytes of an index: in memory, or a file mapped read-only. The only unsafe code of the crate.

use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of an index.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// Compiled in memory.
    Owned(Vec<u8>),
    /// A file, of which the system reads the pages that are asked for.
    Mapped(memmap2::Mmap),
}

impl Bytes {
    /// Maps a file read-only.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is private to this value, read-only, and lives as long as it. The
        // file is one of our own indexes, which are written under another name, never changed and
        // never shortened by this program. If another program shortens it meanwhile, the system
        // ends the process with SIGBUS: loud, and not undefined behaviour. If another program
        // changes it, readers see other bytes: every access is bounds-checked and no reference to
        // a validated value (such as `str`) into the mapping is kept.
        #[expect(unsafe_code, reason = "the named door: an index of 10 GB must open at once")]
        let map = unsafe { memmap2::Mmap::map(file) }?;
        Ok(Self::Mapped(map))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}
