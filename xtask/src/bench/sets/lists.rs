//! The lists: random digests of a seed, so that every run has the same.

use std::fs;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Outcome, at};
use crate::process;
use crate::random::Random;

/// The seed of the digests of every list.
pub(super) const SEED: u64 = 1;
/// The seed of digests that are in none.
pub(super) const OTHER_SEED: u64 = 2;
/// The seed of the list of ten.
pub(super) const TEN_SEED: u64 = 3;

/// Makes lists in a folder.
pub(super) struct Lists<'a> {
    /// The folder.
    pub(super) folder: &'a Path,
}

impl Lists<'_> {
    /// A path in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A list of one digest a line.
    ///
    /// # Errors
    /// It cannot be written; so of all lists.
    pub(super) fn plain(&self, rows: u64, seed: u64) -> Outcome<PathBuf> {
        self.lines(&format!("plain-{rows}-{seed}"), "", rows, seed, |hex, _, out| {
            out.extend_from_slice(hex);
        })
    }

    /// A list as md5sum writes it.
    pub(super) fn gnu(&self, rows: u64) -> Outcome<PathBuf> {
        self.lines(&format!("md5sum-{rows}.txt"), "", rows, SEED, |hex, row, out| {
            out.extend_from_slice(hex);
            out.extend_from_slice(format!("  file{row}").as_bytes());
        })
    }

    /// A list as hashdeep writes it.
    pub(super) fn hashdeep(&self, rows: u64) -> Outcome<PathBuf> {
        let head = "%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n##\n";
        self.lines(&format!("hashdeep-{rows}.txt"), head, rows, SEED, |hex, row, out| {
            out.extend_from_slice(format!("{},", row % 100_000 + 1).as_bytes());
            out.extend_from_slice(hex);
            out.extend_from_slice(format!(",file{row}").as_bytes());
        })
    }

    /// A list with categories.
    pub(super) fn categorised(&self, rows: u64) -> Outcome<PathBuf> {
        let head = "md5,category\n";
        self.lines(&format!("categories-{rows}.csv"), head, rows, SEED, |hex, row, out| {
            out.extend_from_slice(hex);
            out.extend_from_slice(&[b',', b'0' + (row % 4) as u8]);
        })
    }

    /// Queries for sqlite3.
    pub(super) fn queries(&self, rows: u64, seed: u64) -> Outcome<PathBuf> {
        self.lines(&format!("queries-{rows}.sql"), "", rows, seed, |hex, _, out| {
            out.extend_from_slice(b"SELECT 1 FROM FILE WHERE md5='");
            out.extend_from_slice(&hex.to_ascii_uppercase());
            out.extend_from_slice(b"';");
        })
    }

    /// A database with the table of the NSRL's RDSv3 and three digests a row.
    pub(super) fn nsrl(&self, rows: u64) -> Outcome<PathBuf> {
        let database = self.path(&format!("nsrl-{rows}.db"));
        let sql = format!(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
             CREATE TABLE VERSION(version, build_set, build_date, release_date, description);
             CREATE TABLE PKG(package_id, name, version);
             CREATE TABLE FILE(sha256, sha1, md5, crc32, file_name, file_size, package_id);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO FILE SELECT hex(randomblob(32)), hex(randomblob(20)),
             hex(randomblob(16)), '00000000', 'file' || i, i % 100000 + 1, 1 FROM n;"
        );
        process::show(Command::new("sqlite3").arg(&database).arg(sql).stdout(Stdio::null()))?;
        Ok(database)
    }

    /// A folder of a hundred small files.
    pub(super) fn files(&self) -> Outcome<PathBuf> {
        let folder = self.path("files");
        fs::create_dir_all(&folder).map_err(at("make", &folder))?;
        for number in 0..100_u32 {
            let path = folder.join(number.to_string());
            fs::write(&path, number.to_le_bytes()).map_err(at("write", &path))?;
        }
        Ok(folder)
    }

    /// Writes a list unless it is there. `line` appends a row without its end.
    fn lines(
        &self,
        name: &str,
        head: &str,
        rows: u64,
        seed: u64,
        line: impl Fn(&[u8], u64, &mut Vec<u8>),
    ) -> Outcome<PathBuf> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let path = self.path(name);
        if path.exists() {
            return Ok(path);
        }
        let mut random = Random::new(seed);
        let file = File::create(&path).map_err(at("make", &path))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let mut text = head.as_bytes().to_vec();
        let mut digest = [0; 16];
        for row in 0..rows {
            random.fill(&mut digest);
            let mut hex = [0; 32];
            for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
                pair[0] = DIGITS[usize::from(byte >> 4)];
                pair[1] = DIGITS[usize::from(byte & 15)];
            }
            line(&hex, row, &mut text);
            text.push(b'\n');
            out.write_all(&text).map_err(at("write", &path))?;
            text.clear();
        }
        out.flush().map_err(at("write", &path))?;
        Ok(path)
    }
}
