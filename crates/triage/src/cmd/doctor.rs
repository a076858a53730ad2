//! `doctor`: does this program work on this computer? Known answers, and a planted canary.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde_json::{Value, json};
use triage_hash::{self_test, simd_paths};

use crate::clock::{now, zone};
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, facts, measure, shown, write};

/// The canary: a harmless text that a harmless set lists.
const CANARY: &[u8] = b"triage canary: a harmless file that must be found\n";
/// What lies beside it, and no set lists.
pub(super) const OTHER: &[u8] = b"another harmless file\n";

/// Check that this program works on this computer, before relying on a negative
///
/// Compares every algorithm and code path with published known answers, then plants a harmless
/// canary file and set in a temporary folder, scans it with this very program, and expects exactly
/// that hit, a package that verifies, and a changed package that does not.
///
/// With --validate, a laboratory gets a dated record that it can file, as JSON and as text: known
/// answers, scans of planted files, and some thirty attacks on a signed package, each with what was
/// expected and what came, the program's own digest and this computer. Ends with 70 if one fails.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// The folder for the canary; else the system's temporary folder
    #[arg(long, value_name = "DIR")]
    temp: Option<PathBuf>,
    /// Run every test and put a dated validation record into this folder; none is replaced
    #[arg(long, value_name = "DIR")]
    validate: Option<PathBuf>,
}

/// One check.
struct Check {
    name: String,
    passed: bool,
    detail: String,
}

/// Runs the verb.
pub(crate) fn run(args: &DoctorArgs, console: Console) -> Result<u8, Failure> {
    let temp = args.temp.clone().unwrap_or_else(std::env::temp_dir);
    if let Some(folder) = &args.validate {
        return super::doctor_validate::run(folder, &temp, console);
    }
    let mut checks: Vec<Check> = self_test()
        .into_iter()
        .map(|answer| Check {
            passed: answer.passed(),
            name: format!("{} of {} ({})", answer.algorithm, answer.input, answer.path),
            detail: answer.actual,
        })
        .collect();
    checks.extend(canary(&temp));
    for check in &checks {
        let verdict = if check.passed { "pass" } else { "FAIL" };
        console.line(&format!("{verdict}  {}  {}", check.name, check.detail));
        console.record(&json!({
            "v": 1, "type": "check", "name": check.name, "passed": check.passed,
            "detail": check.detail,
        }));
    }
    let tool = facts::tool();
    let facts: [(&str, Value); 6] = [
        ("version", tool["version"].clone()),
        ("program sha256", tool["binary_sha256"].clone()),
        ("code paths", json!(simd_paths().join(", "))),
        ("clock", json!(format!("{} ({})", now(), zone()))),
        ("clock synchronised", json!(synchronised())),
        ("processors", facts::host()["processors"].clone()),
    ];
    for (name, value) in &facts {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        console.line(&format!("      {name}: {text}"));
        console.record(&json!({ "v": 1, "type": "fact", "name": name, "value": value }));
    }
    let failed = checks.iter().filter(|check| !check.passed).count();
    let code = if failed == 0 { exit::COMPLETE } else { exit::INTERNAL };
    let count = measure::count(checks.len() as u64);
    console.line(&if failed == 0 {
        format!("all {count} checks passed")
    } else {
        format!("{failed} of {count} checks FAILED: do not rely on this program on this computer")
    });
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "checks": checks.len(), "failed": failed,
    }));
    Ok(code)
}

/// What systemd-timesyncd says; other time services are not asked.
fn synchronised() -> &'static str {
    if Path::new("/run/systemd/timesync/synchronized").exists() { "yes" } else { "not known" }
}

/// Plants the canary and removes it again.
fn canary(temp: &Path) -> Vec<Check> {
    let failed = |detail: String| vec![Check { name: "canary".to_owned(), passed: false, detail }];
    let name = match facts::random_id() {
        Ok(id) => format!("triage-canary-{}", id.rsplit(':').next().unwrap_or_default()),
        Err(failure) => return failed(failure.what),
    };
    let folder = temp.join(name);
    let checks = plant(&folder).and_then(|()| scan_canary(&folder));
    // What is left behind is a harmless text in a temporary folder.
    let _left = write::remove_folder(&folder);
    checks.unwrap_or_else(|error| failed(format!("{}: {error}", shown::path(&folder))))
}

fn plant(folder: &Path) -> std::io::Result<()> {
    write::new_folder(folder)?;
    write::new_folder(&folder.join("evidence"))?;
    write::new_file(&folder.join("evidence/other.txt"), 0o644, OTHER)?;
    plant_canary(&folder.join("evidence"), &folder.join("set.txt"))
}

/// Puts the canary into a folder, and writes a set that lists it.
pub(super) fn plant_canary(folder: &Path, set: &Path) -> std::io::Result<()> {
    write::new_file(&folder.join("canary.txt"), 0o644, CANARY)?;
    let digests = triage_hash::hash_bytes(triage_hash::Algorithms::DEFAULT, CANARY);
    let lines: String = digests.iter().map(|digest| format!("{digest}\n")).collect();
    write::new_file(set, 0o644, lines.as_bytes())
}

fn scan_canary(folder: &Path) -> std::io::Result<Vec<Check>> {
    let at = |name: &str| folder.join(name);
    let program = std::env::current_exe()?;
    let scan = Command::new(&program)
        .arg("scan")
        .arg(at("evidence"))
        .arg("--sets")
        .arg(at("set.txt"))
        .arg("--case")
        .arg(at("case"))
        .args(["--json", "-q"])
        .env_clear()
        .output()?;
    let text = String::from_utf8(scan.stdout).unwrap_or_default();
    let hits: Vec<&str> = text.lines().filter(|line| line.contains("\"type\":\"hit\"")).collect();
    let is_canary = hits.len() == 1 && hits.iter().all(|line| line.contains("canary.txt"));
    let verify =
        || Command::new(&program).arg("verify").arg(at("case")).arg("-q").env_clear().output();
    let sound = verify()?.status.code();
    write::flip_byte(&at("case/data/manifest.ndjson"), 100)?;
    let tampered = verify()?.status.code();
    let check =
        |name: &str, passed, detail: String| Check { name: name.to_owned(), passed, detail };
    Ok(vec![
        check("canary: exactly the planted file hits", is_canary, format!("{} hits", hits.len())),
        check(
            "canary: exit code of a hit",
            scan.status.code() == Some(1),
            format!("{:?}", scan.status.code()),
        ),
        check("canary: its package verifies", sound == Some(0), format!("{sound:?}")),
        check("canary: a changed package does not", tampered == Some(5), format!("{tampered:?}")),
    ])
}
