//! Tasks of the workspace, a task a file: `cargo xtask ci`, `tidy`, `docs`, `fixtures`, `bench`,
//! `profile`, `diff-walk`, `fuzz`, `dist`.
//!
//! Nothing here is shipped, and nothing here is needed to build the product.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the developer")]
#![expect(
    clippy::disallowed_methods,
    reason = "a task works on the developer's own tree: it writes, takes times, reads variables"
)]

mod bench;
mod ci;
mod diff_walk;
mod dist;
mod docs;
mod error;
mod fixtures;
mod fuzz;
mod process;
mod profile;
mod random;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use error::Outcome;

/// Tasks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Tasks {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every check, in the order of their cost; stops at the first that fails
    Ci,
    /// Checks the rules of the house: layers, lengths, names, doors
    Tidy,
    /// Writes docs/reference from the binary itself
    Docs(docs::DocsArgs),
    /// Builds test trees from a recipe
    Fixtures(fixtures::FixturesArgs),
    /// Compares the release binary with its peers, side by side
    Bench(bench::BenchArgs),
    /// Draws where the time of a scan goes: a flame graph, from samples of perf
    Profile(profile::ProfileArgs),
    /// Compares our walk of disk images with The Sleuth Kit, entry by entry
    DiffWalk(diff_walk::DiffWalkArgs),
    /// Damages lists and indexes and reads them, for a time
    Fuzz(fuzz::FuzzArgs),
    /// Builds the static binary twice, compares the two, and makes a release of it
    Dist(dist::DistArgs),
}

fn run(task: &Task) -> Outcome {
    match task {
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Docs(args) => docs::run(args),
        Task::Fixtures(args) => fixtures::run(args),
        Task::Bench(args) => bench::run(args),
        Task::Profile(args) => profile::run(args),
        Task::DiffWalk(args) => diff_walk::run(args),
        Task::Fuzz(args) => fuzz::run(args),
        Task::Dist(args) => dist::run(args),
    }
}

fn main() -> ExitCode {
    match run(&Tasks::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
