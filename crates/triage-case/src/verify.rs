//! Checks every byte of a closed package, and says of each finding what, where, expected, actual.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use triage_custody::{FileList, Seal, jcs};

use crate::bag::{BAGIT, Bag, is_payload, is_tag};
use crate::bag_info::render_bag_info;
use crate::case_dir::read;
use crate::seals::{SealFile, seal_file};
use crate::signing::Signing;
use crate::stock_script::{SCRIPT, render_script};
use crate::verify_cms::check_certificates;
use crate::verify_manifest::{MANIFEST, ReadManifest, check_manifest, read_manifest};
use crate::verify_seals::{check_custody, check_seals};
use crate::verify_signatures::{check_signatures, check_signed};
use crate::verify_stamps::{Stamped, check_orphans, check_stamps};
use crate::{CaseDir, Coverage, Error, Record, Trust};

/// Something that is not as it was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub what: &'static str,
    /// In which file or line.
    pub place: String,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub actual: String,
}

/// The result of a verification.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// Everything that is not as it was sealed. Empty means that the package holds.
    pub findings: Vec<Finding>,
    /// What was checked, in words.
    pub checked: Vec<String>,
    /// What a reader must know although nothing is wrong.
    pub warnings: Vec<String>,
    /// Who signed: the principal and the fingerprint of the key.
    pub signed_by: Option<(String, String)>,
    /// Whether somebody who is trusted signed the newest seal.
    pub is_certified: bool,
    /// The time-stamps that hold.
    pub stamps: Vec<Stamped>,
    /// The coverage that the manifest states.
    pub coverage: Coverage,
    /// The files of `data/report/` and `data/export/` with their SHA-256. They say nothing of their
    /// own: whoever can render them compares.
    pub derived: BTreeMap<String, String>,
    /// The SHA-256 of the newest seal.
    pub seal_sha256: String,
}

impl Finding {
    /// Returns the code of the finding for programs: the words of `what`, joined by hyphens. One
    /// kind of finding has one code, and it stays.
    #[must_use]
    pub fn code(&self) -> String {
        self.what.to_lowercase().replace([' ', '\''], "-")
    }
}

impl Verification {
    pub(crate) fn find(
        &mut self,
        what: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        self.findings.push(Finding {
            what,
            place: place.into(),
            expected: expected.into(),
            actual: actual.into(),
        });
    }

    pub(crate) fn equal(&mut self, what: &'static str, place: &str, expected: &str, actual: &str) {
        if expected != actual {
            self.find(what, place, expected, actual);
        }
    }

    pub(crate) fn did(&mut self, what: impl Into<String>) {
        self.checked.push(what.into());
    }
}

/// Checks a package. `trust` is what comes from outside it.
///
/// # Errors
/// [`Error`] only if the folder itself cannot be read; everything else is a [`Finding`].
pub fn verify(case: &CaseDir, trust: Trust<'_>) -> Result<Verification, Error> {
    verify_and_read(case, trust, &mut |_| ())
}

/// Like [`verify`], and hands on each well-formed record of the manifest: for whoever renders it
/// afterwards, the manifest is then read once.
///
/// # Errors
/// [`Error`] only if the folder itself cannot be read; everything else is a [`Finding`].
pub fn verify_and_read(
    case: &CaseDir,
    trust: Trust<'_>,
    take: &mut (dyn FnMut(&Record) + Send),
) -> Result<Verification, Error> {
    let mut verification = Verification::default();
    // The manifest is read once: what is hashed is what is parsed.
    let exhibit = stated_exhibit(case);
    let (bag, manifest) = rayon::join(
        || Bag::read_knowing(case.folder(), &|_| true, Some((MANIFEST, ""))),
        || exhibit.as_ref().map(|exhibit| read_manifest(case, exhibit, take)).transpose(),
    );
    let mut bag = bag?;
    let read = manifest.as_ref().ok().and_then(|manifest| manifest.as_ref()?.as_ref());
    let sha256 = read.and_then(ReadManifest::sha256);
    bag.set_sha256(case.folder(), MANIFEST, sha256)?;
    if bag.files.get("journal/lock").is_some_and(|lock| lock.size_bytes == 0) {
        bag.files.remove("journal/lock");
        verification.warnings.push("journal/ with an empty lock was left behind".to_owned());
    }
    for (path, why) in &bag.foreign {
        verification.find(
            "foreign entry in the package",
            path.as_str(),
            "regular files only",
            *why,
        );
    }
    let derived = bag.files.values().filter(|file| is_derived(&file.path));
    verification.derived = derived.map(|file| (file.path.clone(), file.sha256.clone())).collect();
    check_bag(case, &bag, &mut verification)?;
    let Some(seals) = check_seals(case, &bag, &mut verification) else { return Ok(verification) };
    let Some(newest) = seals.last() else { return Ok(verification) };
    check_orphans(&bag, &mut verification);
    check_stamps(case, &bag, &trust, &seals, &mut verification);
    let signings = Signing::all(case, &seals);
    check_signatures(case, &bag, &trust, &signings, &mut verification);
    check_certificates(case, &bag, &trust, &signings, &mut verification);
    check_signed(&trust, newest, &mut verification);
    check_custody(case, &seals, &mut verification);
    check_documents(case, &bag, &mut verification);
    check_bag_info(case, &bag, &seals, &mut verification);
    check_script(case, &bag, &seals, &mut verification);
    let manifest = match exhibit.as_ref() == Some(&newest.seal.exhibit) {
        true => manifest?.flatten(),
        false => read_manifest(case, &newest.seal.exhibit, &mut |_| ())?,
    };
    check_manifest(case, &bag, &newest.seal, manifest, &mut verification)?;
    Ok(verification)
}

/// Returns the exhibit of what is the newest seal if all is well.
fn stated_exhibit(case: &CaseDir) -> Option<String> {
    let bytes = read(&case.path(&case.newest_seal())).ok()?;
    Some(Seal::parse(&bytes).ok()?.exhibit)
}

/// Says whether a file is rendered from the others.
fn is_derived(path: &str) -> bool {
    path.starts_with("data/report/") || path.starts_with("data/export/")
}

/// The names that a package of this version may hold outside `data/`.
fn is_expected(path: &str) -> bool {
    is_payload(path)
        || matches!(
            path,
            "bagit.txt"
                | "bag-info.txt"
                | "custody.ndjson"
                | "manifest-sha256.txt"
                | "tagmanifest-sha256.txt"
                | "keys/signer.pub"
                | "keys/allowed_signers"
                | SCRIPT
        )
        || seal_file(path).is_some()
}

/// The lists must be exactly what the files give: then no file is missing, more or different.
fn check_bag(case: &CaseDir, bag: &Bag, out: &mut Verification) -> Result<(), Error> {
    for path in bag.files.keys().filter(|path| !is_expected(path)) {
        out.find("extra file in the package", path.as_str(), "no such file", "a file");
    }
    compare_list(case, "manifest-sha256.txt", &bag.list(is_payload), out)?;
    compare_list(case, "tagmanifest-sha256.txt", &bag.list(is_tag), out)?;
    let declared = read(&case.path("bagit.txt")).unwrap_or_default();
    let actual = String::from_utf8_lossy(&declared).into_owned();
    out.equal("bag declaration differs", "bagit.txt", BAGIT, &actual);
    let about = read(&case.path("bag-info.txt")).unwrap_or_default();
    let oxum = format!("\nPayload-Oxum: {}\n", bag.oxum());
    if !String::from_utf8_lossy(&about).contains(&oxum) {
        out.find("payload size or count differs", "bag-info.txt", oxum.trim(), "another or none");
    }
    out.did(format!("{} files against the two lists of the bag", bag.files.len()));
    Ok(())
}

fn compare_list(
    case: &CaseDir,
    name: &'static str,
    actual: &FileList,
    out: &mut Verification,
) -> Result<(), Error> {
    let bytes = match read(&case.path(name)) {
        Ok(bytes) => bytes,
        Err(error) => {
            out.find("file list cannot be read", name, "a file list", error.to_string());
            return Ok(());
        }
    };
    let stated = match FileList::parse(&bytes) {
        Ok(list) => list,
        Err(error) => {
            out.find(
                "file list is not well-formed",
                name,
                "the form of sha256sum",
                error.to_string(),
            );
            return Ok(());
        }
    };
    compare_files(name, &stated, actual, out);
    Ok(())
}

/// Merges two sorted lists and reports every difference.
pub(crate) fn compare_files(
    name: &str,
    stated: &FileList,
    actual: &FileList,
    out: &mut Verification,
) {
    let digest = |list: &FileList, path: &str| {
        let files = list.files();
        let place = files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        files.get(place).map(|file| file.sha256.clone())
    };
    for file in stated.files() {
        match digest(actual, &file.path) {
            None => out.find(
                "listed file is missing",
                &file.path,
                format!("listed in {name}"),
                "nothing",
            ),
            Some(now) if now != file.sha256 => {
                out.find("file was changed", &file.path, format!("{} in {name}", file.sha256), now);
            }
            Some(_) => {}
        }
    }
    for file in actual.files() {
        if digest(stated, &file.path).is_none() {
            out.find("file is not listed", &file.path, format!("listed in {name}"), "not listed");
        }
    }
}

/// Our JSON documents have one spelling each.
fn check_documents(case: &CaseDir, bag: &Bag, out: &mut Verification) {
    for name in ["data/case.json", "data/run.json"] {
        if !bag.files.contains_key(name) {
            out.find("file is missing", name, "a document", "nothing");
            continue;
        }
        if let Err(error) = strict_document(&case.path(name)) {
            out.find("document is not canonical JSON", name, "RFC 8785", error);
        }
    }
}

/// What the bag says of itself follows from the record, the first seal and the files.
fn check_bag_info(case: &CaseDir, bag: &Bag, seals: &[SealFile], out: &mut Verification) {
    let Some(first) = seals.first() else { return };
    // What is wrong with it is told as such.
    let Ok(particulars) = strict_document(&case.path("data/case.json")) else { return };
    let Ok(particulars) = serde_json::from_value(particulars) else { return };
    let expected = render_bag_info(&particulars, &first.seal.time, &bag.oxum());
    let what = "bag information does not follow from the package";
    check_rendered(case, "bag-info.txt", what, &expected, first, out);
}

/// The commands for stock tools follow from what is in the package.
fn check_script(case: &CaseDir, bag: &Bag, seals: &[SealFile], out: &mut Verification) {
    let Some(newest) = seals.last() else { return };
    let expected = render_script(bag.files.keys().map(String::as_str), seals);
    let what = "script does not follow from the package";
    check_rendered(case, SCRIPT, what, &expected, newest, out);
}

/// Compares a file that is rendered from others with how this version renders it; the seal tells
/// which version did.
fn check_rendered(
    case: &CaseDir,
    path: &str,
    what: &'static str,
    expected: &str,
    by: &SealFile,
    out: &mut Verification,
) {
    if read(&case.path(path)).unwrap_or_default() == expected.as_bytes() {
        return;
    }
    let made_by = by.seal.tool["version"].as_str();
    match made_by.filter(|version| *version != env!("CARGO_PKG_VERSION")) {
        Some(version) => out.warnings.push(format!(
            "{path} was NOT COMPARED: version {version:?} wrote it, and this one words it \
             differently"
        )),
        None => out.find(what, path, "as this version writes it", "another"),
    }
}

pub(crate) fn strict_document(path: &Path) -> Result<Value, String> {
    let bytes = read(path).map_err(|error| error.to_string())?;
    let line = bytes.strip_suffix(b"\n").ok_or("the line has no line end")?;
    jcs::parse_strict(line).map_err(|error| error.to_string())
}
