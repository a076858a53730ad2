//! The machine in words. No host name, no user, no path.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

use crate::process;

/// Instruction sets that the digests use.
const FEATURES: &[&str] = &["sha_ni", "avx2", "avx512f"];

/// The peers that hash files, each with the flag that makes it tell its version.
pub(super) const HASHERS: [&str; 4] =
    ["hashdeep -V", "rhash --version", "sha256sum --version", "b3sum --version"];

/// One line a fact; the last ones are the versions of programs.
pub(super) fn words(programs: &[&str]) -> Vec<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let threads = available_parallelism().map_or(1, usize::from);
    let flags = field("flags").unwrap_or_default();
    let has = |flag: &&&str| flags.split(' ').any(|found| found == **flag);
    let features: Vec<&str> = FEATURES.iter().filter(has).copied().collect();
    let mut words = vec![
        format!("{threads} cores of {}", field("model name").unwrap_or_else(|| "unknown".into())),
        format!("instructions: {}", features.join(", ")),
        "page cache warm".to_owned(),
    ];
    words.extend(programs.iter().copied().map(version));
    words
}

/// The first line of what a program says of its version.
fn version(line: &str) -> String {
    let (program, flag) = line.split_once(' ').unwrap_or((line, "--version"));
    let output = process::keep(Command::new(program).arg(flag));
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let first = said.ok().and_then(|said| said.lines().next().map(str::to_owned));
    format!("{program}: {}", first.unwrap_or_else(|| "not installed".to_owned()))
}
