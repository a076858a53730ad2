//! `ci`: every check, the cheap ones first; stops at the first that fails.
//!
//! One profile for everything, so that nothing is built twice. The last line is the count of tests.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Error, Outcome, at};
use crate::workspace::root;
use crate::{docs, process, tidy};

/// Programs that tests compare with; without one, its tests say that they were skipped.
const TOOLS: &[&str] = &[
    "hashdeep",
    "md5deep",
    "hfind",
    "sqlite3",
    "b3sum",
    "sha256sum",
    "ssh-keygen",
    "jq",
    "sbatch",
    "python3",
    "openssl",
    "xxd",
    "xmllint",
    "qpdf",
    "pdffonts",
    "pdftotext",
    "qemu-img",
    "ewfacquire",
    "mke2fs",
    "mcopy",
    "mkntfs",
    "cryptsetup",
];

/// Programs of the Python environment of bagit.py, and what is skipped without them.
const READERS: &[(&str, &str)] =
    &[("case_validate", "the CASE/UCO export"), ("duckdb", "the Parquet export")];

type Step = (&'static str, fn() -> Outcome<Option<Tests>>);

const STEPS: &[Step] = &[
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("tidy", || tidy::run().map(|()| None)),
    ("clippy", || cargo(&["clippy", "-q", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("docs --check", || docs::check().map(|()| None)),
    ("test", || test().map(Some)),
    ("fuzz", || cargo(&["run", "-q", "--package", "xtask", "--", "fuzz", "--seconds", "5"])),
];

/// Runs every step.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run() -> Outcome {
    let mut durations: Vec<(&str, Duration)> = Vec::new();
    let mut tests = Tests::default();
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        let result = step();
        let duration = start.elapsed();
        println!("== {name}: {:.1} s", duration.as_secs_f64());
        durations.push((name, duration));
        match result {
            Ok(counted) => tests = counted.unwrap_or(tests),
            Err(error) => {
                let left: Vec<_> = STEPS.iter().skip(durations.len()).map(|step| step.0).collect();
                println!("not run: {}", list(&left, "-"));
                return Err(error);
            }
        }
    }
    println!();
    for (name, duration) in &durations {
        println!("{name:<14}{:>8.1} s", duration.as_secs_f64());
    }
    println!("skipped: {}", list(&skipped(), "nothing"));
    println!("{tests}");
    Ok(())
}

fn list<S: AsRef<str>>(words: &[S], none: &str) -> String {
    if words.is_empty() {
        return none.to_owned();
    }
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

fn cargo(args: &[&str]) -> Outcome<Option<Tests>> {
    process::show(process::cargo().args(args)).map(|()| None)
}

/// What the tests could not compare with on this machine.
fn skipped() -> Vec<String> {
    let missing = TOOLS.iter().filter(|tool| process::find(tool).is_none());
    let mut skipped: Vec<_> = missing.map(|tool| format!("{tool} is not installed")).collect();
    match std::env::var_os("TRIAGE_TEST_BAGIT") {
        None => skipped.push("no BagIt validator (TRIAGE_TEST_BAGIT is not set)".to_owned()),
        Some(bagit) => skipped.extend(unread(Path::new(&bagit))),
    }
    if std::env::var_os("TRIAGE_TEST_PYTHON").is_none() {
        skipped.push("no stix2 and pymisp (TRIAGE_TEST_PYTHON is not set)".to_owned());
    }
    skipped
}

/// Which exports no reader that is not ours opens: the readers stand beside the BagIt validator.
fn unread(bagit: &Path) -> Vec<String> {
    let is_there = |name: &str| match name {
        "duckdb" => {
            let python = bagit.with_file_name("python");
            let mut asked = Command::new(python);
            let asked = asked.args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
            asked.is_ok_and(|status| status.success())
        }
        name => bagit.with_file_name(name).exists(),
    };
    let missing = READERS.iter().filter(|(name, _)| !is_there(name));
    missing.map(|(name, what)| format!("{what} (no {name})")).collect()
}

/// The sum over all test programs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tests {
    programs: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tests {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        self.programs += 1;
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let number = number.parse::<u64>().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Tests {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "tests: {} passed, {} failed, {} ignored, in {} programs",
            self.passed, self.failed, self.ignored, self.programs
        )
    }
}

/// Runs all tests, doc tests included, and counts while it shows them.
fn test() -> Outcome<Tests> {
    let mut command = process::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).stdout(Stdio::piped());
    let program = process::line(&command);
    let start = command.spawn();
    let mut child = start.map_err(|source| Error::Start { program: program.clone(), source })?;
    let mut tests = Tests::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(at("read the tests of", &root()))?;
            let line = String::from_utf8_lossy(&line);
            tests.add(&line);
            println!("{line}");
        }
    }
    let status =
        child.wait().map_err(|source| Error::Start { program: program.clone(), source })?;
    println!("{tests}");
    // A run that counted nothing has shown nothing, whatever its status.
    if status.success() && tests.passed > 0 && tests.failed == 0 {
        return Ok(tests);
    }
    Err(Error::Failed { program, status: format!("{status} ({tests})") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_passed_failed_and_ignored() {
        let mut tests = Tests::default();
        tests.add("running 4 tests");
        tests.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        tests.add("test result: FAILED. 2 passed; 5 failed; 0 ignored; 0 measured");
        assert_eq!(tests, Tests { programs: 2, passed: 5, failed: 5, ignored: 1 });
    }
}
