//! Damaged lists and indexes: errors, never panics, in bounded time.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::fmt::Write as _;

use scene::{Numbers, SAMPLES, expected, fixture, options};
use triage_hash::{Algorithm, Digest};
use triage_hashset::{Error, ImportOptions, Index, Sets, import};

#[test]
fn damaged_lists_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let mut numbers = Numbers(1);
    let options = ImportOptions { scheme: Some("test".to_owned()), ..options() };
    for sample in SAMPLES {
        let good = std::fs::read(fixture(sample)).unwrap();
        for round in 0..60 {
            let mut bad = good.clone();
            for _ in 0..=round % 4 {
                let place = numbers.below(bad.len());
                bad[place] ^= 1 << numbers.below(8);
            }
            if round % 3 == 0 {
                bad.truncate(numbers.below(good.len()));
            }
            std::fs::write(&path, &bad).unwrap();
            if let Ok(index) = import(&path, &options) {
                let report = index.report();
                let kept = report.accepted + report.duplicates + report.merged;
                assert_eq!(report.rows, kept + report.rejects() + report.exclusions());
            }
        }
    }
}

fn index_bytes(folder: &std::path::Path) -> Vec<u8> {
    let options = ImportOptions { scheme: Some("test".to_owned()), ..options() };
    let index = import(&fixture("delimited/generic_comma.csv"), &options).unwrap();
    let path = folder.join("good.thx");
    index.write(&path).unwrap();
    std::fs::read(&path).unwrap()
}

/// Opens the bytes as a file and asks everything; returns whether all of it was accepted.
fn survives(path: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::write(path, bytes).unwrap();
    let Ok(index) = Index::open(path) else { return false };
    let verified = index.verify().is_ok();
    let sets = Sets::from_indexes(vec![index]);
    for file in expected() {
        let _ = sets.lookup(&file.all(), file.size);
        let _ = sets.lists_size(file.size);
    }
    verified
}

#[test]
fn every_flipped_byte_of_an_index_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.thx");
    let good = index_bytes(folder.path());
    assert!(survives(&path, &good));
    let mut numbers = Numbers(2);
    // Every byte of the head, every seventh of the rest (the padding included).
    for place in (0..1600).chain((1600..good.len()).step_by(7)) {
        let mut bad = good.clone();
        bad[place] ^= 1 << numbers.below(8);
        assert!(!survives(&path, &bad), "a flip at {place} is not found");
    }
}

#[test]
fn every_shortened_or_lengthened_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.thx");
    let good = index_bytes(folder.path());
    for len in (0..200).chain((200..good.len()).step_by(97)) {
        assert!(!survives(&path, &good[..len]), "{len}");
    }
    assert!(!survives(&path, &[&good[..], b"x"].concat()));
}

/// A large index is not read whole before it is asked: what an answer rests on is.
#[test]
fn a_damaged_page_is_noticed_by_whoever_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    let mut numbers = Numbers(9);
    let digest = |numbers: &mut Numbers| {
        let bytes = [numbers.next().to_le_bytes(), numbers.next().to_le_bytes()].concat();
        Digest::from_bytes(Algorithm::Md5, &bytes).unwrap()
    };
    let digests: Vec<Digest> = (0..20_000).map(|_| digest(&mut numbers)).collect();
    let lines: String = digests.iter().map(|digest| format!("{digest}\n")).collect();
    let list = folder.path().join("list");
    std::fs::write(&list, lines).unwrap();
    import(&list, &options()).unwrap().write(&path).unwrap();
    let good = std::fs::read(&path).unwrap();
    let ask_all = |index: Index| {
        let sets = Sets::from_indexes(vec![index]);
        let found =
            |digest: &&Digest| !sets.lookup(&[**digest].into_iter().collect(), 1).is_empty();
        let found = digests.iter().filter(found).count();
        (found, sets.damage().map(|(_, place)| place))
    };
    assert_eq!(ask_all(Index::open(&path).unwrap()), (digests.len(), None));
    // Head, descriptions and categories, each with a page of its own, are checked when opened, and
    // so are the checks themselves, which are last.
    let pages = good.len() / 4096;
    let mut unexportable = 0;
    for page in 3..pages {
        let mut bad = good.clone();
        let place = page * 4096 + numbers.below(4096);
        bad[place] ^= 1 << numbers.below(8);
        std::fs::write(&path, &bad).unwrap();
        let Ok(index) = Index::open(&path) else { continue };
        assert_eq!(index.damage(), None, "nothing was asked yet");
        let damage = ask_all(index).1;
        assert_eq!(damage, Some(page as u64 * 4096), "page {page} of {pages}");
        let records: Result<Vec<_>, _> = Index::open(&path).unwrap().records().collect();
        unexportable += usize::from(records.is_err());
    }
    // Records do not ask the filter; the digests are three quarters of the file.
    assert!(unexportable > pages / 2, "{unexportable} of {pages}");
}

#[test]
fn an_index_of_an_earlier_version_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("earlier.thx");
    let mut bytes = index_bytes(folder.path());
    let count = usize::try_from(u32::from_le_bytes(bytes[24..28].try_into().unwrap())).unwrap();
    for entry in bytes[64..64 + 64 * count].chunks_mut(64).filter(|entry| entry[0] == 22) {
        entry[0] = 20;
    }
    bytes[32..64].fill(0);
    let head = *blake3::hash(&bytes[..64 + 64 * count]).as_bytes();
    bytes[32..64].copy_from_slice(&head);
    std::fs::write(&path, &bytes).unwrap();
    let refused = Index::open(&path).unwrap_err().to_string();
    assert!(refused.contains("an earlier version: compile the list again"), "{refused}");
}

/// A hostile index has true digests over false contents: flips sections and repairs the digests.
#[test]
fn a_forged_index_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.thx");
    let good = index_bytes(folder.path());
    let mut numbers = Numbers(3);
    let count = usize::try_from(u32::from_le_bytes(good[24..28].try_into().unwrap())).unwrap();
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    for round in 0..2000 {
        let mut bad = good.clone();
        let entry = 64 + 64 * numbers.below(count);
        let start = usize::try_from(word(&bad, entry + 8)).unwrap();
        let len = usize::try_from(word(&bad, entry + 16)).unwrap();
        for _ in 0..8 {
            let place = start + numbers.below(len);
            bad[place] = [0, 0xff, 0x7f, 0x80][numbers.below(4)];
        }
        let digest = *blake3::hash(&bad[start..start + len]).as_bytes();
        bad[entry + 32..entry + 64].copy_from_slice(&digest);
        if round % 4 == 0 {
            bad[entry + numbers.below(32)] = [0, 0xff, 0x10, 0x80][numbers.below(4)];
        }
        bad[32..64].fill(0);
        let head = *blake3::hash(&bad[..64 + 64 * count]).as_bytes();
        bad[32..64].copy_from_slice(&head);
        survives(&path, &bad);
    }
}

#[test]
fn absurd_lists_take_bounded_memory_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let attempt = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        import(&path, &options())
    };
    let deep = format!("{{\"value\":[{{\"MD5\":\"\",\"x\":{}", "[".repeat(1_000_000));
    assert!(matches!(attempt(deep.as_bytes()), Err(Error::Damaged { .. })));
    let long = format!("{{\"value\":[{{\"MD5\":\"\",\"{}", "a".repeat(20_000_000));
    assert!(matches!(attempt(long.as_bytes()), Err(Error::Damaged { .. })));
    let mut many = String::from("md5,category\n");
    for n in 0..70_000_u64 {
        writeln!(many, "{:032x},{n}", u128::from(n) + 1).unwrap();
    }
    std::fs::write(&path, many).unwrap();
    let scheme = ImportOptions { scheme: Some("test".to_owned()), ..options() };
    assert!(matches!(import(&path, &scheme), Err(Error::Limit { what: "categories", .. })));
    let line = format!("462d283d443ab2b6f256a6b5b2c7f104\n{}\n", "f".repeat(5_000_000));
    let index = attempt(line.as_bytes());
    assert!(matches!(index, Err(Error::Unrecognised { .. })), "one of two lines is no majority");
}
