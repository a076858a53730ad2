//! What has become of an item: told from its folder, so that nothing else has to be kept in step.

use std::path::{Path, PathBuf};

use serde_json::Value;
use triage_case::{CaseDir, CaseState};

use crate::{BatchPlan, Error, Item};

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Waiting,
    /// A process works on it now.
    Running,
    /// It was begun, and nobody works on it.
    Interrupted,
    /// It could not be examined at all.
    Failed,
    /// It is a sealed package, with that exit code of `scan`.
    Done(u8),
}

impl State {
    /// Returns the name used in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Done(0) => "complete",
            Self::Done(1) => "hits",
            Self::Done(4) => "incomplete with hits",
            Self::Done(_) => "incomplete",
        }
    }
}

/// What is known of an item.
#[derive(Clone, Debug)]
pub struct ItemState {
    /// Where it stands.
    pub state: State,
    /// The package, or where it will be.
    pub package: PathBuf,
    /// `run.json` of a finished package.
    pub run: Option<Value>,
    /// Why it failed, or why the package is not the one of the plan.
    pub reason: Option<String>,
}

/// Tells what has become of an item from the folder of the results.
///
/// # Errors
/// [`Error::Foreign`] if there is a package that answers another question.
pub fn state_of(plan: &BatchPlan, item: &Item, results: &Path) -> Result<ItemState, Error> {
    let package = results.join("items").join(&item.id);
    let failure = results.join("failed").join(format!("{}.json", item.id));
    let told = |state| ItemState { state, package: package.clone(), run: None, reason: None };
    match CaseDir::state(&package) {
        CaseState::Finished => {
            let run = CaseDir::open(&package)?.document("data/run.json")?;
            plan.check(item, &run["plan"])?;
            let code = run["exit"]["code"].as_u64().and_then(|code| u8::try_from(code).ok());
            // A package without its exit code is not one that may look clean.
            Ok(ItemState { run: Some(run), ..told(State::Done(code.unwrap_or(3))) })
        }
        CaseState::Unfinished if CaseDir::is_held(&package) => Ok(told(State::Running)),
        CaseState::Unfinished => Ok(told(State::Interrupted)),
        // Somebody begins it in this moment, and has not written its plan yet.
        CaseState::NoCase if CaseDir::is_held(&package) => Ok(told(State::Running)),
        CaseState::NoCase => match std::fs::read(&failure) {
            Ok(bytes) => {
                let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                let reason = document["reason"].as_str().unwrap_or("not stated").to_owned();
                Ok(ItemState { reason: Some(reason), ..told(State::Failed) })
            }
            Err(_) => Ok(told(State::Waiting)),
        },
    }
}
