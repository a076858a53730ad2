//! `scan`: hits, coverage, refusals and exit codes.

use crate::harness::Scene;

#[test]
fn exactly_the_listed_files_hit_and_the_rest_is_accounted_for() {
    let scene = Scene::new();
    scene.file("a/known.txt", "known").file("b.txt", "other").file("copy of known.txt", "known");
    scene.file("empty", "");
    scene.set("set.txt", &[b"known", b""]);
    let ran =
        scene.triage(["scan", "evidence", "--sets", "set.txt", "--case", "C", "--json"]).exits(1);
    let hits: Vec<String> = ran
        .lines()
        .iter()
        .filter(|line| line["type"] == "hit")
        .map(|line| line["entry"]["path"].as_str().unwrap().to_owned())
        .collect();
    let mut sorted = hits.clone();
    sorted.sort();
    assert_eq!(sorted, ["a/known.txt", "copy of known.txt"], "the empty file never alerts");
    let summary = ran.summary();
    assert_eq!(summary["coverage"]["seen"]["entries"], 6);
    assert_eq!(summary["coverage"]["seen"]["bytes"], 15);
    assert_eq!(summary["coverage"]["classes"]["read"]["entries"], 4);
    let line = scene.line("C", "a/known.txt");
    assert_eq!(line["match"][0]["set"], "set.txt");
    assert_eq!(line["match"][0]["algorithm"], "sha256");
    assert_eq!(line["exhibit"], "evidence");
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn without_a_hit_the_code_is_0_and_exit_zero_maps_hits() {
    let scene = Scene::new();
    scene.file("a", "a");
    scene.set("none", &[b"b"]);
    scene.set("some", &[b"a"]);
    scene.triage(["scan", "evidence", "--sets", "none", "--case", "C1"]).exits(0);
    scene.triage(["scan", "evidence", "--sets", "some", "--case", "C2", "--exit-zero"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "C3"]).exits(0);
}

#[test]
fn limits_and_scope_end_in_their_own_classes() {
    let scene = Scene::new();
    scene.file("big", vec![0; 2000]).file("small", "s").file("private/letter", "l");
    std::fs::write(scene.path("scope.toml"), "exclude = ['private']\n").unwrap();
    let args = ["scan", "evidence", "--case", "C", "--max-size", "1K", "--scope", "scope.toml"];
    let ran = scene.triage(args).exits(3);
    assert!(ran.stdout.starts_with("INCOMPLETE: no hit; 1 of 4 entries"), "{}", ran.stdout);
    assert_eq!(scene.line("C", "big")["status"], "too_large");
    assert_eq!(scene.line("C", "private")["rule"], "exclude:private");
    assert!(scene.manifest("C").iter().all(|line| line["path"] != "private/letter"));
    scene.triage(["scan", "evidence", "--case", "D", "--scope", "scope.toml"]).exits(0);
}

#[test]
fn an_early_end_is_honest() {
    let scene = Scene::new();
    for number in 0..200 {
        scene.file(format!("{number:03}"), "known");
    }
    let set = scene.set("set", &[b"known"]);
    let args = ["scan", "evidence", "--case", "C", "--stop-after", "1", "--threads", "1", "--sets"];
    let ran = scene.triage(args.iter().map(std::ffi::OsStr::new).chain([set.as_os_str()])).exits(4);
    assert!(ran.stdout.contains("INCOMPLETE"));
    let reached = scene.manifest("C").iter().filter(|line| line["status"] == "read").count();
    assert!((1..200).contains(&reached), "{reached}");
    assert_eq!(scene.manifest("C").len(), 201);
    scene.triage(["scan", "evidence", "--case", "D", "--budget", "0s"]).exits(3);
    assert!(scene.manifest("D").iter().skip(1).all(|line| line["status"] == "not_reached"));
    scene.triage(["verify", "D"]).exits(0);
}

#[test]
fn exact_files_are_read_as_listed() {
    let scene = Scene::new();
    scene.file("a", "1").file("b\nc", "2").file("d", "3");
    std::fs::write(scene.path("list"), b"b\nc\0missing\0").unwrap();
    scene.triage(["scan", "evidence", "--case", "C", "--files-from", "list", "-0"]).exits(3);
    let paths: Vec<_> = scene.manifest("C").iter().map(|line| line["path"].clone()).collect();
    assert_eq!(paths, ["b\\x0ac", "missing"]);
    assert_eq!(scene.line("C", "missing")["error"]["code"], "ENOENT");
    std::fs::write(scene.path("text"), "b\\x0ac\nd\n").unwrap();
    scene.triage(["scan", "evidence", "--case", "D", "--files-from", "text"]).exits(0);
    assert_eq!(scene.manifest("D").len(), 2);
}

#[test]
fn output_on_the_evidence_or_over_something_is_refused() {
    let scene = Scene::new();
    scene.file("a", "a");
    std::os::unix::fs::symlink(scene.evidence(), scene.path("link")).unwrap();
    for case in ["evidence/C", "link/C", "evidence"] {
        let ran = scene.triage(["scan", "evidence", "--case", case]).exits(6);
        assert!(ran.stderr.contains("refused to write into the evidence"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read_dir(scene.evidence()).unwrap().count(), 1);
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    let ran = scene.triage(["scan", "evidence", "--case", "C"]).exits(6);
    assert!(ran.stderr.contains("hint:"), "{}", ran.stderr);
}

#[test]
fn mistakes_end_before_anything_is_scanned() {
    let scene = Scene::new();
    scene.file("a", "a");
    std::fs::write(scene.path("empty.txt"), "").unwrap();
    std::fs::write(scene.path("bad.toml"), "inklude = []").unwrap();
    scene.set("sha256.txt", &[b"a"]);
    for args in [
        &["scan", "missing", "--case", "C"][..],
        &["scan", "evidence", "--case", "C", "--sets", "missing"],
        &["scan", "evidence", "--case", "C", "--sets", "empty.txt"],
        &["scan", "evidence", "--case", "C", "--scope", "bad.toml"],
        &["scan", "evidence", "--case", "C", "--algorithms", "crc32"],
        &["scan", "evidence", "--case", "C", "--algorithms", "md5", "--sets", "sha256.txt"],
        &["scan", "evidence", "--case", "C", "--sign-key", "missing"],
        &["scan", "evidence"],
        &["scan", "--resume", "--case", "C"],
        &["frobnicate"],
    ] {
        let ran = scene.triage(args).exits(2);
        assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
        assert!(!scene.path("C").exists(), "{args:?}");
    }
}

#[test]
fn particulars_reach_the_package_and_a_key_signs_it() {
    let scene = Scene::new();
    scene.file("a", "a");
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    scene.triage(["custody", "keygen", "key"]).exits(6);
    std::fs::write(
        scene.path("p.toml"),
        "case = 'C-1'\nexhibit = 'AB/1'\nexaminer = 'Ana'\n[device]\nserial = 'D-9'\n",
    )
    .unwrap();
    let args = ["scan", "evidence", "--case", "C", "--particulars", "p.toml", "--exhibit", "AB/2"];
    scene.triage(args.into_iter().chain(["--sign-key", "key"])).exits(0);
    assert_eq!(scene.line("C", "a")["exhibit"], "AB/2");
    let read = |name: &str| std::fs::read_to_string(scene.path("C").join(name)).unwrap();
    assert!(read("data/case.json").contains("\"serial\":\"D-9\""));
    assert!(read("seals/0001.json").contains("\"signer\":\"ana@lab.example\""));
    let ran = scene.triage(["verify", "C", "--allowed-signers", "C/keys/allowed_signers"]).exits(0);
    assert!(ran.stderr.contains("signed by ana@lab.example"), "{}", ran.stderr);
    let ran = scene.triage(["custody", "log", "C"]).exits(0);
    assert!(ran.stdout.contains("HASHED  Ana"), "{}", ran.stdout);
}

#[test]
fn a_part_of_the_exhibit_is_examined_from_one_location_to_another_and_says_so() {
    let scene = Scene::new();
    for name in ["a/1", "a/2", "b/1", "b/2", "c"] {
        scene.file(name, name);
    }
    scene.triage(["scan", "evidence", "--case", "whole"]).exits(0);
    let first = scene.triage(["scan", "evidence", "--case", "first", "--until", "b"]).exits(0);
    assert!(first.stdout.contains("a PART of the exhibit"), "{}", first.stdout);
    scene.triage(["scan", "evidence", "--case", "second", "--after", "b"]).exits(0);
    let without_place = |case: &str| -> Vec<_> {
        let mut lines = scene.manifest(case);
        lines.iter_mut().for_each(|line| line["seq"] = 0.into());
        lines
    };
    let parts = [without_place("first"), without_place("second")];
    assert_eq!(parts.each_ref().map(Vec::len), [5, 3]);
    assert_eq!(parts.concat(), without_place("whole"));
    scene.triage(["verify", "second", "evidence"]).exits(0);
    let report = std::fs::read_to_string(scene.path("second/data/report/report.html")).unwrap();
    assert!(report.contains("PART of the exhibit only"));
}

#[test]
fn files_of_no_listed_size_are_left_unread_and_counted_when_that_is_asked_for() {
    let scene = Scene::new();
    scene.file("abc", "abc").file("xyz", "xyz").file("long", "longer").file("d/none", "");
    let md5 = "900150983cd24fb0d6963f7d28e17f72";
    std::fs::write(scene.path("sized.csv"), format!("md5,size\n{md5},3\n")).unwrap();
    let other = "0f343b0931126a20f133d67c2b018a3b";
    std::fs::write(scene.path("some.csv"), format!("md5,size\n{md5},3\n{other},\n")).unwrap();
    let scan = |set: &str, case: &str| {
        let args = ["scan", "evidence", "--size-filter", "--sets", set, "--case", case];
        scene.triage(args)
    };
    let ran = scan("some.csv", "no").exits(2);
    assert!(ran.stderr.contains("entries without a size"), "{}", ran.stderr);
    assert!(!scene.path("no").exists());
    let ran = scene.triage(["scan", "evidence", "--size-filter", "--case", "no"]).exits(2);
    assert!(ran.stderr.contains("no hash set was named"), "{}", ran.stderr);
    let ran = scan("sized.csv", "C").exits(1);
    assert!(ran.stderr.contains("size filter: 2 files were NOT READ"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no set lists a file of that size"), "{}", ran.stderr);
    for (path, status) in [
        ("abc", "read"),
        ("xyz", "read"),
        ("long", "size_not_listed"),
        ("d/none", "size_not_listed"),
        ("d", "not_regular"),
    ] {
        assert_eq!(scene.line("C", path)["status"], status, "{path}");
    }
    assert!(scene.line("C", "long").get("sha256").is_none_or(serde_json::Value::is_null));
    let report = std::fs::read_to_string(scene.path("C/data/report/report.html")).unwrap();
    assert!(report.contains("no set lists a file of that size"));
    // Whoever verifies, compares or matches has nothing of it to go by, and is told nothing else.
    scene.triage(["verify", "C"]).exits(0);
    scene.triage(["verify", "C", "evidence"]).exits(0);
    scene.triage(["match", "C", "--sets", "sized.csv"]).exits(1);
    scan("sized.csv", "D").exits(1);
    let compared = scene.triage(["diff", "C", "D", "--json"]).exits(3);
    assert_eq!(compared.summary()["unknown"], 1, "neither read it, and nobody knows");
    scene.file("long", "another");
    scene.triage(["verify", "C", "evidence"]).exits(5);
    let run = std::fs::read_to_string(scene.path("C/data/run.json")).unwrap();
    assert!(run.contains("\"size_filter\":true"), "the plan says so");
}
