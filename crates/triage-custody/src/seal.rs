//! The seal: a small document of digests and counts, the only thing that is signed. It holds no
//! name from the evidence, so that it can be shown to anybody.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, jcs};

/// The list of files that a seal covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFiles {
    /// The path of the list in the package.
    pub list: String,
    /// The SHA-256 of the list.
    pub sha256: String,
    /// How many files it names.
    pub count: u64,
}

/// The manifest that a seal covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedManifest {
    /// The SHA-256 of the manifest file.
    pub sha256: String,
    /// How many lines it has.
    pub entries: u64,
    /// The root of the Merkle tree over its lines.
    pub merkle_root: String,
    /// How the tree is built: [`SealedManifest::TREE`].
    pub tree: String,
}

impl SealedManifest {
    /// RFC 9162 with SHA-256; a leaf's data are two salted commitments to the line.
    pub const TREE: &'static str = "rfc9162-sha256-salted";
}

/// The index that a seal covers: the sorted keys of what the manifest holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedIndex {
    /// The digests that were computed of everything that was read, as a comma-separated list.
    pub algorithms: String,
    /// The root of the tree over the keys, built like that of the manifest.
    pub root: String,
    /// How many keys there are.
    pub size: u64,
}

/// The custody log as it was when it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedCustody {
    /// How many events it had.
    pub events: u64,
    /// The SHA-256 of its last line, without the line end.
    pub head_sha256: String,
}

/// The certificate whose CMS signature belongs to a seal: it cannot be taken away or exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedCertificate {
    /// The SHA-256 of its DER form.
    pub sha256: String,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
}

/// A seal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The version of this document.
    pub v: u32,
    /// Always [`Seal::TYPE`].
    #[serde(rename = "type")]
    pub document: String,
    /// The number of the seal, from 1.
    pub seal: u32,
    /// The SHA-256 of the seal before; 64 zeros for the first.
    pub prev_seal_sha256: String,
    /// The case number.
    pub case: String,
    /// The exhibit number.
    pub exhibit: String,
    /// When, RFC 3339 with an offset.
    pub time: String,
    /// The run that was sealed.
    pub run_id: String,
    /// The files.
    pub files: SealedFiles,
    /// The manifest.
    pub manifest: SealedManifest,
    /// The index.
    pub index: SealedIndex,
    /// The custody log.
    pub custody: SealedCustody,
    /// The coverage: entries by status.
    pub counts: Value,
    /// The program: name, version, digest.
    pub tool: Value,
    /// Who signs with a key of OpenSSH; null if nobody does.
    pub signer: Option<String>,
    /// The certificate that signs, if one does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<SealedCertificate>,
}

impl Seal {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;
    /// What the document calls itself.
    pub const TYPE: &'static str = "triage-seal";

    /// Returns the bytes that are signed: one canonical line with its line end.
    ///
    /// # Errors
    /// [`Error::Number`] if a count is not exact.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let value = serde_json::to_value(self)
            .map_err(|error| Error::Fields { document: "seal", reason: error.to_string() })?;
        let mut bytes = jcs::to_vec(&value)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a seal and checks its form.
    ///
    /// # Errors
    /// [`Error`] if it is not canonical or lacks a field.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return Err(Error::NotCanonical { reason: "the line has no line end".to_owned() });
        };
        let fields = |reason: String| Error::Fields { document: "seal", reason };
        let seal: Self = serde_json::from_value(jcs::parse_strict(line)?)
            .map_err(|error| fields(error.to_string()))?;
        if seal.v != Self::VERSION || seal.document != Self::TYPE {
            return Err(fields(format!("type {} version {}", seal.document, seal.v)));
        }
        if seal.manifest.tree != SealedManifest::TREE {
            return Err(fields(format!("unknown tree {}", seal.manifest.tree)));
        }
        Ok(seal)
    }
}
