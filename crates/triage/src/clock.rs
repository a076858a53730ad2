//! The only place that asks what time it is.
#![expect(clippy::disallowed_methods, reason = "the one clock; handed down as a value")]

use std::time::{Duration, Instant};

use jiff::ZonedDateTime;

/// The clock of this run: monotonic, begun when it was made.
pub(crate) struct RunClock(Instant);

impl RunClock {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl triage_scan::Clock for RunClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Returns the time of the wall clock, RFC 3339 with its offset.
pub(crate) fn now() -> String {
    ZonedDateTime::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Returns the time zone of this computer.
pub(crate) fn time_zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::system()
}

/// Returns the name of the time zone of this computer.
pub(crate) fn zone() -> String {
    ZonedDateTime::now().time_zone().iana_name().unwrap_or("unknown").to_owned()
}
