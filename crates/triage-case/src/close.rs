//! Closes a package: custody log, bag, seal, signature. Safe to be done again after a kill.
//!
//! Each file is written whole and renamed. A kill at any point leaves the journal folder, so that
//! the package still counts as unfinished, and closing again replaces what was there. The journal
//! folder is removed last, after everything else was made durable; a kill during its removal
//! leaves either its plan, and closing is done again, or a closed package.

use serde_json::{Value, json};
use triage_custody::{
    AllowedSigner, CustodyLog, Event, NO_PREVIOUS, PublicKey, Seal, SealedCustody, SealedFiles,
    SealedIndex, SealedManifest, sha256_hex, unix_seconds,
};

use crate::bag::{BAGIT, Bag, is_payload, is_sealed_by, is_tag};
use crate::bag_info::render_bag_info;
use crate::readme::{PROOF_SCRIPT, README};
use crate::seal_again::put_script;
use crate::{CaseDir, Coverage, Error, Finished, NamedKey, Particulars, SignedBy, Status, write};

/// What a package is closed with. Times are RFC 3339 with an offset.
pub struct Closing<'a> {
    /// What was typed in.
    pub particulars: &'a Particulars,
    /// The events of the custody log, in order.
    pub events: Vec<Event>,
    /// What the manifest is.
    pub manifest: &'a Finished,
    /// The digests that were computed of everything that was read, as a comma-separated list.
    pub algorithms: &'a str,
    /// The identity of the run.
    pub run_id: &'a str,
    /// When the seal is made.
    pub time: &'a str,
    /// The program: name, version, digest.
    pub tool: Value,
    /// Who signs; `None` leaves the seal unsigned.
    pub signed_by: Option<&'a SignedBy>,
}

/// The entries by status, as seals and `run.json` state them.
pub(crate) fn counts(coverage: &Coverage) -> Value {
    let mut counts = serde_json::Map::new();
    for status in Status::ALL {
        counts.insert(status.name().to_owned(), json!(coverage.share(status).entries));
    }
    counts.insert("seen".to_owned(), json!(coverage.seen().entries));
    counts.insert("hits".to_owned(), json!(coverage.hits()));
    Value::Object(counts)
}

impl CaseDir {
    /// Makes the folder a sealed bag and removes the journal.
    ///
    /// # Errors
    /// [`Error`] if a file cannot be written or the seal cannot be signed.
    pub fn close(&self, closing: &Closing<'_>) -> Result<(), Error> {
        self.put("data/README-VERIFY.txt", &mut |out| out.write_all(README.as_bytes()))?;
        self.put("data/verify-proof.sh", &mut |out| out.write_all(PROOF_SCRIPT.as_bytes()))?;
        let particulars = serde_json::to_value(closing.particulars).map_err(|error| {
            Error::Damaged { document: "case.json".to_owned(), reason: error.to_string() }
        })?;
        self.put_document("data/case.json", &particulars)?;
        // An earlier closing that was killed may have had another key.
        ["keys/signer.pub", "keys/allowed_signers", "seals/0001.json.sig", "seals/0001.json.p7s"]
            .into_iter()
            .try_for_each(|name| write::remove_if_there(&self.path(name)))?;
        if let Some(key) = closing.signed_by.and_then(|by| by.key.as_ref()) {
            self.put_keys(key)?;
        }
        self.put("bagit.txt", &mut |out| out.write_all(BAGIT.as_bytes()))?;
        let mut log = CustodyLog::default();
        let mut lines = Vec::new();
        for event in &closing.events {
            lines.extend(log.append(event.clone())?);
        }
        self.put("custody.ndjson", &mut |out| out.write_all(&lines))?;
        let known = Some(("data/manifest.ndjson", closing.manifest.sha256.as_str()));
        let bag = Bag::read_knowing(self.folder(), &is_first_sealed, known)?;
        self.put_seal(closing, &log, &bag)?;
        self.put_bag(closing, &bag)?;
        write::sync_all(self.folder())?;
        write::remove_journal(&self.path("journal"))
    }

    fn put_keys(&self, signed_by: &NamedKey) -> Result<(), Error> {
        let public: PublicKey = signed_by.key.public();
        let line = format!("{}\n", public.to_line()?);
        self.put("keys/signer.pub", &mut |out| out.write_all(line.as_bytes()))?;
        let allowed = AllowedSigner::line(&signed_by.principal, &public)?;
        self.put("keys/allowed_signers", &mut |out| out.write_all(allowed.as_bytes()))
    }

    fn put_seal(&self, closing: &Closing<'_>, log: &CustodyLog, bag: &Bag) -> Result<(), Error> {
        let list = bag.list(is_first_sealed);
        let bytes = list.to_bytes();
        self.put("seals/0001.sha256", &mut |out| out.write_all(&bytes))?;
        let seal = Seal {
            v: Seal::VERSION,
            document: Seal::TYPE.to_owned(),
            seal: 1,
            prev_seal_sha256: NO_PREVIOUS.to_owned(),
            case: closing.particulars.case.clone(),
            exhibit: closing.particulars.exhibit.clone(),
            time: closing.time.to_owned(),
            run_id: closing.run_id.to_owned(),
            files: SealedFiles {
                list: "seals/0001.sha256".to_owned(),
                sha256: sha256_hex(&bytes),
                count: list.files().len() as u64,
            },
            manifest: SealedManifest {
                sha256: closing.manifest.sha256.clone(),
                entries: closing.manifest.entries,
                merkle_root: closing.manifest.merkle_root.clone(),
                tree: SealedManifest::TREE.to_owned(),
            },
            index: SealedIndex {
                algorithms: closing.algorithms.to_owned(),
                root: closing.manifest.index.root.clone(),
                size: closing.manifest.index.size,
            },
            custody: SealedCustody { events: log.len(), head_sha256: log.head().to_owned() },
            counts: counts(&closing.manifest.coverage),
            tool: closing.tool.clone(),
            signer: closing.signed_by.and_then(SignedBy::principal).map(str::to_owned),
            certificate: closing.signed_by.and_then(SignedBy::sealed_certificate),
        };
        let seal = seal.to_bytes()?;
        self.put("seals/0001.json", &mut |out| out.write_all(&seal))?;
        let Some(signed_by) = closing.signed_by else { return Ok(()) };
        if let Some(named) = &signed_by.key {
            let signature = named.key.sign(&seal)?;
            self.put("seals/0001.json.sig", &mut |out| out.write_all(signature.as_bytes()))?;
        }
        if let Some(certified) = &signed_by.certificate {
            let signature =
                certified.sign(&seal, unix_seconds(closing.time).unwrap_or_default())?;
            self.put("seals/0001.json.p7s", &mut |out| out.write_all(&signature))?;
        }
        Ok(())
    }

    /// Writes the lists of BagIt. The journal, still there, is in none of them.
    fn put_bag(&self, closing: &Closing<'_>, bag: &Bag) -> Result<(), Error> {
        let payload = bag.list(is_payload).to_bytes();
        self.put("manifest-sha256.txt", &mut |out| out.write_all(&payload))?;
        let text = render_bag_info(closing.particulars, closing.time, &bag.oxum());
        self.put("bag-info.txt", &mut |out| out.write_all(text.as_bytes()))?;
        put_script(self, |path, bytes| self.put(path, &mut |out| out.write_all(bytes)))?;
        let is_ours = |path: &str| is_tag(path) && !path.starts_with("journal/");
        let tags = Bag::read(self.folder(), &is_ours)?.list(is_ours).to_bytes();
        self.put("tagmanifest-sha256.txt", &mut |out| out.write_all(&tags))
    }
}

fn is_first_sealed(path: &str) -> bool {
    is_sealed_by(1, path)
}
