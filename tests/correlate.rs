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
    let changed = scene.triage(["correlate", "A1", "B1"]).exits(5);
    assert!(changed.stdout.contains("its seal says"), "{}", changed.stdout);
    fs::remove_dir_all(scene.path("A2/seals")).unwrap();
    scene.triage(["correlate", "A1", "A2", "C1"]).exits(5);
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

#[test]
fn what_a_bloom_filter_says_is_probable_only() {
    let scene = lab();
    let export = ["sets", "export", "bad.txt", "--format", "bloom", "-o", "f.bloom"];
    scene.triage(export.iter().chain(&["--algorithm", "sha256"])).exits(0);
    let filter = |option| [option, "f.bloom", "--set-algorithm", "sha256"];
    let more = filter("--sets");
    let page = ["--json", "--html", "page.html", "--csv", "table.csv"];
    let ran = correlate(&scene, &[&more[..], &page].concat()).exits(1);
    let found = shared(&ran);
    let bad = found.iter().find(|line| line["digest"] == sha256("known bad")).unwrap();
    assert_eq!((&bad["alert"], &bad["probable_alert"]), (&false.into(), &true.into()));
    let summary = ran.summary();
    assert_eq!(summary["shared_alerting"], 0);
    assert_eq!(summary["shared_probably_alerting"], 1);
    let html = fs::read_to_string(scene.path("page.html")).unwrap();
    assert!(html.contains("PROBABLE alert") && html.contains("1 PROBABLY in one"));
    let table = fs::read_to_string(scene.path("table.csv")).unwrap();
    assert!(table.lines().next().unwrap().contains("alert,informational,probable_alert,"));
    let words = correlate(&scene, &more).exits(1).stdout;
    assert!(words.contains("  PROBABLE ALERT") && !words.contains("  ALERT"), "{words}");
    let noted = correlate(&scene, &[&filter("--informational")[..], &["--json"]].concat()).exits(1);
    let noted = shared(&noted);
    let bad = noted.iter().find(|line| line["digest"] == sha256("known bad")).unwrap();
    assert_eq!(bad["informational"], false);
    assert_eq!(bad["probable_informational"], true);
    // A certain match beside it is a certain one.
    let both = correlate(&scene, &[&more[..], &["--sets", "bad.txt", "--json"]].concat());
    let summary = both.exits(1).summary();
    assert_eq!(summary["shared_alerting"], 1);
    assert_eq!(summary["shared_probably_alerting"], 0);
}

#[test]
fn a_set_that_could_match_no_file_answers_nothing() {
    let scene = lab();
    let md5 = triage_hash::hash_bytes("md5".parse().unwrap(), b"system");
    fs::write(scene.path("md5"), format!("{}\n", md5.iter().next().unwrap())).unwrap();
    let as_sha256 = ["--algorithms", "sha256", "--case-number", "7", "--case", "S1"];
    scene.triage(["scan", "evidence/B1"].iter().chain(&as_sha256)).exits(0);
    for option in ["--known-good", "--sets", "--informational"] {
        let ran = scene.triage(["correlate", "A1", "C1", "S1", option, "md5"]).exits(4);
        assert!(ran.stdout.contains("FAILED S1: NOT ANSWERED"), "{option}: {}", ran.stdout);
    }
    scene.triage(["correlate", "A1", "C1", "--known-good", "md5"]).exits(1);
}

#[test]
fn a_table_has_a_row_for_every_exhibit() {
    let scene = Scene::new();
    let names: Vec<String> = (0..53).map(|number| format!("E{number:02}")).collect();
    for name in &names {
        scene.file(format!("{name}/same"), "on all of them");
        scene.triage(["scan", &format!("evidence/{name}"), "--case", name, "-q"]).exits(0);
    }
    fs::write(scene.path("list"), names.join("\n")).unwrap();
    for (option, table) in [("--packages-from", "a.csv"), ("--cases-from", "b.csv")] {
        let ran = scene.triage(["correlate", option, "list", "--csv", table]).exits(1);
        assert!(ran.stdout.contains("1 file is on several of 53 exhibits"), "{}", ran.stdout);
        let table = fs::read_to_string(scene.path(table)).unwrap();
        assert_eq!(table.lines().count(), 54, "a head and a row for each");
    }
}

/// A lab, its key, and an inventory of `B1` and of `cut`, of which a part was not read.
fn agencies() -> Scene {
    let scene = lab();
    fs::write(scene.path("key"), format!("TRIAGE-SET-KEY-1 {}\n", "5c".repeat(32))).unwrap();
    let cut = ["--max-size", "6", "--case-number", "7", "--case", "cut"];
    scene.triage(["scan", "evidence/C1"].iter().chain(&cut)).exits(3);
    scene
}

fn export(scene: &Scene, cases: &[&str], to: &str, label: &str) -> Ran {
    let more = ["--key", "key", "--export", to, "--label", label];
    scene.triage(["correlate"].iter().chain(cases).chain(&more))
}

fn with(scene: &Scene, inventories: &[&str]) -> Ran {
    let with = inventories.iter().flat_map(|inventory| ["--with", *inventory]);
    scene.triage(["correlate", "A1", "--key", "key", "--json"].into_iter().chain(with))
}

#[test]
fn an_inventory_says_what_it_lacks() {
    let scene = agencies();
    export(&scene, &["B1"], "whole", "South").exits(0);
    with(&scene, &["whole"]).exits(1);
    export(&scene, &["B1", "cut"], "gaps", "Gaps").exits(4);
    let ran = with(&scene, &["gaps"]).exits(4);
    let exhibits: Vec<Value> =
        ran.lines().into_iter().filter(|line| line["type"] == "exhibit").collect();
    let told: Vec<_> = exhibits.iter().map(|line| (&line["exhibit"], &line["gaps"])).collect();
    assert_eq!(told[1], (&"Gaps/1".into(), &0.into()));
    assert_eq!((told[2].0, told[2].1.as_u64().unwrap() > 0), (&"Gaps/2".into(), true));
    export(&scene, &["B1", "nowhere"], "fewer", "Fewer").exits(3);
    let ran = with(&scene, &["fewer"]).exits(4);
    let failed = ran.lines().into_iter().find(|line| line["type"] == "failed").unwrap();
    assert!(failed["because"].as_str().unwrap().contains("1 package of it was not used"));
    let halted = ["--budget", "0s", "--case-number", "7", "--case", "H"];
    scene.triage(["scan", "evidence/C1"].iter().chain(&halted)).exits(3);
    export(&scene, &["B1", "H"], "halted", "Halted").exits(3);
    let doubts = with(&scene, &["halted"]).exits(4).summary()["doubts"].clone();
    assert!(doubts[0].as_str().unwrap().starts_with("Halted/2: "), "{doubts}");
}

#[test]
fn a_part_of_an_inventory_or_an_older_one_is_refused() {
    let scene = agencies();
    export(&scene, &["B1"], "whole", "South").exits(0);
    let whole = fs::read_to_string(scene.path("whole")).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let put = |text: &str| fs::write(scene.path("part"), text).unwrap();
    for (part, code) in [
        (lines[..lines.len() - 1].concat(), 5),
        (lines[..lines.len() - 2].concat(), 5),
        ([&lines[..2], &lines[3..]].concat().concat(), 5),
        (whole.replacen("\"gaps\":0", "\"gaps\":1", 1), 5),
        (lines[0].to_owned(), 5),
        (whole.replacen("\"v\":2", "\"v\":1", 1), 2),
        (String::new(), 2),
    ] {
        assert_ne!(part, whole);
        put(&part);
        let ran = with(&scene, &["part"]).exits(code);
        assert!(ran.stderr.contains("inventory"), "{}", ran.stderr);
    }
    // As a version before wrote it: nothing of gaps, and no end.
    let head: Value = serde_json::from_str(lines[0]).unwrap();
    let old = format!(
        "{{\"algorithm\":\"sha256\",\"exhibits\":1,\"key\":{},\"label\":\"South\",\
         \"type\":\"triage-keyed-inventory\",\"v\":1}}\n",
        head["key"]
    );
    put(&(old + &lines[2..lines.len() - 1].concat()));
    assert!(with(&scene, &["part"]).exits(2).stderr.contains("exported again"));
}

#[test]
fn two_inventories_never_share_a_label() {
    let scene = agencies();
    export(&scene, &["B1"], "one", "South").exits(0);
    export(&scene, &["C1"], "two", "South").exits(0);
    let ran = with(&scene, &["one", "two"]).exits(2);
    assert!(ran.stderr.contains("label"), "{}", ran.stderr);
    with(&scene, &["one", "one"]).exits(2);
    let own = ["--export", "three", "--label", "South", "--with", "one"];
    scene.triage(["correlate", "A1", "--key", "key"].iter().chain(&own)).exits(2);
    assert!(!scene.path("three").exists() && !scene.path("three.part").exists());
    export(&scene, &["B1"], "none", "").exits(2);
    let taken = ["--case-number", "7", "--exhibit", "South/1", "--case", "taken"];
    scene.triage(["scan", "evidence/A2"].iter().chain(&taken)).exits(0);
    scene.triage(["correlate", "taken", "--key", "key", "--with", "one"]).exits(2);
}
