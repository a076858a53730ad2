//! `batch run`: one shard. Safe to run twice, at once or one after the other, and after a kill.
//!
//! Each item is scanned by a process of its own, so that nothing that an exhibit does to it ends
//! the shard. What an item has become is told from its folder, never from what a process said.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use triage_batch::{BatchPlan, Item, ItemState, Job, State};

use super::results::{Overview, Results};
use crate::cmd::scan_args::SigningArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown, write};

/// How often a process that scans is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long to wait before looking again at an item that another process works on.
const WAIT: Duration = Duration::from_secs(1);
/// How often an item is taken up again when its process was killed or could not go on.
const TRIES: u32 = 3;
/// How much of a log is read for the reason of a failure.
const LIMIT_LOG_BYTES: usize = 64 * 1024;

/// Examine one shard of a batch, item after item, the most urgent first
///
/// What is a sealed package already is left alone; what was interrupted goes on; what another
/// process works on is waited for. Exits as a scan of the whole shard would.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The folder of the results, the same for all shards
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    /// The number of the shard, from 0
    #[arg(long, value_name = "K")]
    shard: usize,
    #[command(flatten)]
    signing: SigningArgs,
    /// Threads of each scan; else one for each processor
    #[arg(long, value_name = "N", env = "TRIAGE_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

/// A shard under way.
struct Shard<'a> {
    args: &'a RunArgs,
    plan: &'a BatchPlan,
    results: &'a Results,
    program: PathBuf,
    interrupted: Arc<AtomicBool>,
    console: Console,
}

/// Runs the verb.
pub(crate) fn run(args: &RunArgs, console: Console) -> Result<u8, Failure> {
    let plan = super::read_plan(&args.plan)?;
    let shard = plan.shard(args.shard)?;
    let results = Results::open(&args.results, &plan)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let running = Shard {
        args,
        plan: &plan,
        results: &results,
        program: std::env::current_exe()?,
        interrupted,
        console,
    };
    let mut states = std::collections::BTreeMap::new();
    for item in shard.items.iter().filter_map(|id| plan.item(id)) {
        if let Some(state) = running.examine(item)? {
            running.tell(item, &state);
            states.insert(item.id.clone(), state);
        } else {
            console.say("interrupted: what was examined is kept; run the shard again to go on");
            console.record(&json!({ "v": 1, "type": "summary", "exit": exit::INTERRUPTED }));
            return Ok(exit::INTERRUPTED);
        }
    }
    let mut part = plan.clone();
    part.items.retain(|item| states.contains_key(&item.id));
    part.exhibits.retain(|exhibit| part.items.iter().any(|item| item.exhibit == exhibit.id));
    let overview = Overview::of(&part, states);
    let code = overview.totals.code();
    console.line(&overview.verdict(code));
    console.record(&overview.summary(code));
    Ok(code)
}

impl Shard<'_> {
    /// Brings an item as far as it gets. `None` if the operator interrupted.
    fn examine(&self, item: &Item) -> Result<Option<ItemState>, Failure> {
        let mut tries = 0;
        let mut waits = false;
        loop {
            let state = self.results.state(self.plan, item)?;
            match state.state {
                State::Done(_) => return Ok(Some(state)),
                State::Running => {
                    if !waits {
                        self.console.say(&format!("{}: another process works on it", item.id));
                    }
                    waits = true;
                    std::thread::sleep(WAIT);
                }
                State::Interrupted | State::Waiting | State::Failed if tries < TRIES => {
                    tries += 1;
                    let resumes = state.state == State::Interrupted;
                    let ended = self.scan(item, &state.package, resumes)?;
                    // Another process may have begun it in the same moment, and shows a little
                    // later what it works on.
                    if ended.code() == Some(exit::REFUSED.into()) && tries < TRIES {
                        std::thread::sleep(WAIT);
                        continue;
                    }
                    if self.note(item, ended)? {
                        return self.results.state(self.plan, item).map(Some);
                    }
                }
                _ => return Ok(Some(state)),
            }
            if self.interrupted.load(Ordering::Relaxed) {
                let state = self.results.state(self.plan, item)?;
                return Ok(Some(state).filter(|state| matches!(state.state, State::Done(_))));
            }
        }
    }

    /// Notes why a scan found nothing out. Says whether there is no use in trying again.
    fn note(&self, item: &Item, ended: ExitStatus) -> Result<bool, Failure> {
        let code = ended.code().and_then(|code| u8::try_from(code).ok());
        let (code, reason) = match code {
            Some(code @ (exit::USAGE | exit::REFUSED | exit::INTERNAL | exit::VERIFY_FAILED)) => {
                (code, self.reason(item))
            }
            // Any other end is seen in the folder: a package, or a journal to go on with.
            _ => return Ok(false),
        };
        // Another process may have begun it in the same moment.
        let state = self.results.state(self.plan, item)?;
        if !matches!(state.state, State::Waiting | State::Failed) {
            return Ok(false);
        }
        self.results.put_failure(item, code, &reason)?;
        Ok(true)
    }

    /// The last words of a scan that failed.
    fn reason(&self, item: &Item) -> String {
        let log = std::fs::read(self.results.log(item, "ndjson")).unwrap_or_default();
        let tail = log.get(log.len().saturating_sub(LIMIT_LOG_BYTES)..).unwrap_or_default();
        let last = tail.split(|&byte| byte == b'\n').rfind(|line| !line.is_empty());
        let summary: Value =
            last.and_then(|line| serde_json::from_slice(line).ok()).unwrap_or_default();
        let text = |key: &str| summary[key].as_str().unwrap_or_default();
        match (text("error"), text("because")) {
            ("", _) => "it ended without a word; see its log".to_owned(),
            (error, "") => error.to_owned(),
            (error, because) => format!("{error}: {because}"),
        }
    }

    /// Runs a scan of the item to its end, and hands an interruption on to it.
    fn scan(&self, item: &Item, package: &Path, resumes: bool) -> Result<ExitStatus, Failure> {
        let mut command = self.command(item, package, resumes)?;
        let log = |kind| {
            let path = self.results.log(item, kind);
            write::appended_file(&path).map_err(|error| {
                Failure::new(exit::INCOMPLETE, "cannot write a log")
                    .at(shown::path(&path))
                    .caused_by(&error)
            })
        };
        command.stdin(Stdio::null()).stdout(log("ndjson")?).stderr(log("txt")?);
        let mut child = command.spawn()?;
        let mut told = false;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.interrupted.load(Ordering::Relaxed) && !told {
                told = true;
                terminate(&child);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn command(&self, item: &Item, package: &Path, resumes: bool) -> Result<Command, Failure> {
        let mut command = Command::new(&self.program);
        command.args(["scan", "--json", "--case"]).arg(package);
        forget_environment(&mut command);
        if let Some(threads) = self.args.threads {
            command.arg("--threads").arg(threads.to_string());
        }
        for (option, path) in self.args.signing.paths() {
            command.arg(option).arg(path);
        }
        for (option, name) in self.args.signing.names() {
            command.arg(option).arg(name);
        }
        let Some(exhibit) = self.plan.exhibit(&item.exhibit) else {
            return Err(Failure::usage("the plan has no such exhibit").at(item.exhibit.clone()));
        };
        match exhibit.job.spinning {
            Some(true) => command.args(["--io", "hdd"]),
            Some(false) => command.args(["--io", "ssd"]),
            None => &mut command,
        };
        if resumes {
            command.arg("--resume");
            return Ok(command);
        }
        self.put_question(&mut command)?;
        put_job(&mut command, &exhibit.job);
        for (option, location) in [("--after", &item.after), ("--until", &item.until)] {
            if let Some(location) = location {
                command.arg(format!("{option}={location}"));
            }
        }
        command.arg("--").arg(path_of(&exhibit.job.source)?);
        Ok(command)
    }

    /// The options of the plan's question.
    fn put_question(&self, command: &mut Command) -> Result<(), Failure> {
        let question = &self.plan.question;
        if let Some(algorithms) = question["algorithms"].as_str() {
            command.arg("--algorithms").arg(algorithms);
        }
        if let Some(scope) = &self.plan.scope_file {
            command.arg("--scope").arg(path_of(scope)?);
        }
        let limit = &question["max_size_bytes"];
        if let Some(limit) = limit.as_u64().or_else(|| limit.as_str()?.parse().ok()) {
            command.arg("--max-size").arg(limit.to_string());
        }
        for set in question["sets"].as_array().into_iter().flatten() {
            let option = match set["options"]["typed"].as_str() {
                Some("known-good") => "--known-good",
                Some("informational") => "--informational",
                _ => "--sets",
            };
            command.arg(option).arg(path_of(set["path"].as_str().unwrap_or_default())?);
        }
        // How lists are read was typed once, for all of them.
        let reading = &question["sets"][0]["options"];
        for (option, key) in [
            ("--set-format", "format"),
            ("--map", "map"),
            ("--scheme", "scheme"),
            ("--set-algorithm", "algorithm"),
        ] {
            if let Some(value) = reading[key].as_str() {
                command.arg(option).arg(value);
            }
        }
        Ok(())
    }

    fn tell(&self, item: &Item, state: &ItemState) {
        let name = state.state.name();
        let exhibit = self.plan.exhibit(&item.exhibit).map(|e| e.job.exhibit.clone());
        let exhibit = triage_evidence::escape(exhibit.unwrap_or_default().as_bytes());
        let reason = state
            .reason
            .as_deref()
            .map(|reason| format!(" because {}", triage_evidence::escape(reason.as_bytes())));
        self.console.line(&format!("{}  {exhibit}: {name}{}", item.id, reason.unwrap_or_default()));
        self.console.record(&json!({
            "v": 1, "type": "item", "item": item.id, "exhibit": exhibit, "state": name,
            "package": shown::path(&state.package), "reason": state.reason,
        }));
    }
}

/// The plan says everything: what the environment would add is not asked.
fn forget_environment(command: &mut Command) {
    let all = crate::cli::command();
    let scan = all.find_subcommand("scan");
    let known = scan.into_iter().flat_map(clap::Command::get_arguments);
    for name in known.chain(all.get_arguments()).filter_map(clap::Arg::get_env) {
        command.env_remove(name);
    }
}

fn put_job(command: &mut Command, job: &Job) {
    for (option, value) in [
        ("--exhibit", Some(&job.exhibit)),
        ("--case-number", Some(&job.case_number)),
        ("--examiner", Some(&job.examiner)),
        ("--organisation", job.organisation.as_ref()),
        ("--authority", job.authority.as_ref()),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            command.arg(format!("{option}={value}"));
        }
    }
}

/// A path of the plan is in display form.
fn path_of(text: &str) -> Result<PathBuf, Failure> {
    let bytes = triage_evidence::unescape(text).map_err(|error| {
        Failure::usage("the plan holds no such path").at(text.to_owned()).caused_by(&error)
    })?;
    Ok(PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes)))
}

/// Asks a scan to keep what it has and end.
fn terminate(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended in this moment.
        let _over = kill_process(pid, Signal::TERM);
    }
}
