//! `tidy`: the rules of the house that neither the compiler nor clippy knows.
//!
//! It reads; it never repairs. The rules and their reasons are docs/architecture.md and
//! docs/style.md.

mod declared;
mod doors;
mod layers;
mod layout;
mod lib_rs;
mod text;

use crate::error::{Error, Outcome};
use crate::workspace::{self, root};

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the root, with `:line` where a line is meant.
    pub(crate) place: String,
    /// The rule, in words.
    pub(crate) rule: String,
}

impl Finding {
    fn file(path: &str, rule: impl Into<String>) -> Self {
        Self { place: path.to_owned(), rule: rule.into() }
    }

    fn line(path: &str, index: usize, rule: impl Into<String>) -> Self {
        Self { place: format!("{path}:{}", index + 1), rule: rule.into() }
    }
}

/// Checks the whole tree and prints every finding.
///
/// # Errors
/// The tree could not be read, or there is a finding.
pub(crate) fn run() -> Outcome {
    let root = root();
    let sources = workspace::sources(&root)?;
    let mut findings = layers::check(&root)?;
    findings.extend(layout::check(&root)?);
    findings.extend(declared::check(&sources));
    for source in &sources {
        findings.extend(text::check(source));
        findings.extend(doors::check(source));
        if source.path.ends_with("src/lib.rs") {
            findings.extend(lib_rs::check(source));
        }
        if let Some(note) = text::talk_about(source) {
            println!("note: {}: {}", note.place, note.rule);
        }
    }
    for finding in &findings {
        println!("{}: {}", finding.place, finding.rule);
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing found", sources.len());
        return Ok(());
    }
    Err(Error::Findings { check: "tidy", findings: findings.len() })
}
