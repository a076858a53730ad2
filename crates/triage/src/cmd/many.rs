//! Work on many stored packages: which ones, several at once, results in their order.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use triage_case::StoredManifest;

use super::scan_args::read_text;
use crate::failure::Failure;

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

/// Says whether the scan of a package ended early, noted a doubt about itself, or does not say. A
/// manifest alone, which is told to be one, has nothing that could say it.
pub(crate) fn doubts(stored: &StoredManifest) -> Result<bool, Failure> {
    Ok(stored.seal_sha256().is_some() && is_doubtful(&stored.run()?))
}

/// Says whether a run ended early, noted a doubt about itself, or does not say.
pub(crate) fn is_doubtful(run: &Value) -> bool {
    let is_sure = run["doubts"].as_array().is_some_and(Vec::is_empty);
    !is_sure || !run.get("halted").is_some_and(Value::is_null)
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
