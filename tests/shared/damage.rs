//! What the tests of damaged evidence share: a generator with a seed, how often each parser is
//! damaged, and the limits of time and memory that one damage must keep.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How many damages are tried of each parser of evidence.
pub(crate) const ROUNDS: u64 = 1_000;
/// The longest that reading one damaged image may take.
const LIMIT_TIME: Duration = Duration::from_secs(5);
/// The most memory that the process of the tests may touch meanwhile, in MiB: the tests of a crate
/// run side by side, each with an image and what is laid over it.
const LIMIT_RESIDENT: u64 = 600;
/// The most memory that it may have asked for, touched or not, in MiB: threads reserve theirs.
const LIMIT_ASKED: u64 = 2048;

/// A small generator with a fixed seed, so that a failure can be repeated by its number.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((self.0 >> 33) as usize) % below
    }
}

/// Reads what one seed damaged, under the limits. A reader that hangs ends the process: nothing
/// can wake it.
pub(crate) fn within_limits<T: Send>(name: &str, seed: u64, read: impl FnOnce() -> T + Send) -> T {
    // Writing 5 makes the kernel measure the peak anew, proc(5).
    #[expect(clippy::disallowed_methods, reason = "a switch of the kernel, no file")]
    let _anew = std::fs::write("/proc/self/clear_refs", "5");
    let given = std::thread::scope(|scope| {
        let (done, waits) = channel::<()>();
        let reader = scope.spawn(move || {
            let given = read();
            drop(done);
            given
        });
        if waits.recv_timeout(LIMIT_TIME) == Err(RecvTimeoutError::Timeout) {
            hangs(name, seed);
        }
        reader.join().unwrap_or_else(|panic| {
            tell(&format!("{name}, seed {seed}: the reader panicked"));
            resume_unwind(panic)
        })
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (field, limit) in [("VmHWM:", LIMIT_RESIDENT), ("VmPeak:", LIMIT_ASKED)] {
        let peak = mebibytes(&status, field);
        assert!(peak < limit, "{name}, seed {seed}: {field} {peak} MiB");
    }
    given
}

fn hangs(name: &str, seed: u64) -> ! {
    tell(&format!("{name}, seed {seed}: not read within {LIMIT_TIME:?}"));
    std::process::abort()
}

#[expect(clippy::print_stderr, reason = "a damage that is not survived is named by its seed")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Returns a field of what the kernel says of the memory of this process, proc(5).
fn mebibytes(status: &str, field: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = value.and_then(|value| value.trim().strip_suffix(" kB"));
    kibibytes.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(u64::MAX) / 1024
}
