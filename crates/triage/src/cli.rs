//! The command line as a whole: the verbs, the global options, and the way to the exit code.

use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use triage_hash::Lanes;

use crate::cmd;
use crate::console::{Console, complain};
use crate::exit;
use crate::failure::Failure;

/// Hash triage of seized evidence: scan, match, record, seal, report.
///
/// Walks evidence without changing it, hashes every file once, looks the digests up in hash sets,
/// and leaves a sealed package that anybody can verify with stock tools. Handles digests and
/// metadata only: content is never shown.
#[derive(Parser)]
#[command(name = "triage", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(Args)]
struct Global {
    /// Print results as JSON lines; the last line is always a summary
    #[arg(long, global = true, env = "TRIAGE_JSON")]
    json: bool,
    /// Say nothing but results and errors
    #[arg(long, short, global = true, env = "TRIAGE_QUIET")]
    quiet: bool,
    /// Hash side by side in these vector lanes and no wider ones: avx512, avx2 or none; else in
    /// the widest that the processor has
    #[arg(long, global = true, env = "TRIAGE_LANES", value_name = "LANES", hide = true)]
    lanes: Option<Lanes>,
}

#[derive(Subcommand)]
enum Verb {
    Probe(cmd::probe::ProbeArgs),
    Plan(Box<cmd::plan::PlanArgs>),
    Scan(Box<cmd::scan::ScanArgs>),
    Hash(cmd::hash::HashArgs),
    Match(Box<cmd::rematch::MatchArgs>),
    #[command(subcommand)]
    Sets(cmd::sets::SetsVerb),
    #[command(subcommand)]
    Custody(cmd::custody::CustodyVerb),
    Verify(cmd::verify::VerifyArgs),
    VerifyProof(cmd::verify_proof::VerifyProofArgs),
    Diff(cmd::diff::DiffArgs),
    Correlate(Box<cmd::correlate::CorrelateArgs>),
    #[command(subcommand)]
    Batch(cmd::batch::BatchVerb),
    Report(cmd::report::ReportArgs),
    Doctor(cmd::doctor::DoctorArgs),
    #[command(hide = true)]
    Completions(cmd::generate::CompletionsArgs),
    #[command(hide = true)]
    Man(cmd::generate::ManArgs),
    #[command(hide = true)]
    Schema(cmd::generate::SchemaArgs),
}

/// Returns the definition of the command line, for everything that is generated from it.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| complain(&format!("internal error: {info}"))));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results; a mistake is one of usage. Printing cannot be helped.
            let _unprinted = error.print();
            if !error.use_stderr() {
                return ExitCode::from(exit::COMPLETE);
            }
            let json = std::env::args_os().any(|arg| arg == "--json");
            Console { json, quiet: false }.record(&serde_json::json!({
                "v": 1, "type": "summary", "exit": exit::USAGE,
                "error": "cannot understand the command line", "because": error.kind().to_string(),
            }));
            return ExitCode::from(exit::USAGE);
        }
    };
    let console = Console { json: cli.global.json, quiet: cli.global.quiet };
    let lanes = cli.global.lanes;
    let run = std::panic::catch_unwind(|| {
        lanes.map_or(Ok(()), limit)?;
        run(cli.verb, console)
    });
    match run {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            complain(failure.text().trim_end());
            let because = failure.because.clone().unwrap_or_default();
            console.record(&serde_json::json!({
                "v": 1, "type": "summary", "exit": failure.code, "error": failure.what,
                "because": because,
            }));
            ExitCode::from(failure.code)
        }
        Err(_panic) => ExitCode::from(exit::INTERNAL),
    }
}

/// Limits the lanes, before the self-test and before anything is hashed.
fn limit(lanes: Lanes) -> Result<(), Failure> {
    lanes.limit().map_err(|error| {
        Failure::usage("cannot hash in these lanes")
            .caused_by(&error)
            .hint("`triage doctor` names the code paths of this computer")
    })
}

fn run(verb: Verb, console: Console) -> Result<u8, Failure> {
    match verb {
        Verb::Probe(args) => cmd::probe::run(&args, console),
        Verb::Plan(args) => cmd::plan::run(&args, console),
        Verb::Scan(args) => cmd::scan::run(&args, console),
        Verb::Hash(args) => cmd::hash::run(&args, console),
        Verb::Match(args) => cmd::rematch::run(&args, console),
        Verb::Sets(verb) => cmd::sets::run(&verb, console),
        Verb::Custody(verb) => cmd::custody::run(&verb, console),
        Verb::Verify(args) => cmd::verify::run(&args, console),
        Verb::VerifyProof(args) => cmd::verify_proof::run(&args, console),
        Verb::Diff(args) => cmd::diff::run(&args, console),
        Verb::Correlate(args) => cmd::correlate::run(&args, console),
        Verb::Batch(verb) => cmd::batch::run(&verb, console),
        Verb::Report(args) => cmd::report::run(&args, console),
        Verb::Doctor(args) => cmd::doctor::run(&args, console),
        Verb::Completions(args) => cmd::generate::completions(&args),
        Verb::Man(args) => cmd::generate::man(&args),
        Verb::Schema(args) => cmd::generate::schema(&args),
    }
}
