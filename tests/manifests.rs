//! `match`, `diff` and `report`: work on packages without the evidence.

use std::fs;

use crate::harness::Scene;

#[test]
fn stored_digests_are_matched_again_without_the_disk() {
    let scene = Scene::new();
    scene.file("a", "a").file("b", "b");
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    fs::remove_dir_all(scene.evidence()).unwrap();
    scene.set("new", &[b"b"]);
    scene.set("none", &[b"c"]);
    let ran = scene.triage(["match", "C", "--sets", "new", "--json"]).exits(1);
    let hits: Vec<_> = ran.lines().into_iter().filter(|line| line["type"] == "hit").collect();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0]["entry"]["path"], "b");
    scene.triage(["match", "C/data/manifest.ndjson", "--sets", "none"]).exits(0);
    scene.triage(["match", "C"]).exits(2);
}

#[test]
fn two_manifests_are_compared() {
    let scene = Scene::new();
    scene.file("same", "1").file("gone", "2").file("edited", "3").file("dir/old", "4");
    scene.triage(["scan", "evidence", "--case", "A"]).exits(0);
    scene.triage(["diff", "A", "A"]).exits(0);
    let at = |name: &str| scene.evidence().join(name);
    fs::remove_file(at("gone")).unwrap();
    fs::write(at("edited"), "30").unwrap();
    fs::rename(at("dir/old"), at("new")).unwrap();
    scene.file("fresh", "5");
    scene.triage(["scan", "evidence", "--case", "B"]).exits(0);
    let ran = scene.triage(["diff", "A", "B"]).exits(1);
    for line in [
        "removed    gone",
        "changed    edited (size)",
        "added      fresh",
        "moved      new (from dir/old)",
    ] {
        assert!(ran.stdout.lines().any(|found| found == line), "{line} in\n{}", ran.stdout);
    }
}

#[test]
fn reports_are_rendered_again_and_can_be_redacted() {
    let scene = Scene::new();
    scene.file("<b>name</b>", "known").file("-2+3", "x");
    let set = scene.set("set", &[b"known"]);
    scene.triage(["scan", "evidence", "--case", "C", "--sets", set.to_str().unwrap()]).exits(1);
    let html = fs::read_to_string(scene.path("C").join("data/report/report.html")).unwrap();
    assert!(html.contains("&lt;b&gt;name&lt;/b&gt;") && !html.contains("<b>name"));
    assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("src="));
    let again = scene.triage(["report", "C", "--format", "html"]).exits(0);
    assert_eq!(again.stdout, html, "rendered again it is the same");
    let redacted = scene.triage(["report", "C", "--redact", "names"]).exits(0);
    assert!(!redacted.stdout.contains("name&lt;"));
    let csv = scene.triage(["report", "C", "--format", "csv"]).exits(0);
    assert!(csv.stdout.contains("./-2+3"));
    assert!(csv.stdout.lines().all(|line| !line.starts_with(['=', '+', '-', '@'])));
    let json = scene.triage(["report", "C", "--format", "json"]).exits(0);
    serde_json::from_str::<serde_json::Value>(&json.stdout).unwrap();
    scene.triage(["report", "C", "--format", "doc"]).exits(2);
    scene.triage(["report", "C", "-o", "out.html"]).exits(0);
    scene.triage(["report", "C", "-o", "out.html"]).exits(6);
}
