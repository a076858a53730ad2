//! Scripts that hand a plan to an engine. The contract is the same for each: run every shard, as
//! often as it takes, in any order, anywhere; then merge.
//!
//! The exit codes of a scan are answers, not failures: hits must not look like a broken job to an
//! engine. The script of a shard maps them to 0; the packages keep them, and merging tells them.

mod local;
mod parallel;
mod slurm;

use crate::BatchPlan;

/// Who runs the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Slurm: arrays, licences, requeue, a dependent merge.
    Slurm,
    /// GNU parallel, on this machine or over a list of logins.
    Parallel,
    /// `xargs -P` on this machine.
    Local,
}

/// What the scripts are written with. Paths are absolute and valid on every machine.
#[derive(Clone, Debug, Default)]
pub struct Submission<'a> {
    /// The program.
    pub program: &'a str,
    /// The plan.
    pub plan: &'a str,
    /// The folder of the results.
    pub results: &'a str,
    /// How many shards run at once, where the engine does not decide.
    pub workers: usize,
    /// Whether each storage is a licence of the engine.
    pub licences: bool,
    /// Further options of the engine, such as a partition or a list of logins.
    pub options: &'a [String],
    /// Threads of each scan; the engine is asked for so many processors.
    pub threads: Option<u16>,
    /// Who signs: options that `batch run` and `batch merge` are given, word by word.
    pub signing: &'a [String],
    /// Whether submitting to a queue waits for the answer.
    pub waits: bool,
}

/// The script that runs one shard; its first argument is the number.
const SHARD: &str = "shard.sh";
/// The script that starts everything.
const SUBMIT: &str = "submit.sh";
/// How often a shard that was killed is taken up again by its script.
const TRIES: u32 = 3;

/// Returns the scripts, with their names; `submit.sh` starts everything.
#[must_use]
pub fn scripts(
    engine: Engine,
    plan: &BatchPlan,
    submission: &Submission<'_>,
) -> Vec<(String, String)> {
    let mut scripts = vec![(SHARD.to_owned(), shard(submission))];
    scripts.extend(match engine {
        Engine::Slurm => slurm::scripts(plan, submission),
        Engine::Parallel => vec![(SUBMIT.to_owned(), parallel::submit(plan, submission))],
        Engine::Local => vec![(SUBMIT.to_owned(), local::submit(plan, submission))],
    });
    scripts
}

/// Returns the path of a script among the results.
#[must_use]
pub fn script_of(results: &str, name: &str) -> String {
    format!("{results}/submit/{name}")
}

/// A program that was killed is started again, and goes on where it was; an answer is success.
fn shard(submission: &Submission<'_>) -> String {
    let Submission { program, plan, results, threads, .. } = submission;
    let threads = threads.map(|threads| format!(" --threads {threads}")).unwrap_or_default();
    format!(
        "#!/bin/sh\n\
         # Runs shard $1 of a batch. An answer of a scan (0, 1, 3, 4) is success for the engine.\n\
         tries=0\n\
         while :; do\n  \
           {} batch run --plan {} --results {} --shard \"$1\"{threads}{}\n  \
           code=$?\n  \
           case $code in\n    \
             0|1|3|4) exit 0 ;;\n  \
           esac\n  \
           tries=$((tries + 1))\n  \
           # Above 128 it was killed by a signal: what it has done is kept.\n  \
           [ $code -gt 128 ] && [ $tries -lt {TRIES} ] || exit $code\n\
         done\n",
        quoted(program),
        quoted(plan),
        quoted(results),
        signing(submission)
    )
}

/// The options of whoever signs, with a space before each.
fn signing(submission: &Submission<'_>) -> String {
    submission.signing.iter().map(|word| format!(" {}", quoted(word))).collect()
}

/// The line that merges.
fn merge(submission: &Submission<'_>) -> String {
    let Submission { program, plan, results, .. } = submission;
    let (program, plan, results) = (quoted(program), quoted(plan), quoted(results));
    format!("{program} batch merge --plan {plan} --results {results}{}", signing(submission))
}

/// The numbers of the shards, the most urgent first.
fn numbers(plan: &BatchPlan) -> Vec<String> {
    plan.shards.iter().map(|shard| shard.shard.to_string()).collect()
}

/// A word of the shell, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
