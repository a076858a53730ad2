//! What is true of this program and this computer, for `run.json`.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Map, Value, json};
use triage_hash::{Algorithm, Algorithms, Hasher, self_test};

use crate::exit;
use crate::failure::Failure;

/// Returns the program: name, version, target, and the digest of the running file.
pub(crate) fn tool() -> Value {
    json!({
        "name": "triage",
        "version": env!("CARGO_PKG_VERSION"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "binary_sha256": own_digest().unwrap_or_else(|| "unknown".to_owned()),
    })
}

fn own_digest() -> Option<String> {
    let mut file = File::open("/proc/self/exe")
        .or_else(|_| File::open(std::env::current_exe().unwrap_or_default()))
        .ok()?;
    let mut hasher = Hasher::new(Algorithms::NONE.with(Algorithm::Sha256));
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            length => hasher.update(&buffer[..length]),
        }
    }
    hasher.finish().get(Algorithm::Sha256).map(|digest| digest.to_string())
}

/// Returns this computer.
pub(crate) fn host() -> Value {
    let uname = rustix::system::uname();
    let text = |part: &std::ffi::CStr| triage_evidence::escape(part.to_bytes());
    json!({
        "os": format!("{} {}", text(uname.sysname()), text(uname.release())),
        "hostname": text(uname.nodename()),
        "machine": text(uname.machine()),
        "user_id": rustix::process::geteuid().as_raw(),
        "elevated": rustix::process::geteuid().is_root(),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
    })
}

/// Returns the command line in display form, without what may be secret: it holds none.
pub(crate) fn argv() -> Vec<String> {
    std::env::args_os().map(|arg| triage_evidence::escape(arg.as_bytes())).collect()
}

/// Returns what `run.json` says of this computer and of what was typed.
pub(crate) fn of_run() -> Map<String, Value> {
    [("argv".to_owned(), json!(argv())), ("host".to_owned(), host())].into_iter().collect()
}

/// Runs the known answers; a single wrong one ends the program before anything is written.
pub(crate) fn check_self() -> Result<Value, Failure> {
    let answers = self_test();
    if let Some(wrong) = answers.iter().find(|answer| !answer.passed()) {
        let place = format!("{} of {} ({})", wrong.algorithm, wrong.input, wrong.path);
        let because = format!("expected {}, computed {}", wrong.expected, wrong.actual);
        return Err(Failure::new(exit::INTERNAL, "the self-test failed on this computer")
            .at(place)
            .because(because)
            .hint("do not rely on any result; try another computer"));
    }
    Ok(json!({ "result": "pass", "answers": answers.len() }))
}

/// Draws random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(exit::INTERNAL, "cannot draw random numbers").because(error.to_string())
    })?;
    Ok(bytes)
}

/// Returns a random identity of the form of RFC 9562, version 4.
pub(crate) fn random_id() -> Result<String, Failure> {
    Ok(triage_scan::run_id(random()?))
}

/// Lets this process hold as many files open as it may.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The usual 1,024 suffice for the bounds of the walk and its queue.
    let _kept = setrlimit(Resource::Nofile, limit);
}
