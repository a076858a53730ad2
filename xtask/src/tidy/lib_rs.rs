//! `lib.rs` is documentation, `mod` lines and `pub use` by name; no code.

use super::Finding;
use crate::workspace::Source;

/// Checks one `lib.rs`.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut open: Option<&str> = None;
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim();
        let kind = open.or_else(|| kind(line));
        match kind {
            None => findings.push(Finding::line(&source.path, index, "lib.rs holds no code")),
            Some("use") if line.contains('*') => {
                findings.push(Finding::line(
                    &source.path,
                    index,
                    "`pub use` names what it exports",
                ));
            }
            Some(_) => {}
        }
        let ends = match kind {
            Some("use") => line.ends_with(';'),
            Some("attribute") => line.ends_with(']'),
            _ => true,
        };
        open = if ends { None } else { kind };
    }
    findings
}

/// What a line begins, or `None` when it is code.
fn kind(line: &str) -> Option<&'static str> {
    let is_module = |line: &str| line.starts_with("mod ") && line.ends_with(';');
    let after_pub = line.strip_prefix("pub").and_then(|rest| rest.split_once(' '));
    match line {
        "" => Some("blank"),
        _ if line.starts_with("//") => Some("comment"),
        _ if line.starts_with("#") => Some("attribute"),
        _ if is_module(line) => Some("module"),
        _ if after_pub.is_some_and(|(_, rest)| is_module(rest)) => Some("module"),
        _ if after_pub.is_some_and(|(_, rest)| rest.starts_with("use ")) => Some("use"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let source = Source { path: "lib.rs".into(), text: text.into() };
        check(&source).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn documentation_modules_and_names_pass() {
        let text = "//! A crate.\n#![deny(\n    clippy::panic\n)]\n\nmod a;\npub mod b;\n\
                    #[cfg(test)]\nmod tests;\n\npub use a::A;\npub use b::{\n    B,\n    C,\n};\n";
        assert_eq!(places(text), [""; 0]);
    }

    #[test]
    fn code_and_stars_are_found() {
        assert_eq!(places("//! A.\nmod a;\npub use a::*;\n"), ["lib.rs:3"]);
        assert_eq!(places("pub use a::{\n    b::*,\n};\n"), ["lib.rs:2"]);
        assert_eq!(places("//! A.\npub fn f() {}\n"), ["lib.rs:2"]);
        assert_eq!(places("//! A.\nmod a {\n"), ["lib.rs:2"]);
        assert_eq!(places("use std::fs;\n"), ["lib.rs:1"]);
    }
}
