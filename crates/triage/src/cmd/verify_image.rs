//! An image against the digests that it stores of its own medium, as its imager computed them.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use triage_scan::{MediumCheck, check_medium};
use triage_walk::{Evidence, OpenAs};

use super::verify::VerifyArgs;
use crate::clock::RunClock;
use crate::console::Console;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{exit, shown};

/// Runs the verb on an image instead of a package.
pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<u8, Failure> {
    let path: &Path = &args.package;
    let open = |error: triage_walk::Error| {
        Failure::from(error)
            .at(shown::path(path))
            .hint("name the folder that `triage scan --case` has made, or an image")
    };
    let evidence = Evidence::open(path, OpenAs::Whatever).map_err(open)?;
    let has_digests = evidence.image().is_some_and(|image| !image.stored.is_empty());
    if !has_digests || args.source.is_some() {
        return Err(Failure::usage("there is nothing to compare it with")
            .at(shown::path(path))
            .because("it is neither a package nor an image that stores digests of its medium")
            .hint("name the folder that `triage scan --case` has made, or an E01"));
    }
    let notes = evidence.image().map_or(&[][..], |image| &image.facts.notes);
    for note in notes {
        console.line(&format!("NOTE: {note}"));
    }
    let medium = check_stored(&evidence, &shown::path(path), console);
    let agrees = medium["agrees"] == json!(true);
    let code = if agrees { exit::COMPLETE } else { exit::VERIFY_FAILED };
    console.line(if agrees {
        "the medium is the one that was imaged, as far as the stored digests tell"
    } else if medium["problem"].is_string() {
        "FAILED: a part of the image is damaged or missing; the rest can be scanned, its digests \
         cannot be compared"
    } else {
        "FAILED: the medium is not the one that was imaged"
    });
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
        "evidence": { "medium": medium },
    }));
    Ok(code)
}

/// Computes the digests that an image stores of its medium, and says whether they agree.
pub(super) fn check_stored(evidence: &Evidence, exhibit: &str, console: Console) -> Value {
    if evidence.image().is_none_or(|image| image.stored.is_empty()) {
        return Value::Null;
    }
    let clock = Arc::new(RunClock::start());
    let (progress, display) = Progress::start(console, exhibit, clock, false);
    let checked = check_medium(evidence, progress.as_ref());
    progress.finish(display);
    match checked {
        Ok(checks) => {
            for check in &checks {
                let (name, stored) = (check.algorithm.name(), &check.stored);
                if check.agrees() {
                    console.line(&format!("medium: {name} {stored}, as the image stores it"));
                } else {
                    console.line(&format!(
                        "FINDING the medium is not the one whose {name} the image stores\n  \
                         expected: {stored}\n  actual:   {}",
                        check.computed
                    ));
                }
            }
            let agrees = checks.iter().all(MediumCheck::agrees);
            let digests: serde_json::Map<String, Value> = checks
                .iter()
                .map(|check| {
                    let value = json!({ "stored": check.stored, "computed": check.computed });
                    (check.algorithm.name().to_owned(), value)
                })
                .collect();
            json!({ "agrees": agrees, "digests": digests })
        }
        Err(problem) => {
            console.line(&format!(
                "FINDING the medium cannot be read in full, so that its stored digests cannot be \
                 checked\n  because: {problem}"
            ));
            json!({ "agrees": false, "problem": problem.to_string() })
        }
    }
}
