//! The samples: what the tests of the crate of hash sets have, without what tells of them.

use std::path::PathBuf;

use walkdir::WalkDir;

use crate::workspace::root;

/// Files beside the samples that are none: the truth about them, and words for people.
const NONE: &[&str] = &["expected.json", "README.md"];

/// The folder of the samples.
fn folder() -> PathBuf {
    root().join("crates/triage-hashset/tests/fixtures")
}

/// Returns where a sample lies.
pub(super) fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// Returns the name of every sample: its path in the folder.
pub(super) fn names() -> Vec<String> {
    let folder = folder();
    let entries = WalkDir::new(&folder).sort_by_file_name().into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let samples = files.filter(|entry| NONE.iter().all(|none| entry.file_name() != *none));
    let names = samples.filter_map(|entry| {
        let name = entry.path().strip_prefix(&folder).ok()?;
        name.to_str().map(str::to_owned)
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use triage_hashset::{Disposition, Format, ImportOptions, import};

    use super::*;

    #[test]
    fn every_format_has_a_sample_that_is_told_by_its_content() {
        let alert = ImportOptions { scheme: Some("us".to_owned()), ..ImportOptions::default() };
        let mut good = alert.clone();
        good.description.disposition = Some(Disposition::KnownGood);
        let sha1 = ImportOptions { algorithm: Some("sha1".parse().unwrap()), ..alert.clone() };
        // A database of IPED says itself what its files are, and goes into no other set; a bloom
        // filter does not say of what its digests are.
        let read = |name: &String| {
            [&alert, &good, &sha1].into_iter().find_map(|options| import(&path(name), options).ok())
        };
        let told: BTreeSet<String> = names()
            .iter()
            .filter_map(read)
            .map(|index| index.identity().source.format.clone())
            .collect();
        let all = Format::all().iter().map(|format| format.name());
        let missing: Vec<&str> = all.filter(|name| !told.contains(*name)).collect();
        // A list of b3sum looks like one of sha256sum and must be named.
        assert_eq!(missing, ["b3sum"], "told: {told:?}");
        assert!(!names().iter().any(|name| name.ends_with("expected.json")));
    }
}
