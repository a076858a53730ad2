//! Packages of a seed: a third of the files of each exhibit are on all, a few are on two or three.

use std::fs;
use std::io::Write;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Outcome, at};
use crate::random::Random;

/// What was made.
pub(super) struct Made {
    /// Bytes of all manifests.
    pub(super) bytes: u64,
    /// Rows of the earlier release.
    pub(super) old_rows: u64,
    /// Rows of the later release.
    pub(super) new_rows: u64,
    /// On how many exhibits a rare file is at most.
    pub(super) rare: u32,
}

/// One of so many files of a package is on another exhibit too.
const ONE_IN_SHARED: u32 = 1_000;
/// One of so many files of a package stands in a release of the set.
const ONE_IN_LISTED: u32 = 2_000;
/// Rows of a release that no exhibit has.
const ROWS_BESIDE: u64 = 1_000_000;

fn hex(number: u64) -> String {
    Sha256::digest(number.to_le_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number that stands for the content of a file.
fn content(package: u32, file: u32, packages: u32) -> u64 {
    if file.is_multiple_of(3) {
        return u64::from(file);
    }
    let owner = match file % ONE_IN_SHARED {
        // The next exhibit has the same one.
        1 => package / 2 * 2 % packages,
        _ => package,
    };
    (u64::from(owner) + 1) << 32 | u64::from(file)
}

/// Writes packages, their list, and two releases of a set.
///
/// # Errors
/// Something cannot be written.
pub(super) fn make(folder: &Path, packages: u32, files: u32) -> Outcome<Made> {
    let mut list = String::new();
    let mut bytes = 0;
    for package in 0..packages {
        let name = format!("P{package:05}");
        let manifest = manifest(package, files, packages);
        bytes += manifest.len() as u64;
        put(&folder.join(&name), &name, &manifest, u64::from(files))?;
        list.push_str(&name);
        list.push('\n');
    }
    write(&folder.join("packages"), list.as_bytes())?;
    let (old_rows, new_rows) = sets(folder, packages, files)?;
    Ok(Made { bytes, old_rows, new_rows, rare: 5 })
}

fn manifest(package: u32, files: u32, packages: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for file in 0..files {
        let digest = hex(content(package, file, packages));
        let size = 1 + file % 100_000;
        // Cannot fail: it is memory.
        let _written = writeln!(
            out,
            "{{\"exhibit\":\"P{package:05}\",\"fs_id\":\"8:1-{file}\",\"gid\":0,\
             \"hashes\":{{\"sha256\":\"{digest}\"}},\"links\":1,\"mode\":\"0644\",\
             \"path\":\"Users/somebody/Documents/folder {:05}/file {file:09}.jpg\",\
             \"seq\":{file},\"size\":{size},\"status\":\"read\",\
             \"times\":{{\"m\":\"2026-01-0{}T10:00:00.000000000Z\"}},\"type\":\"file\",\"uid\":0,\
             \"v\":1}}",
            file / 1000,
            1 + file % 9
        );
    }
    out
}

/// Writes what is read of a package: manifest, seal, `run.json`.
fn put(folder: &Path, name: &str, manifest: &[u8], entries: u64) -> Outcome {
    let sha256: String =
        Sha256::digest(manifest).iter().map(|byte| format!("{byte:02x}")).collect();
    let zeros = "0".repeat(64);
    let counts = serde_json::json!({ "read": entries, "seen": entries, "hits": 0 });
    let seal = serde_json::json!({
        "v": 1, "type": "triage-seal", "seal": 1, "prev_seal_sha256": zeros, "case": "",
        "exhibit": name, "time": "2026-01-01T00:00:00+00:00", "run_id": name,
        "files": { "list": "seals/0001.sha256", "sha256": zeros, "count": 0 },
        "manifest": { "sha256": sha256, "entries": entries, "merkle_root": zeros,
            "tree": "rfc9162-sha256-salted" },
        "index": { "algorithms": "sha256", "root": zeros, "size": 0 },
        "custody": { "events": 0, "head_sha256": zeros },
        "counts": counts, "tool": {}, "signer": null,
    });
    for part in ["data", "seals"] {
        let path = folder.join(part);
        fs::create_dir_all(&path).map_err(at("make", &path))?;
    }
    write(&folder.join("bagit.txt"), b"made up\n")?;
    write(&folder.join("data/run.json"), b"{\"doubts\":[],\"halted\":null}\n")?;
    write(&folder.join("data/manifest.ndjson"), manifest)?;
    write(&folder.join("seals/0001.json"), format!("{seal}\n").as_bytes())
}

/// Writes two releases: what both have, what one of them has, and many that no exhibit has.
fn sets(folder: &Path, packages: u32, files: u32) -> Outcome<(u64, u64)> {
    let mut rows = [0, 0];
    let mut texts = [String::new(), String::new()];
    let mut random = Random::new(7);
    let mut add = |content: u64| {
        let row = hex(content);
        let only = random.below(3);
        for (release, text) in texts.iter_mut().enumerate() {
            if only == 2 || only == release as u64 {
                text.push_str(&row);
                text.push('\n');
                rows[release] += 1;
            }
        }
    };
    for package in 0..packages {
        for file in (1..files).step_by(ONE_IN_LISTED as usize) {
            add(content(package, file, packages));
        }
    }
    (0..ROWS_BESIDE).for_each(|number| add(u64::MAX - number));
    for (name, text) in ["old.txt", "new.txt"].into_iter().zip(&texts) {
        write(&folder.join(name), text.as_bytes())?;
    }
    Ok((rows[0], rows[1]))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    fs::write(path, bytes).map_err(at("write", path))
}
