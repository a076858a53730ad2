//! A scene: a folder of evidence, a place for cases, and the program.

pub(crate) mod bad_disk;
pub(crate) mod cluster;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What the program did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails with everything that was printed unless the code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Returns the JSON lines of the standard output.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// Returns the last JSON line, which must be the summary.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let last = self.lines().pop().expect("a summary");
        assert_eq!(last["type"], "summary");
        assert_eq!(last["exit"], self.code);
        last
    }
}

pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

pub(crate) fn program() -> PathBuf {
    std::env::var_os("TRIAGE_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_triage").into(), PathBuf::from)
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Scene {
    /// An empty folder of evidence.
    pub(crate) fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(scene.evidence()).unwrap();
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.path("evidence")
    }

    /// Adds a file to the evidence; the name is bytes.
    pub(crate) fn file(&self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.evidence().join(OsStr::from_bytes(name.as_ref()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Waits until the evidence is older than the step of time of any file system: a scan that
    /// begins now can tell later changes from what it has read.
    pub(crate) fn rest(&self) {
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let written = now().as_secs() / 2;
        while now().as_secs() / 2 == written {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Writes a list of the SHA-256 of contents.
    pub(crate) fn set(&self, name: &str, contents: &[&[u8]]) -> PathBuf {
        let algorithms = "sha256".parse().unwrap();
        let lines: String = contents
            .iter()
            .flat_map(|content| {
                triage_hash::hash_bytes(algorithms, content)
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            })
            .map(|digest| digest + "\n")
            .collect();
        fs::write(self.path(name), lines).unwrap();
        self.path(name)
    }

    /// A command of the program, free of this machine's settings.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.folder.path());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TZ", "UTC");
        command
    }

    pub(crate) fn triage<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ran {
        ran(&self.command(args).output().unwrap())
    }

    /// Returns the lines of a case's manifest.
    pub(crate) fn manifest(&self, case: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(case).join("data/manifest.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the line of one path of a case's manifest.
    #[track_caller]
    pub(crate) fn line(&self, case: &str, path: &str) -> Value {
        let lines = self.manifest(case);
        lines.into_iter().find(|line| line["path"] == path).unwrap_or_else(|| panic!("no {path}"))
    }
}

/// Says which check is left out, and why.
#[expect(clippy::print_stdout, reason = "a skipped check is named in the output")]
pub(crate) fn skip(why: &str) {
    println!("skipped: {why}");
}

/// Runs a stock tool; `None`, with a word, if it is not installed.
pub(crate) fn stock(name: &str, args: &[&OsStr], folder: &Path) -> Option<Ran> {
    match Command::new(name).args(args).current_dir(folder).output() {
        Ok(output) => Some(ran(&output)),
        Err(_) => {
            skip(&format!("{name} is not installed"));
            None
        }
    }
}
