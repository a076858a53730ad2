//! What a lookup answers: strength, consistency, precedence, the empty file, determinism.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use scene::{Numbers, expected, fixture, options};
use triage_hash::{Algorithm, Algorithms, Digest, Digests, hash_bytes};
use triage_hashset::{
    Builder, Disposition, Error, ImportOptions, ImportReport, Index, Match, Row, RowCategory,
    SetIdentity, SetSource, Sets, Source, import,
};

fn identity(name: &str, disposition: Disposition) -> SetIdentity {
    SetIdentity {
        name: name.to_owned(),
        version: Some("1".to_owned()),
        publisher: None,
        date: None,
        licence: None,
        handling: None,
        disposition,
        scheme: Some("vics-us".to_owned()),
        source: Source::default(),
    }
}

/// Digests of `content`, those of `algorithms` only.
fn digests(content: &str, algorithms: &str) -> Digests {
    hash_bytes(algorithms.parse().unwrap(), content.as_bytes())
}

fn row(digests: Digests) -> Row {
    Row { digests, ..Row::default() }
}

fn index_of(rows: &[Row], disposition: Disposition) -> Index {
    let mut builder = Builder::new();
    for row in rows {
        builder.push(row).unwrap();
    }
    builder.finish(identity("set", disposition), ImportReport::default()).unwrap()
}

fn sets_of(rows: &[Row]) -> Sets {
    Sets::from_indexes(vec![index_of(rows, Disposition::Alert)])
}

#[test]
fn the_strongest_agreeing_algorithm_is_named() {
    let all = "md5,sha1,sha256,sha512,sha3-256,blake3";
    let sets = sets_of(&[row(digests("a", all))]);
    for (asked, strongest) in [
        ("md5", Algorithm::Md5),
        ("md5,sha1", Algorithm::Sha1),
        ("md5,sha1,blake3", Algorithm::Blake3),
        ("md5,sha256", Algorithm::Sha256),
        (all, Algorithm::Sha512),
    ] {
        let found = sets.lookup(&digests("a", asked), 1);
        assert_eq!(found.len(), 1, "one record, one match");
        assert_eq!((found[0].algorithm, found[0].inconsistent), (strongest, false));
    }
    assert!(sets.lookup(&digests("b", all), 1).is_empty());
}

#[test]
fn a_contradicting_digest_or_size_is_inconsistent() {
    let record = Row { size_bytes: Some(1), ..row(digests("a", "md5,sha256")) };
    let sets = sets_of(&[record]);
    let mut collision = digests("a", "md5");
    collision.insert(digests("b", "sha256").get(Algorithm::Sha256).unwrap());
    let found = sets.lookup(&collision, 1);
    assert_eq!((found.len(), found[0].algorithm), (1, Algorithm::Md5));
    assert!(found[0].inconsistent, "the SHA-256 differs");
    assert!(sets.lookup(&digests("a", "md5"), 2)[0].inconsistent, "the size differs");
    assert!(!sets.lookup(&digests("a", "md5"), 1)[0].inconsistent);
    // SHA-1 is not in the set: nothing to compare, nothing to contradict.
    assert!(!sets.lookup(&digests("a", "md5,sha1"), 1)[0].inconsistent);
}

#[test]
fn digests_of_different_records_are_inconsistent_matches_of_both() {
    let records = [row(digests("a", "md5,sha1")), row(digests("b", "md5,sha1"))];
    let sets = sets_of(&records);
    let mut mixed = digests("a", "md5");
    mixed.insert(digests("b", "sha1").get(Algorithm::Sha1).unwrap());
    let found = sets.lookup(&mixed, 1);
    assert!(!found.is_empty() && found.iter().all(|found| found.inconsistent));
    assert_eq!(found[0].algorithm, Algorithm::Sha1, "the stronger one is named first");
}

#[test]
fn categories_are_kept_apart_and_labelled() {
    let with = |number| Row {
        category: Some(RowCategory { number: Some(number), label: None }),
        ..row(digests("a", "md5"))
    };
    let sets = sets_of(&[with(1), with(0), with(1), with(77)]);
    let found = sets.lookup(&digests("a", "md5"), 1);
    let mut said: Vec<_> =
        found.iter().filter_map(|m| m.category.clone()).map(|c| (c.number, c.label)).collect();
    said.sort();
    assert_eq!(said[0], (Some(0), Some("Non-Pertinent".to_owned())));
    assert_eq!(said[2], (Some(77), None));
    let report = sets.iter().next().unwrap().report();
    assert_eq!((report.accepted, report.duplicates, report.merged), (1, 1, 2));
}

#[test]
fn the_empty_file_never_matches() {
    let empty = digests("", "md5,sha256");
    let sets = sets_of(&[row(empty.clone()), row(digests("a", "md5"))]);
    assert!(sets.lookup(&empty, 0).is_empty());
    assert!(sets.lookup(&empty, 7).is_empty(), "its digests, whatever the size");
    assert!(sets.lookup(&digests("a", "md5"), 0).is_empty(), "no bytes, whatever the digests");
}

#[test]
fn an_alert_wins_and_an_inconsistent_known_file_is_not_known() {
    let known = Row { size_bytes: Some(1), ..row(digests("a", "md5")) };
    let good = index_of(std::slice::from_ref(&known), Disposition::KnownGood);
    let sets = Sets::from_indexes(vec![good, index_of(&[known], Disposition::Alert)]);
    let found = sets.lookup(&digests("a", "md5"), 1);
    assert_eq!((found.len(), found.disposition()), (2, Some(Disposition::Alert)));
    assert_eq!((found[0].set_index, found[1].set_index), (0, 1));
    let known = Row { size_bytes: Some(1), ..row(digests("a", "md5")) };
    let sets = Sets::from_indexes(vec![index_of(&[known], Disposition::KnownGood)]);
    assert_eq!(sets.lookup(&digests("a", "md5"), 1).disposition(), Some(Disposition::KnownGood));
    let other_size = sets.lookup(&digests("a", "md5"), 2).disposition();
    assert_eq!(other_size, Some(Disposition::Informational));
}

#[test]
fn sets_say_which_digests_they_need() {
    let md5 = index_of(&[row(digests("a", "md5"))], Disposition::Alert);
    let both = index_of(&[row(digests("a", "md5,sha256"))], Disposition::Alert);
    let sets = Sets::from_indexes(vec![md5, both]);
    assert_eq!(sets.algorithms().to_string(), "md5,sha256");
    let sha256 = Algorithms::NONE.with(Algorithm::Sha256);
    assert_eq!(sets.unmatchable(sha256).count(), 1);
    assert_eq!(sets.partly_matchable(sha256).count(), 2);
    assert_eq!(sets.unmatchable(sets.algorithms()).count(), 0);
}

/// Sixty thousand digests of two algorithms with random sizes and shared keys.
fn many_rows() -> Vec<Row> {
    let mut numbers = Numbers(4);
    let rows = (0..60_000_u64).map(|n| {
        let mut md5 = [0; 16];
        md5[..8].copy_from_slice(&Numbers(n / 3).next().to_le_bytes());
        md5[8..].copy_from_slice(&Numbers(!(n / 3)).next().to_le_bytes());
        let mut sha1 = [0; 20];
        sha1[..8].copy_from_slice(&Numbers(n).next().to_be_bytes());
        sha1[12..].copy_from_slice(&n.to_le_bytes());
        let mut digests = Digests::new();
        digests.insert(Digest::from_bytes(Algorithm::Md5, &md5).unwrap());
        if n % 5 != 0 {
            digests.insert(Digest::from_bytes(Algorithm::Sha1, &sha1).unwrap());
        }
        let size_bytes = (n % 2 == 0).then(|| numbers.next() % 1000 + 1);
        Row { digests, size_bytes, ..Row::default() }
    });
    rows.collect()
}

#[test]
fn sizes_are_listed_only_if_every_row_has_one() {
    let sized = |name: &str, size_bytes| Row { size_bytes, ..row(digests(name, "md5")) };
    let rows = [("a", Some(7)), ("b", Some(3)), ("c", Some(7)), ("d", Some(1 << 40))];
    let rows = rows.map(|(name, size)| sized(name, size));
    let all = sets_of(&rows);
    assert_eq!(all.without_all_sizes().count(), 0);
    let listed = [3, 7, 1 << 40].into_iter().all(|size| all.lists_size(size));
    let others = [0, 1, 4, 8, (1 << 40) + 1, u64::MAX].into_iter().any(|size| all.lists_size(size));
    assert!(listed && !others);
    // One row of unknown size could be any file; and so could every file of a set beside it.
    let some = index_of(&[sized("a", Some(7)), sized("b", None)], Disposition::Alert);
    assert!(!some.has_all_sizes() && some.lists_size(5));
    let beside = [some, index_of(&rows, Disposition::Alert)];
    let sets = Sets::from_indexes(beside.into());
    assert!(sets.lists_size(5) && sets.without_all_sizes().count() == 1);
}

#[test]
fn the_order_of_rows_leaves_no_trace_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = many_rows();
    let write = |rows: &[Row], name: &str| {
        let path = folder.path().join(name);
        index_of(rows, Disposition::Alert).write(&path).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = write(&rows, "first.thx");
    let mut numbers = Numbers(5);
    for place in (1..rows.len()).rev() {
        rows.swap(place, numbers.below(place + 1));
    }
    assert!(first == write(&rows, "second.thx"), "other bytes for the same rows");
}

#[test]
fn a_mapped_file_answers_like_memory_and_like_a_plain_search() {
    let rows = many_rows();
    let memory = index_of(&rows, Disposition::Alert);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    memory.write(&path).unwrap();
    let mapped = Index::open(&path).unwrap();
    mapped.verify().unwrap();
    assert_eq!(mapped.digest(), memory.digest());
    assert_eq!(mapped.identity(), memory.identity());
    let (memory, mapped) = (Sets::from_indexes(vec![memory]), Sets::from_indexes(vec![mapped]));
    for row in rows.iter().step_by(11) {
        let size = row.size_bytes.unwrap_or(1);
        let found = memory.lookup(&row.digests, size);
        assert!(found.iter().any(|found| !found.inconsistent), "{row:?}");
        assert_eq!(found, mapped.lookup(&row.digests, size));
    }
    let mut numbers = Numbers(6);
    for _ in 0..20_000 {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&numbers.next().to_le_bytes());
        bytes[8..16].copy_from_slice(&numbers.next().to_le_bytes());
        let digest = Digest::from_bytes(Algorithm::Sha1, &bytes).unwrap();
        assert!(mapped.lookup(&Digests::from_iter([digest]), 1).is_empty());
    }
}

#[test]
fn an_index_is_never_written_over_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    let index = index_of(&[row(digests("a", "md5"))], Disposition::Alert);
    index.write(&path).unwrap();
    assert!(matches!(index.write(&path), Err(Error::Exists { .. })));
    std::fs::write(folder.path().join("other.thx.part"), b"somebody's").unwrap();
    let other = index.write(&folder.path().join("other.thx"));
    assert!(matches!(other, Err(Error::Exists { path }) if path.ends_with("other.thx.part")));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "no .part is left behind");
    let kept = std::fs::read(folder.path().join("other.thx.part")).unwrap();
    assert_eq!(kept, b"somebody's");
}

#[test]
fn what_a_killed_writer_left_is_begun_anew_and_what_a_living_one_holds_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (path, part) = (folder.path().join("set.thx"), folder.path().join("set.thx.part"));
    let index = index_of(&[row(digests("a", "md5"))], Disposition::Alert);
    index.write(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for left in [&b""[..], &[0; 5000], &whole[..whole.len() - 1]] {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&part, left).unwrap();
        let living = std::fs::File::open(&part).unwrap();
        living.lock().unwrap();
        assert!(matches!(index.write(&path), Err(Error::Exists { path }) if path == part));
        drop(living);
        index.write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        assert!(!part.exists(), "nothing is left behind");
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &part).unwrap();
    assert!(matches!(index.write(&path), Err(Error::Exists { .. })), "a link is not followed");
}

#[test]
fn lists_and_indexes_are_opened_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    import(&fixture("vics/vics_2.0_hashset.json"), &options()).unwrap().write(&path).unwrap();
    let list = SetSource {
        path: fixture("plain/sha256.txt"),
        options: ImportOptions::default(),
        ..SetSource::default()
    };
    let index = SetSource { path, options: ImportOptions::default(), ..SetSource::default() };
    let sets = Sets::open(&[index, list]).unwrap();
    sets.verify().unwrap();
    let file = &expected()[0];
    let found = sets.lookup(&file.all(), file.size);
    let names: Vec<&str> = found.iter().map(|found| &*found.set).collect();
    assert_eq!(names, ["vics_2.0_hashset.json", "sha256.txt"]);
    let source = &sets.iter().next().unwrap().identity().source;
    assert_eq!(&*found[0].set_sha256, source.sha256);
    let bytes = std::fs::read(fixture("vics/vics_2.0_hashset.json")).unwrap();
    let sha256 = Algorithms::NONE.with(Algorithm::Sha256);
    let digest = hash_bytes(sha256, &bytes).get(Algorithm::Sha256).unwrap().to_string();
    assert_eq!((source.size_bytes, &source.sha256), (bytes.len() as u64, &digest));
    let line = serde_json::to_string(&found[0]).unwrap();
    assert_eq!(serde_json::from_str::<Match>(&line).unwrap(), found[0]);
    assert!(line.contains("\"algorithm\":\"sha1\"") || line.contains("\"algorithm\":\"sha256\""));
}

#[test]
fn the_memory_leaves_no_trace_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    let mut numbers = Numbers(7);
    let mut text = String::from("md5,sha1,size,category\n");
    for row in 0..30_000 {
        let md5 = format!("{:016x}{:016x}", numbers.next() % 25_000, numbers.next() % 3);
        let sha1 = format!("{:040x}", numbers.next() % 20_000);
        let (size, category) = (numbers.next() % 3, numbers.next() % 4);
        match row % 3 {
            0 => text.push_str(&format!("{md5},,{size},{category}\n")),
            1 => text.push_str(&format!(",{sha1},,\n")),
            _ => text.push_str(&format!("{md5},{sha1},{size},{category}\n")),
        }
    }
    std::fs::write(&list, &text).unwrap();
    let options = ImportOptions { scheme: Some("vics-us".to_owned()), ..ImportOptions::default() };
    let whole = import(&list, &options).unwrap();
    let expected = folder.path().join("whole.thx");
    whole.write(&expected).unwrap();
    assert!(whole.report().merged > 0 && whole.report().duplicates > 0);
    for memory in [30_000, 300_000, 1 << 30] {
        let path = folder.path().join(format!("{memory}.thx"));
        let index = triage_hashset::import_to(&list, &options, &path, memory).unwrap();
        index.verify().unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&expected).unwrap(), "{memory}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 5, "no scratch file stays");
}
