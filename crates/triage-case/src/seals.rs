//! The seals of a package as they lie in `seals/`: numbered from 1 without gaps.

use triage_custody::{NO_PREVIOUS, Seal, sha256_hex};

use crate::case_dir::read;
use crate::{CaseDir, Error};

/// The most seals that are read; a package is sealed at each hand-over.
pub(crate) const LIMIT_SEALS: u32 = 9999;

/// One seal of a package.
pub(crate) struct SealFile {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// The seal.
    pub(crate) seal: Seal,
    /// The SHA-256 of its file.
    pub(crate) sha256: String,
}

/// Returns the path of a file of a seal: `seals/0002.json` for 2 and `.json`.
pub(crate) fn seal_path(number: u32, ending: &str) -> String {
    format!("seals/{number:04}{ending}")
}

/// Reads every seal, and checks their chain.
///
/// # Errors
/// [`Error::Damaged`] if one is no seal, or does not follow from the one before.
pub(crate) fn read_seals(case: &CaseDir) -> Result<Vec<SealFile>, Error> {
    let mut seals: Vec<SealFile> = Vec::new();
    for number in 1..=LIMIT_SEALS {
        let name = seal_path(number, ".json");
        let path = case.path(&name);
        if std::fs::symlink_metadata(&path).is_err() {
            break;
        }
        let bytes = read(&path)?;
        let damaged = |reason: String| Error::Damaged { document: name.clone(), reason };
        let seal = Seal::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        let before = seals.last().map_or(NO_PREVIOUS, |seal| seal.sha256.as_str());
        if seal.seal != number || seal.prev_seal_sha256 != before {
            return Err(damaged("it does not follow from the seal before".to_owned()));
        }
        seals.push(SealFile { number, seal, sha256: sha256_hex(&bytes) });
    }
    Ok(seals)
}
