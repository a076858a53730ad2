//! The program of examples/lab.rs, as it stands there, and what its package is worth.
#![expect(clippy::disallowed_methods, reason = "tests build evidence and damage packages")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use triage_case::{CaseDir, Particulars, Trust, verify};
use triage_scan::{Circumstances, Error, Examination, Halt, Halting};

#[path = "../examples/lab.rs"]
#[expect(dead_code, reason = "its own start is not needed here")]
mod lab;

fn circumstances() -> Circumstances<'static> {
    // What is waited for ends by this clock: one that stands still would wait for ever.
    let started = Instant::now();
    Circumstances {
        time: &|| "2026-11-25T12:00:00Z".to_owned(),
        clock: Arc::new(move || started.elapsed()),
        salt_seed: [7; 32],
        threads: 2,
        facts: serde_json::Map::new(),
    }
}

fn particulars() -> Particulars {
    Particulars { exhibit: "AB/1".to_owned(), ..Particulars::default() }
}

#[test]
fn a_program_of_thirty_lines_scans_matches_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("evidence/a")).unwrap();
    fs::write(at("evidence/a/known"), "known").unwrap();
    fs::write(at("evidence/b"), "x").unwrap();
    let digests = triage_hash::hash_bytes("md5".parse().unwrap(), b"known");
    let known: String = digests.iter().map(|digest| format!("{digest}\n")).collect();
    fs::write(at("known.txt"), known).unwrap();
    assert!(lab::examine(&at("evidence"), at("known.txt"), &at("C")).unwrap());
    let case = CaseDir::open(&at("C")).unwrap();
    let mut hits = Vec::new();
    case.for_each_record(&mut |record| {
        hits.extend(record.is_hit().then(|| record.entry.location.to_text()));
        Ok(())
    })
    .unwrap();
    assert_eq!(hits, ["a/known"]);
    // A link is no gap; a directory that cannot be opened would be one. A torn package is found.
    let manifest = at("C/data/manifest.ndjson");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[30] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    assert!(
        !verify(&CaseDir::open(&at("C")).unwrap(), Trust::default()).unwrap().findings.is_empty()
    );
    let source = include_str!("../examples/lab.rs");
    let lines = source.lines().skip_while(|line| !line.starts_with("pub(crate) fn examine"));
    assert!(lines.take_while(|line| *line != "}").count() < 30, "thirty lines are promised");
}

#[test]
fn what_cannot_be_trusted_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("evidence")).unwrap();
    fs::write(at("evidence/large"), "x".repeat(100)).unwrap();
    let (evidence, package) = (at("evidence"), at("C"));
    let mut examination = Examination::new(&evidence, &package, particulars());
    examination.walk.max_size_bytes = Some(10);
    let examined = examination.run(&circumstances()).unwrap();
    assert!(!examined.is_complete(), "{:?}", examined.coverage());
    // The same seed and the same time: the same seal.
    let again = at("D");
    let mut same = Examination::new(&evidence, &again, particulars());
    same.walk.max_size_bytes = Some(10);
    same.run(&circumstances()).unwrap();
    let seal = |package: &Path| fs::read(package.join("seals/0001.json")).unwrap();
    assert_eq!(seal(&package), seal(&again));

    let inside = evidence.join("C");
    let refused = Examination::new(&evidence, &inside, particulars()).run(&circumstances());
    assert!(matches!(refused, Err(Error::InEvidence { .. })), "{refused:?}");
    assert!(!inside.exists());
    let (halting, stopped) = (Arc::new(Halting::new()), at("E"));
    halting.set(Halt::Interrupt);
    let interrupted =
        Examination { halting, ..Examination::new(&evidence, &stopped, particulars()) };
    let interrupted = interrupted.run(&circumstances());
    assert!(matches!(interrupted, Err(Error::Interrupted { .. })), "{interrupted:?}");
    assert!(CaseDir::open(&stopped).is_err(), "it is no package");
}
