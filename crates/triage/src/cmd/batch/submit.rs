//! `batch submit`: writes the scripts for an engine and starts them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use serde_json::json;
use triage_batch::{Engine, Submission, script_of, scripts};

use super::results::Results;
use crate::cmd::scan_args::SigningArgs;
use crate::console::{Console, out};
use crate::failure::Failure;
use crate::{exit, shown, write};

/// Who runs the shards.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineName {
    /// An array job of Slurm, with a merge that waits for it
    Slurm,
    /// GNU parallel
    Parallel,
    /// xargs on this computer
    Local,
}

/// Write the scripts for an engine that runs the shards, and start them
///
/// With parallel and local, and with --wait, exits as a scan of all exhibits would. Else 0 means
/// that Slurm has taken the batch: `batch status` tells what becomes of it. Submitted again, only
/// what is not done yet is done.
#[derive(Args, Debug)]
pub(crate) struct SubmitArgs {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The folder of the results, the same on every machine
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    /// Who runs the shards
    #[arg(long, value_name = "NAME")]
    engine: EngineName,
    /// Shards at once, for parallel and local
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// Ask Slurm for one licence of its storage for each shard
    #[arg(long)]
    licences: bool,
    /// An option of the engine, such as `--partition=urgent`; may be given several times
    #[arg(long = "option", value_name = "TEXT", allow_hyphen_values = true)]
    options: Vec<String>,
    /// Threads of each scan, and processors that Slurm is asked for; else one for each processor
    #[arg(long, value_name = "N", env = "TRIAGE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Wait for a batch that Slurm has queued, and exit with its answer
    #[arg(long)]
    wait: bool,
    /// Print the scripts; write and start nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &SubmitArgs, console: Console) -> Result<u8, Failure> {
    let plan = super::read_plan(&args.plan)?;
    // A key that cannot be used is told now, not by every shard.
    crate::signing::signed_by(&args.signing)?;
    let program = text(std::env::current_exe()?)?;
    let plan_path = text(super::absolute(&args.plan)?)?;
    let results = text(super::absolute(&args.results)?)?;
    let engine = match args.engine {
        EngineName::Slurm => Engine::Slurm,
        EngineName::Parallel => Engine::Parallel,
        EngineName::Local => Engine::Local,
    };
    let submission = Submission {
        program: &program,
        plan: &plan_path,
        results: &results,
        workers: usize::from(args.workers),
        licences: args.licences,
        options: &args.options,
        threads: args.threads,
        signing: &signing(&args.signing)?,
        waits: args.wait,
    };
    let scripts = scripts(engine, &plan, &submission);
    if args.dry_run {
        for (name, script) in &scripts {
            let path = script_of(&results, name);
            console.line(&format!("# {path}\n{script}"));
            console.record(&json!({ "v": 1, "type": "script", "path": path, "text": script }));
        }
        console.record(&json!({ "v": 1, "type": "summary", "exit": exit::COMPLETE }));
        return Ok(exit::COMPLETE);
    }
    let opened = Results::open(&args.results, &plan)?;
    let failed = |error: std::io::Error| {
        Failure::new(exit::INCOMPLETE, "cannot write the scripts")
            .at(shown::path(opened.path()))
            .caused_by(&error)
    };
    write::folder(&opened.path().join("submit")).map_err(failed)?;
    for (name, script) in &scripts {
        let path = opened.path().join("submit").join(name);
        write::whole_file(&path, script.as_bytes()).map_err(failed)?;
    }
    start(&script_of(&results, "submit.sh"), console)
}

/// Returns a path as a script can hold it.
fn text(path: PathBuf) -> Result<String, Failure> {
    path.into_os_string().into_string().map_err(|path| {
        Failure::usage("the scripts need paths that are text").at(shown::path(path.as_ref()))
    })
}

/// Returns the options of whoever signs, with paths that are valid on every machine.
fn signing(args: &SigningArgs) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    for (option, path) in args.paths() {
        words.push(format!("{option}={}", text(super::absolute(path)?)?));
    }
    for (option, name) in args.names() {
        // An agent's key may be named by its file.
        let is_file = option == "--sign-agent" && Path::new(name).is_file();
        let name = if is_file { text(super::absolute(Path::new(name))?)? } else { name.to_owned() };
        words.push(format!("{option}={name}"));
    }
    Ok(words)
}

/// Starts the engine and says what it says.
fn start(script: &str, console: Console) -> Result<u8, Failure> {
    let cannot = |error: &dyn std::error::Error| {
        Failure::usage("cannot start the engine").at(script.to_owned()).caused_by(error)
    };
    let started = Command::new("sh")
        .arg(script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot(&error))?;
    let said = String::from_utf8_lossy(&started.stdout);
    if !console.json {
        out(said.trim_end());
    }
    // Where nothing is queued, the last command merges: its answer is ours.
    let code = started.status.code().and_then(|code| u8::try_from(code).ok());
    let answers = [exit::COMPLETE, exit::HIT, exit::INCOMPLETE, exit::INCOMPLETE_HIT];
    match code {
        Some(code) if answers.contains(&code) || code == exit::VERIFY_FAILED => {
            console.record(&json!({
                "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
                "script": script, "said": said.lines().collect::<Vec<_>>(),
            }));
            Ok(code)
        }
        code => Err(Failure::usage("the engine refused the batch")
            .at(script.to_owned())
            .because(code.map_or("it was killed".to_owned(), |code| format!("exit code {code}")))
            .hint("is it installed and running? the script can be run by hand")),
    }
}
