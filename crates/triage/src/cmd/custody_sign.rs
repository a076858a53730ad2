//! `custody sign`: one more signature on the newest seal, such as a witness's.

use std::path::PathBuf;

use clap::Args;
use triage_case::CaseDir;

use super::custody_seal::tell;
use super::scan_args::SigningArgs;
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::signing::signed_by;

/// Add a signature to the newest seal of a package, such as that of a witness
///
/// The signature stands beside the first one, in a file of its own, with the signer's key in
/// another. Check the package before you sign: the signature says that this seal was seen.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// The number of the seal, which must be the newest; else that one
    #[arg(long, value_name = "N")]
    seal: Option<u32>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &SignArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    let signed_by = signed_by(&args.signing)?.ok_or_else(|| {
        Failure::usage("which key signs?").hint("give --sign-key FILE or --sign-agent KEY")
    })?;
    let sealed = case.hold_custody()?.sign(args.seal, &signed_by)?;
    tell(&case, &sealed, Some(&signed_by.principal), console);
    Ok(exit::COMPLETE)
}
