//! Puts sections into the bytes of an index file: header, section table, sections.

use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::Path;

use super::checks::PageSums;
use super::encode::Part;
use super::layout::{
    ALIGN, ENTRY_LEN, HEAD_DIGEST_AT, HEADER_LEN, Kind, MAGIC, MINOR, NO_ALGORITHM, Section,
    algorithm_number,
};
use crate::Error;

/// The sections of an index that is complete but for being written.
pub(crate) struct Assembly {
    parts: Vec<Part>,
    major: u16,
}

impl Assembly {
    pub(super) const fn new(parts: Vec<Part>, major: u16) -> Self {
        Self { parts, major }
    }

    /// Adds a section behind the others.
    pub(crate) fn attach(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    /// [`Error::Io`] if a scratch file cannot be read.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, Error> {
        let mut out = Cursor::new(Vec::new());
        self.write(&mut out, Path::new("(memory)"))?;
        Ok(out.into_inner())
    }

    /// Writes a new file, complete or not at all.
    ///
    /// # Errors
    /// [`Error::Exists`], or [`Error::Io`] if the disk refuses.
    pub(crate) fn write_new(self, path: &Path) -> Result<(), Error> {
        // Sections come in large pieces.
        super::write::write_new_with(path, |file| self.write(file, path))
    }

    fn write(self, out: &mut (impl Write + Seek), path: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
        let head_len = HEADER_LEN + (self.parts.len() + 1) * ENTRY_LEN;
        let mut at = head_len as u64;
        let mut table = Vec::with_capacity(self.parts.len() + 1);
        let mut sums = PageSums::new();
        out.write_all(&vec![0; head_len]).map_err(failed)?;
        for part in self.parts {
            let start = at.next_multiple_of(ALIGN as u64);
            let gap = usize::try_from(start - at).unwrap_or_default();
            out.write_all(&[0; ALIGN][..gap]).map_err(failed)?;
            // The checks begin where the first section does.
            sums.take(if table.is_empty() { &[] } else { &[0; ALIGN][..gap] });
            let len = part.bytes.len();
            let mut hasher = blake3::Hasher::new();
            part.bytes.read_all(&mut |bytes| {
                hasher.update(bytes);
                sums.take(bytes);
                out.write_all(bytes).map_err(failed)
            })?;
            table.push(Section {
                kind: part.kind as u32,
                algorithm: part.algorithm.map_or(NO_ALGORITHM, algorithm_number),
                offset: start,
                len,
                count: part.count,
                digest: *hasher.finalize().as_bytes(),
            });
            at = start + len;
        }
        let start = at.next_multiple_of(ALIGN as u64);
        let gap = &[0; ALIGN][..usize::try_from(start - at).unwrap_or_default()];
        out.write_all(gap).map_err(failed)?;
        sums.take(gap);
        let checks = sums.finish();
        out.write_all(&checks).map_err(failed)?;
        let len = checks.len() as u64;
        table.push(Section {
            kind: Kind::Checks as u32,
            algorithm: NO_ALGORITHM,
            offset: start,
            len,
            count: len / size_of::<u32>() as u64,
            digest: *blake3::hash(&checks).as_bytes(),
        });
        at = start + len;
        out.seek(SeekFrom::Start(0)).map_err(failed)?;
        out.write_all(&head(&table, at, self.major)).map_err(failed)?;
        out.flush().map_err(failed)
    }
}

/// Returns header and section table of a file of `len` bytes.
fn head(table: &[Section], len: u64, major: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + table.len() * ENTRY_LEN);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&major.to_le_bytes());
    out.extend_from_slice(&MINOR.to_le_bytes());
    out.extend_from_slice(&(HEADER_LEN as u32).to_le_bytes());
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&(table.len() as u32).to_le_bytes());
    out.resize(HEADER_LEN, 0);
    table.iter().for_each(|section| section.write(&mut out));
    let digest = head_digest(&out);
    out[HEAD_DIGEST_AT..HEADER_LEN].copy_from_slice(&digest);
    out
}

/// Returns the digest of a head (header and section table) with its own place taken as zeros. As
/// the table has the digests of all sections, it stands for the whole file.
pub(super) fn head_digest(head: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (before, rest) = head.split_at(HEAD_DIGEST_AT.min(head.len()));
    hasher.update(before).update(&[0; HEADER_LEN - HEAD_DIGEST_AT]);
    hasher.update(rest.get(HEADER_LEN - HEAD_DIGEST_AT..).unwrap_or_default());
    *hasher.finalize().as_bytes()
}
