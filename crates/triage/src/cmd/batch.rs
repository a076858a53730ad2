//! `batch`: many exhibits as one plan, run by any engine, merged into one answer.

mod cuts;
mod merge;
mod plan;
mod results;
mod run;
mod status;
mod submit;
mod whole;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use triage_batch::BatchPlan;

use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown};

/// Many exhibits: plan once, run the shards anywhere, merge into one answer
#[derive(Subcommand, Debug)]
pub(crate) enum BatchVerb {
    Plan(Box<plan::PlanArgs>),
    Run(Box<run::RunArgs>),
    Status(status::StatusArgs),
    Merge(Box<merge::MergeArgs>),
    Submit(Box<submit::SubmitArgs>),
}

/// Runs the verb.
pub(crate) fn run(verb: &BatchVerb, console: Console) -> Result<u8, Failure> {
    match verb {
        BatchVerb::Plan(args) => plan::run(args, console),
        BatchVerb::Run(args) => run::run(args, console),
        BatchVerb::Status(args) => status::run(args, console),
        BatchVerb::Merge(args) => merge::run(args, console),
        BatchVerb::Submit(args) => submit::run(args, console),
    }
}

impl From<triage_batch::Error> for Failure {
    fn from(error: triage_batch::Error) -> Self {
        use triage_batch::Error as E;
        match error {
            E::Case(error) => error.into(),
            E::Foreign { .. } => {
                Self::new(exit::VERIFY_FAILED, "a result does not belong to this plan")
                    .caused_by(&error)
                    .hint("name the folder of the results that this plan was run into")
            }
            _ => Self::usage("cannot use the batch").caused_by(&error),
        }
    }
}

/// Reads a plan.
fn read_plan(path: &Path) -> Result<BatchPlan, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage("cannot read the plan").at(shown::path(path)).caused_by(&error)
    })?;
    BatchPlan::parse(&bytes).map_err(|error| Failure::from(error).at(shown::path(path)))
}

/// Returns a path as every process of the batch can use it.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::usage("cannot tell the absolute path").at(shown::path(path)).caused_by(&error)
    })
}
