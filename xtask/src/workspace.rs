//! Where the workspace is, and which Rust files are ours.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Outcome, at};

/// The top folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// One Rust source file: its path from the root, with `/`, and its text.
pub(crate) struct Source {
    /// For example `crates/triage-hash/src/lib.rs`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// Every Rust file under `crates`, `tests` and `xtask`, in order of their paths.
pub(crate) fn sources(root: &Path) -> Outcome<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files(root, &["crates", "tests", "xtask"], "rs") {
        let full = root.join(&path);
        let text = fs::read_to_string(&full).map_err(at("read", &full))?;
        sources.push(Source { path, text });
    }
    Ok(sources)
}

/// Paths from the root of every file in `folders` whose name ends in `.extension`, in order.
pub(crate) fn files(root: &Path, folders: &[&str], extension: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for folder in folders {
        let walk = WalkDir::new(root.join(folder)).sort_by_file_name().into_iter();
        let ours = walk.filter_entry(|entry| entry.file_name() != "target");
        for entry in ours.filter_map(Result::ok) {
            let is_wanted = entry.path().extension().is_some_and(|found| found == extension);
            if let (true, Ok(path)) = (is_wanted, entry.path().strip_prefix(root)) {
                paths.extend(path.to_str().map(str::to_owned));
            }
        }
    }
    paths
}
