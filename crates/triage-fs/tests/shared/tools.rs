//! Stock tools that make volumes while a test runs.

use std::path::Path;
use std::process::{Command, Stdio};

/// Says whether a stock tool is there, and on stderr if it is not.
pub(crate) fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = command.status().is_ok();
    if !is_there {
        eprintln!("skipped: {tool} is not installed");
    }
    is_there
}

/// Runs a stock tool, which must succeed.
pub(crate) fn run(tool: &str, arguments: &[&str]) {
    let status = Command::new(tool)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{tool} {arguments:?}");
}

/// Bytes that repeat late and differ for each file.
pub(crate) fn content(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    (0..length).map(step).collect()
}

/// Writes a file.
#[expect(clippy::disallowed_methods, reason = "a test makes its own evidence")]
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// Makes a file so long.
#[expect(clippy::disallowed_methods, reason = "a test makes its own evidence")]
pub(crate) fn size(path: &Path, bytes: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(bytes)).unwrap();
}
