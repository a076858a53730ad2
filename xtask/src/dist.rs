//! `dist`: one static binary, built twice in two folders; the two must be the same byte for byte.
//! Around it what a release has besides.
//!
//! Nothing of the machine may reach the binary: paths are remapped, and the clock is not asked.

mod release;
mod sbom;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use sha2::{Digest, Sha256};

use crate::error::{Error, Outcome, at};
use crate::process;
use crate::workspace::root;

/// A target is named even when it is the host's, so that build scripts are not linked statically.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What the task is asked.
#[derive(Args)]
pub(crate) struct DistArgs {
    /// Sign the check list with this key in the format of OpenSSH
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// Put the release around this binary; build nothing
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Builds, compares, verifies and writes `target/dist`.
///
/// # Errors
/// A build fails, the two builds differ, the binary is not static, or the release cannot be signed.
pub(crate) fn run(args: &DistArgs) -> Outcome {
    let out = root().join("target/dist");
    fs::create_dir_all(&out).map_err(at("make", &out))?;
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => build_twice(&out)?,
    };
    verify_static(&binary)?;
    let name = format!("triage-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    let folder = out.join(name);
    release::write(&folder, &binary, args.sign_key.as_deref())?;
    println!("dist: {folder:?}; the binary has {} bytes", size(&binary)?);
    Ok(())
}

/// Builds twice, and returns the binary if both are the same.
fn build_twice(out: &Path) -> Outcome<PathBuf> {
    let folders = [out.join("build-1"), out.join("build-2")];
    let mut built = Vec::new();
    for folder in &folders {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(at("remove", folder))?;
        }
        println!("== building in {folder:?}");
        built.push(build(folder, &folders)?);
    }
    let digests = built.iter().map(|path| sha256(path)).collect::<Outcome<Vec<_>>>()?;
    for (path, digest) in built.iter().zip(&digests) {
        println!("{digest}  {path:?}");
    }
    if digests[0] != digests[1] {
        return Err(Error::Refused(format!(
            "the two builds differ: compare {:?} with {:?}",
            built[0], built[1]
        )));
    }
    println!("dist: both builds are the same, byte for byte");
    Ok(built.swap_remove(0))
}

/// Builds the binary from nothing in `folder`. The flags name both folders, so that they are the
/// same in both builds.
fn build(folder: &Path, folders: &[PathBuf]) -> Outcome<PathBuf> {
    let mut maps = vec![(root(), "/triage")];
    maps.extend(cargo_home().map(|home| (home, "/cargo")));
    maps.extend(folders.iter().map(|folder| (folder.clone(), "/target")));
    let mut rust_flags = vec![OsString::from("-Ctarget-feature=+crt-static")];
    let mut c_flags = Vec::new();
    // The last map that fits wins, and the target folders lie inside the workspace.
    for (from, to) in &maps {
        rust_flags.push(map_flag("--remap-path-prefix=", from, to));
        c_flags.push(map_flag("-ffile-prefix-map=", from, to));
    }
    let mut command = process::cargo();
    command.args(["build", "--release", "--locked", "--package", "triage", "--target", TARGET]);
    command.arg("--target-dir").arg(folder);
    command.env_remove("RUSTFLAGS");
    command.env("CARGO_ENCODED_RUSTFLAGS", rust_flags.join("\u{1f}".as_ref()));
    command.env("CFLAGS", c_flags.join(" ".as_ref()));
    process::show(&mut command)?;
    Ok(folder.join(TARGET).join("release/triage"))
}

fn map_flag(flag: &str, from: &Path, to: &str) -> OsString {
    let mut text = OsString::from(flag);
    text.push(from);
    text.push("=");
    text.push(to);
    text
}

fn cargo_home() -> Option<PathBuf> {
    let given = env::var_os("CARGO_HOME").map(PathBuf::from);
    given.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
}

fn sha256(path: &Path) -> Outcome<String> {
    let bytes = fs::read(path).map_err(at("read", path))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn size(path: &Path) -> Outcome<u64> {
    fs::metadata(path).map(|metadata| metadata.len()).map_err(at("read", path))
}

/// Asks the system's own tools, not the flags that were given.
fn verify_static(binary: &Path) -> Outcome {
    let mut asked = 0;
    if process::find("ldd").is_some() {
        // ldd ends with 1 for a binary of no dynamic kind, so its status says nothing.
        let output = Command::new("ldd").arg(binary).env("LC_ALL", "C").output();
        let output = output.map_err(|source| Error::Start { program: "ldd".into(), source })?;
        let said = [output.stdout, output.stderr].concat();
        accept("ldd", &String::from_utf8_lossy(&said))?;
        asked += 1;
    }
    if process::find("file").is_some() {
        let output = process::keep(Command::new("file").arg("-b").arg(binary))?;
        accept("file", &String::from_utf8_lossy(&output.stdout))?;
        asked += 1;
    }
    if asked == 0 {
        return Err(Error::Refused("neither ldd nor file is here to verify the binary".into()));
    }
    process::show(Command::new(binary).arg("--version"))
}

fn accept(tool: &str, said: &str) -> Outcome {
    let said = said.trim();
    println!("{tool}: {said}");
    if is_static(said) {
        return Ok(());
    }
    Err(Error::Refused(format!("{tool} does not call the binary static: {said}")))
}

fn is_static(said: &str) -> bool {
    let words = ["statically linked", "not a dynamic executable", "static-pie linked"];
    words.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_what_the_tools_say() {
        assert!(is_static("\tstatically linked"));
        assert!(is_static("ELF 64-bit LSB pie executable, x86-64, static-pie linked"));
        assert!(!is_static("ELF 64-bit LSB pie executable, dynamically linked, interpreter /lib"));
        assert!(!is_static("libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x0)"));
    }
}
