//! A package from its first line to its seal: resume after every cut, and every byte flipped.
#![expect(clippy::disallowed_methods, reason = "tests damage the packages that they make")]
#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use triage_case::{
    CaseDir, CaseState, Closing, Error, Journal, NamedKey, Particulars, Record, SignedBy, Status,
    Trust, verify,
};
use triage_custody::{Event, Person, SigningKey, TimeZone};
use triage_evidence::{Entry, Kind, Location, Problem, ProblemKind};
use triage_hash::{Algorithms, hash_bytes};

const SEED: [u8; 32] = [9; 32];
const TIME: &str = "2026-11-24T10:00:00+01:00";

fn records() -> Vec<Record> {
    let names: [&[u8]; 5] = [b"", b"a.bin", b"b\\\n", b"c\xff", b"locked"];
    let record = |(seq, name): (u64, &[u8])| {
        let location = Location::from_path(name.to_vec());
        let kind = if seq == 0 { Kind::Directory } else { Kind::File };
        let mut entry = Entry::unexamined(location, kind);
        if kind == Kind::Directory {
            return Record::unread(seq, entry, Status::NotRegular);
        }
        entry.size_bytes = Some(name.len() as u64);
        if name == b"locked" {
            let mut record = Record::unread(seq, entry, Status::Unreadable);
            record.problem =
                Some(Problem::new(ProblemKind::Unreadable, "refused").with_code("EACCES"));
            return record;
        }
        let mut record = Record::unread(seq, entry, Status::Read);
        record.bytes_read = name.len() as u64;
        record.digests = hash_bytes(Algorithms::DEFAULT, name);
        record
    };
    (0..).zip(names).map(record).collect()
}

fn journal(case: &CaseDir) -> Journal {
    Journal::resume(case, "AB/1", Algorithms::DEFAULT, SEED).unwrap()
}

/// Finishes a case from wherever its journal stands.
fn finish(case: &CaseDir, signed: bool) {
    finish_with(case, signed, &records());
}

fn finish_with(case: &CaseDir, signed: bool, records: &[Record]) {
    let mut journal = journal(case);
    let preparer = journal.preparer();
    for record in records.iter().skip(usize::try_from(journal.next_seq()).unwrap()) {
        journal.append(&preparer.prepare(vec![record.clone()])[0]).unwrap();
    }
    let manifest = journal.finish(case, b"{}").unwrap();
    let seen = &manifest.coverage;
    let mut counts = json!({ "seen": seen.seen().entries, "hits": seen.hits() });
    for status in Status::ALL {
        counts[status.name()] = json!(seen.share(status).entries);
    }
    let seed: String = SEED.iter().map(|byte| format!("{byte:02x}")).collect();
    let run =
        json!({ "salt_seed": seed, "plan": { "algorithms": "md5,sha1,sha256" }, "counts": counts });
    case.put_document("data/run.json", &run).unwrap();
    let particulars = Particulars {
        case: "C-1".to_owned(),
        exhibit: "AB/1".to_owned(),
        examiner: "Ana Kovač".to_owned(),
        ..Particulars::default()
    };
    let by = Person { name: "Ana Kovač".to_owned(), ..Person::default() };
    let key = SigningKey::from_seed(&[7; 32], "ana").unwrap();
    let key = NamedKey { principal: "ana@lab.example".to_owned(), key };
    let signed_by = SignedBy { key: Some(key), certificate: None };
    case.close(&Closing {
        particulars: &particulars,
        events: vec![Event::new(TIME, "hashed", "AB/1", by)],
        manifest: &manifest,
        algorithms: "md5,sha1,sha256",
        run_id: "run-1",
        time: TIME,
        tool: json!({ "name": "triage" }),
        signed_by: signed.then_some(&signed_by),
    })
    .unwrap();
}

fn package(folder: &Path, signed: bool) -> CaseDir {
    finish(&CaseDir::create(folder, b"{}").unwrap(), signed);
    CaseDir::open(folder).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn a_package_holds_and_every_flipped_byte_is_found() {
    for signed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let case = package(&dir.path().join("case"), signed);
        let sound = verify(&case, Trust::default()).unwrap();
        assert_eq!(sound.findings, [], "signed {signed}");
        assert_eq!(sound.signed_by.is_some(), signed);
        assert!(!sound.warnings.is_empty());
        // Every byte of the script has a test of its own.
        let script = case.path("verify-with-stock-tools.sh");
        for file in files(case.folder()).into_iter().filter(|file| *file != script) {
            let bytes = fs::read(&file).unwrap();
            // Fixed texts, of which only the digest is looked at: some of their bytes tell it.
            let fixed = file.extension().is_some_and(|end| end == "txt" || end == "sh")
                && file.starts_with(case.path("data"));
            for place in (0..bytes.len()).step_by(if fixed { 97 } else { 1 }) {
                for flip in [0x01, 0x20] {
                    let mut changed = bytes.clone();
                    changed[place] ^= flip;
                    fs::write(&file, changed).unwrap();
                    let found = verify(&case, Trust::default()).unwrap().findings;
                    assert!(!found.is_empty(), "{} byte {place}", file.display());
                }
            }
            fs::write(&file, bytes).unwrap();
        }
        assert_eq!(verify(&case, Trust::default()).unwrap().findings, []);
    }
}

#[test]
fn every_flipped_byte_of_the_script_for_stock_tools_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let case = package(&dir.path().join("case"), true);
    let script = case.path("verify-with-stock-tools.sh");
    let bytes = fs::read(&script).unwrap();
    let codes = || -> Vec<String> {
        verify(&case, Trust::default())
            .unwrap()
            .findings
            .iter()
            .map(|finding| finding.code())
            .collect()
    };
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= if place % 2 == 0 { 0x01 } else { 0x20 };
        fs::write(&script, changed).unwrap();
        let codes = codes();
        let expected = ["file-was-changed", "script-does-not-follow-from-the-package"];
        assert!(expected.iter().all(|code| codes.iter().any(|found| found == code)), "{codes:?}");
    }
    fs::write(&script, &bytes[1..]).unwrap();
    assert!(!codes().is_empty());
    fs::write(&script, bytes).unwrap();
    assert_eq!(codes(), [""; 0]);
}

#[test]
fn extra_missing_linked_and_swapped_things_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let case = package(&dir.path().join("case"), true);
    let whats = || -> Vec<&str> {
        verify(&case, Trust::default())
            .unwrap()
            .findings
            .iter()
            .map(|finding| finding.what)
            .collect()
    };
    fs::write(case.path("data/extra"), b"x").unwrap();
    assert!(whats().contains(&"file is not listed"));
    fs::remove_file(case.path("data/extra")).unwrap();
    fs::hard_link(case.path("data/run.json"), dir.path().join("link")).unwrap();
    assert!(whats().contains(&"foreign entry in the package"));
    fs::remove_file(dir.path().join("link")).unwrap();
    let other = SigningKey::from_seed(&[8; 32], "").unwrap().public();
    let trusted = triage_custody::AllowedSigner::line("ana@lab.example", &other).unwrap();
    let trusted = triage_custody::AllowedSigners::parse(&trusted, &TimeZone::UTC).unwrap();
    let found = verify(&case, Trust { allowed_signers: Some(&trusted), ..Trust::default() })
        .unwrap()
        .findings;
    assert_eq!(found[0].what, "signature is not valid");
    fs::remove_file(case.path("seals/0001.json.sig")).unwrap();
    assert!(whats().contains(&"signature is missing"));
}

#[test]
fn a_journal_cut_anywhere_becomes_the_same_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let whole = package(&dir.path().join("whole"), false);
    let manifest = fs::read(whole.path("data/manifest.ndjson")).unwrap();
    for cut in 0..=manifest.len() {
        let folder = dir.path().join(format!("cut-{cut}"));
        drop(CaseDir::create(&folder, b"plan").unwrap());
        fs::write(folder.join("journal/manifest.ndjson.part"), &manifest[..cut]).unwrap();
        assert_eq!(CaseDir::state(&folder), CaseState::Unfinished);
        let (case, plan) = CaseDir::open_unfinished(&folder).unwrap();
        assert_eq!(plan, b"plan");
        finish(&case, false);
        for name in ["data/manifest.ndjson", "data/evidence.sha256", "data/evidence-escaped.sha256"]
        {
            let same = fs::read(case.path(name)).unwrap() == fs::read(whole.path(name)).unwrap();
            assert!(same, "{name} cut at {cut}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn nothing_is_overwritten_and_one_run_at_a_time_writes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("case");
    let held = CaseDir::create(&folder, b"{}").unwrap();
    assert!(matches!(CaseDir::create(&folder, b"{}"), Err(Error::Exists { .. })));
    assert!(matches!(CaseDir::open_unfinished(&folder), Err(Error::Locked { .. })));
    assert!(matches!(CaseDir::open(&folder), Err(Error::State { .. })));
    drop(held);
    CaseDir::open_unfinished(&folder).unwrap();
}

/// That a digest is nowhere in the manifest would prove nothing.
#[test]
fn a_content_read_whole_has_every_digest_of_the_plan() {
    let dir = tempfile::tempdir().unwrap();
    let mut records = records();
    records[2].digests = hash_bytes("md5,sha1".parse().unwrap(), b"x");
    let case = CaseDir::create(&dir.path().join("sealed"), b"{}").unwrap();
    finish_with(&case, false, &records);
    let found = verify(&CaseDir::open(case.folder()).unwrap(), Trust::default()).unwrap().findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, "data/manifest.ndjson line 3");
    assert_eq!(found[0].actual, "its content was read whole, and its sha256 is not there");

    let case = CaseDir::create(&dir.path().join("interrupted"), b"{}").unwrap();
    let mut begun = journal(&case);
    let preparer = begun.preparer();
    for record in &records {
        begun.append(&preparer.prepare(vec![record.clone()])[0]).unwrap();
    }
    begun.checkpoint().unwrap();
    drop(begun);
    let refused = Journal::resume(&case, "AB/1", Algorithms::DEFAULT, SEED);
    let Err(Error::Damaged { document, reason }) = refused else { panic!("it was taken up") };
    assert_eq!(document, "line 3 of the journal");
    assert!(reason.contains("its sha256 is not there"), "{reason}");
}

/// Whoever waits for the lock of a folder that was empty finds a closed package there.
#[test]
fn a_package_that_was_closed_while_its_lock_was_waited_for_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("case");
    fs::create_dir_all(folder.join("journal")).unwrap();
    let lock = fs::File::create(folder.join("journal/lock")).unwrap();
    lock.lock().unwrap();
    let waiting = {
        let folder = folder.clone();
        std::thread::spawn(move || CaseDir::create(&folder, b"{}").map(drop))
    };
    // Long enough for it to have looked; if it was not, it sees the package at once.
    std::thread::sleep(std::time::Duration::from_millis(30));
    fs::write(folder.join("bagit.txt"), "closed").unwrap();
    lock.unlock().unwrap();
    assert!(matches!(waiting.join().unwrap(), Err(Error::Exists { .. })));
    assert_eq!(CaseDir::state(&folder), CaseState::Finished);
}
