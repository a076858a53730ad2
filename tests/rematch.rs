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
    assert!(alone.stderr.contains("lie in no package"), "{}", alone.stderr);
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
