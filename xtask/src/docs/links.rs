//! Follows every relative link of README.md and of the pages under docs.

use std::fs;
use std::path::Path;

use crate::error::{Outcome, at};
use crate::workspace::files;

/// One line for each link that leads nowhere.
///
/// # Errors
/// A page cannot be read.
pub(super) fn check(root: &Path) -> Outcome<Vec<String>> {
    let mut pages = files(root, &["docs"], "md");
    pages.extend(root.join("README.md").is_file().then(|| "README.md".to_owned()));
    let mut findings = Vec::new();
    for page in pages {
        let path = root.join(&page);
        let text = fs::read_to_string(&path).map_err(at("read", &path))?;
        let folder = path.parent().unwrap_or(root);
        for (line, target) in relative_links(&text) {
            if !folder.join(target).exists() {
                findings.push(format!("{page}:{line}: `{target}` leads nowhere"));
            }
        }
    }
    Ok(findings)
}

/// Line number and target of every link to a file, fenced code and code spans apart.
fn relative_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        let prose = line.split('`').step_by(2);
        for rest in prose.flat_map(|part| part.split("](").skip(1)) {
            let target = rest.split([')', ' ']).next().unwrap_or(rest);
            let target = target.split('#').next().unwrap_or(target);
            if !target.is_empty() && !target.contains(':') {
                links.push((index + 1, target));
            }
        }
        // A label that is itself a code span splits its link: `[`a`](b)`.
        let labels = line.split("`](").skip(1);
        for rest in labels {
            let target = rest.split([')', '#', ' ']).next().unwrap_or(rest);
            if !target.is_empty() && !target.contains(':') {
                links.push((index + 1, target));
            }
        }
    }
    links.sort_unstable();
    links.dedup();
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_prose_are_followed_and_others_are_not() {
        let text = "[a](a.md#part) and [b](../b.md \"B\")\n```\n[c](c.md)\n```\n`[d](d.md)`\n\
                    [`e`](e.md) [f](https://example.org) [g](#here)\n";
        let targets = [(1, "../b.md"), (1, "a.md"), (6, "e.md")];
        assert_eq!(relative_links(text), targets);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("docs")).unwrap();
        fs::write(root.path().join("docs/a.md"), "[b](b.md)\n[root](../README.md)\n").unwrap();
        fs::write(root.path().join("README.md"), "[a](docs/a.md)\n").unwrap();
        assert_eq!(check(root.path()).unwrap(), ["docs/a.md:1: `b.md` leads nowhere"]);
    }
}
