//! What a scan would take, from speeds that are measured here and now.

use std::time::Duration;

use serde_json::{Value, json};
use triage_case::{Share, Status};
use triage_hash::{Algorithms, Hasher};
use triage_scan::{Clock as _, Survey, read_samples};

use super::plan::Question;
use crate::clock::RunClock;
use crate::shown;

/// How long each of the two samples is read at most.
const SAMPLE_TIME: Duration = Duration::from_millis(1500);
/// How much of one large file is read.
const LARGE_BYTES: u64 = 16 * 1024 * 1024;
/// How much of one file of the even sample is read.
const SPREAD_BYTES: u64 = 256 * 1024;
/// How long hashing is measured.
const HASH_TIME: Duration = Duration::from_millis(150);
/// What is hashed at once: larger than the caches of one core, as content is.
const HASH_BYTES: usize = 4 * 1024 * 1024;

/// Measured speeds, and the time that they make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Content from the storage, in bytes a second; 0 if there was nothing to read.
    pub(super) read_bytes_per_s: u64,
    /// All digests, on all threads, in bytes a second.
    pub(super) hash_bytes_per_s: u64,
    /// What a file costs beside its bytes, in microseconds.
    pub(super) file_us: u64,
    /// How long the walk of the metadata took.
    pub(super) walked: Duration,
    /// How much was read to measure.
    pub(super) sampled: Share,
    /// The whole scan.
    pub(super) whole: Duration,
}

/// Measures how fast the samples come and how fast this computer hashes.
pub(super) fn measure_cost(question: &Question, survey: &Survey, walked: Duration) -> Cost {
    // Small files first: the large ones would push them out of the cache.
    let (spread, spread_time) = timed(survey, false);
    let (large, large_time) = timed(survey, true);
    let read_bytes_per_s = per_second(large.bytes, large_time);
    let by_bytes = time_for(spread.bytes, read_bytes_per_s);
    let beside = spread_time.saturating_sub(by_bytes);
    let file_us = micros(beside).checked_div(spread.entries).unwrap_or(0);
    let threads = question.execution.threads.max(1);
    let hash_bytes_per_s = hash_speed(question.algorithms, threads);
    let files = survey.coverage.share(Status::Read).entries;
    // Opening is shared by the threads; a disk gives its bytes one after the other.
    let opening = Duration::from_micros(files.saturating_mul(file_us)) / threads_u32(threads);
    let reading = time_for(survey.read_bytes, read_bytes_per_s) + opening;
    let hashing = time_for(survey.read_bytes, hash_bytes_per_s);
    let whole = walked + reading.max(hashing);
    let sampled =
        Share { entries: spread.entries + large.entries, bytes: spread.bytes + large.bytes };
    Cost { read_bytes_per_s, hash_bytes_per_s, file_us, walked, sampled, whole }
}

fn timed(survey: &Survey, is_large: bool) -> (Share, Duration) {
    let (samples, limit) = match is_large {
        true => (&survey.large, LARGE_BYTES),
        false => (&survey.spread, SPREAD_BYTES),
    };
    let clock = RunClock::start();
    let read = read_samples(samples, limit, &mut |_| clock.elapsed() < SAMPLE_TIME);
    (read, clock.elapsed())
}

fn threads_u32(threads: usize) -> u32 {
    u32::try_from(threads).unwrap_or(u32::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn per_second(bytes: u64, time: Duration) -> u64 {
    let speed = u128::from(bytes) * 1_000_000 / u128::from(micros(time).max(1));
    u64::try_from(speed).unwrap_or(u64::MAX)
}

fn time_for(bytes: u64, per_second: u64) -> Duration {
    let micros = (u128::from(bytes) * 1_000_000).checked_div(u128::from(per_second)).unwrap_or(0);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// Hashes zeros on all threads for a moment: digests cost the same whatever the bytes.
fn hash_speed(algorithms: Algorithms, threads: usize) -> u64 {
    let clock = RunClock::start();
    let hash = || {
        let buffer = vec![0; HASH_BYTES];
        let mut bytes = 0;
        while clock.elapsed() < HASH_TIME {
            let mut hasher = Hasher::new(algorithms);
            hasher.update(&buffer);
            // Without a use of the digests nothing would have to be computed.
            std::hint::black_box(hasher.finish());
            bytes += HASH_BYTES as u64;
        }
        bytes
    };
    let bytes: u64 = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        all.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    });
    per_second(bytes, clock.elapsed())
}

impl Cost {
    /// Returns the estimate as JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "seconds": self.whole.as_secs(),
            "read_bytes_per_s": shown::exact(self.read_bytes_per_s),
            "hash_bytes_per_s": shown::exact(self.hash_bytes_per_s),
            "file_us": self.file_us,
            "sampled_files": self.sampled.entries,
            "sampled_bytes": shown::exact(self.sampled.bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_and_times_are_each_others_inverse_and_never_divide_by_nothing() {
        assert_eq!(per_second(500, Duration::from_millis(500)), 1000);
        assert_eq!(time_for(1000, 500), Duration::from_secs(2));
        assert_eq!(time_for(1000, 0), Duration::ZERO);
        assert_eq!(time_for(u64::MAX, 1), Duration::from_micros(u64::MAX));
        assert!(per_second(1, Duration::ZERO) > 0);
    }
}
