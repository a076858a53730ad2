//! `custody seal`: the next seal over a package and its custody log.

use clap::Args;
use serde_json::json;
use triage_case::{CaseDir, Sealed, Sealing, SignedBy};

use super::custody_add::exhibit;
use super::custody_event::ActArgs;
use super::scan_args::SigningArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::signing::signed_by;
use crate::{exit, facts, shown};

/// Seal a package again, with everything that was added since, such as at each hand-over
///
/// Reads every file, refuses a package that is not as its newest seal says (exit code 5), adds an
/// event `sealed` to the custody log, and writes the next numbered seal. It covers the files of
/// the package, every seal before it with its signatures, and the whole custody log. At a hand-over
/// the receiver seals with their own key.
#[derive(Args, Debug)]
pub(crate) struct SealArgs {
    #[command(flatten)]
    act: ActArgs,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &SealArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.act.package)?;
    let signed_by = signed_by(&args.signing)?;
    let mut custody = case.hold_custody()?;
    let event = args.act.event("sealed", &exhibit(&case)?)?;
    let sealing = Sealing { event, tool: facts::tool(), signed_by: signed_by.as_ref() };
    let sealed = custody.seal(&sealing)?;
    if signed_by.is_none() {
        console.say("warning: the seal is NOT SIGNED; give --sign-key, --sign-agent or --cms-key");
    }
    tell(&case, &sealed, signed_by.as_ref().map(SignedBy::name).as_deref(), console);
    Ok(exit::COMPLETE)
}

/// Says what was made.
pub(crate) fn tell(case: &CaseDir, sealed: &Sealed, signer: Option<&str>, console: Console) {
    let place = shown::path(&case.path(&sealed.path));
    console.line(&format!("seal {}: SHA-256 {}  {place}", sealed.number, sealed.sha256));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "seal": sealed.number,
        "seal_sha256": sealed.sha256, "path": place, "signer": signer,
    }));
}
