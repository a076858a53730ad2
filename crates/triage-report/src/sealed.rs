//! The seal of a package, as a report that leaves the package names it.
//!
//! The copy inside the package cannot name its own seal: the seal covers it.

use std::fs::File;
use std::io::{self, Read};

use serde_json::Value;
use triage_case::CaseDir;

use crate::beside_seal::beside_seal;

/// The longest seal that is read: one has about 1 KiB.
const LIMIT_SEAL_BYTES: u64 = 1 << 20;

/// What a report says about the latest seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The place in the package.
    pub(crate) path: String,
    /// The SHA-256 of the seal's bytes.
    pub(crate) sha256: String,
    /// When it was made.
    pub(crate) time: String,
    /// Who signed it: the name of a key, else the subject of a certificate.
    pub(crate) signer: Option<String>,
    /// The SHA-256 of the manifest that it names.
    pub(crate) manifest_sha256: String,
    /// Earlier seals, further signatures and time-stamps.
    pub(crate) beside: Vec<(&'static str, String)>,
}

impl Sealed {
    /// Reads the latest seal of a package; `None` if it has none.
    pub(crate) fn latest(case: &CaseDir) -> io::Result<Option<Self>> {
        let path = case.newest_seal();
        if !case.path(&path).is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(case.path(&path))?.take(LIMIT_SEAL_BYTES).read_to_end(&mut bytes)?;
        let seal: Value = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Some(Self {
            beside: beside_seal(case, &path)?,
            path,
            sha256: triage_custody::sha256_hex(&bytes),
            time: text(&seal["time"]),
            signer: [&seal["signer"], &seal["certificate"]["subject"]]
                .into_iter()
                .find_map(|name| name.as_str().map(str::to_owned)),
            manifest_sha256: text(&seal["manifest"]["sha256"]),
        }))
    }
}
