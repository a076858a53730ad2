//! `match` over many packages, and what another release of a set changes in them.

use std::fs;

use serde_json::Value;

use crate::harness::Scene;

/// Writes a CSV list of the SHA-256 of contents, with a category each.
fn list(scene: &Scene, name: &str, rows: &[(&str, u32)]) {
    let mut text = "sha256,category\n".to_owned();
    for (content, category) in rows {
        let digests = triage_hash::hash_bytes("sha256".parse().unwrap(), content.as_bytes());
        let hex = digests.iter().next().unwrap();
        text.push_str(&format!("{hex},{category}\n"));
    }
    fs::write(scene.path(name), text).unwrap();
}

/// Three packages: `A` and `B` with files, `C` with one that is not read.
fn packages() -> Scene {
    let scene = Scene::new();
    scene.file("A/kept", "kept").file("A/fresh", "fresh").file("A/other", "other");
    scene.file("B/d/moved up", "graded").file("B/dropped", "dropped").file("C/big", "a big one");
    for name in ["A", "B"] {
        scene.triage(["scan", &format!("evidence/{name}"), "--case", name]).exits(0);
    }
    scene.triage(["scan", "evidence/C", "--case", "C", "--max-size", "2"]).exits(3);
    list(&scene, "old.csv", &[("kept", 1), ("graded", 2), ("dropped", 1), ("nowhere", 1)]);
    list(&scene, "new.csv", &[("kept", 1), ("graded", 1), ("fresh", 2), ("elsewhere", 1)]);
    scene
}

const CHANGES: [&str; 5] = ["--sets", "new.csv", "--changed-from", "old.csv", "--scheme"];

#[test]
fn only_what_a_new_release_changes_is_printed() {
    let scene = packages();
    let args = || ["match", "A", "B"].into_iter().chain(CHANGES).chain(["vics-us"]);
    let ran = scene.triage(args().chain(["--json"])).exits(1);
    let changes: Vec<Value> =
        ran.lines().into_iter().filter(|line| line["type"] == "match_change").collect();
    let told: Vec<[String; 3]> = changes
        .iter()
        .map(|line| {
            ["change", "package", ""].map(|key| match key {
                "" => line["entry"]["path"].as_str().unwrap().to_owned(),
                key => line[key].as_str().unwrap().to_owned(),
            })
        })
        .collect();
    let expected =
        [["new", "A", "fresh"], ["recategorised", "B", "d/moved up"], ["gone", "B", "dropped"]];
    assert_eq!(told, expected);
    assert_eq!(changes[1]["before"][0]["category"]["number"], 2);
    assert_eq!(changes[1]["entry"]["match"][0]["category"]["number"], 1);
    assert_eq!(changes[1]["entry"]["exhibit"], "B");
    let summary = ran.summary();
    for (key, count) in [("set_added", 2), ("set_removed", 2), ("set_recategorised", 1)] {
        assert_eq!(summary[key], count, "{key}");
    }
    assert_eq!(summary["looked_up"], 3, "the rest is not looked up");
    let words = scene.triage(args()).exits(1);
    assert!(words.stdout.contains("gone           B  B  [vics-us 1"), "{}", words.stdout);
    assert!(!words.stdout.contains("kept"));
    let same = ["match", "A", "B", "--sets", "new.csv", "--changed-from", "new.csv"];
    scene.triage(same.into_iter().chain(["--scheme", "vics-us"])).exits(0);
    let two = ["match", "A", "--sets", "new.csv", "--sets", "old.csv", "--changed-from", "old.csv"];
    scene.triage(two.into_iter().chain(["--scheme", "vics-us"])).exits(2);
}

#[test]
fn the_changes_are_those_of_two_whole_matches_whatever_the_threads() {
    let scene = Scene::new();
    for number in 0..400 {
        scene.file(format!("{}/f{number}", number % 5), format!("content {}", number % 90));
    }
    let names: Vec<String> = (0..5).map(|number| format!("P{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        scene.triage(["scan", &format!("evidence/{number}"), "--case", name]).exits(0);
    }
    let rows = |keep: fn(u32) -> bool, grade: fn(u32) -> u32| -> Vec<(String, u32)> {
        let all = (0..120).filter(|number| keep(*number));
        all.map(|number| (format!("content {number}"), grade(number))).collect()
    };
    let put = |name: &str, rows: Vec<(String, u32)>| {
        let rows: Vec<(&str, u32)> = rows.iter().map(|(c, n)| (c.as_str(), *n)).collect();
        list(&scene, name, &rows);
    };
    put("old.csv", rows(|n| n % 3 > 0, |_| 1));
    put("new.csv", rows(|n| n % 4 > 0, |n| 1 + u32::from(n % 5 == 0)));
    fs::write(scene.path("list"), names.join("\n")).unwrap();
    let hits = |set: &str| -> std::collections::BTreeMap<String, Value> {
        let args = ["match", "--packages-from", "list", "--scheme", "vics-us", "--json", "--sets"];
        let ran = scene.triage(args.iter().chain(&[set])).exits(1);
        let hits = ran.lines().into_iter().filter(|line| line["type"] == "hit");
        hits.map(|line| {
            let key = format!("{} {}", line["package"], line["entry"]["path"]);
            (key, line["entry"]["match"][0]["category"].clone())
        })
        .collect()
    };
    let (old, new) = (hits("old.csv"), hits("new.csv"));
    let mut expected: Vec<String> = Vec::new();
    for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
        let change = match (old.get(key), new.get(key)) {
            (None, _) => "new",
            (_, None) => "gone",
            (a, b) if a != b => "recategorised",
            _ => continue,
        };
        expected.push(format!("{change} {key}"));
    }
    expected.sort();
    assert!(expected.len() > 100);
    for threads in ["1", "3"] {
        let args = ["match", "--packages-from", "list", "--json", "--threads", threads];
        let ran = scene.triage(args.into_iter().chain(CHANGES).chain(["vics-us"])).exits(1);
        let changes = ran.lines().into_iter().filter(|line| line["type"] == "match_change");
        let mut told: Vec<String> = changes
            .map(|line| {
                let change = line["change"].as_str().unwrap().to_owned();
                format!("{change} {} {}", line["package"], line["entry"]["path"])
            })
            .collect();
        told.sort();
        assert_eq!(told, expected, "{threads} threads");
    }
}

#[test]
fn gaps_changed_and_missing_packages_are_never_passed_over() {
    let scene = packages();
    let with = |paths: &[&str]| {
        let args = ["match"].iter().chain(paths).chain(&CHANGES).chain(&["vics-us"]);
        scene.triage(args)
    };
    with(&["C"]).exits(3);
    with(&["A", "C"]).exits(4);
    let missing = with(&["A", "nowhere"]).exits(4);
    assert!(missing.stdout.contains("FAILED nowhere"), "{}", missing.stdout);
    scene.triage(["match", "A", "C", "--sets", "new.csv", "--scheme", "vics-us"]).exits(4);
    fs::copy(scene.path("A/data/manifest.ndjson"), scene.path("alone")).unwrap();
    let alone = with(&["alone"]).exits(1);
    assert!(alone.stderr.contains("1 manifest lies in no package"), "{}", alone.stderr);
    let manifest = scene.path("B/data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("dropped", "dropper")).unwrap();
    let changed = with(&["A", "B"]).exits(5);
    assert!(changed.stdout.contains("FAILED B") && changed.stdout.contains("its seal says"));
    assert!(changed.stdout.contains("fresh"), "the others are matched all the same");
    let whole = ["match", "A", "B", "--sets", "new.csv", "--scheme", "vics-us"];
    assert!(scene.triage(whole).exits(5).stdout.contains("FAILED B"));
}

#[test]
fn what_another_package_has_is_noted_and_alerts_nobody() {
    let scene = packages();
    scene.file("D/copy of fresh", "fresh").file("D/own", "own").file("D/empty", "");
    let args = ["scan", "evidence/D", "--case", "D", "--known-from", "A"];
    scene.triage(args).exits(0);
    let known = scene.line("D", "copy of fresh");
    assert_eq!(known["match"][0]["disposition"], "informational");
    assert_eq!(known["match"][0]["set"], "seen on A");
    for path in ["own", "empty"] {
        assert_eq!(scene.line("D", path)["match"], Value::Null);
    }
    scene.triage(["verify", "D"]).exits(0);
    scene.triage(["match", "D", "--known-from", "A"]).exits(0);
    fs::copy(scene.path("A/data/manifest.ndjson"), scene.path("alone")).unwrap();
    scene.triage(["match", "D", "--known-from", "alone"]).exits(2);
}

/// "No hit" says something only of files that a set could have matched.
#[test]
fn a_manifest_without_a_digest_that_a_set_holds_is_not_answered() {
    let scene = packages();
    let as_md5 = ["--algorithms", "md5", "--case", "M"];
    scene.triage(["scan", "evidence/A"].iter().chain(&as_md5)).exits(0);
    let with = |paths: &[&str], more: &[&str]| {
        let sets = ["--sets", "new.csv", "--scheme", "vics-us"];
        scene.triage(["match"].iter().chain(paths).chain(&sets).chain(more))
    };
    let both = with(&["A", "M"], &[]).exits(4);
    assert!(both.stdout.contains("FAILED M: NOT ANSWERED"), "{}", both.stdout);
    assert!(both.stdout.contains("holds sha256"), "{}", both.stdout);
    assert!(both.stdout.contains("A: HIT"), "{}", both.stdout);
    assert!(both.stderr.contains("of 1 manifest; the manifests are INCOMPLETE"), "{}", both.stderr);
    let alone = with(&["M"], &["--json"]).exits(3);
    assert_eq!(alone.lines()[0]["type"], "failed");
    let summary = alone.summary();
    assert_eq!((&summary["failed"], &summary["doubts"]), (&1.into(), &Value::Array(Vec::new())));
    // What another set finds stands all the same.
    let md5 = triage_hash::hash_bytes("md5".parse().unwrap(), b"kept");
    fs::write(scene.path("md5"), format!("{}\n", md5.iter().next().unwrap())).unwrap();
    let other = with(&["M"], &["--sets", "md5"]).exits(4);
    assert!(other.stdout.contains("HIT") && other.stdout.contains("FAILED M"), "{}", other.stdout);
    scene.triage(["match", "M", "--sets", "md5"]).exits(1);
    let changed = with(&["A", "M"], &["--changed-from", "old.csv"]).exits(4);
    assert!(changed.stdout.contains("FAILED M: NOT ANSWERED"), "{}", changed.stdout);
    with(&["M"], &["--changed-from", "old.csv"]).exits(3);
}

#[test]
fn a_release_of_another_disposition_changes_every_match() {
    let scene = packages();
    let contents: [&[u8]; 2] = [b"kept", b"graded"];
    scene.set("list", &contents);
    for (index, disposition) in [("old.thx", "alert"), ("new.thx", "informational")] {
        let args = ["sets", "import", "list", "-o", index, "--disposition", disposition];
        scene.triage(args).exits(0);
    }
    let args = ["match", "A", "B", "--sets", "new.thx", "--changed-from", "old.thx"];
    let ran = scene.triage(args.iter().chain(&["--json"])).exits(1);
    let changes: Vec<Value> =
        ran.lines().into_iter().filter(|line| line["type"] == "match_change").collect();
    let told: Vec<&str> =
        changes.iter().map(|line| line["entry"]["path"].as_str().unwrap()).collect();
    assert_eq!(told, ["kept", "d/moved up"]);
    assert_eq!(changes[0]["before"][0]["disposition"], "alert");
    assert_eq!(changes[0]["entry"]["match"][0]["disposition"], "informational");
    let summary = ran.summary();
    assert_eq!(summary["set_disposition"]["after"], "informational");
    assert_eq!(summary["looked_up"], 5, "every file of both packages");
    let words = scene.triage(args).exits(1);
    assert!(words.stdout.contains("(alert -> informational)"), "{}", words.stdout);
    assert!(words.stderr.contains("every entry is looked up again"), "{}", words.stderr);
    let diff = scene.triage(["sets", "diff", "old.thx", "new.thx"]).exits(1);
    assert!(diff.stdout.contains("the set was alert and is informational"), "{}", diff.stdout);
}

/// A size that contradicts the file makes a match doubtful.
#[test]
fn a_release_that_changes_a_size_alone_changes_the_match() {
    let scene = packages();
    let digests = triage_hash::hash_bytes("sha256".parse().unwrap(), b"kept");
    let row = |size: u64| format!("sha256,size\n{},{size}\n", digests.iter().next().unwrap());
    fs::write(scene.path("right"), row(4)).unwrap();
    fs::write(scene.path("wrong"), row(5)).unwrap();
    let args = ["match", "A", "--sets", "wrong", "--changed-from", "right", "--json"];
    let ran = scene.triage(args).exits(1);
    assert_eq!(ran.lines()[0]["entry"]["match"][0]["inconsistent"], true, "{}", ran.stdout);
    assert_eq!(
        (&ran.summary()["set_resized"], &ran.summary()["looked_up"]),
        (&1.into(), &1.into())
    );
    let diff = scene.triage(["sets", "diff", "right", "wrong"]).exits(1);
    assert!(diff.stdout.contains("4 bytes -> 5 bytes"), "{}", diff.stdout);
}

#[test]
fn the_doubts_of_a_scan_are_listed() {
    let scene = packages();
    scene.triage(["scan", "evidence/A", "--case", "H", "--budget", "0s"]).exits(3);
    let args = ["match", "H", "--sets", "new.csv", "--scheme", "vics-us", "--json"];
    let summary = scene.triage(args).exits(3).summary();
    let doubts = summary["doubts"].as_array().unwrap();
    assert!(doubts[0].as_str().unwrap().starts_with("H: the scan ended early"), "{doubts:?}");
    let changed = ["--changed-from", "old.csv"];
    let changes = scene.triage(args.iter().chain(&changed)).exits(3).summary();
    assert_eq!(changes["doubts"], summary["doubts"]);
    let diff = scene.triage(["diff", "H", "A"]);
    assert!(diff.stderr.contains("H noted against itself") || diff.stderr.contains("ended early"));
}
