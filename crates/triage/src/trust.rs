//! Whom a reader of a package trusts: keys and roots, from files outside the package.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use triage_case::Trust;
use triage_custody::{AllowedSigners, Certificates, unix_seconds};

use crate::clock::{now, time_zone};
use crate::cmd::scan_args::read_text;
use crate::failure::Failure;
use crate::shown;

/// The longest signature, stamp or file of certificates; each is refused far below by its reader.
const LIMIT_FILE_BYTES: u64 = 2 * 1024 * 1024;

/// The file of keys, for what can be signed by keys of OpenSSH alone.
#[derive(Args, Debug, Default)]
pub(crate) struct SignerKeyArgs {
    /// The keys to trust, from outside the package, as `ssh-keygen -Y` reads them
    #[arg(long, value_name = "FILE", env = "TRIAGE_ALLOWED_SIGNERS")]
    allowed_signers: Option<PathBuf>,
}

/// The files for everything that vouches for a package.
#[derive(Args, Debug, Default)]
pub(crate) struct TrustArgs {
    #[command(flatten)]
    keys: SignerKeyArgs,
    /// The roots of certificates to trust for signatures (CMS), in PEM, from outside the package
    #[arg(long, value_name = "FILE", env = "TRIAGE_CMS_ROOT")]
    cms_root: Option<PathBuf>,
    /// The roots of time-stamping authorities to trust (RFC 3161), in PEM, from outside the package
    #[arg(long, value_name = "FILE", env = "TRIAGE_TSA_ROOT")]
    tsa_root: Option<PathBuf>,
}

/// What was read from the files.
pub(crate) struct Trusted {
    allowed_signers: Option<AllowedSigners>,
    cms_roots: Option<Certificates>,
    tsa_roots: Option<Certificates>,
    now: Option<i64>,
}

impl SignerKeyArgs {
    /// Reads the file.
    pub(crate) fn resolve(&self) -> Result<Option<AllowedSigners>, Failure> {
        let Some(path) = &self.allowed_signers else { return Ok(None) };
        let text = read_text(path, "the allowed signers")?;
        let read = AllowedSigners::parse(&text, &time_zone()).map_err(|error| {
            Failure::usage("cannot use the allowed signers").at(shown::path(path)).caused_by(&error)
        });
        read.map(Some)
    }
}

impl TrustArgs {
    /// Reads the files.
    pub(crate) fn resolve(&self) -> Result<Trusted, Failure> {
        Ok(Trusted {
            allowed_signers: self.keys.resolve()?,
            cms_roots: self.cms_root.as_deref().map(roots).transpose()?,
            tsa_roots: self.tsa_root.as_deref().map(roots).transpose()?,
            now: unix_seconds(&now()),
        })
    }
}

impl Trusted {
    /// Returns what a verification asks for.
    pub(crate) fn trust(&self) -> Trust<'_> {
        Trust {
            allowed_signers: self.allowed_signers.as_ref(),
            cms_roots: self.cms_roots.as_ref(),
            tsa_roots: self.tsa_roots.as_ref(),
            now: self.now,
        }
    }
}

/// Reads the roots of a PEM file.
pub(crate) fn roots(path: &Path) -> Result<Certificates, Failure> {
    let bytes = read_small(path, "the roots")?;
    Certificates::from_pem(&bytes).map_err(|error| {
        Failure::usage("cannot use the roots").at(shown::path(path)).caused_by(&error)
    })
}

/// Reads a small file whole.
pub(crate) fn read_small(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let failed = || Failure::usage(format!("cannot read {what}")).at(shown::path(path));
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LIMIT_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed().caused_by(&error))?;
    if bytes.len() as u64 > LIMIT_FILE_BYTES {
        return Err(failed().because(format!("it is longer than {LIMIT_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}
