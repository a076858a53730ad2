//! What is exported is read back, by this program and by the tools that the formats belong to.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::path::Path;
use std::process::Command;

use scene::{expected, fixture, options};
use triage_hash::Algorithm::{self, Md5, Sha1, Sha256};
use triage_hashset::{
    Description, Difference, Error, ExportFormat, ExportOptions, ImportOptions, Index, Sets, diff,
    export, import, merge,
};

fn categorised() -> Index {
    let us = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
    import(&fixture("delimited/generic_comma.csv"), &us).unwrap()
}

fn exported(index: &Index, format: &str, algorithm: Option<Algorithm>, path: &Path) -> (u64, u64) {
    let format: ExportFormat = format.parse().unwrap();
    let options = ExportOptions { algorithm, ..ExportOptions::default() };
    let report = export(index, format, options, path).unwrap();
    (report.written, report.lost.get("categories").copied().unwrap_or(0))
}

#[test]
fn every_format_is_read_back_with_all_that_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let index = categorised();
    for (format, algorithm, algorithms, loses) in [
        ("plain", Some(Sha256), &[Sha256][..], true),
        ("gnu", Some(Sha1), &[Sha1], true),
        ("bsd", Some(Md5), &[Md5], true),
        ("xways", Some(Sha1), &[Sha1], true),
        ("encase", None, &[Md5], true),
        ("hashdeep", None, &[Md5, Sha1, Sha256], true),
        ("csv", None, &[Md5, Sha1, Sha256], false),
        ("vics", None, &[Md5, Sha1, Sha256], false),
        ("tsk", None, &[Md5], true),
        ("iped", None, &[Md5, Sha1, Sha256], false),
        ("stix", None, &[Md5, Sha1, Sha256], true),
    ] {
        let path = folder.path().join(format);
        // The Sleuth Kit shows categories as comments, which are no categories when read back.
        let lost = if loses && format != "tsk" { 20 } else { 0 };
        assert_eq!(exported(&index, format, algorithm, &path), (20, lost), "{format}");
        let us = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
        let back = import(&path, &us).unwrap();
        let read_as = if matches!(format, "csv" | "iped") { "delimited" } else { format };
        assert_eq!(back.identity().source.format, read_as);
        assert_eq!(back.algorithms(), algorithms.iter().copied().collect(), "{format}");
        assert_eq!((back.report().accepted, back.report().rejects()), (20, 0), "{format}");
        let sets = Sets::from_indexes(vec![back]);
        for file in expected() {
            for algorithm in algorithms {
                let found = sets.lookup(&file.only(*algorithm), file.size);
                assert_eq!((found.len(), found[0].inconsistent), (1, false), "{format}");
                let number = found[0].category.as_ref().and_then(|category| category.number);
                assert_eq!(number, (!loses).then_some(file.category), "{format}");
            }
        }
        let again = export(
            &index,
            format.parse().unwrap(),
            ExportOptions { algorithm, ..ExportOptions::default() },
            &path,
        );
        assert!(matches!(again, Err(Error::Exists { .. })), "{format}");
    }
    // MISP and bloom filters have tests of their own (exchange.rs).
    assert_eq!(ExportFormat::all().len(), 11 + 2, "a new format needs its line above");
    let path = folder.path().join("none");
    let error =
        export(&index, "plain".parse().unwrap(), ExportOptions::default(), &path).unwrap_err();
    assert!(error.to_string().contains("--algorithm") && !path.exists(), "{error}");
}

/// Runs a tool; `None`, and a word about it, if it is not installed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("skipped: {program} is not installed\n").as_bytes(),
            );
            None
        }
    }
}

#[test]
fn the_tools_that_formats_belong_to_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let index = categorised();
    std::fs::write(folder.path().join("seen"), "sample-0001").unwrap();
    std::fs::write(folder.path().join("other"), "something else").unwrap();
    exported(&index, "hashdeep", None, &folder.path().join("known"));
    if let Some(matched) = run("hashdeep", &["-k", "known", "-m", "seen", "other"], folder.path()) {
        assert!(matched.contains("seen") && !matched.contains("other"), "{matched}");
    }
    exported(&index, "encase", None, &folder.path().join("set.hash"));
    if let Some(matched) = run("md5deep", &["-m", "set.hash", "seen", "other"], folder.path()) {
        assert!(matched.contains("seen") && !matched.contains("other"), "{matched}");
    }
    exported(&index, "gnu", Some(Md5), &folder.path().join("list.md5"));
    if run("hfind", &["-i", "md5sum", "list.md5"], folder.path()).is_some() {
        let asked = ["list.md5", "462d283d443ab2b6f256a6b5b2c7f104"];
        let found = run("hfind", &asked, folder.path()).unwrap();
        assert!(found.contains("record-") && !found.contains("Not Found"), "{found}");
    }
    exported(&index, "bsd", Some(Sha256), &folder.path().join("list.bsd"));
    if let Some(checked) = run("sha256sum", &["--check", "list.bsd"], folder.path()) {
        assert_eq!(checked.matches("FAILED open or read").count(), 20, "each line is understood");
    }
}

#[test]
fn a_difference_names_what_came_went_and_was_recategorised() {
    let folder = tempfile::tempdir().unwrap();
    let us = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
    let (one, two) = (format!("{:032x}", 1), format!("{:032x}", 2));
    let (three, four) = (format!("{:032x}", 3), format!("{:032x}", 4));
    let set = |name: &str, rows: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("md5,category\n{rows}")).unwrap();
        import(&path, &us).unwrap()
    };
    let before = set("a", &format!("{one},1\n{two},2\n{three},1\n"));
    let after = set("b", &format!("{one},1\n{two},1\n{four},1\n"));
    let mut found = Vec::new();
    let same = diff(&before, &after, &mut |difference| {
        found.push(match difference {
            Difference::Added(record) => format!("+{:?}", record.digests.get(Md5).unwrap()),
            Difference::Removed(record) => format!("-{:?}", record.digests.get(Md5).unwrap()),
            Difference::Recategorised { before, after, .. } => {
                let number = |all: &[Option<triage_hashset::Category>]| {
                    all[0].as_ref().and_then(|category| category.number)
                };
                format!("{:?}>{:?}", number(&before), number(&after))
            }
            Difference::Resized { before, after, .. } => format!("{before:?}>{after:?}"),
        });
        Ok(())
    })
    .unwrap();
    assert_eq!((same, found.len()), (1, 3), "{found:?}");
    assert!(found[0].contains("Some(2)>Some(1)"), "{found:?}");
    assert!(found[1].starts_with('-') && found[2].starts_with('+'), "{found:?}");
    let sized = |name: &str, sizes: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("md5,size\n{one},{sizes}\n{two},7\n")).unwrap();
        import(&path, &options()).unwrap()
    };
    let mut sizes = Vec::new();
    let same = diff(&sized("s", "4"), &sized("t", "5"), &mut |difference| {
        sizes.push(difference);
        Ok(())
    });
    assert_eq!(same.unwrap(), 1);
    let [Difference::Resized { before: old, after: new, .. }] = &sizes[..] else {
        panic!("{sizes:?}")
    };
    assert_eq!((&old[..], &new[..]), (&[Some(4)][..], &[Some(5)][..]));
    let other = import(&fixture("plain/sha1.txt"), &options()).unwrap();
    assert!(matches!(diff(&before, &other, &mut |_| Ok(())), Err(Error::Unfit { .. })));

    let merged = folder.path().join("merged.thx");
    let sets = [before, after];
    let both = merge(&sets, Description::default(), &merged, 1 << 20).unwrap();
    let report = both.report();
    let counts = (report.rows, report.accepted, report.duplicates, report.merged);
    assert_eq!(counts, (6, 4, 1, 1));
    assert_eq!(both.identity().scheme.as_deref(), Some("vics-us"));
    for set in &sets {
        assert!(both.identity().source.name.contains(&set.identity().source.sha256));
    }
    let uk = ImportOptions { scheme: Some("vics-uk".to_owned()), ..options() };
    let uk = import(&folder.path().join("a"), &uk).unwrap();
    let [before, _] = sets;
    let mixed = merge(&[before, uk], Description::default(), &folder.path().join("m"), 1 << 20);
    assert!(matches!(mixed, Err(Error::Unfit { .. })), "schemes are never mixed");
}
