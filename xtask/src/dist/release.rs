//! What stands around the binary in a release: manual pages, completions, schemas, licences, bill
//! of materials, container recipe, check list, signature. The same sources and the same key of
//! Ed25519 give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap_complete::Shell;

use super::sbom::sbom;
use super::{TARGET, sha256};
use crate::docs;
use crate::error::{Error, Outcome, at};
use crate::process;
use crate::workspace::root;

/// The list that everything is checked by.
const SUMS: &str = "SHA256SUMS";
/// What a signature of the list is for: the name that the manual of `ssh-keygen` uses for files.
const NAMESPACE: &str = "file";
/// The recipe, from the root.
const CONTAINERFILE: &str = "xtask/Containerfile";
const SHELLS: &[Shell] = &[Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes a release around a binary into a folder, which is emptied first.
///
/// # Errors
/// A file cannot be written, or the list cannot be signed.
pub(super) fn write(folder: &Path, binary: &Path, sign_key: Option<&Path>) -> Outcome {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at("remove", folder))?;
    }
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for (path, bytes) in docs::reference() {
        files.insert(path.into(), bytes);
    }
    for shell in SHELLS {
        let mut bytes = Vec::new();
        clap_complete::generate(*shell, &mut triage::command(), "triage", &mut bytes);
        files.insert(format!("completions/triage.{shell}").into(), bytes);
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", CONTAINERFILE] {
        let path = root().join(name);
        let bytes = fs::read(&path).map_err(at("read", &path))?;
        files.insert(Path::new(name).file_name().unwrap_or_default().into(), bytes);
    }
    files.insert("sbom.cdx.json".into(), sbom(TARGET, &sha256(binary)?)?);
    for (name, bytes) in &files {
        let path = folder.join(name);
        let above = path.parent().unwrap_or(folder);
        fs::create_dir_all(above).map_err(at("make", above))?;
        fs::write(&path, bytes).map_err(at("write", &path))?;
    }
    let copy = folder.join("triage");
    fs::copy(binary, &copy).map_err(at("write", &copy))?;
    files.insert("triage".into(), Vec::new());
    let mut sums = String::new();
    for name in files.keys() {
        sums.push_str(&format!("{}  {}\n", sha256(&folder.join(name))?, name.display()));
    }
    let list = folder.join(SUMS);
    fs::write(&list, sums).map_err(at("write", &list))?;
    sign_key.map_or(Ok(()), |key| sign(&list, key))
}

/// Signs the list as `ssh-keygen -Y verify` checks it.
fn sign(list: &Path, key: &Path) -> Outcome {
    if process::find("ssh-keygen").is_none() {
        return Err(Error::Refused("ssh-keygen is not here to sign the list".to_owned()));
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(list).stdin(Stdio::null());
    process::keep(&mut command).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release around a file that stands for the binary, with the public key of its signature.
    fn release(folder: &Path) -> Option<String> {
        let key = folder.join("key");
        if !key.exists() {
            let args = ["-q", "-t", "ed25519", "-N", "", "-C", "release@example", "-f"];
            let made = Command::new("ssh-keygen").args(args).arg(&key).status();
            if !made.is_ok_and(|status| status.success()) {
                println!("skipped: ssh-keygen is not installed");
                return None;
            }
        }
        let binary = folder.join("binary");
        fs::write(&binary, "#!/bin/sh\n").unwrap();
        write(&folder.join("release"), &binary, Some(&key)).unwrap();
        Some(fs::read_to_string(folder.join("key.pub")).unwrap())
    }

    fn said(command: &mut Command) -> Option<String> {
        let output = command.output().ok()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        Some(said)
    }

    #[test]
    fn stock_tools_check_a_release_and_making_it_again_changes_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("release");
        let Some(public) = release(scratch.path()) else { return };
        let sums = fs::read_to_string(folder.join(SUMS)).unwrap();
        said(Command::new("sha256sum").args(["-c", "--strict", SUMS]).current_dir(&folder));
        let trusted = scratch.path().join("trusted");
        fs::write(&trusted, format!("release@example {public}")).unwrap();
        let mut verify = Command::new("ssh-keygen");
        verify.args(["-Y", "verify", "-n", NAMESPACE, "-I", "release@example", "-f"]);
        verify.arg(&trusted).arg("-s").arg(folder.join("SHA256SUMS.sig"));
        verify.stdin(fs::File::open(folder.join(SUMS)).unwrap());
        assert!(said(&mut verify).is_some_and(|said| said.contains("Good \"file\" signature")));
        for name in ["man/triage-scan.1", "completions/triage.zsh", "schemas/hit.json", "triage"] {
            assert!(sums.contains(&format!("  {name}\n")), "{name}\n{sums}");
        }
        let signature = fs::read(folder.join("SHA256SUMS.sig")).unwrap();
        release(scratch.path());
        assert_eq!(fs::read_to_string(folder.join(SUMS)).unwrap(), sums);
        assert_eq!(fs::read(folder.join("SHA256SUMS.sig")).unwrap(), signature);
    }

    #[test]
    fn the_bill_of_materials_is_cyclonedx_and_names_what_is_linked() {
        let bytes = sbom(TARGET, &"0".repeat(64)).unwrap();
        let bill: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let components = bill["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|component| component["name"] == name);
        assert_eq!(named("sha2").unwrap()["hashes"][0]["content"].as_str().unwrap().len(), 64);
        assert!(named("triage-scan").is_some());
        assert!(named("tempfile").is_none() && named("xtask").is_none(), "not in the binary");
        assert!(components.iter().all(|component| component["licenses"].is_array()), "{bill:#}");
        let Some(python) = std::env::var_os("TRIAGE_TEST_PYTHON") else {
            println!("skipped: TRIAGE_TEST_PYTHON is not set");
            return;
        };
        let has = Command::new(&python).args(["-c", "import cyclonedx.validation.json"]).status();
        if !has.is_ok_and(|status| status.success()) {
            println!("skipped: cyclonedx-python-lib is not installed");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("sbom.cdx.json");
        fs::write(&path, bytes).unwrap();
        let program = "import sys\n\
            from cyclonedx.schema import SchemaVersion\n\
            from cyclonedx.validation.json import JsonStrictValidator\n\
            validator = JsonStrictValidator(SchemaVersion.V1_5)\n\
            wrong = validator.validate_str(open(sys.argv[1]).read())\n\
            sys.exit(str(wrong) if wrong else 0)\n";
        said(Command::new(python).args(["-c", program]).arg(path));
    }

    #[test]
    fn the_container_holds_the_program_alone() {
        let recipe = fs::read_to_string(root().join(CONTAINERFILE)).unwrap();
        let lines = || recipe.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(lines().next(), Some("FROM scratch"), "nothing is fetched");
        assert_eq!(lines().next_back(), Some("ENTRYPOINT [\"/triage\"]"));
        let scratch = tempfile::tempdir().unwrap();
        if release(scratch.path()).is_none() {
            return;
        }
        let folder = scratch.path().join("release");
        let copied = lines().filter_map(|line| line.strip_prefix("COPY ")).flat_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            words[..words.len() - 1].iter().map(|word| folder.join(word)).collect::<Vec<_>>()
        });
        let copied: Vec<PathBuf> = copied.collect();
        assert!(copied.len() == 4 && copied.iter().all(|path| path.is_file()), "{copied:?}");
    }
}
