//! Work on many stored packages: which ones, several at once, results in their order.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use triage_case::StoredManifest;

use super::scan_args::read_text;
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, measure};

/// How many results wait for the ones before them, for each thread.
const WAITING: usize = 16;

/// Returns the packages that were typed, and those of a list.
pub(crate) fn packages(typed: &[PathBuf], list: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let mut all = typed.to_vec();
    match list {
        None => {}
        Some(list) if list == Path::new("-") => {
            let text = std::io::read_to_string(std::io::stdin())
                .map_err(|error| Failure::usage("cannot read the packages").caused_by(&error))?;
            all.extend(text.lines().filter(|line| !line.is_empty()).map(PathBuf::from));
        }
        Some(list) => {
            let text = read_text(list, "the packages")?;
            all.extend(text.lines().filter(|line| !line.is_empty()).map(PathBuf::from));
        }
    }
    if all.is_empty() {
        return Err(Failure::usage("no package was named"));
    }
    Ok(all)
}

/// Returns how many threads work.
pub(crate) fn threads(typed: Option<u16>) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    typed.map_or_else(processors, usize::from)
}

/// Returns what the scan of a package noted against itself: that it ended early, and its doubts;
/// or that it does not say. A manifest alone, which is told to be one, has nothing to say it with.
pub(crate) fn doubts(stored: &StoredManifest) -> Result<Vec<String>, Failure> {
    if stored.seal_sha256().is_none() {
        return Ok(Vec::new());
    }
    Ok(noted(&stored.run()?))
}

/// Returns what the document of a run notes against it: that it ended early, and its doubts; or
/// that it does not say.
pub(super) fn noted(run: &Value) -> Vec<String> {
    if !run["doubts"].is_array() || run.get("halted").is_none() {
        return vec!["it does not say how its scan ended".to_owned()];
    }
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let halted = Some(&run["halted"]).filter(|how| !how.is_null());
    let halted = halted.map(|how| format!("the scan ended early: {}", words(how)));
    let noted = run["doubts"].as_array().into_iter().flatten().map(words);
    halted.into_iter().chain(noted).collect()
}

/// What became of the packages of a question, and what stands against its answer.
#[derive(Default)]
pub(crate) struct Packages {
    /// How many were asked.
    asked: u64,
    /// Those that could not be used to the end, with the reason.
    failed: Vec<(String, String)>,
    /// How many lie in no package, so that nothing shows that they are as they were written.
    unsealed: u64,
    /// What scans noted against themselves.
    doubts: Vec<String>,
    /// Whether one is not as it was sealed.
    is_damaged: bool,
}

impl Packages {
    /// Takes a package that was used.
    pub(crate) fn used(&mut self, path: &str, is_sealed: bool, doubts: &[String]) {
        self.asked += 1;
        self.unsealed += u64::from(!is_sealed);
        self.doubts.extend(doubts.iter().map(|doubt| format!("{path}: {doubt}")));
    }

    /// Takes a package that could not be used.
    pub(crate) fn unusable(&mut self, path: &str, failure: Failure, console: Console) {
        self.asked += 1;
        self.broke_off(path, failure, console);
    }

    /// Notes that a package that was used could not be used to the end.
    pub(crate) fn broke_off(&mut self, path: &str, failure: Failure, console: Console) {
        self.is_damaged |= failure.code == exit::VERIFY_FAILED;
        self.failed(path, failure.because.unwrap_or(failure.what), console);
    }

    /// Notes that not all that was asked of a package has an answer.
    pub(crate) fn failed(&mut self, path: &str, because: String, console: Console) {
        console.line(&format!("FAILED {path}: {because}"));
        console.record(&json!({ "v": 1, "type": "failed", "package": path, "because": because }));
        self.failed.push((path.to_owned(), because));
    }

    /// Notes something that stands against the answer.
    pub(crate) fn doubt(&mut self, doubt: String) {
        self.doubts.push(doubt);
    }

    /// Returns those that failed, with the reason.
    pub(crate) fn all_failed(&self) -> &[(String, String)] {
        &self.failed
    }

    /// Returns what scans noted against themselves, each with its package.
    pub(crate) fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// Says whether every package was used, and whether none has doubts.
    pub(crate) fn are_complete(&self) -> bool {
        self.failed.is_empty() && self.doubts.is_empty()
    }

    /// Returns how many were used to the end.
    pub(crate) fn complete(&self) -> u64 {
        self.asked.saturating_sub(self.failed.len() as u64)
    }

    /// Returns the exit code: `is_complete` says whether what was used had no gap.
    pub(crate) fn code(&self, is_complete: bool, is_found: bool) -> u8 {
        match self.is_damaged {
            true => exit::VERIFY_FAILED,
            false => exit::of_answer(is_complete && self.are_complete(), is_found),
        }
    }

    /// Adds the sums to a summary.
    pub(crate) fn sum_up(&self, summary: &mut Value) {
        summary["manifests"] = json!(self.asked);
        summary["failed"] = json!(self.failed.len());
        summary["unsealed"] = json!(self.unsealed);
        summary["doubts"] = json!(self.doubts);
    }

    /// Says which manifests were taken as they are.
    pub(crate) fn tell_unsealed(&self, console: Console) {
        if self.unsealed > 0 {
            let of = measure::counted(self.unsealed, "manifest lies", "manifests lie");
            console.say(&format!(
                "warning: {of} in no package: nothing shows that they are as they were written"
            ));
        }
    }
}

/// Does some work for each of the jobs, several at once, and hands the results on in the order of
/// the jobs. A bounded number of them waits at any time.
pub(crate) fn each_in_order<J: Sync, T: Send>(
    jobs: &[J],
    threads: usize,
    work: &(dyn Fn(&J) -> T + Sync),
    take: &mut dyn FnMut(usize, T),
) {
    let threads = threads.max(1);
    for (number, chunk) in jobs.chunks(threads * WAITING).enumerate() {
        let next = AtomicUsize::new(0);
        let mut slots: Vec<Mutex<Option<T>>> = Vec::new();
        slots.resize_with(chunk.len(), || Mutex::new(None));
        std::thread::scope(|scope| {
            for _ in 0..threads.min(chunk.len()) {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(job), Some(slot)) = (chunk.get(place), slots.get(place)) else {
                            break;
                        };
                        let done = work(job);
                        if let Ok(mut slot) = slot.lock() {
                            *slot = Some(done);
                        }
                    }
                });
            }
        });
        for (place, slot) in slots.into_iter().enumerate() {
            // A thread that failed has ended the program already: its scope panics.
            if let Ok(Some(done)) = slot.into_inner() {
                take(number * threads * WAITING + place, done);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_with_any_number_of_threads() {
        let jobs: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7] {
            let mut taken = Vec::new();
            let work = |job: &u64| {
                if job.is_multiple_of(3) {
                    std::thread::yield_now();
                }
                job * 2
            };
            each_in_order(&jobs, threads, &work, &mut |place, done| taken.push((place, done)));
            assert!(
                taken
                    .iter()
                    .zip(0..)
                    .all(|((place, done), job)| { *place as u64 == job && *done == job * 2 })
            );
            assert_eq!(taken.len(), jobs.len());
        }
    }
}
