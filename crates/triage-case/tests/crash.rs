//! Kills, full disks and hostile packages: what is kept, what is refused, and that nothing hangs.
#![expect(clippy::disallowed_methods, reason = "tests damage the packages that they make")]
#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;
use triage_case::{
    CaseDir, CaseState, Closing, Error, Finished, Journal, NamedKey, Particulars, Record, SignedBy,
    Status, StoredManifest, Trust, diff, verify,
};
use triage_custody::{Event, Person, SigningKey};
use triage_evidence::{Entry, Kind, Location};
use triage_hash::{Algorithms, hash_bytes};
const SEED: [u8; 32] = [9; 32];
const OUTCOME: &[u8] = br#"{"halted":null,"doubts":[]}"#;
const TIME: &str = "2026-11-24T10:00:00+01:00";
fn record(seq: u64) -> Record {
    let name = format!("d/{seq:08}.bin").into_bytes();
    let mut entry = Entry::unexamined(Location::from_path(name.clone()), Kind::File);
    entry.size_bytes = Some(name.len() as u64);
    let mut record = Record::unread(seq, entry, Status::Read);
    record.bytes_read = name.len() as u64;
    record.digests = hash_bytes(Algorithms::DEFAULT, &name);
    record
}
fn journal(case: &CaseDir) -> Journal {
    Journal::resume(case, "AB/1", Algorithms::DEFAULT, SEED).unwrap()
}
fn fill(case: &CaseDir, n: u64) -> Finished {
    let mut j = journal(case);
    let p = j.preparer();
    for seq in j.next_seq()..n {
        j.append(&p.prepare(vec![record(seq)])[0]).unwrap();
    }
    j.finish(case, OUTCOME).unwrap()
}
fn close(case: &CaseDir, manifest: &Finished, signed: bool) {
    let seen = &manifest.coverage;
    let mut counts = json!({ "seen": seen.seen().entries, "hits": seen.hits() });
    for s in Status::ALL {
        counts[s.name()] = json!(seen.share(s).entries);
    }
    let seed: String = SEED.iter().map(|b| format!("{b:02x}")).collect();
    case.put_document(
        "data/run.json",
        &json!({"salt_seed": seed, "plan": {"algorithms": "md5,sha1,sha256"}, "counts": counts}),
    )
    .unwrap();
    let particulars = Particulars {
        case: "C-1".into(),
        exhibit: "AB/1".into(),
        examiner: "A".into(),
        ..Particulars::default()
    };
    let by = Person { name: "A".into(), ..Person::default() };
    let key = NamedKey {
        principal: "ana@lab.example".into(),
        key: SigningKey::from_seed(&[7; 32], "ana").unwrap(),
    };
    let signed_by = SignedBy { key: Some(key), certificate: None };
    case.close(&Closing {
        particulars: &particulars,
        events: vec![Event::new(TIME, "hashed", "AB/1", by)],
        manifest,
        algorithms: "md5,sha1,sha256",
        run_id: "r",
        time: TIME,
        tool: json!({"name": "triage"}),
        signed_by: signed.then_some(&signed_by),
    })
    .unwrap();
}
fn package(folder: &Path, n: u64) -> CaseDir {
    let case = CaseDir::create(folder, b"{}").unwrap();
    let m = fill(&case, n);
    close(&case, &m, true);
    drop(case);
    CaseDir::open(folder).unwrap()
}
/// Runs something that must end within ten seconds.
fn within<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (to, from) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = to.send(f());
    });
    from.recv_timeout(Duration::from_secs(10)).ok()
}
#[test]
fn manifest_short_after_power_loss_is_not_sealed_as_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = CaseDir::create(&folder, b"{}").unwrap();
    let m = fill(&case, 100);
    drop(case);
    let path = folder.join("data/manifest.ndjson");
    let bytes = fs::read(&path).unwrap();
    // The rename survived the power loss, the last pages of the file did not (cut inside a line).
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let (case, _) = CaseDir::open_unfinished(&folder).unwrap();
    assert!(case.walk_outcome().unwrap().is_some());
    let again = case.read_finished("AB/1", SEED);
    assert!(
        !matches!(&again, Ok(short) if short.entries < m.entries),
        "a manifest of {} entries cut to {} is taken as whole",
        m.entries,
        again.unwrap().entries
    );
}
#[test]
fn kill_while_the_journal_is_removed_leaves_a_sound_package() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = package(&folder, 3);
    fs::create_dir(folder.join("journal")).unwrap();
    fs::write(folder.join("journal/lock"), b"").unwrap();
    assert_eq!(CaseDir::state(&folder), CaseState::Finished);
    assert_eq!(verify(&case, Trust::default()).unwrap().findings, []);
}
#[test]
fn diff_ends_when_the_second_manifest_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let a = package(&dir.path().join("a"), 20_000).path("data/manifest.ndjson");
    let b = dir.path().join("b.ndjson");
    fs::write(&b, b"not a line\n").unwrap();
    let (a, b) = (StoredManifest::open(&a).unwrap(), StoredManifest::open(&b).unwrap());
    let r = within(move || diff(a, &b, &mut |_| Ok(())).is_err());
    assert_eq!(r, Some(true), "diff hangs or accepts it");
}
#[test]
fn a_closed_package_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let case = package(&dir.path().join("c"), 3);
    assert!(
        case.put("data/run.json", &mut |o| o.write_all(b"{}\n")).is_err(),
        "a sealed file was replaced"
    );
}
#[test]
fn half_written_files_of_a_killed_finishing_are_not_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = CaseDir::create(&folder, b"{}").unwrap();
    let m = fill(&case, 3);
    fs::create_dir_all(folder.join("data/report")).unwrap();
    fs::write(folder.join("data/report/report.html.part"), b"<html").unwrap();
    fs::write(folder.join("bag-info.txt.part"), b"Sour").unwrap();
    drop(case);
    let (case, _) = CaseDir::open_unfinished(&folder).unwrap();
    close(&case, &m, true);
    assert!(
        !folder.join("data/report/report.html.part").exists(),
        "a half-written report was sealed"
    );
    assert_eq!(verify(&case, Trust::default()).unwrap().findings, []);
}
#[test]
fn closing_again_without_a_key_gives_a_sound_package() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = CaseDir::create(&folder, b"{}").unwrap();
    let m = fill(&case, 3);
    let keep = fs::read(folder.join("journal/plan.json")).unwrap();
    close(&case, &m, true);
    drop(case);
    fs::create_dir(folder.join("journal")).unwrap();
    fs::write(folder.join("journal/plan.json"), keep).unwrap();
    let (case, _) = CaseDir::open_unfinished(&folder).unwrap();
    close(&case, &m, false);
    assert_eq!(verify(&case, Trust::default()).unwrap().findings, []);
}
#[test]
fn a_long_tail_of_zeros_is_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = CaseDir::create(&folder, b"{}").unwrap();
    let mut j = journal(&case);
    let p = j.preparer();
    for s in 0..50 {
        j.append(&p.prepare(vec![record(s)])[0]).unwrap();
    }
    j.checkpoint().unwrap();
    drop(j);
    let path = folder.join("journal/manifest.ndjson.part");
    let mut bytes = fs::read(&path).unwrap();
    bytes.resize(bytes.len() + (24 << 20), 0);
    fs::write(&path, bytes).unwrap();
    let r = Journal::resume(&case, "AB/1", Algorithms::DEFAULT, SEED);
    assert_eq!(r.map(|j| j.next_seq()).map_err(|e| e.to_string()), Ok(50));
}
#[test]
fn a_kill_before_the_plan_is_written_can_be_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    fs::create_dir_all(folder.join("journal")).unwrap();
    fs::write(folder.join("journal/lock"), b"").unwrap();
    assert!(
        CaseDir::create(&folder, b"{}").is_ok() || CaseDir::open_unfinished(&folder).is_ok(),
        "neither create nor resume works"
    );
}
#[test]
fn a_fifo_in_a_package_does_not_hang_verify() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = package(&folder, 3);
    fs::remove_file(folder.join("custody.ndjson")).unwrap();
    std::process::Command::new("mkfifo").arg(folder.join("custody.ndjson")).status().unwrap();
    assert_eq!(
        within(move || !verify(&case, Trust::default()).unwrap().findings.is_empty()),
        Some(true),
        "verify hangs"
    );
}
#[test]
fn a_seal_cannot_send_verify_outside_the_package() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = package(&folder, 3);
    let outside = dir.path().join("fifo");
    std::process::Command::new("mkfifo").arg(&outside).status().unwrap();
    let mut seal: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("seals/0001.json")).unwrap()).unwrap();
    seal["files"]["list"] = json!(outside.to_str().unwrap());
    let mut bytes = triage_custody::jcs::to_vec(&seal).unwrap();
    bytes.push(b'\n');
    fs::write(folder.join("seals/0001.json"), bytes).unwrap();
    assert_eq!(
        within(move || !verify(&case, Trust::default()).unwrap().findings.is_empty()),
        Some(true),
        "verify opened a path outside the package"
    );
}
/// Opens a case again. A child that another test of this process starts at the same moment holds
/// a copy of the lock until it executes its program.
fn reopened(folder: &Path) -> CaseDir {
    for _ in 0..100 {
        if let Ok((case, _)) = CaseDir::open_unfinished(folder) {
            return case;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    CaseDir::open_unfinished(folder).unwrap().0
}
#[test]
fn a_full_disk_loses_nothing() {
    let sh = |c: String| {
        std::process::Command::new("sh").args(["-c", &c]).status().is_ok_and(|s| s.success())
    };
    let (mut on_manifest, mut lost) = (0, Vec::new());
    for ballast_kib in (1000..2600).step_by(200) {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join("case-probe");
        fs::create_dir(&mount).unwrap();
        let at = mount.to_str().unwrap().to_owned();
        if !sh(format!("mount -t tmpfs -o size=6m tmpfs {at}")) {
            println!("skipped: no tmpfs");
            return;
        }
        let (folder, ballast) = (mount.join("c"), mount.join("ballast"));
        fs::write(&ballast, vec![0; ballast_kib << 10]).unwrap();
        let case = CaseDir::create(&folder, b"{}").unwrap();
        let mut j = journal(&case);
        let p = j.preparer();
        let mut s = 0;
        let e = loop {
            match j.append(&p.prepare(vec![record(s)])[0]) {
                Ok(()) => s += 1,
                Err(e) => break e,
            }
        };
        assert!(e.is_disk_full(), "{e:?}");
        on_manifest += usize::from(e.to_string().contains("manifest"));
        // Somebody makes room before the checkpoint with which a failed run ends.
        fs::remove_file(&ballast).unwrap();
        let _ = j.checkpoint();
        drop(j);
        drop(case);
        let case = reopened(&folder);
        let r = Journal::resume(&case, "AB/1", Algorithms::DEFAULT, SEED)
            .map(|j| j.next_seq())
            .map_err(|e| e.to_string());
        if r.is_err() {
            lost.push(format!("{e}; then {r:?}"));
        }
        drop(case);
        sh(format!("umount -l {at}"));
    }
    println!("{on_manifest} of 8 failed on the manifest");
    assert!(on_manifest > 0 && lost.is_empty(), "{lost:#?}");
}
#[test]
fn diff_refuses_manifests_that_are_not_sorted() {
    let dir = tempfile::tempdir().unwrap();
    let a = package(&dir.path().join("a"), 10).path("data/manifest.ndjson");
    let text = fs::read_to_string(&a).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.reverse();
    let b = dir.path().join("b");
    fs::write(&b, lines.join("\n") + "\n").unwrap();
    let (a, b) = (StoredManifest::open(&a).unwrap(), StoredManifest::open(&b).unwrap());
    assert!(diff(a, &b, &mut |_| Ok(())).is_err());
}
#[test]
fn a_manifest_that_is_not_the_sealed_one_is_refused_when_it_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let path = package(&dir.path().join("a"), 10).path("data/manifest.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    fs::write(&path, &text[..=last]).unwrap();
    let open = || StoredManifest::open(&path).unwrap();
    let refused = diff(open(), &open(), &mut |_| Ok(())).unwrap_err();
    assert!(refused.to_string().contains("its seal says"), "{refused}");
}
#[test]
fn a_torn_line_is_not_passed_over_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let case = package(&dir.path().join("a"), 10);
    let path = case.path("data/manifest.ndjson");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let mut n = 0;
    let r = case.for_each_record(&mut |_| {
        n += 1;
        Ok(())
    });
    assert!(r.is_err(), "{n} of 10 records read, no error");
}
#[test]
fn sha3_only_runs_have_an_evidence_list() {
    let dir = tempfile::tempdir().unwrap();
    let case = CaseDir::create(&dir.path().join("c"), b"{}").unwrap();
    let a: Algorithms = "sha3-256".parse().unwrap();
    let mut j = Journal::resume(&case, "AB/1", a, SEED).unwrap();
    let p = j.preparer();
    let mut r = record(0);
    r.digests = hash_bytes(a, b"x");
    j.append(&p.prepare(vec![r])[0]).unwrap();
    j.finish(&case, OUTCOME).unwrap();
    assert!(fs::read_dir(case.path("data")).unwrap().count() > 1);
}
#[test]
fn append_checks_the_order_of_locations() {
    let dir = tempfile::tempdir().unwrap();
    let case = CaseDir::create(&dir.path().join("c"), b"{}").unwrap();
    let mut j = journal(&case);
    let p = j.preparer();
    j.append(&p.prepare(vec![record(0)])[0]).unwrap();
    let mut r = record(1);
    r.entry.location = Location::from_path(b"a".to_vec());
    assert!(j.append(&p.prepare(vec![r])[0]).is_err());
}

/// A run whose doubts are not known must not be closed as one that has none.
#[test]
fn a_damaged_outcome_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("c");
    let case = CaseDir::create(&folder, b"{}").unwrap();
    let _finished = fill(&case, 3);
    for text in ["", "{}", "null", r#"{"halted":null}"#, r#"{"halted":null,"doubts":[1]}"#] {
        fs::write(folder.join("journal/outcome.json"), text).unwrap();
        assert!(matches!(case.walk_outcome(), Err(Error::Damaged { .. })), "{text}");
    }
    fs::write(folder.join("journal/outcome.json"), OUTCOME).unwrap();
    assert!(case.walk_outcome().unwrap().is_some());
}
