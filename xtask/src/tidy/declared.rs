//! Every module file is declared: a forgotten `mod` line is a test that never ran.

use super::Finding;
use crate::workspace::Source;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "core", "types", "misc", "model"];

/// Checks all files together.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some((folder, file)) = source.path.rsplit_once('/') else { continue };
        let stem = file.trim_end_matches(".rs");
        let mut names = folder.split('/').chain([stem]);
        if let Some(name) = names.find(|name| is_empty_name(name)) {
            let rule = format!("`{name}` is a name without meaning: a noun lives with its owner");
            findings.push(Finding::file(&source.path, rule));
        }
        if is_root(folder, stem) {
            continue;
        }
        let parents = parents(folder, stem);
        let is_parent =
            |other: &&Source| parents.contains(&other.path) || shares(folder, stem, &other.path);
        let name = if stem == "mod" { folder.rsplit('/').next().unwrap_or(folder) } else { stem };
        if !sources.iter().filter(is_parent).any(|parent| declares(&parent.text, name))
            && !sources.iter().any(|other| names_file(other, folder, file))
        {
            let rule = format!("no `mod {name};` in {}: never compiled", parents.join(" or "));
            findings.push(Finding::file(&source.path, rule));
        }
    }
    findings
}

fn is_empty_name(name: &str) -> bool {
    let bare = name.strip_prefix("triage-").unwrap_or(name);
    EMPTY_NAMES.contains(&bare)
}

/// Whether cargo itself finds the file.
fn is_root(folder: &str, stem: &str) -> bool {
    let last = folder.rsplit('/').next().unwrap_or(folder);
    let is_target_folder =
        folder.starts_with("crates/") && ["tests", "examples", "benches", "bin"].contains(&last);
    is_target_folder || matches!(stem, "lib" | "main" | "build")
}

/// The files that could declare a module: of `a/b/c.rs`, `a/b.rs`, `a/b/mod.rs` and the roots in
/// `a/b`.
fn parents(folder: &str, stem: &str) -> Vec<String> {
    let folder =
        if stem == "mod" { folder.rsplit_once('/').map_or("", |(up, _)| up) } else { folder };
    let mut parents = vec![format!("{folder}.rs")];
    parents.extend(["mod", "lib", "main"].map(|root| format!("{folder}/{root}.rs")));
    parents
}

/// Whether `other` is a test program beside the folder `tests/NAME` whose `mod.rs` this is.
fn shares(folder: &str, stem: &str, other: &str) -> bool {
    let up = folder.rsplit_once('/').map_or("", |(up, _)| up);
    let beside = other.rsplit_once('/').is_some_and(|(other, _)| other == up);
    stem == "mod" && up.ends_with("/tests") && beside
}

/// Whether a file names this one by a `path` attribute.
fn names_file(other: &Source, folder: &str, file: &str) -> bool {
    let Some((others, _)) = other.path.rsplit_once('/') else { return false };
    let own = format!("{folder}/{file}");
    let paths = other
        .text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]"));
    paths.into_iter().any(|path| joined(others, path) == own)
}

/// Returns where a path leads to from a folder; each `..` is a step up.
fn joined(folder: &str, path: &str) -> String {
    let mut steps: Vec<&str> = folder.split('/').collect();
    for step in path.split('/') {
        match step {
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn declares(text: &str, name: &str) -> bool {
    let wanted = [format!("mod {name};"), format!("mod {name} {{")];
    let is_it = |line: &str| wanted.iter().any(|wanted| line.ends_with(wanted));
    text.lines().any(|line| is_it(line.trim()) && !line.trim_start().starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = files.iter().map(source).collect();
        check(&sources).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn a_forgotten_end_to_end_test_is_found() {
        let files = [
            ("tests/main.rs", "//! E2e.\nmod court;\n// mod hostile;\n"),
            ("tests/court.rs", ""),
            ("tests/hostile.rs", ""),
        ];
        assert_eq!(tree(&files), ["tests/hostile.rs"]);
    }

    #[test]
    fn a_forgotten_module_is_found_at_any_depth() {
        let files = [
            ("crates/a/src/lib.rs", "mod b;\nmod e;\n"),
            ("crates/a/src/b.rs", "pub(super) mod c;\n"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/b/d.rs", ""),
            ("crates/a/src/b_tests.rs", ""),
            ("crates/a/src/e.rs", "#[path = \"b_tests.rs\"]\nmod tests;\n"),
            ("crates/a/tests/known.rs", "mod scene;\n"),
            ("crates/a/tests/one/main.rs", "#[path = \"../shared/f.rs\"]\nmod f;\n"),
            ("crates/a/tests/shared/f.rs", ""),
            ("crates/a/tests/shared/g.rs", ""),
            ("crates/a/tests/scene/mod.rs", ""),
            ("crates/b/tests/far.rs", "#[path = \"../../../tests/shared/h.rs\"]\nmod h;\n"),
            ("tests/shared/h.rs", ""),
        ];
        assert_eq!(tree(&files), ["crates/a/src/b/d.rs", "crates/a/tests/shared/g.rs"]);
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(tree(&[("crates/triage-utils/src/lib.rs", "")]).len(), 1);
        let files = [("tests/main.rs", "mod common;\n"), ("tests/common.rs", "")];
        assert_eq!(tree(&files), ["tests/common.rs"]);
    }
}
