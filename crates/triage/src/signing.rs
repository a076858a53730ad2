//! The key that signs a seal: from a file, with its passphrase from a file, or of an agent.

use std::io::Read;
use std::path::Path;

use triage_case::{NamedKey, SignedBy};
use triage_custody::{CertifiedKey, SigningKey, unix_seconds};

use crate::clock::now;
use crate::cmd::scan_args::SigningArgs;
use crate::failure::Failure;
use crate::trust::read_small;
use crate::{agent, facts, shown};

/// The longest passphrase that is read.
const LIMIT_PASSPHRASE_BYTES: u64 = 4096;

/// Reads the keys that sign the seal, if any was named.
pub(crate) fn signed_by(args: &SigningArgs) -> Result<Option<SignedBy>, Failure> {
    let signed_by = SignedBy { key: named_key(args)?, certificate: certified_key(args)? };
    let some = signed_by.key.is_some() || signed_by.certificate.is_some();
    Ok(some.then_some(signed_by))
}

fn certified_key(args: &SigningArgs) -> Result<Option<CertifiedKey>, Failure> {
    let (Some(path), Some(chain)) = (&args.cms_key, &args.cms_chain) else { return Ok(None) };
    let passphrase = args.cms_passphrase_file.as_deref().map(read_passphrase).transpose()?;
    let (key, chain) = (read_small(path, "the key")?, read_small(chain, "the chain")?);
    let key = CertifiedKey::from_pem(&key, passphrase.as_deref(), &chain, facts::random()?);
    // A certificate that has ended, or is for something else, must not be found out after hours.
    let at = unix_seconds(&now()).unwrap_or_default();
    let tried = key.and_then(|key| key.sign(b"a trial", at).map(|_| key));
    tried.map(Some).map_err(|error| {
        Failure::usage("cannot use the key of the certificate")
            .at(shown::path(path))
            .caused_by(&error)
            .hint("a locked key: give --cms-passphrase-file; a key on a card: `custody sign --cms-signature`")
    })
}

fn named_key(args: &SigningArgs) -> Result<Option<NamedKey>, Failure> {
    let (key, comment) = match (&args.sign_key, &args.sign_agent) {
        (Some(path), _) => file_key(path, args.passphrase_file.as_deref())?,
        (None, Some(named)) => agent::key(args.agent_socket.as_deref(), named)?,
        (None, None) => return Ok(None),
    };
    let principal = args.signer.clone().unwrap_or(comment);
    if principal.is_empty() || principal.contains([' ', '"', '\n', ',']) {
        return Err(Failure::usage("cannot use the signer's name")
            .because("it must be one word without commas, such as an address")
            .hint("give --signer"));
    }
    Ok(Some(NamedKey { principal, key }))
}

fn file_key(path: &Path, passphrase: Option<&Path>) -> Result<(SigningKey, String), Failure> {
    let unusable = || Failure::usage("cannot use the signing key").at(shown::path(path));
    let text = std::fs::read(path).map_err(|error| unusable().caused_by(&error))?;
    let passphrase = passphrase.map(read_passphrase).transpose()?;
    let key = SigningKey::from_openssh(&text, passphrase.as_deref()).map_err(|error| {
        unusable().caused_by(&error).hint(
            "a locked key: give --passphrase-file, or add it to an ssh-agent and give --sign-agent",
        )
    })?;
    let line = key.public().to_line()?;
    let comment = line.split(' ').nth(2).unwrap_or("triage").to_owned();
    Ok((key, comment))
}

/// Returns the first line of a file, without its line end.
pub(crate) fn read_passphrase(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LIMIT_PASSPHRASE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::usage("cannot read the passphrase").at(shown::path(path)).caused_by(&error)
        })?;
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    bytes.truncate(end.unwrap_or(bytes.len()));
    Ok(bytes)
}
