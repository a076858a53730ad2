//! `bench workers`: one batch of exhibits, examined and merged by one worker and by two: how the
//! time falls, and whether the answer stays the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use serde_json::Value;

use super::{Scratch, corpus};
use crate::error::{Error, Outcome, at};
use crate::process;

/// Passes of each; the fastest counts.
const PASSES: usize = 3;
/// With two workers the batch takes at most this part of the time of one.
const MOST: f64 = 0.6;

/// What the task is asked.
#[derive(Args)]
pub(crate) struct WorkersArgs {
    /// Where exhibits and results are made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Measures, prints, and compares.
///
/// # Errors
/// Our binary fails, the answers differ, or two workers are not faster enough.
pub(super) fn run(args: &WorkersArgs) -> Outcome {
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().map_err(at("find", binary))?,
        None => super::release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let corpus = corpus::of_workers().make(&scratch.0)?;
    let exhibits = plan(&binary, &scratch.0, &corpus.dir)?;
    println!("{exhibits} exhibits, {}; a thread for each scan", corpus.words);
    let mut best = [f64::INFINITY; 2];
    let mut answers: Vec<Value> = Vec::new();
    for _ in 0..PASSES {
        for workers in [1, 2] {
            let (seconds, answer) = submit(&binary, &scratch.0, workers)?;
            best[workers - 1] = best[workers - 1].min(seconds);
            answers.push(answer);
        }
    }
    println!(
        "one worker: {:.2} s; two: {:.2} s, {:.2} times as fast",
        best[0],
        best[1],
        best[0] / best[1]
    );
    let is_whole = |answer: &Value| answer[0] == exhibits && answer[1] == true;
    if answers.iter().any(|answer| *answer != answers[0] || !is_whole(answer)) {
        return Err(Error::Refused(format!("the answers differ: {answers:?}")));
    }
    if best[1] <= best[0] * MOST {
        return Ok(());
    }
    Err(Error::Findings { check: "bench workers", findings: 1 })
}

/// Plans a batch in which each folder is an exhibit; returns how many there are.
fn plan(binary: &Path, scratch: &Path, folder: &Path) -> Outcome<usize> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(at("list", folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    folders.sort();
    let mut jobs = "exhibit,source,spinning\n".to_owned();
    for (number, path) in folders.iter().enumerate() {
        jobs.push_str(&format!("E{number},{},false\n", path.display()));
    }
    let path = scratch.join("jobs.csv");
    fs::write(&path, jobs).map_err(at("write", &path))?;
    let mut command = Command::new(binary);
    command.args(["batch", "plan", "-q", "jobs.csv", "-o", "plan.json"]).current_dir(scratch);
    process::show(&mut command)?;
    Ok(folders.len())
}

/// Has a batch done, merge included; returns how long it took, and the counts of its summary.
fn submit(binary: &Path, scratch: &Path, workers: usize) -> Outcome<(f64, Value)> {
    let results = scratch.join("results");
    let mut command = Command::new(binary);
    command
        .args(["batch", "submit", "--json", "-q", "--plan", "plan.json", "--results", "results"])
        .args(["--engine", "local", "--threads", "1", "--workers", &workers.to_string()])
        .current_dir(scratch)
        .stdout(Stdio::null());
    let begun = Instant::now();
    process::show(&mut command)?;
    let seconds = begun.elapsed().as_secs_f64();
    let path = results.join("summary.json");
    let text = fs::read_to_string(&path).map_err(at("read", &path))?;
    let summary: Value = serde_json::from_str(&text)
        .map_err(|error| Error::Refused(format!("{path:?} cannot be read: {error}")))?;
    fs::remove_dir_all(&results).map_err(at("remove", &results))?;
    let answer = ["exhibits", "complete", "classes", "hits"].map(|key| summary[key].clone());
    Ok((seconds, Value::from(answer.to_vec())))
}
