//! `correlate`: the same files on several exhibits.

use std::fs;

use serde_json::Value;

use crate::harness::{Ran, Scene};

/// Four exhibits of three owners.
fn lab() -> Scene {
    let scene = Scene::new();
    for (exhibit, files) in [
        ("A1", &["rare", "common", "system", "own of a1"][..]),
        ("A2", &["common", "system", "of both of A"]),
        ("B1", &["rare", "common", "system", "of both of A too"]),
        ("C1", &["common", "system", "known bad"]),
    ] {
        for content in files {
            scene.file(format!("{exhibit}/d/{exhibit} {content}"), content);
        }
        scene.file(format!("{exhibit}/empty"), "");
    }
    scene.file("A1/second of rare", "rare").file("A1/bad", "known bad");
    scene.file("A1/both", "of both of A");
    for exhibit in ["A1", "A2", "B1", "C1"] {
        let source = format!("evidence/{exhibit}");
        scene.triage(["scan", &source, "--case", exhibit, "--case-number", "7"]).exits(0);
    }
    scene.set("system.txt", &[b"system"]);
    scene.set("bad.txt", &[b"known bad"]);
    fs::write(scene.path("owners.csv"), "A1,Adam\nA2,Adam\nB1,Berta\nC1,\"Carl\"\n").unwrap();
    scene
}

fn correlate(scene: &Scene, more: &[&str]) -> Ran {
    scene.triage(["correlate", "A1", "A2", "B1", "C1"].iter().chain(more))
}

fn sha256(content: &str) -> String {
    let digests = triage_hash::hash_bytes("sha256".parse().unwrap(), content.as_bytes());
    digests.iter().map(|digest| digest.to_string()).collect()
}

fn shared(ran: &Ran) -> Vec<Value> {
    ran.lines().into_iter().filter(|line| line["type"] == "shared").collect()
}

#[test]
fn files_on_several_exhibits_are_found_and_known_good_ones_left_out() {
    let scene = lab();
    let more = ["--known-good", "system.txt", "--sets", "bad.txt", "--rare", "2", "--json"];
    let ran = correlate(&scene, &more).exits(1);
    let found = shared(&ran);
    let of = |content: &str| found.iter().find(|line| line["digest"] == sha256(content));
    let exhibits = |content: &str| -> Vec<String> {
        let on = of(content).unwrap()["exhibits"].as_array().unwrap();
        on.iter().map(|on| on["exhibit"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(exhibits("rare"), ["A1", "B1"]);
    assert_eq!(exhibits("common"), ["A1", "A2", "B1", "C1"]);
    assert_eq!(exhibits("known bad"), ["A1", "C1"]);
    assert_eq!(found.len(), 4);
    assert!(of("system").is_none() && of("").is_none() && of("own of a1").is_none());
    let rare = of("rare").unwrap();
    assert_eq!(
        (&rare["rare"], &rare["copies"], &rare["owners"]),
        (&true.into(), &3.into(), &2.into())
    );
    assert_eq!(
        (&of("common").unwrap()["rare"], &of("known bad").unwrap()["alert"]),
        (&false.into(), &true.into())
    );
    assert_eq!((&rare["size"], &rare["exhibit_count"]), (&4.into(), &2.into()));
    assert!(rare["first_seen"].as_str().unwrap() <= rare["last_seen"].as_str().unwrap());
    assert!(rare["exhibits"][0]["modified_first"].is_string());
    assert!(!ran.stdout.contains("second of rare"), "no name without --names");
    let pairs: Vec<Value> = ran.lines().into_iter().filter(|l| l["type"] == "pair").collect();
    assert_eq!(pairs.len(), 3, "{pairs:?}");
    let summary = ran.summary();
    assert_eq!((&summary["shared"], &summary["rare"]), (&4.into(), &3.into()));
    assert_eq!(summary["shared_alerting"], 1);
}

#[test]
fn owners_decide_what_is_shared_between_people() {
    let scene = lab();
    let more = ["--owners", "owners.csv", "--rare", "2", "--names", "--json"];
    let ran = correlate(&scene, &more).exits(1);
    let found = shared(&ran);
    let of = |content: &str| found.iter().find(|line| line["digest"] == sha256(content)).unwrap();
    assert_eq!(
        (&of("of both of A")["owners"], &of("of both of A")["rare"]),
        (&1.into(), &false.into())
    );
    assert_eq!(of("rare")["rare"], true);
    assert_eq!(of("rare")["exhibits"][0]["path"], "d/A1 rare");
    assert_eq!(of("rare")["exhibits"][1]["path"], "d/B1 rare");
    fs::write(scene.path("owners.csv"), "A1,Adam\n").unwrap();
    let lacking = correlate(&scene, &more).exits(2);
    assert!(lacking.stderr.contains("has no owner"), "{}", lacking.stderr);
}

#[test]
fn tables_and_pages_are_written_and_nothing_is_written_over() {
    let scene = lab();
    let more = ["--csv", "out.csv", "--html", "out.html", "--names", "--rare", "3"];
    let ran = correlate(&scene, &more).exits(1);
    assert!(ran.stdout.lines().last().unwrap().starts_with("complete: "), "{}", ran.stdout);
    let csv = fs::read_to_string(scene.path("out.csv")).unwrap();
    assert_eq!(csv.lines().filter(|line| line.starts_with(&sha256("common"))).count(), 4);
    assert!(csv.contains("d/B1 rare"));
    let html = fs::read_to_string(scene.path("out.html")).unwrap();
    assert!(csv.starts_with("digest,size,exhibits,exhibit,owner,"));
    assert!(html.contains("A1 and B1: 1") && html.contains("<svg") && html.contains("d/A1 rare"));
    assert!(!html.contains("<script"));
    correlate(&scene, &more).exits(6);
}

#[test]
fn two_agencies_find_the_same_files_without_showing_their_lists() {
    let scene = lab();
    let key = format!("TRIAGE-SET-KEY-1 {}\n", "5c".repeat(32));
    fs::write(scene.path("key"), &key).unwrap();
    fs::write(scene.path("other"), key.replace('5', "6")).unwrap();
    let export = ["correlate", "B1", "C1", "--key", "key", "--export", "south", "--label", "South"];
    scene.triage(export).exits(1);
    let south = fs::read_to_string(scene.path("south")).unwrap();
    for content in ["rare", "common", "system"] {
        assert!(!south.contains(&sha256(content)), "no digest as it is");
    }
    assert!(!south.contains("B1"), "no number of an exhibit");
    let north = ["correlate", "A1", "A2", "--key", "key", "--with", "south", "--json", "--names"];
    let ran = scene.triage(north).exits(1);
    let on = |line: &Value| -> Vec<String> {
        let on = line["exhibits"].as_array().unwrap().iter();
        on.map(|on| on["exhibit"].as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<Vec<String>> = shared(&ran).iter().map(on).collect();
    assert!(all.contains(&vec!["A1".to_owned(), "South/1".to_owned()]), "the rare one: {all:?}");
    assert!(all.contains(&vec!["A1".to_owned(), "South/2".to_owned()]), "the bad one: {all:?}");
    assert!(ran.stdout.contains("d/A1 rare"), "our own names are ours to see");
    assert!(shared(&ran).iter().all(|line| line["keyed"] == true));
    let wrong = ["correlate", "A1", "--key", "other", "--with", "south"];
    let wrong = scene.triage(wrong).exits(2);
    assert!(wrong.stderr.contains("was made with the key"), "{}", wrong.stderr);
    scene.triage(["correlate", "A1", "--with", "south"]).exits(2);
}

#[test]
fn a_package_that_cannot_be_used_is_never_passed_over() {
    let scene = lab();
    let missing = scene.triage(["correlate", "A1", "B1", "nowhere"]).exits(4);
    assert!(missing.stdout.contains("FAILED nowhere") && missing.stdout.contains("INCOMPLETE"));
    let manifest = scene.path("B1/data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("B1 rare", "B1 rarf")).unwrap();
    let changed = scene.triage(["correlate", "A1", "B1"]).exits(3);
    assert!(changed.stdout.contains("its seal says"), "{}", changed.stdout);
    scene.triage(["correlate", "A1", "A1"]).exits(2);
    scene.triage(["correlate", "A1", "C1", "--algorithm", "sha512"]).exits(3);
}

#[test]
fn two_visits_of_one_exhibit_are_one_exhibit() {
    let scene = lab();
    let source = "evidence/A1";
    let exhibit = ["--case-number", "7", "--since", "A1"];
    scene.triage(["scan", source, "--case", "A1 again"].iter().chain(&exhibit)).exits(0);
    let ran = scene.triage(["correlate", "A1", "A1 again", "--json"]).exits(0);
    assert_eq!(ran.summary()["exhibits"], 1);
    let ran = scene.triage(["correlate", "A1", "A1 again", "B1", "--json"]).exits(1);
    assert_eq!(ran.summary()["exhibits"], 2);
}

#[test]
fn memory_and_threads_change_no_byte() {
    let scene = lab();
    let one = correlate(&scene, &["--json", "--threads", "1", "--memory", "16M"]).exits(1);
    let many = correlate(&scene, &["--json", "--threads", "4", "--memory", "1G"]).exits(1);
    assert_eq!(one.stdout, many.stdout);
}
