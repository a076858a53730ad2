//! How this machine answers a plan. Nothing here may change a byte of the manifest.

use std::time::Duration;

use serde_json::{Value, json};

/// How the evidence's storage is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMode {
    /// Many readers at once: solid-state and network storage.
    Parallel,
    /// One reader at a time, which takes the contents of a batch as they lie on the medium: a
    /// spinning disk, whose head must not jump between files.
    OneReader,
}

/// Threads, deadlines and early ends of one run.
#[derive(Clone, Copy, Debug)]
pub struct Execution {
    /// Threads that read and hash; at least one.
    pub threads: usize,
    /// How the storage is read.
    pub io: IoMode,
    /// How long one read may take before the entry is given up; `None` waits for ever.
    pub read_timeout: Option<Duration>,
    /// How long the run may take before what is left is recorded as not reached.
    pub budget: Option<Duration>,
    /// After how many hits the run ends.
    pub stop_after: Option<u64>,
}

impl Execution {
    /// Returns it as `run.json` states it.
    #[must_use]
    pub fn document(&self, resumed: bool) -> Value {
        json!({
            "threads": self.threads,
            "one_reader": self.io == IoMode::OneReader,
            "read_timeout_s": self.read_timeout.map(|limit| limit.as_secs()),
            "budget_s": self.budget.map(|limit| limit.as_secs()),
            "stop_after": self.stop_after,
            "resumed": resumed,
            "code_paths": triage_hash::simd_paths(),
        })
    }
}
