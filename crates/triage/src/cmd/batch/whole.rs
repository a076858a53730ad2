//! The package of an exhibit that was examined in parts: its documents, its custody, its seal.

use serde_json::{Value, json};
use triage_case::{CaseDir, SignedBy};
use triage_scan::{Begun, Ended, RunFacts, examined_event, put_documents, put_reports, seal};

use crate::clock::{now, zone};
use crate::console::Console;
use crate::failure::Failure;
use crate::{facts, shown};

/// What a whole was made of.
pub(super) struct Merged {
    /// The SHA-256 of the plan of the batch.
    pub(super) plan_sha256: String,
    /// The parts, in order.
    pub(super) parts: Vec<Value>,
}

/// Closes the package of a whole.
pub(super) fn close(
    case: &CaseDir,
    begun: &Begun,
    ended: &Ended,
    merged: &Merged,
    signed_by: Option<&SignedBy>,
    console: Console,
) -> Result<(), Failure> {
    // The parts stand in the place of how this computer did it.
    let mut further = facts::of_run();
    let parts = json!({ "batch_plan_sha256": merged.plan_sha256, "parts": merged.parts });
    further.insert("merged".to_owned(), parts);
    let facts =
        RunFacts { tool: facts::tool(), time: now(), zone: Some(zone()), elapsed: None, further };
    put_documents(case, begun, ended, &facts)?;
    put_reports(case, None, &[])?;
    let mut event = examined_event("merged", begun, ended, &facts);
    event.output = Some(json!({
        "manifest_sha256": ended.manifest.sha256,
        "merkle_root": ended.manifest.merkle_root,
        "parts": merged.parts.iter().map(|part| part["seal_sha256"].clone()).collect::<Vec<_>>(),
    }));
    seal(case, begun, ended, (event, &facts), signed_by)?;
    console.say(&format!("merged: {}", shown::path(case.folder())));
    Ok(())
}
