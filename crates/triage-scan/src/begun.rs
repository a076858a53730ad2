//! The beginning of a scan, as the journal keeps it: whoever goes on asks the same question.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use triage_case::Particulars;
use triage_evidence::hex;
use triage_hash::{Algorithm, Algorithms, Digest};

use crate::{Error, Plan};

/// What is stored in the journal, so that an interrupted run can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The question.
    pub plan: Plan,
    /// What was typed in.
    pub particulars: Particulars,
    /// The identity of the run.
    pub run_id: String,
    /// The seed of the salts, lower-case hex.
    pub salt_seed: String,
    /// When the run began, RFC 3339 with an offset.
    pub started: String,
}

impl Begun {
    /// Reads what the journal keeps.
    ///
    /// # Errors
    /// [`Error::Stored`] if it is not what a scan stores.
    pub fn from_document(document: &[u8]) -> Result<Self, Error> {
        let begun: Self = serde_json::from_slice(document).map_err(|error| stored(&error))?;
        begun.seed()?;
        begun.algorithms()?;
        Ok(begun)
    }

    /// Returns what the journal keeps.
    ///
    /// # Errors
    /// [`Error::Stored`] if the particulars cannot be written as JSON.
    pub fn document(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| stored(&error))
    }

    /// Returns the seed of the salts.
    ///
    /// # Errors
    /// [`Error::Stored`] if it is not 32 bytes of hex.
    pub fn seed(&self) -> Result<[u8; 32], Error> {
        let digest = Digest::from_hex(Algorithm::Sha256, self.salt_seed.as_bytes())
            .map_err(|error| stored(&error))?;
        digest.as_bytes().try_into().map_err(|_| stored(&"the seed of the salts has not 32 bytes"))
    }

    /// Returns the digests that are computed.
    ///
    /// # Errors
    /// [`Error::Stored`] if this version does not know one of them.
    pub fn algorithms(&self) -> Result<Algorithms, Error> {
        self.plan.algorithms.parse().map_err(|error| stored(&error))
    }

    /// Returns where the evidence was.
    ///
    /// # Errors
    /// [`Error::Stored`] if the plan does not say it in display form.
    pub fn source(&self) -> Result<PathBuf, Error> {
        let raw = triage_evidence::unescape(&self.plan.source).map_err(|error| stored(&error))?;
        Ok(OsString::from_vec(raw).into())
    }
}

/// Returns an identity of the form of RFC 9562, version 4, made of 16 random bytes.
#[must_use]
pub fn run_id(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex = hex(&random);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}

fn stored(reason: &impl ToString) -> Error {
    Error::Stored { reason: reason.to_string() }
}
