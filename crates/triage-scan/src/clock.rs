//! Elapsed time as a parameter: the pipeline itself owns no clock.

use std::time::Duration;

/// A monotonic clock that the caller provides.
pub trait Clock: Send + Sync {
    /// Returns the time since the run began.
    fn elapsed(&self) -> Duration;
}

/// A program's own clock: `Arc::new(move || started.elapsed())`.
impl<F: Fn() -> Duration + Send + Sync> Clock for F {
    fn elapsed(&self) -> Duration {
        self()
    }
}
