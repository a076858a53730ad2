//! What a scan would do: the same classes as the scan itself, and shards that make it up again.

use serde_json::Value;

use crate::disks::disk;
use crate::harness::Scene;

fn folder(scene: &Scene) {
    for number in 0..60 {
        scene.file(format!("f{:02}/file-{number}", number % 7), vec![7; number * 500]);
    }
    scene.file(b"line\nfeed", b"1").file(b"back\\slash", b"2").file(b"byte-\xff", b"3");
    scene.file("huge", vec![1; 40_000]);
}

#[test]
fn a_plan_has_the_classes_of_the_scan_that_it_foresees() {
    let scene = Scene::new();
    let path = disk(&scene);
    let image = path.to_str().unwrap();
    let plan = scene.triage(["plan", image, "--json"]).exits(3);
    let lines = plan.lines();
    let summary = plan.summary();
    scene.triage(["scan", image, "--case", "c", "--json"]).exits(3);
    let scan = scene.triage(["scan", image, "--case", "d", "--json"]).exits(3).summary();
    for class in ["read", "encrypted", "unsupported", "unallocated", "lost"] {
        assert_eq!(summary["coverage"]["classes"][class], scan["coverage"]["classes"][class]);
    }
    assert_eq!(summary["coverage"]["deleted"], scan["coverage"]["deleted"]);
    let why = lines.iter().find(|line| line["status"] == "encrypted").unwrap();
    assert_eq!((&why["type"], &why["entries"]), (&"left_out".into(), &1.into()));
    assert_eq!(why["reason"], "the volume is encrypted (LUKS2)");
    assert!(summary["estimate"]["hash_bytes_per_s"].as_u64().unwrap() > 1_000_000);
    let part = lines.iter().find(|line| line["type"] == "part").unwrap();
    assert_eq!(part["name"], "vol1");
}

#[test]
fn rules_and_limits_are_named_with_what_they_leave_out() {
    let scene = Scene::new();
    folder(&scene);
    std::fs::write(scene.path("scope.toml"), "exclude = ['f01/*']").unwrap();
    let asked = ["plan", "evidence", "--scope", "scope.toml", "--max-size", "30000"];
    let ran = scene.triage(asked.iter().chain(&["--json", "--no-estimate"])).exits(3);
    let reason = |status: &str| {
        let lines = ran.lines();
        let line = lines.iter().find(|line| line["status"] == status).unwrap();
        (line["reason"].as_str().unwrap().to_owned(), line["entries"].as_u64().unwrap())
    };
    assert_eq!(reason("excluded"), ("exclude:f01/*".to_owned(), 9));
    assert_eq!(reason("too_large"), ("larger than the limit of 30000 bytes".to_owned(), 1));
    assert!(ran.summary()["estimate"].is_null());
    let said = scene.triage(asked).exits(3).stdout;
    assert!(said.contains("estimated time") && said.contains("exclude:f01/*"), "{said}");
    assert!(said.lines().last().unwrap().contains("INCOMPLETE: 1 entry"), "{said}");
}

#[test]
fn a_file_with_several_names_is_read_once() {
    let scene = Scene::new();
    scene.file("a", vec![5; 1000]);
    std::fs::hard_link(scene.evidence().join("a"), scene.evidence().join("b")).unwrap();
    let ran = scene.triage(["plan", "evidence", "--json", "--no-estimate"]).exits(0);
    let summary = ran.summary();
    assert_eq!(summary["coverage"]["classes"]["read"]["bytes"], 2000);
    assert_eq!(summary["read_bytes"], 1000);
}

#[test]
fn a_set_that_can_never_match_is_refused_before_anything_is_walked() {
    let scene = Scene::new();
    let set = scene.set("known.txt", &[b"x"]);
    let set = set.to_str().unwrap();
    scene.triage(["plan", "evidence", "--sets", set, "--algorithms", "md5"]).exits(2);
    let said = scene.triage(["plan", "evidence", "--sets", set]).exits(0).stdout;
    assert!(said.contains("set: known"), "{said}");
}

/// Scans every shard and returns their lines, one shard after the other, without their places.
fn shards(scene: &Scene, source: &str, count: usize) -> Vec<Value> {
    let mut lines = Vec::new();
    for number in 1..=count {
        let (list, case) = (format!("shards/shard-{number:04}.txt"), format!("case-{number}"));
        let ran = scene.triage(["scan", source, "--files-from", &list, "--case", &case]);
        assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
        lines.extend(scene.manifest(&case));
    }
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seq")));
    lines
}

fn whole(scene: &Scene, source: &str) -> Vec<Value> {
    scene.triage(["scan", source, "--case", "whole"]);
    let mut lines = scene.manifest("whole");
    lines.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seq")));
    lines
}

#[test]
fn the_manifests_of_all_shards_are_that_of_the_whole() {
    let scene = Scene::new();
    folder(&scene);
    let asked = ["plan", "evidence", "--shards", "4", "--shards-to", "shards", "--json"];
    let ran = scene.triage(asked).exits(0);
    let told: Vec<Value> = ran.lines().into_iter().filter(|line| line["type"] == "shard").collect();
    assert_eq!(told.len(), 4);
    let bytes: Vec<u64> = told.iter().map(|line| line["bytes"].as_u64().unwrap()).collect();
    let all: u64 = bytes.iter().sum();
    assert!(bytes.iter().all(|&bytes| bytes > all / 10), "{bytes:?}");
    assert_eq!(shards(&scene, "evidence", 4), whole(&scene, "evidence"));
    // The same lists again; never over the old ones.
    let again = ["plan", "evidence", "--shards", "4", "--shards-to", "again", "-q"];
    scene.triage(again).exits(0);
    for number in 1..=4 {
        let read = |folder: &str| {
            std::fs::read(scene.path(&format!("{folder}/shard-{number:04}.txt"))).unwrap()
        };
        assert_eq!(read("shards"), read("again"));
    }
    scene.triage(again).exits(6);
    let inside = ["plan", "evidence", "--shards", "2", "--shards-to", "evidence/shards"];
    scene.triage(inside).exits(6);
}

#[test]
fn the_shards_of_a_disk_hold_its_deleted_files_and_streams_too() {
    let scene = Scene::new();
    let path = disk(&scene);
    let image = path.to_str().unwrap();
    scene.triage(["plan", image, "--shards", "3", "--shards-to", "shards"]).exits(3);
    assert_eq!(shards(&scene, image, 3), whole(&scene, image));
}
