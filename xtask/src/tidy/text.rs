//! Rules about the text of one file: lengths, widths, the opening comment, words and names.

use super::Finding;
use crate::workspace::Source;

/// A file above this is talked about.
const TALK_LINES: usize = 500;
/// A file above this fails.
const MOST_LINES: usize = 800;
/// A function above this does not fit a screen.
const MOST_FUNCTION_LINES: usize = 70;
/// Files that hold a text as the reader of a package or a shell will see it.
const TEMPLATES: [&str; 3] = [
    "crates/triage-case/src/readme.rs",
    "crates/triage-report/src/html_tables.rs",
    "tests/court.rs",
];

/// The width that rustfmt keeps; it leaves long comments and strings alone.
const MOST_COLUMNS: usize = 100;
/// Tables of constants that may be longer, by path.
const LONG_TABLES: &[&str] = &[];

/// Marks of unfinished work. Written in two halves, so that this file does not find itself.
const UNFINISHED: &[&str] = &[
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("TO", "DO"),
    concat!("#[", "ignore"),
];

/// Endings of type names that say nothing.
const EMPTY_NOUNS: &[&str] = &["Manager", "Handler", "Processor", "Helper", "Util", "Info", "Data"];

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = &source.path;
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings.push(Finding::file(path, "must start with `//!`: what it is, what it is not"));
    }
    if !source.text.ends_with('\n') {
        findings.push(Finding::file(path, "must end with a line break"));
    }
    let lines = source.text.lines().count();
    if lines > MOST_LINES && !LONG_TABLES.contains(&path.as_str()) {
        findings.push(Finding::file(path, format!("{lines} lines, at most {MOST_LINES}")));
    }
    for (index, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        // What stands in a string or in a text template cannot be broken without changing it.
        let is_text = line.contains('"') || TEMPLATES.contains(&path.as_str());
        if columns > MOST_COLUMNS && !is_text {
            let rule = format!("{columns} columns, at most {MOST_COLUMNS}");
            findings.push(Finding::line(path, index, rule));
        }
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::line(path, index, "white space at the end of the line"));
        }
        for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
            findings.push(Finding::line(path, index, format!("`{word}` is unfinished work")));
        }
        if let Some(noun) = empty_noun(line) {
            findings.push(Finding::line(
                path,
                index,
                format!("`{noun}` is a name without meaning"),
            ));
        }
    }
    findings.extend(long_functions(source));
    findings
}

/// A note on a file that is long, but not yet too long.
pub(super) fn talk_about(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    (lines > TALK_LINES && lines <= MOST_LINES)
        .then(|| Finding::file(&source.path, format!("{lines} lines: above {TALK_LINES}, split?")))
}

/// The type that a line defines, if its name ends in an empty noun.
fn empty_noun(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let keyword = words.iter().position(|word| matches!(*word, "struct" | "enum" | "trait"))?;
    let is_definition = words[..keyword].iter().all(|word| word.starts_with("pub"));
    let name = words.get(keyword + 1)?;
    let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
    let name = &name[..end];
    (is_definition && EMPTY_NOUNS.iter().any(|noun| name.ends_with(noun))).then_some(name)
}

/// Functions whose body is too long, found by the indentation that rustfmt guarantees.
fn long_functions(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes = |line: &&str| {
            line.len() - line.trim_start().len() == indent && line.trim_start().starts_with('}')
        };
        let body = lines[start + 1..].iter().take_while(|line| !closes(line));
        let code = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let length = body.filter(code).count();
        // A one-line function or a declaration has no closing brace of its own.
        let has_body = !line.trim_end().ends_with([';', '}']);
        if has_body && length > MOST_FUNCTION_LINES {
            let rule = format!("`{name}` has {length} lines, at most {MOST_FUNCTION_LINES}");
            findings.push(Finding::line(&source.path, start, rule));
        }
    }
    findings
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let words = ["const", "async", concat!("un", "safe"), "extern", "\"C\"", "default"];
    let is_head = before.split_whitespace().all(|w| words.contains(&w) || w.starts_with("pub"));
    let end = after.find(['(', '<'])?;
    let name = &after[..end];
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_head && is_name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<String> {
        let source = Source { path: "crates/a/src/b.rs".into(), text: text.into() };
        check(&source).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_good_file_has_no_finding() {
        assert_eq!(rules("//! A good file.\nfn short() {\n    body();\n}\n"), [""; 0]);
    }

    #[test]
    fn finds_each_broken_rule() {
        let wide = format!("//! Wide.\n// {}\n", "x".repeat(98));
        let long = "//! Long.\n".repeat(MOST_LINES + 1);
        let function = format!("//! F.\npub fn f() {{\n{}}}\n", "    a();\n".repeat(71));
        let cases = [
            ("fn f() {}\n", "must start with"),
            ("//! No end.", "must end with a line break"),
            ("//! White. \n", "white space"),
            (concat!("//! A.\n// TO", "DO: later\n"), "unfinished work"),
            (concat!("//! A.\nfn f() {\n    to", "do!()\n}\n"), "unfinished work"),
            (concat!("//! A.\n#[", "ignore = \"slow\"]\n"), "unfinished work"),
            ("//! A.\npub(crate) struct CaseManager<T> {\n", "`CaseManager`"),
            (&wide, "101 columns"),
            (&long, "801 lines"),
            (&function, "`f` has 71 lines"),
        ];
        for (text, expected) in cases {
            let found = rules(text);
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_function_of_exactly_seventy_lines_passes() {
        let body = "    a();\n".repeat(70);
        assert_eq!(rules(&format!("//! F.\nfn f() {{\n{body}\n    // why\n}}\n")), [""; 0]);
    }

    #[test]
    fn a_long_file_is_talked_about_before_it_fails() {
        let source = |lines| Source { path: "a.rs".into(), text: "//! A.\n".repeat(lines) };
        assert!(talk_about(&source(TALK_LINES)).is_none());
        assert!(talk_about(&source(TALK_LINES + 1)).is_some());
    }
}
