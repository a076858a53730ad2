//! Further seals and signatures over a closed package.
//!
//! A later seal covers everything that the first one covers, and every seal before it with its
//! signatures. Its files are written whole and renamed, the seal itself after its
//! signature, and the lists of the bag last: a kill leaves a package whose old seals hold, and
//! sealing again replaces what was not finished.

use serde_json::{Value, json};
use triage_custody::{
    Action, AllowedSigner, Event, FileList, Seal, SealedCustody, SealedFiles, check_cms,
    sha256_hex, unix_seconds,
};

use crate::bag::{Bag, is_sealed_by, is_tag};
use crate::case_dir::read;
use crate::custody::LOG;
use crate::error::failed;
use crate::seals::{LIMIT_SEALS, LIMIT_SIGNATURES, SealFile, read_seals, seal_file, seal_path};
use crate::stock_script::{SCRIPT, render_script};
use crate::{CaseDir, Custody, Error, NamedKey, SignedBy, write};

/// What a further seal is made with.
pub struct Sealing<'a> {
    /// Who seals, when and why; becomes an event `sealed` that the seal covers.
    pub event: Event,
    /// The program: name, version, digest.
    pub tool: Value,
    /// Who signs; `None` leaves the seal unsigned.
    pub signed_by: Option<&'a SignedBy>,
}

/// A seal or signature that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The number of the seal.
    pub number: u32,
    /// The SHA-256 of the seal's file.
    pub sha256: String,
    /// The path of what was written last, in the package.
    pub path: String,
}

/// The list of every tag file.
const TAGS: &str = "tagmanifest-sha256.txt";

impl Custody<'_> {
    /// Makes the next seal. Every file is read and must be as the newest seal says.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a file is not as it was sealed, [`Error::Event`] if the event lacks a
    /// field, [`Error`] if something cannot be written or signed.
    pub fn seal(&mut self, sealing: &Sealing<'_>) -> Result<Sealed, Error> {
        let seals = read_seals(self.case)?;
        let newest = newest(&seals)?;
        let number = newest.number + 1;
        if number > LIMIT_SEALS {
            let reason = format!("it has {LIMIT_SEALS} seals, more have no name");
            return Err(Error::Damaged { document: "the package".to_owned(), reason });
        }
        self.remove_unfinished(newest.number)?;
        let bag = Bag::read(self.case.folder(), &|path| path != SCRIPT)?;
        self.check_tags(&bag)?;
        self.check_sealed(&bag, newest)?;
        self.say_sealed(number, sealing)?;
        let list = bag.list(|path| is_sealed_by(number, path));
        let list_name = seal_path(number, ".sha256");
        self.write(&list_name, &list.to_bytes())?;
        let seal = Seal {
            seal: number,
            prev_seal_sha256: newest.sha256.clone(),
            time: sealing.event.time.clone(),
            files: SealedFiles {
                sha256: sha256_hex(&list.to_bytes()),
                count: list.files().len() as u64,
                list: list_name,
            },
            custody: SealedCustody {
                events: self.log().len(),
                head_sha256: self.log().head().to_owned(),
            },
            tool: sealing.tool.clone(),
            signer: sealing.signed_by.and_then(SignedBy::principal).map(str::to_owned),
            certificate: sealing.signed_by.and_then(SignedBy::sealed_certificate),
            ..newest.seal.clone()
        };
        let bytes = seal.to_bytes()?;
        let path = seal_path(number, ".json");
        let signed_by = sealing.signed_by;
        if let Some(key) = signed_by.and_then(|by| by.key.as_ref()) {
            self.write_signature(&format!("{path}.sig"), &bytes, key)?;
        }
        if let Some(key) = signed_by.and_then(|by| by.certificate.as_ref()) {
            let at = unix_seconds(&seal.time).unwrap_or_default();
            self.write(&format!("{path}.p7s"), &key.sign(&bytes, at)?)?;
        }
        self.write(&path, &bytes)?;
        self.finish()?;
        Ok(Sealed { number, sha256: sha256_hex(&bytes), path })
    }

    /// Adds a signature to the newest seal, such as that of a witness: one for each key that is
    /// given. `at` is the time now, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Custody`] if a certificate is not valid now, or was not when the seal was made: its
    /// signature is judged at that time, and a new seal is for that one. [`Error::Damaged`] if
    /// `number` is not the newest seal, or a file of the bag's own was changed; [`Error::Exists`]
    /// if the seal has all the signatures that it may have.
    pub fn sign(
        &mut self,
        number: Option<u32>,
        signed_by: &SignedBy,
        at: i64,
    ) -> Result<Sealed, Error> {
        let (mut sealed, bytes) = self.newest_for(number)?;
        let seal = sealed.path.clone();
        // A certificate that is refused leaves nothing behind, not even the key's signature.
        let by_certificate = match &signed_by.certificate {
            Some(key) => Some(key.sign(&bytes, at)?),
            None => None,
        };
        if let Some(signature) = &by_certificate {
            check_of_seal(signature, &bytes)?;
        }
        if let Some(key) = &signed_by.key {
            sealed.path = self.free_signature(&seal, "sig")?;
            self.write_signature(&sealed.path, &bytes, key)?;
        }
        if let Some(signature) = &by_certificate {
            sealed.path = self.free_signature(&seal, "p7s")?;
            self.write(&sealed.path, signature)?;
        }
        self.finish()?;
        Ok(sealed)
    }

    /// Adds a CMS signature to the newest seal that was made elsewhere, such as with a card.
    ///
    /// # Errors
    /// [`Error::Custody`] if it is not one of that seal; else like [`Custody::sign`].
    pub fn take_cms(
        &mut self,
        number: Option<u32>,
        signature: &[u8],
        at: i64,
    ) -> Result<(Sealed, String), Error> {
        let (mut sealed, bytes) = self.newest_for(number)?;
        let signer = check_cms(signature, &bytes, None, at)?;
        check_of_seal(signature, &bytes)?;
        sealed.path = self.free_signature(&sealed.path, "p7s")?;
        self.write(&sealed.path, signature)?;
        self.finish()?;
        Ok((sealed, signer.subject()))
    }

    /// Further signatures are numbered from 2, so that the first one is always the seal's own.
    fn free_signature(&self, seal: &str, kind: &str) -> Result<String, Error> {
        self.first_free((2..=LIMIT_SIGNATURES).map(|place| format!("{seal}.{place}.{kind}")))
    }

    /// Returns the newest seal and its bytes, if it is the one that was asked for: later ones
    /// already cover the files of the others.
    pub(crate) fn newest_for(&self, number: Option<u32>) -> Result<(Sealed, Vec<u8>), Error> {
        let seals = read_seals(self.case)?;
        let newest = newest(&seals)?;
        let path = seal_path(newest.number, ".json");
        if number.is_some_and(|number| number != newest.number) {
            let reason =
                format!("it is not the newest: only seal {} can be added to", newest.number);
            let document = format!("seal {}", number.unwrap_or_default());
            return Err(Error::Damaged { document, reason });
        }
        self.remove_unfinished(newest.number)?;
        self.check_tags(&Bag::read(self.case.folder(), &|path| is_tag(path) && path != SCRIPT)?)?;
        let bytes = read(&self.case.path(&path))?;
        Ok((Sealed { number: newest.number, sha256: newest.sha256.clone(), path }, bytes))
    }

    /// Returns the first of some names that nothing has yet.
    pub(crate) fn first_free(
        &self,
        mut names: impl Iterator<Item = String>,
    ) -> Result<String, Error> {
        let free = names.find(|name| self.case.path(name).symlink_metadata().is_err());
        free.ok_or_else(|| Error::Exists { path: self.case.path("seals") })
    }

    fn write_signature(&self, path: &str, seal: &[u8], by: &NamedKey) -> Result<(), Error> {
        let signature = by.key.sign(seal)?;
        let signer = AllowedSigner::line(&by.principal, &by.key.public())?;
        self.write(&format!("{path}.signer"), signer.as_bytes())?;
        self.write(path, signature.as_bytes())
    }

    /// Writes a file of a seal whole. What an interrupted run left is replaced.
    pub(crate) fn write(&self, inside: &str, bytes: &[u8]) -> Result<(), Error> {
        write::write_file(&self.case.path(inside), &mut |out| out.write_all(bytes))
    }

    /// Removes what a killed run had begun to write: also a signer's key without its signature, and
    /// a query without its stamp, which are written first; and what belongs to a seal behind the
    /// newest that was not written itself. What the bag lists is not from a killed run, and stays.
    fn remove_unfinished(&self, newest: u32) -> Result<(), Error> {
        let folder = self.case.path("seals");
        write::remove_parts(&folder)?;
        let listed = FileList::parse(&read(&self.case.path(TAGS))?)?;
        let is_left = |path: &str| {
            seal_file(path).is_some_and(|(number, _)| number == newest + 1)
                && !listed.files().iter().any(|file| file.path == path)
        };
        for entry in std::fs::read_dir(&folder).map_err(failed("look into", &folder))? {
            let entry = entry.map_err(failed("look into", &folder))?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            if is_left(&format!("seals/{name}")) {
                write::remove_if_there(&entry.path())?;
                continue;
            }
            let key_of = name.strip_suffix(".signer").map(str::to_owned);
            let query_of = name.strip_suffix(".tsq").map(|of| format!("{of}.tsr"));
            if let Some(of) = key_of.or(query_of)
                && folder.join(of).symlink_metadata().is_err()
            {
                write::remove_if_there(&entry.path())?;
            }
        }
        [TAGS, SCRIPT, LOG]
            .iter()
            .try_for_each(|name| write::remove_if_there(&self.case.path(&format!("{name}.part"))))
    }

    /// Writes what follows from the files: the script for stock tools and the bag's tag list.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let folder = self.case.folder();
        put_script(self.case, |path, bytes| self.write(path, bytes))?;
        let tags = Bag::read(folder, &is_tag)?.list(is_tag).to_bytes();
        self.write(TAGS, &tags)?;
        write::sync_all(folder)
    }

    /// The event comes before the seal, so that the seal covers it. An interrupted sealing that was
    /// begun with the same words has written it already; one with other words stays in the log too.
    fn say_sealed(&mut self, number: u32, sealing: &Sealing<'_>) -> Result<(), Error> {
        let mut event = sealing.event.clone();
        event.action = Action::Sealed.name().to_owned();
        event.output = Some(json!({ "seal": number }));
        if self.log().events().last().is_some_and(|said| says_the_same(said, &event)) {
            return Ok(());
        }
        self.append(event).map(|_| ())
    }

    /// The tag files must be as the bag lists them; only those of an interrupted sealing are not
    /// listed yet.
    fn check_tags(&self, bag: &Bag) -> Result<(), Error> {
        let damaged = |document: &str, reason: &str| {
            Err(Error::Damaged { document: document.to_owned(), reason: reason.to_owned() })
        };
        if let Some((path, why)) = bag.foreign.first() {
            return damaged(path, why);
        }
        let listed = FileList::parse(&read(&self.case.path(TAGS))?)?;
        for file in listed.files().iter().filter(|file| file.path != SCRIPT) {
            match bag.files.get(&file.path) {
                None => return damaged(&file.path, "it is listed, and missing"),
                Some(now) if now.sha256 != file.sha256 => {
                    return damaged(&file.path, "it is not as the bag lists it");
                }
                Some(_) => {}
            }
        }
        let known = |path: &str| listed.files().iter().any(|file| file.path == path);
        let newest = bag.files.keys().filter_map(|path| seal_file(path)).map(|(n, _)| n).max();
        for path in bag.files.keys().filter(|path| is_tag(path) && !known(path)) {
            if seal_file(path).is_none_or(|(number, _)| Some(number) != newest) {
                return damaged(path, "it is not listed by the bag");
            }
        }
        Ok(())
    }

    /// Every file must be as the newest seal lists it, no more and no less.
    fn check_sealed(&self, bag: &Bag, newest: &SealFile) -> Result<(), Error> {
        let name = seal_path(newest.number, ".sha256");
        let bytes = read(&self.case.path(&name))?;
        let stated = FileList::parse(&bytes)?;
        let now = bag.list(|path| is_sealed_by(newest.number, path));
        if sha256_hex(&bytes) == newest.seal.files.sha256 && stated == now {
            return Ok(());
        }
        let differs = stated.files().iter().find(|file| !now.files().contains(file));
        let differs = differs.or_else(|| now.files().iter().find(|f| !stated.files().contains(f)));
        let document = differs.map_or(name, |file| file.path.clone());
        let reason = format!("it is not as seal {} lists it; see `triage verify`", newest.number);
        Err(Error::Damaged { document, reason })
    }
}

/// A signature must hold at the time of its seal, as whoever verifies the package asks.
fn check_of_seal(signature: &[u8], bytes: &[u8]) -> Result<(), Error> {
    let at = unix_seconds(&Seal::parse(bytes)?.time).unwrap_or_default();
    check_cms(signature, bytes, None, at)?;
    Ok(())
}

/// Says whether two events differ in their place in the log and their time at most.
fn says_the_same(said: &Event, event: &Event) -> bool {
    let (seq, prev, time) = (said.seq, said.prev.clone(), said.time.clone());
    *said == Event { seq, prev, time, ..event.clone() }
}

/// Writes the script for stock tools through the door that is given.
pub(crate) fn put_script(
    case: &CaseDir,
    put: impl FnOnce(&str, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    // Only names are wanted: nothing is hashed.
    let mut paths: Vec<String> = Vec::new();
    for folder in ["seals", "data", "keys"] {
        let Ok(entries) = std::fs::read_dir(case.path(folder)) else { continue };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        paths.extend(names.map(|name| format!("{folder}/{name}")));
    }
    let text = render_script(paths.iter().map(String::as_str), &read_seals(case)?);
    put(SCRIPT, text.as_bytes())
}

fn newest(seals: &[SealFile]) -> Result<&SealFile, Error> {
    seals.last().ok_or_else(|| Error::Damaged {
        document: seal_path(1, ".json"),
        reason: "the package has no seal".to_owned(),
    })
}
