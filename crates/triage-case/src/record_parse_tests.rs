//! Tests of `record_parse.rs`.

use triage_hash::Algorithms;

use super::*;

fn record() -> Record {
    let location = Location::from_path(b"Users/a\xff\n\"x\".jpg".to_vec());
    let mut entry = Entry::unexamined(location, Kind::File);
    entry.size_bytes = Some(u64::MAX);
    entry.allocated_bytes = Some(4096);
    entry.times.modified = Time::from_text("2026-11-20T10:00:00.123456789Z");
    entry.id = Some(FileId { device: Device { major: 8, minor: 1 }, inode: 9_007_199_254_740_993 });
    entry.links = Some(2);
    entry.ownership = Some(Ownership { user: 1000, group: 100, mode: 0o4755 });
    entry.target = Some(b"..\x07".to_vec());
    entry.name_times = Some(entry.times);
    entry.recovery = Some(triage_evidence::Recovery::Guess);
    entry.facts = Some(Box::new(Facts {
        pairs: BTreeMap::from([("label".to_owned(), "a\"b".to_owned())]),
        notes: vec![Problem::new(ProblemKind::Damaged, "the journal is not replayed")],
    }));
    let mut record = Record::unread(7, entry, Status::Partial);
    record.bytes_read = 12;
    record.problem =
        Some(Problem::new(ProblemKind::Unreadable, "x").with_code("EIO").at(8192).losing(5));
    let range = |offset, size_bytes| LostRange { offset, size_bytes };
    let ranges = vec![range(8192, 3), range(9_007_199_254_740_993, 2)];
    record.problem.as_mut().unwrap().ranges = ranges;
    record.digests = triage_hash::hash_bytes(Algorithms::DEFAULT, b"harmless content");
    record.matches = vec![Match {
        set: "known \"files\"".into(),
        version: Some("2026.1".into()),
        set_sha256: "ab".repeat(32).into(),
        set_index: 0,
        record: 3,
        algorithm: Algorithm::Sha256,
        disposition: Disposition::Alert,
        category: Some(Category {
            scheme: "vics-us".to_owned(),
            number: Some(-1),
            label: Some("label".to_owned()),
        }),
        inconsistent: true,
        certainty: Certainty::Exact,
    }];
    record
}

/// A record as most are: without anything that the reader of ordinary lines leaves alone.
fn ordinary() -> Record {
    let mut record = record();
    record.entry.location = Location::from_path(b"Users/a b/c,d{e}.jpg".to_vec());
    record.entry.size_bytes = Some(GREATEST_INTEGER);
    record.entry.times.born = Time::from_text("2024-02-29T23:59:59.000000001Z");
    record.entry.times.accessed = Time::from_text("0000-03-01T00:00:00.000000000Z");
    record.entry.target = None;
    record.entry.recovery = None;
    record.entry.facts = None;
    record.status = Status::Read;
    record.bytes_read = GREATEST_INTEGER;
    record.problem = None;
    record.matches = Vec::new();
    record
}

/// Whatever the reader of ordinary lines accepts, the other one accepts as the same record.
fn agree(bytes: &[u8]) -> bool {
    let Some((record, exhibit)) = read_line(bytes) else { return false };
    let text = String::from_utf8_lossy(bytes);
    assert_eq!(parse_any_line(bytes), Ok((record, exhibit.to_owned())), "{text}");
    true
}

#[test]
fn ordinary_lines_are_read_without_json_and_are_the_same_records() {
    let mut without = ordinary();
    without.entry = Entry::unexamined(Location::from_path(b"d".to_vec()), Kind::Directory);
    without.status = Status::NotRegular;
    without.digests = Digests::new();
    without.bytes_read = 0;
    let mut single = ordinary();
    single.entry.times = Times { changed: single.entry.times.modified, ..Times::default() };
    single.digests = triage_hash::hash_bytes(Algorithms::NONE.with(Algorithm::Sha512), b"");
    for record in [ordinary(), without, single] {
        let bytes = line(&record);
        assert!(agree(&bytes), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(parse_line(&bytes).unwrap().0, record);
    }
    assert!(!agree(&line(&record())), "it has a problem, matches and escapes");
}

#[test]
fn no_change_of_an_ordinary_line_is_read_otherwise_than_by_json() {
    let bytes = line(&ordinary());
    let mut accepted = 0;
    for place in 0..bytes.len() {
        let mut cut = bytes.clone();
        cut.remove(place);
        accepted += usize::from(agree(&cut));
        for byte in *b"\x00\n\x7f\x80\xc3 !\"\\+-,.:/{}[]018afAZ" {
            let mut changed = bytes.clone();
            changed[place] = byte;
            accepted += usize::from(agree(&changed));
            changed.insert(place, bytes[place]);
            accepted += usize::from(agree(&changed));
        }
    }
    assert!(accepted > 1000, "digits and letters may change: {accepted}");
}

#[test]
fn doubled_and_moved_members_are_no_ordinary_lines() {
    let text = String::from_utf8(line(&ordinary())).unwrap();
    let members: Vec<&str> = text[1..text.len() - 1].split(",\"").collect();
    for (from, to) in (0..members.len()).flat_map(|a| (0..members.len()).map(move |b| (a, b))) {
        let mut moved = members.clone();
        let member = moved.remove(from);
        moved.insert(to, member);
        assert_eq!(agree(format!("{{{}}}", moved.join(",\"")).as_bytes()), from == to);
        moved.insert(to, member);
        assert!(!agree(format!("{{{}}}", moved.join(",\"")).as_bytes()));
    }
}

fn line(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    write_line(record, "AB/1", &mut out);
    out.pop();
    out
}

#[test]
fn a_line_is_canonical_json_and_read_back_whole() {
    let bytes = line(&record());
    triage_custody::jcs::parse_strict(&bytes).unwrap();
    assert_eq!(parse_line(&bytes).unwrap(), (record(), "AB/1".to_owned()));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(r#""path":"Users/a\\xff\\x0a\"x\".jpg","path_hex":"5573657273"#));
    assert!(text.contains(r#""size":"18446744073709551615""#));
}

#[test]
fn carried_digests_name_the_manifest_that_they_come_from_and_no_others_do() {
    let mut record = record();
    record.status = Status::Carried;
    record.problem = None;
    record.bytes_read = 0;
    let manifest = triage_hash::hash_bytes("sha256".parse().unwrap(), b"manifest");
    record.carried_from = manifest.get(Algorithm::Sha256);
    let bytes = line(&record);
    assert_eq!(parse_line(&bytes).unwrap(), (record.clone(), "AB/1".to_owned()));
    let carried = record.carried_from.take();
    assert!(parse_line(&line(&record)).is_err(), "carried from nowhere");
    record.status = Status::Read;
    record.carried_from = carried;
    assert!(parse_line(&line(&record)).is_err(), "read, and carried");
}

#[test]
fn a_probable_match_says_so_and_names_no_record() {
    let mut probable = record();
    let rate = Certainty::Probable { false_positives_per_billion: 2_000 };
    for found in &mut probable.matches {
        (found.certainty, found.record) = (rate, 0);
    }
    let bytes = line(&probable);
    triage_custody::jcs::parse_strict(&bytes).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(r#""false_positives_per_billion":2000,"inconsistent":true,"set":"#));
    assert_eq!(parse_line(&bytes).unwrap().0, probable);
    assert!(probable.is_hit() && probable.is_only_probable_hit());
    assert!(!record().is_only_probable_hit());
    // Neither a record of a filter nor an exact match without one.
    let both = text.replace(r#""inconsistent":true,"#, r#""inconsistent":true,"record":3,"#);
    assert!(parse_line(both.as_bytes()).is_err());
    let neither = text.replace(r#""false_positives_per_billion":2000,"#, "");
    assert!(parse_line(neither.as_bytes()).is_err());
}

#[test]
fn no_changed_byte_gives_the_same_record() {
    let bytes = line(&record());
    for place in 0..bytes.len() {
        for flip in [1, 0x20] {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            let read = parse_line(&changed);
            let same = read.is_ok_and(|read| read == (record(), "AB/1".to_owned()));
            assert!(!same, "byte {place}");
        }
    }
}
