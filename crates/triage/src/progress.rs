//! The operator's eye on a scan: hits at once, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use triage_case::Record;
use triage_scan::{Clock, Watch};

use crate::clock::RunClock;
use crate::console::{Console, out, prose_is_seen};
use crate::{measure, shown};

/// How often a line is said where nobody sees a bar.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Counts, and shows them.
pub(crate) struct Progress {
    console: Console,
    exhibit: String,
    clock: Arc<RunClock>,
    bar: Option<ProgressBar>,
    entries: AtomicU64,
    bytes: AtomicU64,
    hits: AtomicU64,
    gaps: AtomicU64,
    over: AtomicBool,
    /// Whether hits go to standard output as they are found.
    shows_hits: bool,
}

impl Progress {
    /// Starts to show progress. The thread ends with [`Progress::finish`].
    pub(crate) fn start(
        console: Console,
        exhibit: &str,
        clock: Arc<RunClock>,
        shows_hits: bool,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let bar = (!console.quiet && prose_is_seen()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        let progress = Arc::new(Self {
            console,
            exhibit: exhibit.to_owned(),
            clock,
            bar,
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            over: AtomicBool::new(false),
            shows_hits,
        });
        let shown = Arc::clone(&progress);
        let thread = thread::spawn(move || shown.show());
        (progress, thread)
    }

    fn show(&self) {
        let mut said = Duration::ZERO;
        while !self.over.load(Ordering::SeqCst) {
            thread::park_timeout(DRAW_EVERY);
            let now = self.clock.elapsed();
            if let Some(bar) = &self.bar {
                bar.set_message(self.words(now));
                bar.tick();
            } else if now.saturating_sub(said) >= LINE_EVERY {
                said = now;
                self.console.say(&self.words(now));
            }
        }
    }

    /// One line of how far it is. There is no estimate of the end: a live directory does not say
    /// how much is still to come, and a wrong estimate is worse than none.
    fn words(&self, elapsed: Duration) -> String {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let seconds = elapsed.as_secs().max(1);
        format!(
            "{} entries, {}, {}/s, {} hits, {} not read, {}:{:02} elapsed",
            measure::count(self.entries.load(Ordering::Relaxed)),
            measure::bytes(bytes),
            measure::bytes(bytes / seconds),
            measure::count(self.hits.load(Ordering::Relaxed)),
            measure::count(self.gaps.load(Ordering::Relaxed)),
            elapsed.as_secs() / 60,
            elapsed.as_secs() % 60,
        )
    }

    /// Ends the display.
    pub(crate) fn finish(&self, thread: JoinHandle<()>) {
        self.over.store(true, Ordering::SeqCst);
        thread.thread().unpark();
        // The thread only counts and prints: if it failed, nothing of the scan is lost.
        let _shown = thread.join();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress {
    fn hit(&self, record: &Record) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        if !self.shows_hits {
            return;
        }
        let line = if self.console.json {
            shown::record_json("hit", record, &self.exhibit).to_string()
        } else {
            shown::hit_line(record)
        };
        match &self.bar {
            Some(bar) => bar.suspend(|| out(&line)),
            None => out(&line),
        }
    }

    fn recorded(&self, record: &Record) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        if record.status.is_gap() {
            self.gaps.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
