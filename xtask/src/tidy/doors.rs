//! Doors: the few files that may do what is forbidden everywhere else, each by name.
//!
//! Clippy forbids the calls; this keeps the exceptions to the places that docs/style.md lists.

use super::Finding;
use crate::workspace::Source;

/// One thing that is forbidden but for its doors.
struct Door {
    /// The word whose use is the finding.
    word: &'static str,
    /// What it opens.
    what: &'static str,
    /// Files, or folders with a `/` at the end, that may; `*` stands for the rest of a file's stem.
    files: &'static [&'static str],
    /// Whether tests may too.
    tests: bool,
}

const DOORS: &[Door] = &[
    Door {
        word: concat!("un", "safe"),
        what: "code that the compiler does not check",
        files: &[
            "crates/triage-hash/src/lanes/",
            "crates/triage-hash/src/sha_ni.rs",
            "crates/triage-hashset/src/map.rs",
        ],
        tests: false,
    },
    Door {
        word: concat!("disallowed", "_methods"),
        what: "writing, the clock, the environment, lossy names",
        files: &[
            "crates/triage-case/src/write.rs",
            "crates/triage-hashset/src/spill.rs",
            "crates/triage-hashset/src/index/write.rs",
            "crates/triage/src/clock*",
            "crates/triage/src/profile*",
            "crates/triage/src/write*",
            "xtask/",
        ],
        tests: true,
    },
    Door {
        word: concat!("print", "_stdout"),
        what: "printing",
        files: &["crates/triage/src/", "xtask/"],
        tests: true,
    },
    Door {
        word: concat!("print", "_stderr"),
        what: "printing",
        files: &["crates/triage/src/", "xtask/"],
        tests: true,
    },
];

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for door in DOORS {
        if door.files.iter().any(|file| admits(file, &source.path)) {
            continue;
        }
        if door.tests && is_test_file(&source.path) {
            continue;
        }
        let mut in_tests = false;
        for (index, line) in source.text.lines().enumerate() {
            in_tests |= line.trim() == "#[cfg(test)]";
            if uses(line, door.word) && !(door.tests && in_tests) {
                let rule = format!("`{}` ({}) is not a door here", door.word, door.what);
                findings.push(Finding::line(&source.path, index, rule));
            }
        }
    }
    findings
}

fn admits(file: &str, path: &str) -> bool {
    match file.strip_suffix('*') {
        Some(stem) => path.starts_with(stem),
        None if file.ends_with('/') => path.starts_with(file),
        None => path == file,
    }
}

/// Whether a whole file is compiled for tests, measurements or examples only.
fn is_test_file(path: &str) -> bool {
    let folders = ["tests/", "examples/", "benches/"];
    let mut folders = folders.iter();
    let is_in = |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    folders.any(is_in) || path.ends_with("tests.rs")
}

/// Whether the code of a line, its comment apart, has the word.
fn uses(line: &str, word: &str) -> bool {
    let code = line.split_once("//").map_or(line, |(code, _)| code);
    let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Source { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn unchecked_code_has_its_doors_and_no_others() {
        let text = concat!("un", "safe { load() }\n");
        assert_eq!(findings("crates/triage-hash/src/lanes/avx2.rs", text), 0);
        assert_eq!(findings("crates/triage-hash/src/lanes.rs", text), 1);
        assert_eq!(findings("crates/triage-hash/tests/vectors.rs", text), 1);
        assert_eq!(findings("xtask/src/main.rs", text), 1);
    }

    #[test]
    fn comments_and_longer_words_are_no_use() {
        let text = concat!("// un", "safe\n#![deny(un", "safe_code)]\n");
        assert_eq!(findings("crates/triage-fs/src/live.rs", text), 0);
    }

    #[test]
    fn writing_is_for_doors_and_tests() {
        let text = concat!("#[expect(clippy::disallowed", "_methods, reason = \"\")]\n");
        assert_eq!(findings("crates/triage-case/src/write.rs", text), 0);
        assert_eq!(findings("crates/triage/src/clock_local.rs", text), 0);
        assert_eq!(findings("crates/triage-walk/tests/walk.rs", text), 0);
        assert_eq!(findings("tests/court.rs", text), 0);
        assert_eq!(findings("crates/triage-case/src/layout.rs", text), 1);
        let tested = format!("#[cfg(test)]\n{text}mod tests {{}}\n");
        assert_eq!(findings("crates/triage-case/src/layout.rs", &tested), 0);
    }
}
