//! The BagIt side of a package (RFC 8493): which files there are, and their digests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use triage_custody::{FileList, Listed};
use triage_evidence::hex;
use walkdir::WalkDir;

use crate::Error;
use crate::error::failed;
use crate::seals::seal_file;

/// The declaration of every bag (RFC 8493, 2.1.1).
pub(crate) const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// A file of a package.
#[derive(Clone, Debug)]
pub(crate) struct BagFile {
    /// Its path in the package.
    pub(crate) path: String,
    /// Its size.
    pub(crate) size_bytes: u64,
    /// Its SHA-256.
    pub(crate) sha256: String,
}

/// What lies in a package's folder.
#[derive(Debug, Default)]
pub(crate) struct Bag {
    /// The regular files by path.
    pub(crate) files: BTreeMap<String, BagFile>,
    /// What must not be there: links, several names of one file, special files, odd names.
    pub(crate) foreign: Vec<(String, &'static str)>,
}

impl Bag {
    /// Lists every file of a folder and hashes those that `wanted` wants.
    pub(crate) fn read(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Self, Error> {
        Self::read_knowing(folder, wanted, None)
    }

    /// Like [`Bag::read`], but takes the digest of one file from whoever has just written it: of
    /// a large manifest the second reading was a tenth of a short scan.
    pub(crate) fn read_knowing(
        folder: &Path,
        wanted: &dyn Fn(&str) -> bool,
        known: Option<(&str, &str)>,
    ) -> Result<Self, Error> {
        let mut bag = Self::default();
        let mut paths = Vec::new();
        for entry in WalkDir::new(folder).min_depth(1).follow_links(false) {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(folder).to_path_buf();
                let source = error.into_io_error();
                let source = source.unwrap_or_else(|| std::io::Error::other("a loop of links"));
                failed("list", &path)(source)
            })?;
            let inside = entry.path().strip_prefix(folder).unwrap_or_else(|_| entry.path());
            let Some(path) = inside.to_str() else {
                let shown = triage_evidence::escape(inside.as_os_str().as_encoded_bytes());
                bag.foreign.push((shown, "a name that is not UTF-8"));
                continue;
            };
            let metadata = entry.metadata().map_err(|error| {
                let source = error.into_io_error();
                failed("examine", entry.path())(
                    source.unwrap_or_else(|| std::io::Error::other("gone")),
                )
            })?;
            if metadata.is_dir() || !wanted(path) {
                continue;
            }
            if !metadata.is_file() {
                bag.foreign.push((path.to_owned(), "neither a regular file nor a folder"));
            } else if metadata.nlink() > 1 {
                bag.foreign.push((path.to_owned(), "a file with several names (hard links)"));
            } else {
                paths.push(path.to_owned());
            }
        }
        let files: Result<Vec<BagFile>, Error> =
            paths.into_par_iter().map(|path| bag_file(folder, path, known)).collect();
        bag.files = files?.into_iter().map(|file| (file.path.clone(), file)).collect();
        Ok(bag)
    }

    /// Takes the digest of a file from whoever has read all of it, or reads it.
    pub(crate) fn set_sha256(
        &mut self,
        folder: &Path,
        path: &str,
        sha256: Option<&str>,
    ) -> Result<(), Error> {
        if let Some(file) = self.files.get_mut(path) {
            match sha256 {
                Some(sha256) => sha256.clone_into(&mut file.sha256),
                None => *file = hash_file(folder, path.to_owned())?,
            }
        }
        Ok(())
    }

    /// Returns the list of the files that `wanted` wants.
    pub(crate) fn list(&self, wanted: impl Fn(&str) -> bool) -> FileList {
        let files = self.files.values().filter(|file| wanted(&file.path));
        FileList::new(
            files
                .map(|file| Listed { path: file.path.clone(), sha256: file.sha256.clone() })
                .collect(),
        )
    }

    /// Returns the Payload-Oxum of BagIt: bytes and number of the payload's files.
    pub(crate) fn oxum(&self) -> String {
        let payload = || self.files.values().filter(|file| is_payload(&file.path));
        let bytes: u64 = payload().map(|file| file.size_bytes).sum();
        format!("{bytes}.{}", payload().count())
    }
}

/// Says whether a file is payload in BagIt's sense.
pub(crate) fn is_payload(path: &str) -> bool {
    path.starts_with("data/")
}

/// Says whether the tag manifest lists a file: every tag file but itself and the custody log,
/// which grows and is pinned by the seals instead.
pub(crate) fn is_tag(path: &str) -> bool {
    !is_payload(path) && path != "tagmanifest-sha256.txt" && path != "custody.ndjson"
}

/// Says whether the seal of that number covers a file: the bag, and every seal before it with its
/// signatures.
pub(crate) fn is_sealed_by(number: u32, path: &str) -> bool {
    is_payload(path)
        || path.starts_with("keys/")
        || path == "bagit.txt"
        || seal_file(path).is_some_and(|(of, _)| of < number)
}

fn bag_file(folder: &Path, path: String, known: Option<(&str, &str)>) -> Result<BagFile, Error> {
    let Some((_, sha256)) = known.filter(|(known, _)| *known == path) else {
        return hash_file(folder, path);
    };
    let full = folder.join(&path);
    let size_bytes = std::fs::symlink_metadata(&full).map_err(failed("examine", &full))?.len();
    Ok(BagFile { path, size_bytes, sha256: sha256.to_owned() })
}

fn hash_file(folder: &Path, path: String) -> Result<BagFile, Error> {
    let full = folder.join(&path);
    let mut file = File::open(&full).map_err(failed("open", &full))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut size_bytes = 0;
    loop {
        match file.read(&mut buffer).map_err(failed("read", &full))? {
            0 => break,
            length => {
                hash.update(&buffer[..length]);
                size_bytes += length as u64;
            }
        }
    }
    Ok(BagFile { path, size_bytes, sha256: hex(&hash.finalize()) })
}
