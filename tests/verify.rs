//! `verify`: the package against its seal, the evidence against the package.

use std::fs;

use crate::harness::Scene;

#[test]
fn a_changed_package_fails_and_names_the_file() {
    let scene = Scene::new();
    scene.file("a", "a");
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    let manifest = scene.path("C").join("data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"path\":\"a\"", "\"path\":\"b\"")).unwrap();
    let ran = scene.triage(["verify", "C", "--json"]).exits(5);
    let findings: Vec<_> =
        ran.lines().into_iter().filter(|line| line["type"] == "finding").collect();
    assert!(findings.iter().any(|finding| finding["place"] == "data/manifest.ndjson"));
    assert_eq!(ran.summary()["exit_name"], "verify-failed");
    scene.triage(["verify", "evidence"]).exits(5);
}

#[test]
fn what_happened_to_the_evidence_is_listed_apart() {
    let scene = Scene::new();
    scene.file("same", "1").file("gone", "2").file("edited", "3").file("old name", "4");
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    scene.triage(["verify", "C", "evidence"]).exits(0);
    let at = |name: &str| scene.evidence().join(name);
    fs::remove_file(at("gone")).unwrap();
    fs::write(at("edited"), "changed").unwrap();
    fs::rename(at("old name"), at("new name")).unwrap();
    scene.file("fresh", "5");
    let ran = scene.triage(["verify", "C", "evidence", "--json"]).exits(5);
    let kinds: Vec<String> = ran
        .lines()
        .iter()
        .filter(|line| line["type"] == "difference" && line["path"] != ".")
        .map(|line| {
            format!("{} {}", line["difference"].as_str().unwrap(), line["path"].as_str().unwrap())
        })
        .collect();
    for expected in ["missing gone", "changed edited", "moved new name", "extra fresh"] {
        assert!(kinds.contains(&expected.to_owned()), "{expected} in {kinds:?}");
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert_eq!(ran.summary()["evidence"]["same"], 1);
}

#[test]
fn an_unsigned_package_whose_report_says_something_else_is_found_out() {
    let scene = Scene::new();
    scene.file("a", "a").file("big", [7; 5000]);
    let forms = "html,pdf,json,csv,hits-csv,not-read-csv,dfxml,case,vics,hashdeep,parquet";
    let args = ["scan", "evidence", "--case", "C", "--max-size", "1K", "--report", forms];
    scene.triage(args).exits(3);
    let ran = scene.triage(["verify", "C"]).exits(0);
    assert!(ran.stderr.contains("11 derived files rendered again"), "{}", ran.stderr);
    for (name, from, to) in [
        ("data/report/entries.csv", "too_large", "read"),
        ("data/export/dfxml.xml", "big", "bag"),
        ("data/report/report.pdf", "%%EOF", "%%EOF\n"),
    ] {
        let kept = change_and_list_again(&scene, name, from, to);
        let ran = scene.triage(["verify", "C", "--json"]).exits(5);
        let findings: Vec<_> =
            ran.lines().into_iter().filter(|line| line["type"] == "finding").collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0]["code"], "derived-file-differs-from-its-rendering");
        assert_eq!(findings[0]["place"], name);
        assert_eq!(findings[0]["expected"], triage_custody::sha256_hex(&kept));
        fs::write(scene.path("C").join(name), kept).unwrap();
    }
}

/// Changes a file of an unsigned package and computes every digest of it again, as whoever can
/// write the package can. Returns the file as it was.
fn change_and_list_again(scene: &Scene, name: &str, from: &str, to: &str) -> Vec<u8> {
    let at = |name: &str| scene.path("C").join(name);
    let kept = fs::read(at(name)).unwrap();
    let place = kept.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
    let changed = [&kept[..place], to.as_bytes(), &kept[place + from.len()..]].concat();
    fs::write(at(name), &changed).unwrap();
    crate::tamper::remake(scene);
    kept
}

#[test]
fn a_sound_package_of_an_incomplete_examination_is_no_negative() {
    let scene = Scene::new();
    scene.file("a", "a").file("big", [7; 5000]);
    scene.triage(["scan", "evidence", "--case", "C", "--max-size", "1K"]).exits(3);
    let told = scene.triage(["verify", "C"]).exits(0).stdout;
    let expected = "INCOMPLETE: of the 3 entries that it records, 1 entry was not examined in full";
    assert!(told.contains(expected), "{told}");
    let summary = scene.triage(["verify", "C", "--json"]).exits(0).summary();
    assert_eq!(summary["examination"], "incomplete");

    scene.triage(["scan", "evidence", "--case", "D"]).exits(0);
    let told = scene.triage(["verify", "D"]).exits(0).stdout;
    assert!(!told.contains("INCOMPLETE"), "{told}");
    let summary = scene.triage(["verify", "D", "--json"]).exits(0).summary();
    assert_eq!(summary["examination"], "complete");
}
