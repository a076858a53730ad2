//! The top level of the workspace holds what a stranger expects, and nothing else.

use std::fs;
use std::path::Path;

use super::Finding;
use crate::error::{Outcome, at};

/// What must be there.
const REQUIRED: &[&str] = &["Cargo.toml", "README.md", "crates", "docs", "tests", "xtask"];
/// What may be there.
const ALLOWED: &[&str] = &["Cargo.lock", "LICENSE-APACHE", "LICENSE-MIT", "target"];

/// Checks the top folder.
///
/// # Errors
/// It cannot be listed.
pub(super) fn check(root: &Path) -> Outcome<Vec<Finding>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root).map_err(at("list", root))? {
        let entry = entry.map_err(at("list", root))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(compare(&names))
}

fn compare(names: &[String]) -> Vec<Finding> {
    let is_known = |name: &&String| {
        name.starts_with('.') || [REQUIRED, ALLOWED].concat().contains(&name.as_str())
    };
    let strange = names.iter().filter(|name| !is_known(name));
    let missing = REQUIRED.iter().filter(|name| !names.iter().any(|found| found == *name));
    let strange = strange.map(|name| Finding::file(name, "does not belong on the top level"));
    strange.chain(missing.map(|name| Finding::file(name, "is missing"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_and_missing_names_are_found() {
        let mut names: Vec<String> = REQUIRED.iter().map(|name| (*name).to_owned()).collect();
        names.push(".ci".to_owned());
        assert_eq!(compare(&names), []);
        names.push("notes.txt".to_owned());
        names.retain(|name| name != "docs");
        let places: Vec<_> = compare(&names).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["notes.txt", "docs"]);
    }
}
