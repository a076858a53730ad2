//! `custody sign`: one more signature on the newest seal, such as a witness's.

use std::path::PathBuf;

use clap::Args;
use triage_case::CaseDir;
use triage_custody::unix_seconds;

use super::custody_seal::tell;
use super::scan_args::SigningArgs;
use crate::clock::now;
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::signing::signed_by;
use crate::trust::read_small;

/// Add a signature to the newest seal of a package, such as that of a witness
///
/// The signature stands beside the first one, in a file of its own; one by a key of OpenSSH has the
/// signer's key in another, one with a certificate brings that along. Check the package before you
/// sign: the signature says that this seal was seen.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// The number of the seal, which must be the newest; else that one
    #[arg(long, value_name = "N")]
    seal: Option<u32>,
    /// Add a detached CMS signature of the seal that was made elsewhere, such as by `openssl cms`
    /// with a card: DER, with the signer's certificate in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sign_key", "sign_agent", "cms_key"])]
    cms_signature: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &SignArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    let at = unix_seconds(&now()).unwrap_or_default();
    if let Some(path) = &args.cms_signature {
        let signature = read_small(path, "the signature")?;
        let (sealed, subject) = case
            .hold_custody()?
            .take_cms(args.seal, &signature, at)
            .map_err(|error| Failure::refused_document(error, "the signature is refused"))?;
        tell(&case, &sealed, Some(&subject), console);
        return Ok(exit::COMPLETE);
    }
    let signed_by = signed_by(&args.signing)?.ok_or_else(|| {
        Failure::usage("which key signs?")
            .hint("give --sign-key FILE, --sign-agent KEY, or --cms-key FILE with --cms-chain FILE")
    })?;
    let sealed = case.hold_custody()?.sign(args.seal, &signed_by, at)?;
    tell(&case, &sealed, Some(&signed_by.name()), console);
    Ok(exit::COMPLETE)
}
