//! The package of an exhibit that was examined in parts: its documents, its custody, its seal.

use serde_json::{Value, json};
use triage_case::{CaseDir, Closing, SignedBy};

use crate::clock::{now, zone};
use crate::cmd::scan::Begun;
use crate::cmd::scan_close::{
    Ended, counts, doubts_of, examined_event, put_particulars, put_reports,
};
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, facts, shown};

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
    let (tool, time) = (facts::tool(), now());
    case.put_document("data/run.json", &run_json(begun, ended, merged, &tool, &time))?;
    put_particulars(case, begun)?;
    put_reports(case, None, &[])?;
    let mut event = examined_event("merged", begun, ended, &tool, &time);
    event.output = Some(json!({
        "manifest_sha256": ended.manifest.sha256,
        "merkle_root": ended.manifest.merkle_root,
        "parts": merged.parts.iter().map(|part| part["seal_sha256"].clone()).collect::<Vec<_>>(),
    }));
    case.close(&Closing {
        particulars: &begun.particulars,
        events: vec![event],
        manifest: &ended.manifest,
        algorithms: &begun.plan.algorithms,
        run_id: &begun.run_id,
        time: &time,
        tool,
        signed_by,
    })?;
    console.say(&format!("merged: {}", shown::path(case.folder())));
    Ok(())
}

/// As the document of a scan, with the parts in the place of how this computer did it.
fn run_json(begun: &Begun, ended: &Ended, merged: &Merged, tool: &Value, time: &str) -> Value {
    let coverage = &ended.manifest.coverage;
    let code = exit::of_coverage(coverage, !doubts_of(&ended.outcome).is_empty());
    json!({
        "v": 1,
        "run_id": begun.run_id,
        "tool": tool,
        "argv": facts::argv(),
        "host": facts::host(),
        "plan": begun.plan,
        "merged": { "batch_plan_sha256": merged.plan_sha256, "parts": merged.parts },
        "clock": { "start": begun.started, "end": time, "zone": zone() },
        "counts": counts(coverage),
        "coverage": shown::coverage_json(coverage),
        "halted": ended.outcome["halted"],
        "doubts": ended.outcome["doubts"],
        "salt_seed": begun.salt_seed,
        "exit": { "code": code, "reason": exit::name(code) },
    })
}
