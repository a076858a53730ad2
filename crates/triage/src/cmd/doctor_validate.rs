//! `doctor --validate`: a dated record that this very program, on this computer, gives the answers
//! that it must, for a laboratory to file (ISO/IEC 17025:2017, 7.2.1.5 and 6.4.4).
//!
//! It validates the program on harmless content made for it. It says nothing of a laboratory's
//! method, and is no accreditation.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use triage_hash::self_test;

use super::doctor::{OTHER, plant_canary};
use super::doctor_attacks::ATTACKS;
use crate::clock::{now, zone};
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, facts, measure, shown, write, write_attack};

/// A size above which the small files of the validation are not.
const LIMIT_SIZE: &str = "1K";
/// The key to trust: that of the package before anybody attacked a copy of it.
const TRUSTED: &str = "case/keys/allowed_signers";

/// One test of a validation.
struct Test {
    group: &'static str,
    name: String,
    expected: String,
    actual: String,
}

impl Test {
    fn passed(&self) -> bool {
        self.expected == self.actual
    }

    fn to_json(&self) -> Value {
        json!({
            "group": self.group, "name": self.name, "expected": self.expected,
            "actual": self.actual, "passed": self.passed(),
        })
    }
}

/// Runs every test, writes the record, and says what came of it.
pub(super) fn run(folder: &Path, temp: &Path, console: Console) -> Result<u8, Failure> {
    let started = now();
    let stem = format!("validation-{}", started.replace(':', ""));
    let places = ["json", "txt"].map(|ending| folder.join(format!("{stem}.{ending}")));
    write::folder(folder).map_err(|error| cannot_write(folder, &error))?;
    if let Some(place) = places.iter().find(|place| place.symlink_metadata().is_ok()) {
        return Err(cannot_write(place, &io::ErrorKind::AlreadyExists.into()));
    }
    let mut tests = known_answers();
    tests.extend(on_scratch(temp));
    let failed = tests.iter().filter(|test| !test.passed()).count();
    let code = if failed == 0 { exit::COMPLETE } else { exit::INTERNAL };
    let record = json!({
        "v": 1, "type": "validation",
        "result": if failed == 0 { "pass" } else { "fail" },
        "tests": tests.iter().map(Test::to_json).collect::<Vec<_>>(),
        "failed": failed,
        "tool": facts::tool(),
        "host": facts::host(),
        "clock": { "start": started, "end": now(), "zone": zone() },
    });
    let texts = [format!("{record}\n"), text(&record, &tests)];
    for (place, text) in places.iter().zip(texts) {
        write::new_file(place, 0o644, text.as_bytes())
            .map_err(|error| cannot_write(place, &error))?;
    }
    tell(&tests, &places, code, console);
    Ok(code)
}

fn tell(tests: &[Test], places: &[PathBuf], code: u8, console: Console) {
    for test in tests {
        if test.passed() {
            console.line(&format!("pass  {}: {}", test.group, test.name));
        } else {
            let (expected, actual) = (&test.expected, &test.actual);
            console.line(&format!("FAIL  {}: {}", test.group, test.name));
            console.line(&format!("      expected: {expected}\n      actual:   {actual}"));
        }
        let mut line = test.to_json();
        line["v"] = json!(1);
        line["type"] = json!("check");
        console.record(&line);
    }
    for place in places {
        console.say(&format!("written: {}", shown::path(place)));
    }
    let failed = tests.iter().filter(|test| !test.passed()).count();
    let count = measure::count(tests.len() as u64);
    console.line(&if failed == 0 {
        format!("all {count} tests gave what they must")
    } else {
        format!("{failed} of {count} tests FAILED: do not rely on this program on this computer")
    });
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "checks": tests.len(), "failed": failed,
        "written": places.iter().map(|place| shown::path(place)).collect::<Vec<_>>(),
    }));
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::AlreadyExists => exit::REFUSED,
        _ => exit::USAGE,
    };
    Failure::new(code, "cannot write the validation record")
        .at(shown::path(path))
        .caused_by(error)
        .hint("a record is never replaced: name a folder that can be written, or wait a second")
}

fn known_answers() -> Vec<Test> {
    let answers = self_test().into_iter();
    answers
        .map(|answer| Test {
            group: "known answers",
            name: format!("{} of {} ({})", answer.algorithm, answer.input, answer.path),
            expected: answer.expected.to_string(),
            actual: answer.actual,
        })
        .collect()
}

/// Runs the tests that need files, in a folder of their own that is removed again.
fn on_scratch(temp: &Path) -> Vec<Test> {
    let failed = |reason: String| {
        let (name, expected) = ("the tests can be made".to_owned(), "they can".to_owned());
        vec![Test { group: "scan", name, expected, actual: reason }]
    };
    let id = match facts::random_id() {
        Ok(id) => id.rsplit(':').next().unwrap_or_default().to_owned(),
        Err(failure) => return failed(failure.what),
    };
    let scratch = Scratch { folder: temp.join(format!("triage-validation-{id}")) };
    let mut tests = Vec::new();
    let done = scratch
        .plant()
        .and_then(|()| scratch.scans(&mut tests))
        .and_then(|()| scratch.attacks(&mut tests));
    // What is left behind is harmless text in a temporary folder.
    let _left = write::remove_folder(&scratch.folder);
    if let Err(error) = done {
        tests.extend(failed(format!("{}: {error}", shown::path(&scratch.folder))));
    }
    tests
}

/// The folder in which the tests are made.
struct Scratch {
    folder: PathBuf,
}

/// What a run of this program said.
struct Said {
    code: i32,
    lines: Vec<Value>,
}

impl Said {
    /// Returns a value of each line of one type, sorted.
    fn each(&self, kind: &str, pointer: &str) -> Vec<&str> {
        let lines = self.lines.iter().filter(|line| line["type"] == kind);
        let mut each: Vec<&str> =
            lines.filter_map(|line| line.pointer(pointer)?.as_str()).collect();
        each.sort_unstable();
        each.dedup();
        each
    }
}

impl Scratch {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn plant(&self) -> io::Result<()> {
        write::new_folder(&self.folder)?;
        for folder in ["evidence", "clean"] {
            write::new_folder(&self.at(folder))?;
            write::new_file(&self.at(folder).join("other.txt"), 0o644, OTHER)?;
        }
        write::new_folder(&self.at("large"))?;
        write::new_file(&self.at("large/zeros"), 0o644, &[0; 4096])?;
        plant_canary(&self.at("evidence"), &self.at("set.txt"))
    }

    /// Runs this program, free of the settings of whoever started it.
    fn run(&self, args: &[&str]) -> io::Result<Said> {
        let ran = Command::new(std::env::current_exe()?)
            .args(args)
            .args(["--json", "-q"])
            .current_dir(&self.folder)
            .env_clear()
            .output()?;
        let text = String::from_utf8_lossy(&ran.stdout);
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Said { code: ran.status.code().unwrap_or(-1), lines })
    }

    /// What must be found is found, what is not read is said, what is sealed holds.
    fn scans(&self, tests: &mut Vec<Test>) -> io::Result<()> {
        let mut test = |name: &str, expected: &str, actual: String| {
            let (name, expected) = (name.to_owned(), expected.to_owned());
            tests.push(Test { group: "scan", name, expected, actual });
        };
        self.run(&["custody", "keygen", "key", "--signer", "validation@localhost"])?;
        let scan = |source: &str, case: &str, more: &[&str]| {
            let args = ["scan", source, "--sets", "set.txt", "--case", case];
            self.run(&[args.as_slice(), more].concat())
        };
        let said = scan("evidence", "case", &["--sign-key", "key"])?;
        let hits = said.each("hit", "/entry/path").join(" ");
        let actual = format!("exit {}, hits: {hits}", said.code);
        test("the planted file hits, and no other", "exit 1, hits: canary.txt", actual);
        let ended = |said: &Said| format!("exit {}", said.code);
        let said = scan("clean", "clean-case", &[])?;
        test("a folder without it has no hit", "exit 0", ended(&said));
        let said = scan("large", "large-case", &["--max-size", LIMIT_SIZE])?;
        test("a file that is not read makes the scan incomplete", "exit 3", ended(&said));
        let said = scan("evidence", "case", &[])?;
        test("a package is never written over", "exit 6", ended(&said));
        let said = self.run(&["verify", "case", "--allowed-signers", TRUSTED])?;
        test("the signed package verifies", "exit 0", ended(&said));
        let said = self.run(&["verify", "case", "evidence"])?;
        test("the evidence is as the package says", "exit 0", ended(&said));
        write_attack::replace(&self.at("evidence/canary.txt"), b"changed\n")?;
        let said = self.run(&["verify", "case", "evidence"])?;
        test("changed evidence is found out", "exit 5", ended(&said));
        Ok(())
    }

    /// Each attack is made on a copy of the package and must be refused by its own finding.
    fn attacks(&self, tests: &mut Vec<Test>) -> io::Result<()> {
        for attack in ATTACKS {
            let package = self.at("attacked");
            write_attack::copy_folder(&self.at("case"), &package)?;
            attack.make(&package, &self.at("moved"))?;
            let said = self.run(&["verify", "attacked", "--allowed-signers", TRUSTED])?;
            let codes = said.each("finding", "/code");
            let told =
                if codes.contains(&attack.code) { attack.code.to_owned() } else { codes.join(" ") };
            tests.push(Test {
                group: "tamper",
                name: attack.name.to_owned(),
                expected: format!("exit 5, {}", attack.code),
                actual: format!("exit {}, {told}", said.code),
            });
            write::remove_folder(&package)?;
            if self.at("moved").symlink_metadata().is_ok() {
                write_attack::remove(&self.at("moved"))?;
            }
        }
        Ok(())
    }
}

/// Returns the record as people read it.
fn text(record: &Value, tests: &[Test]) -> String {
    let plain = |pointer: &str| {
        let value = record.pointer(pointer).unwrap_or(&Value::Null);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let failed = tests.iter().filter(|test| !test.passed()).count();
    let verdict = match failed {
        0 => format!("PASSED: all {} tests gave what they must", tests.len()),
        _ => format!("FAILED: {failed} of {} tests; do not rely on this program", tests.len()),
    };
    let mut text = format!(
        "Validation record\n=================\n\nResult      {verdict}\n\
         Program     {} {} ({})\nSHA-256     {}\nComputer    {}, {}, {}, user {}\n\
         Time        {} to {} ({})\n",
        plain("/tool/name"),
        plain("/tool/version"),
        plain("/tool/target"),
        plain("/tool/binary_sha256"),
        plain("/host/hostname"),
        plain("/host/os"),
        plain("/host/machine"),
        plain("/host/user_id"),
        plain("/clock/start"),
        plain("/clock/end"),
        plain("/clock/zone"),
    );
    let mut group = "";
    for test in tests {
        if test.group != group {
            group = test.group;
            text.push_str(&format!("\n{group}\n{}\n", "-".repeat(group.len())));
        }
        let verdict = if test.passed() { "pass" } else { "FAIL" };
        text.push_str(&format!(
            "{verdict}  {}\n      expected  {}\n      actual    {}\n",
            test.name, test.expected, test.actual
        ));
    }
    text.push_str(
        "\nWhat this shows: the program file with the digest above, on this computer, at this\n\
         time, gave these answers on harmless content that it made itself. It says nothing of\n\
         evidence of other kinds, nor of the method of a laboratory.\n\n\
         Reviewed by ______________________________  Date ______________\n",
    );
    text
}
