//! The seals of a package as they lie in `seals/`: numbered from 1 without gaps.

use triage_custody::{NO_PREVIOUS, Seal, sha256_hex};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::{CaseDir, Error};

/// The most seals that are read; a package is sealed at each hand-over.
pub(crate) const LIMIT_SEALS: u32 = 9999;

/// The most signatures on a seal: examiner, witness, registry, and room for more.
pub(crate) const LIMIT_SIGNATURES: u32 = 9;

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

/// Returns the number and the ending of a file of a seal, if its name is one of those that a seal
/// may have: its list, itself, signatures (`.sig`, `.2.sig`, `.p7s`, `.2.p7s`), beside one of
/// OpenSSH the signer's key, and the stamp of the seal or a signature with its query.
pub(crate) fn seal_file(path: &str) -> Option<(u32, &str)> {
    let (digits, ending) = path.strip_prefix("seals/")?.split_at_checked(4)?;
    let number: u32 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let known = match ending.strip_prefix(".json") {
        None => ending == ".sha256",
        Some(rest) => match rest.strip_suffix(".signer") {
            Some(signature) => is_signature(signature, &[".sig"]),
            None => {
                let stamped = STAMPS.iter().find_map(|stamp| rest.strip_suffix(stamp));
                let rest = stamped.unwrap_or(rest);
                rest.is_empty() || is_signature(rest, &[".sig", ".p7s"])
            }
        },
    };
    (known && number > 0).then_some((number, ending))
}

/// Says whether that is what a signature adds to the name of its seal.
fn is_signature(ending: &str, kinds: &[&str]) -> bool {
    let kind = match ending.as_bytes() {
        [b'.', b'2'..=b'9', ..] => ending.get(2..).unwrap_or_default(),
        _ => ending,
    };
    kinds.contains(&kind)
}

/// What a stamp and its query add to the name of what is stamped.
pub(crate) const STAMPS: [&str; 2] = [".tsr", ".tsq"];

/// Returns the paths of a seal's signatures of one kind, `sig` or `p7s`, the first one first.
pub(crate) fn signature_files(number: u32, kind: &str, bag: &Bag) -> impl Iterator<Item = String> {
    let name = move |place: u32| match place {
        1 => seal_path(number, &format!(".json.{kind}")),
        place => seal_path(number, &format!(".json.{place}.{kind}")),
    };
    (1..=LIMIT_SIGNATURES).map(name).filter(|path| bag.files.contains_key(path))
}

impl CaseDir {
    /// Returns the path, inside the package, of the newest seal; of the first if there is none.
    #[must_use]
    pub fn newest_seal(&self) -> String {
        let exists = |number: &u32| self.path(&seal_path(*number, ".json")).exists();
        let newest = (1..=LIMIT_SEALS).take_while(exists).last();
        seal_path(newest.unwrap_or(1), ".json")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_seal_may_have_are_its_files() {
        for (path, number) in [
            ("seals/0001.json", 1),
            ("seals/0001.sha256", 1),
            ("seals/0012.json.sig", 12),
            ("seals/0012.json.sig.signer", 12),
            ("seals/0002.json.9.sig.signer", 2),
            ("seals/0002.json.p7s", 2),
            ("seals/0002.json.3.p7s.tsr", 2),
            ("seals/0002.json.sig.tsq", 2),
            ("seals/0001.json.tsr", 1),
        ] {
            assert_eq!(seal_file(path).map(|(number, _)| number), Some(number), "{path}");
        }
        for path in [
            "seals/0000.json",
            "seals/1.json",
            "seals/+001.json",
            "seals/0001.json.1.sig",
            "seals/0001.json.2",
            "seals/0001.json.1.p7s",
            "seals/0001.json.p7s.signer",
            "seals/0001.json.sig.signer.tsr",
            "seals/0001.json.sig.tsr.tsr",
            "seals/0001.sha256.tsr",
            "seals/0001.json.2.tsr",
            "seals/0001.json.signer",
            "seals/0001.json.10.sig",
            "seals/0001.sha256.signer",
            "seals/0000.sha256",
            "seals/0001.json.sig.sig",
            "seals/0001.txt",
            "seals/0001/x",
            "seal/0001.json",
        ] {
            assert_eq!(seal_file(path), None, "{path}");
        }
    }
}
