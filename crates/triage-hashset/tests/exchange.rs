//! Exports for other programs, read back by those programs or by a reader of this test's own: The
//! Sleuth Kit, SQLite, the Python packages `stix2` and `pymisp`, a reader of bloom filters.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use scene::{expected, fixture, options};
use triage_hash::Algorithm::{self, Md5, Sha1, Sha256};
use triage_hashset::{
    Description, Disposition, ExportOptions, ImportOptions, Index, Sets, export, import,
};

fn categorised() -> Index {
    let us = ImportOptions {
        scheme: Some("vics-us".to_owned()),
        description: Description {
            name: Some("Exported \"set\"".to_owned()),
            date: Some("2026-11-25".to_owned()),
            handling: Some("TLP:AMBER".to_owned()),
            ..Description::default()
        },
        ..options()
    };
    import(&fixture("delimited/generic_comma.csv"), &us).unwrap()
}

fn exported(index: &Index, format: &str, algorithm: Option<Algorithm>, path: &Path) {
    let options = ExportOptions { algorithm, ..ExportOptions::default() };
    assert_eq!(export(index, format.parse().unwrap(), options, path).unwrap().written, 20);
}

fn skip(why: &str) {
    let words = format!("skipped: {why}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes());
}

/// Runs a tool and returns what it printed; `None`, and a word about it, if it is not installed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).current_dir(folder).output() else {
        skip(&format!("{program} is not installed"));
        return None;
    };
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {error}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a Python program with the packages that `TRIAGE_TEST_PYTHON` has.
fn python(program: &str, argument: &str, folder: &Path) -> Option<String> {
    let Some(python) = std::env::var_os("TRIAGE_TEST_PYTHON") else {
        skip("TRIAGE_TEST_PYTHON names no Python with stix2 and pymisp");
        return None;
    };
    run(python.to_str().unwrap(), &["-c", program, argument], folder)
}

/// The digests that the samples have, lower-case hex.
fn truth(algorithm: Algorithm) -> BTreeSet<String> {
    let digest = |file: &scene::Expected| file.all().get(algorithm).unwrap().to_string();
    expected().iter().map(digest).collect()
}

#[test]
fn the_sleuth_kit_finds_what_its_database_holds() {
    let folder = tempfile::tempdir().unwrap();
    let index = categorised();
    exported(&index, "tsk", None, &folder.path().join("set.kdb"));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "SQLite leaves nothing beside it");
    for md5 in truth(Md5) {
        let Some(found) = run("hfind", &["set.kdb", &md5], folder.path()) else { break };
        // It prints the digest without its bytes of zero, and then a name.
        assert!(found.starts_with(&md5[..20]) && !found.contains("Not Found"), "{found}");
    }
    let other = "ffffffffffffffffffffffffffffff00";
    if let Some(found) = run("hfind", &["set.kdb", other], folder.path()) {
        assert!(found.contains("Hash Not Found"), "{found}");
        run("hfind", &["-c", "made-by-hfind.kdb"], folder.path()).unwrap();
    }
    let ask = |database: &str, sql: &str| run("sqlite3", &[database, sql], folder.path());
    let Some(checked) = ask("set.kdb", "PRAGMA integrity_check") else { return };
    assert_eq!(checked.trim(), "ok");
    let all = ask("set.kdb", "SELECT lower(hex(md5)) FROM hashes").unwrap();
    assert_eq!(all.lines().map(str::to_owned).collect::<BTreeSet<_>>(), truth(Md5));
    let comment = ask("set.kdb", "SELECT DISTINCT comment FROM comments").unwrap();
    assert!(comment.contains("vics-us 4 (Comparison Images)"), "{comment}");
    if folder.path().join("made-by-hfind.kdb").exists() {
        assert_eq!(ask("set.kdb", ".schema"), ask("made-by-hfind.kdb", ".schema"));
    }
}

#[test]
fn stix2_accepts_every_object_and_derives_the_same_identifiers() {
    let folder = tempfile::tempdir().unwrap();
    exported(&categorised(), "stix", None, &folder.path().join("bundle.json"));
    let program = "
import stix2, sys
bundle = stix2.parse(open(sys.argv[1]).read(), allow_custom=False)
assert bundle.type == 'bundle' and len(bundle.objects) == 20
for o in bundle.objects:
    again = stix2.v21.File(hashes=dict(o.hashes), size=o.size)
    assert again.id == o.id, (again.id, o.id)
    print(o.hashes['MD5'], o.hashes['SHA-1'], o.hashes['SHA-256'])
";
    let Some(printed) = python(program, "bundle.json", folder.path()) else { return };
    for (place, algorithm) in [Md5, Sha1, Sha256].into_iter().enumerate() {
        let column: BTreeSet<String> =
            printed.lines().map(|line| line.split(' ').nth(place).unwrap().to_owned()).collect();
        assert_eq!(column, truth(algorithm));
    }
}

#[test]
fn a_misp_event_is_read_back_by_us_and_by_pymisp() {
    let folder = tempfile::tempdir().unwrap();
    let index = categorised();
    let path = folder.path().join("event.json");
    exported(&index, "misp", None, &path);
    let back = import(&path, &options()).unwrap();
    assert_eq!((back.identity().source.format.as_str(), back.report().rejects()), ("misp", 0));
    let sets = Sets::from_indexes(vec![back]);
    for file in expected() {
        for algorithm in [Md5, Sha1, Sha256] {
            assert_eq!(sets.lookup(&file.only(algorithm), file.size).len(), 1);
        }
    }
    let program = "
import sys, pymisp
event = pymisp.MISPEvent()
event.load_file(sys.argv[1])
assert event.info == 'Exported \"set\"' and str(event.date) == '2026-11-25', (event.info, event.date)
assert [tag.name for tag in event.tags] == ['tlp:amber']
assert not event.published and len(event.objects) == 20
for o in event.objects:
    assert o.name == 'file'
    for a in o.attributes:
        assert a.to_ids == (a.type != 'size-in-bytes')
    one = lambda relation: o.get_attributes_by_relation(relation)[0].value
    print(one('md5'), one('sha1'), one('sha256'), one('size-in-bytes'))
assert len({a.uuid for o in event.objects for a in o.attributes}) == 80
";
    let Some(printed) = python(program, "event.json", folder.path()) else { return };
    let md5: BTreeSet<String> = printed.lines().map(|line| line[..32].to_owned()).collect();
    assert_eq!(md5, truth(Md5));
    assert!(printed.lines().all(|line| line.ends_with(" 11")), "{printed}");
}

#[test]
fn a_set_of_known_files_alerts_nobody_in_misp() {
    let folder = tempfile::tempdir().unwrap();
    let mut good = options();
    good.description.disposition = Some(Disposition::KnownGood);
    let index = import(&fixture("plain/md5.txt"), &good).unwrap();
    let path = folder.path().join("event.json");
    exported(&index, "misp", None, &path);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("\"to_ids\":true") && text.contains("\"to_ids\":false"));
    exported(&index, "iped", None, &folder.path().join("iped.csv"));
    let text = std::fs::read_to_string(folder.path().join("iped.csv")).unwrap();
    assert!(
        text.starts_with("MD5,set,status\n") && text.contains(",\"md5.txt\",known\n"),
        "{text}"
    );
}

#[test]
fn a_bloom_filter_is_the_one_that_other_programs_make_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let index = categorised();
    exported(&index, "bloom", Some(Sha1), &folder.path().join("set.bloom"));
    // A reader of its own, after the description of the format alone.
    let program = "
import struct, sys
data = open(sys.argv[1], 'rb').read()
version, n, p, k, m, count = struct.unpack_from('<QQdQQQ', data)
assert (version, p, count) == (1, 1e-6, 20) and len(data) == 48 + (m + 63) // 64 * 8
assert n >= 1000 and m % 2 == 1, 'small filters, and those of even sizes, match by chance'
words = struct.unpack_from(f'<{(m + 63) // 64}Q', data, 48)
def has(text):
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = h * 0x100000001b3 % 2**64 ^ byte
    h %= 18446744073709551557
    for _ in range(k):
        h = h * 18446744073709550147 % 2**64 % 18446744073709551557
        if not words[h % m // 64] >> (h % m % 64) & 1:
            return False
    return True
wrong = sum(has('%040X' % (i * 0x9e3779b97f4a7c15f39cc0605cedc834)) for i in range(10000))
assert wrong <= 1, wrong
for line in sys.stdin:
    assert has(line.strip().upper()), line
    assert not has(line.strip()), 'items are upper-case'
    print('has', line.strip())
";
    let listed: Vec<String> = truth(Sha1).into_iter().collect();
    std::fs::write(folder.path().join("digests"), listed.join("\n")).unwrap();
    let shell = "python3 -c \"$0\" set.bloom < digests";
    if Command::new("python3").arg("--version").output().is_err() {
        return skip("python3 is not installed");
    }
    let printed = run("sh", &["-c", shell, program], folder.path()).unwrap();
    assert_eq!(printed.lines().count(), 20, "{printed}");
}
