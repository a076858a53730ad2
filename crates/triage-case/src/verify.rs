//! Checks every byte of a closed package, and says of each finding what, where, expected, actual.

use std::path::Path;

use serde_json::Value;
use triage_custody::{
    AllowedSigner, CustodyLog, FileList, NO_PREVIOUS, PublicKey, Seal, jcs, sha256_hex,
};

use crate::bag::{BAGIT, Bag, is_payload, is_sealed, is_tag};
use crate::case_dir::read;
use crate::verify_manifest::check_manifest;
use crate::{CaseDir, Coverage, Error};

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
    /// The coverage that the manifest states.
    pub coverage: Coverage,
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

/// Checks a package. `trusted` is the text of an `allowed_signers` file from outside the package.
///
/// # Errors
/// [`Error`] only if the folder itself cannot be read; everything else is a [`Finding`].
pub fn verify(case: &CaseDir, trusted: Option<&str>) -> Result<Verification, Error> {
    let mut verification = Verification::default();
    let mut bag = Bag::read(case.folder(), &|_| true)?;
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
    check_bag(case, &bag, &mut verification)?;
    let Some(seal) = check_seal(case, &bag, &mut verification) else { return Ok(verification) };
    check_signature(case, trusted, &seal, &mut verification);
    check_custody(case, &seal, &mut verification);
    check_documents(case, &bag, &mut verification);
    check_manifest(case, &bag, &seal, &mut verification)?;
    Ok(verification)
}

/// The list of files that the first seal covers.
const LIST: &str = "seals/0001.sha256";

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
                | "seals/0001.json"
                | "seals/0001.json.sig"
                | "seals/0001.sha256"
                | "keys/signer.pub"
                | "keys/allowed_signers"
        )
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
fn compare_files(name: &str, stated: &FileList, actual: &FileList, out: &mut Verification) {
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

fn check_seal(case: &CaseDir, bag: &Bag, out: &mut Verification) -> Option<Seal> {
    let name = "seals/0001.json";
    let bytes = match read(&case.path(name)) {
        Ok(bytes) => bytes,
        Err(error) => {
            out.find("seal is missing", name, "a seal", error.to_string());
            return None;
        }
    };
    out.seal_sha256 = sha256_hex(&bytes);
    let seal = match Seal::parse(&bytes) {
        Ok(seal) => seal,
        Err(error) => {
            out.find("seal is not well-formed", name, "a seal", error.to_string());
            return None;
        }
    };
    out.equal("seal has another number", name, "1", &seal.seal.to_string());
    out.equal("seal chain is broken", name, NO_PREVIOUS, &seal.prev_seal_sha256);
    // The name comes from the package: any other could lead out of it.
    if seal.files.list != LIST {
        out.find("seal names another file list", name, LIST, seal.files.list.as_str());
        return Some(seal);
    }
    let list_bytes = read(&case.path(LIST)).unwrap_or_default();
    let actual = sha256_hex(&list_bytes);
    out.equal("sealed file list was changed", &seal.files.list, &seal.files.sha256, &actual);
    match FileList::parse(&list_bytes) {
        Ok(list) => {
            let count = list.files().len().to_string();
            out.equal(
                "number of sealed files differs",
                name,
                &seal.files.count.to_string(),
                &count,
            );
            compare_files(&seal.files.list, &list, &bag.list(is_sealed), out);
        }
        Err(error) => {
            let expected = "the form of sha256sum";
            out.find("file list is not well-formed", &seal.files.list, expected, error.to_string());
        }
    }
    out.did(format!("seal 1: {} files", seal.files.count));
    Some(seal)
}

fn check_signature(case: &CaseDir, trusted: Option<&str>, seal: &Seal, out: &mut Verification) {
    let name = "seals/0001.json.sig";
    let signature = case.path(name);
    let Some(signer) = &seal.signer else {
        if signature.exists() {
            out.find("signature of an unsigned seal", name, "no signature", "a signature");
        }
        if trusted.is_some() {
            out.find("seal is not signed", name, "a signature by a trusted key", "none");
        }
        out.warnings.push(
            "the seal is NOT SIGNED: whoever can write the package can also recompute it; compare \
             the seal's digest with one noted elsewhere"
                .to_owned(),
        );
        return;
    };
    let allowed = match trusted {
        Some(text) => text.to_owned(),
        None => {
            out.warnings.push(
                "the key is the one in the package, which proves nothing by itself: give the \
                 signer's key from outside with --allowed-signers"
                    .to_owned(),
            );
            let bytes = read(&case.path("keys/allowed_signers")).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        }
    };
    let keys = match AllowedSigner::parse(&allowed) {
        Ok(signers) => signers.into_iter().filter(|s| s.principals == *signer),
        Err(error) => {
            out.find(
                "allowed signers cannot be read",
                "keys/allowed_signers",
                "keys",
                error.to_string(),
            );
            return;
        }
    };
    let (Ok(message), Ok(signature)) = (read(&case.path("seals/0001.json")), read(&signature))
    else {
        out.find("signature is missing", name, format!("a signature by {signer}"), "nothing");
        return;
    };
    let mut reason = format!("no key for {signer} among the allowed signers");
    for allowed in keys {
        match allowed.key.verify(&message, &signature) {
            Ok(()) => {
                out.signed_by = Some((signer.clone(), allowed.key.fingerprint()));
                out.did(format!("signature by {signer}"));
                check_armour(&signature, name, out);
                check_public_key(case, &allowed.key, out);
                return;
            }
            Err(error) => reason = error.to_string(),
        }
    }
    out.find("signature is not valid", name, format!("a signature by {signer}"), reason);
}

/// The armour has one spelling: 70 characters a line, as ssh-keygen writes it.
fn check_armour(signature: &[u8], name: &str, out: &mut Verification) {
    let text = String::from_utf8_lossy(signature);
    if !text.ends_with("-----END SSH SIGNATURE-----\n") || text.contains('\r') {
        out.find("signature file is not well-formed", name, "the armour of OpenSSH", "another");
    }
}

fn check_public_key(case: &CaseDir, key: &PublicKey, out: &mut Verification) {
    let name = "keys/signer.pub";
    let text = std::fs::read_to_string(case.path(name)).unwrap_or_default();
    let actual = PublicKey::from_line(text.trim_end()).map(|key| key.fingerprint());
    let actual = actual.unwrap_or_else(|error| error.to_string());
    out.equal("public key is not the signer's", name, &key.fingerprint(), &actual);
}

fn check_custody(case: &CaseDir, seal: &Seal, out: &mut Verification) {
    let name = "custody.ndjson";
    let log = read(&case.path(name))
        .map_err(|error| error.to_string())
        .and_then(|bytes| CustodyLog::parse(&bytes).map_err(|error| error.to_string()));
    let log = match log {
        Ok(log) => log,
        Err(error) => {
            out.find("custody log is broken", name, "an unbroken chain", error);
            return;
        }
    };
    match log.head_at(seal.custody.events) {
        None => {
            let expected = format!("at least {} events", seal.custody.events);
            out.find("custody log is shorter than sealed", name, expected, log.len().to_string());
        }
        Some(head) => {
            out.equal("sealed custody event was changed", name, &seal.custody.head_sha256, head);
        }
    }
    let unsealed = log.len().saturating_sub(seal.custody.events);
    if unsealed > 0 {
        out.warnings.push(format!("{unsealed} custody events are not covered by a seal yet"));
    }
    out.did(format!("custody log: {} events", log.len()));
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

pub(crate) fn strict_document(path: &Path) -> Result<Value, String> {
    let bytes = read(path).map_err(|error| error.to_string())?;
    let line = bytes.strip_suffix(b"\n").ok_or("the line has no line end")?;
    jcs::parse_strict(line).map_err(|error| error.to_string())
}
