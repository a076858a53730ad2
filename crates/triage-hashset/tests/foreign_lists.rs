//! Lists that other programs wrote, or in forms that they take for their own, give the counts and
//! the digests that an independent program counts in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::collections::BTreeSet;
use std::process::Command;

use scene::options;
use triage_hash::Algorithm::{self, Md5, Sha1, Sha256};
use triage_hashset::import;

/// Makes the lists in the folder it runs in.
const MAKE: &str = include_str!("foreign_lists/make.sh");

/// Each list, the format that it must be told to have, and its algorithms.
const LISTS: [(&str, &str, &[Algorithm]); 12] = [
    ("hashdeep.txt", "hashdeep", &[Md5, Sha1, Sha256]),
    ("md5deep.txt", "gnu", &[Md5]),
    ("sha1deep.txt", "gnu", &[Sha1]),
    ("sha256deep.txt", "gnu", &[Sha256]),
    ("md5deep-size.txt", "md5deep-size", &[Md5]),
    ("bsd.txt", "bsd", &[Md5]),
    ("md5deep.txt-md5.idx", "tsk-index", &[Md5]),
    ("ilook-v3.hsh", "ilook", &[Md5, Sha1]),
    ("ilook-v4.hsh", "ilook", &[Md5, Sha1]),
    ("nsrl-1.5.txt", "nsrl-text", &[Md5, Sha1]),
    ("nsrl-2.0.txt", "nsrl-text", &[Md5, Sha1]),
    ("hashkeeper.hsh", "hashkeeper", &[Md5]),
];

fn skip(why: &str) {
    let words = format!("skipped: {why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes());
}

fn lower_lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_ascii_lowercase).collect()
}

#[test]
fn lists_of_other_programs_give_what_awk_counts_in_them() {
    for tool in ["hashdeep", "md5deep", "hfind", "awk", "md5sum"] {
        if Command::new(tool).arg("-V").output().is_err() {
            return skip(&format!("{tool} is not installed"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh").args(["-c", MAKE]).current_dir(folder.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{error}");
    // What is in the forms of programs that are gone is what md5deep finds with them: all files.
    for known in ["ilook-v3.hsh", "ilook-v4.hsh", "nsrl-1.5.txt", "nsrl-2.0.txt", "hashdeep.txt"] {
        assert!(printed.contains(&format!("known {known} 15\n")), "{printed}");
    }
    assert!(printed.ends_with("counts 15 13 1 1\n"), "{printed}");
    let truth = std::fs::read_to_string(folder.path().join("truth")).unwrap();
    for (list, format, algorithms) in LISTS {
        let index = import(&folder.path().join(list), &options()).unwrap();
        assert_eq!(index.identity().source.format, format, "{list}");
        assert_eq!(index.algorithms(), algorithms.iter().copied().collect(), "{list}");
        let report = index.report();
        let counts = (report.rows, report.accepted, report.duplicates, report.exclusions());
        assert_eq!(counts, (15, 13, 1, 1), "{list}: {report:?}");
        if algorithms.contains(&Md5) {
            let records = index.records().map(|record| record.unwrap().digests.get(Md5).unwrap());
            let digests: BTreeSet<String> = records.map(|digest| digest.to_string()).collect();
            assert_eq!(digests, lower_lines(&truth), "{list}");
        }
    }
}
