//! `scan --since`: what is carried, what never is, and what a repeat visit tells.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::Scene;

/// Sets the time of modification of a file back to what it was.
fn keeping_modified(path: &Path, change: impl FnOnce(&Path)) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    change(path);
    fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

fn visited() -> Scene {
    let scene = Scene::new();
    scene.file("same", "harmless").file("d/edited", "one").file("d/gone", "two").file("hit", "bad");
    scene.file("old place", "this one moves").file("empty", "");
    scene.set("bad.txt", &[b"bad", b"new bad"]);
    scene.rest();
    scene.triage(["scan", "evidence", "--case", "V1", "--exhibit", "AB/1"]).exits(0);
    scene
}

fn again(scene: &Scene, case: &str, more: &[&str]) -> crate::harness::Ran {
    let args = ["scan", "evidence", "--case", case, "--since", "V1", "--sets", "bad.txt"];
    scene.triage(args.iter().chain(more))
}

fn sha256(scene: &Scene, path: &str) -> String {
    let bytes = fs::read(scene.path(path)).unwrap();
    let digests = triage_hash::hash_bytes("sha256".parse().unwrap(), &bytes);
    digests.iter().map(|digest| digest.to_string()).collect()
}

#[test]
fn untouched_files_are_carried_marked_and_counted_apart() {
    let scene = visited();
    let ran = again(&scene, "V2", &["--json"]).exits(1);
    let summary = ran.summary();
    assert_eq!(summary["coverage"]["classes"]["carried"]["entries"], 6);
    assert_eq!(summary["coverage"]["classes"]["read"]["entries"], 0);
    assert_eq!(summary["coverage"]["bytes_read"], 0);
    let (then, now) = (scene.line("V1", "hit"), scene.line("V2", "hit"));
    assert_eq!(now["status"], "carried");
    assert_eq!(now["hashes"], then["hashes"]);
    assert_eq!(now["carried_from"], sha256(&scene, "V1/data/manifest.ndjson"));
    assert_eq!(now["match"][0]["set"], "bad.txt", "looked up in the sets of today");
    let run: Value =
        serde_json::from_slice(&fs::read(scene.path("V2/data/run.json")).unwrap()).unwrap();
    let seal = sha256(&scene, "V1/seals/0001.json");
    assert_eq!(run["plan"]["since"]["seal_sha256"], seal);
    let custody = fs::read_to_string(scene.path("V2/custody.ndjson")).unwrap();
    assert!(custody.contains(&format!("\"since_seal_sha256\":\"{seal}\"")), "{custody}");
    scene.triage(["verify", "V2", "evidence"]).exits(0);
    assert!(!scene.path("V2/data/evidence.sha256").exists(), "nothing was read");
    let html = fs::read_to_string(scene.path("V2/data/report/report.html")).unwrap();
    assert!(html.contains("6 files were NOT READ now"), "the first answer says it");
    assert!(html.contains("not read now, digests carried from the last visit"));
    assert!(!html.contains("Everything in the requested scope was read."));
}

/// What is written in the step of time in which the examination began may have been written after
/// it was read, too.
#[test]
fn what_was_touched_when_the_last_visit_began_is_read() {
    loop {
        let scene = visited();
        scene.file("fresh", "just written");
        let step = |seconds: i64| seconds.div_euclid(2);
        let written = fs::metadata(scene.evidence().join("fresh")).unwrap();
        let written = std::os::unix::fs::MetadataExt::ctime(&written);
        scene.triage(["scan", "evidence", "--case", "V0"]).exits(0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        if step(written) != step(i64::try_from(now.as_secs()).unwrap()) {
            // The step ended before the scan did: once more.
            continue;
        }
        scene.triage(["scan", "evidence", "--case", "V2", "--since", "V0"]).exits(0);
        assert_eq!(scene.line("V2", "fresh")["status"], "read");
        assert_eq!(scene.line("V2", "same")["status"], "carried");
        return;
    }
}

#[test]
fn the_last_line_says_that_digests_are_carried() {
    let scene = visited();
    let ran = again(&scene, "V2", &[]).exits(1);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.contains("6 files were NOT READ now, their digests are CARRIED"), "{last}");
}

#[test]
fn a_changed_file_with_its_old_time_and_size_is_read_again() {
    let scene = visited();
    let edited = scene.evidence().join("d/edited");
    keeping_modified(&edited, |path| fs::write(path, "1ne").unwrap());
    again(&scene, "V2", &[]).exits(1);
    let (then, now) = (scene.line("V1", "d/edited"), scene.line("V2", "d/edited"));
    assert_eq!(now["times"]["m"], then["times"]["m"]);
    assert_eq!(now["size"], then["size"]);
    assert_ne!(now["times"]["c"], then["times"]["c"]);
    assert_eq!((&now["status"], &now["carried_from"]), (&"read".into(), &Value::Null));
    assert_ne!(now["hashes"], then["hashes"]);
    scene.triage(["verify", "V2", "evidence"]).exits(0);
}

#[test]
fn another_file_of_the_same_name_size_and_time_is_read() {
    let scene = visited();
    let same = scene.evidence().join("same");
    let modified = fs::metadata(&same).unwrap().modified().unwrap();
    // The old inode stays in use, so that the new file cannot get its number.
    fs::rename(&same, scene.path("kept")).unwrap();
    fs::write(&same, "HARMLESS").unwrap();
    fs::File::options().write(true).open(&same).unwrap().set_modified(modified).unwrap();
    again(&scene, "V2", &[]).exits(1);
    assert_eq!(scene.line("V2", "same")["status"], "read");
}

#[test]
fn a_visit_tells_what_is_new_changed_gone_and_moved() {
    let scene = visited();
    let at = |name: &str| scene.evidence().join(name);
    fs::remove_file(at("d/gone")).unwrap();
    fs::write(at("d/edited"), "longer").unwrap();
    fs::rename(at("old place"), at("new place")).unwrap();
    scene.file("fresh", "new bad");
    let ran = again(&scene, "V2", &[]).exits(1);
    let told = "1 new, 1 changed, 1 gone, 1 moved";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let since = fs::read_to_string(scene.path("V2/data/since.ndjson")).unwrap();
    let diff = scene.triage(["diff", "V1", "V2", "--json"]).exits(1);
    let lines = |text: &str| -> Vec<Value> {
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|line| line["type"] == "difference").collect()
    };
    assert_eq!(lines(&since), lines(&diff.stdout), "the package keeps what diff says");
    let of = |kind: &str| {
        let all = lines(&since);
        all.into_iter().find(|line| line["difference"] == kind).unwrap_or_else(|| panic!("{kind}"))
    };
    assert_eq!((&of("added")["path"], &of("added")["hit"]), (&"fresh".into(), &true.into()));
    assert_eq!(of("removed")["path"], "d/gone");
    assert_eq!(of("changed")["path"], "d/edited");
    assert_eq!(of("moved")["from"], "old place");
    let html = fs::read_to_string(scene.path("V2/data/report/report.html")).unwrap();
    let page = html.split_once("<section id=\"since\">").unwrap().1;
    for text in
        ["Gone", "d/gone", "fresh", "HIT", "from old place", "1 of the new entries are hits"]
    {
        assert!(page.contains(text), "{text} in {page}");
    }
    scene.triage(["verify", "V2"]).exits(0);
    let redacted = scene.triage(["report", "V2", "--redact", "names"]).exits(0);
    for name in ["d/gone", "fresh", "old place", "d/edited"] {
        assert!(!redacted.stdout.contains(name), "{name}");
    }
    let pdf = scene.triage(["report", "V2", "--format", "pdf", "-o", "since.pdf"]);
    pdf.exits(0);
}

#[test]
fn what_lies_in_a_folder_that_was_not_listed_is_neither_new_nor_gone() {
    let scene = visited();
    fs::write(scene.path("scope.toml"), "exclude = ['d']\n").unwrap();
    again(&scene, "V2", &["--scope", "scope.toml"]).exits(1);
    let ran = scene.triage(["diff", "V1", "V2", "--json"]).exits(4);
    let unknown: Vec<Value> =
        ran.lines().into_iter().filter(|line| line["difference"] == "unknown").collect();
    let paths: Vec<_> = unknown.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["d/edited", "d/gone"]);
    let ran = scene.triage(["diff", "V2", "V1", "--json"]).exits(4);
    assert_eq!(ran.summary()["added"], 0);
    assert_eq!(ran.summary()["unknown"], 2);
}

#[test]
fn digests_are_carried_over_several_visits_and_name_who_read_them() {
    let scene = visited();
    again(&scene, "V2", &[]).exits(1);
    fs::write(scene.evidence().join("d/edited"), "four").unwrap();
    scene.triage(["scan", "evidence", "--case", "V3", "--since", "V2"]).exits(0);
    let first = sha256(&scene, "V1/data/manifest.ndjson");
    assert_eq!(scene.line("V3", "same")["carried_from"], first);
    assert_eq!(scene.line("V3", "d/edited")["status"], "read");
}

#[test]
fn only_a_package_that_verifies_is_carried_from() {
    let scene = visited();
    fs::copy(scene.path("V1/data/manifest.ndjson"), scene.path("alone.ndjson")).unwrap();
    let scan = |since: &str| {
        let case = format!("case {}", since.replace('/', "-"));
        scene.triage(["scan", "evidence", "--case", &case, "--since", since])
    };
    let alone = scan("alone.ndjson").exits(2);
    assert!(alone.stderr.contains("has no seal"), "{}", alone.stderr);
    scan("V1/data/manifest.ndjson").exits(0);
    scan("nowhere").exits(3);
    let report = scene.path("V1/data/report/report.html");
    let html = fs::read_to_string(&report).unwrap();
    fs::write(&report, html.replace("AB/1", "AB/2")).unwrap();
    let changed = scan("V1").exits(5);
    assert!(changed.stderr.contains("does not verify"), "{}", changed.stderr);
    assert!(!scene.path("case V1").exists(), "nothing was begun");
    let lacking =
        ["--algorithms", "sha512", "--case", "X", "--since", "case V1-data-manifest.ndjson"];
    let lacking = scene.triage(["scan", "evidence"].iter().chain(&lacking)).exits(2);
    assert!(lacking.stderr.contains("not sha512"), "{}", lacking.stderr);
}

#[test]
fn the_court_profile_refuses_to_carry_and_says_what_to_do() {
    let scene = visited();
    let refused = again(&scene, "V2", &["--profile", "court"]).exits(6);
    assert!(refused.stderr.contains("leave --since out"), "{}", refused.stderr);
    assert!(!scene.path("V2").exists());
    let unsigned = ["scan", "evidence", "--case", "V2", "--profile", "court"];
    assert!(scene.triage(unsigned).exits(6).stderr.contains("--sign-key"));
    scene.triage(["custody", "keygen", "key"]).exits(0);
    scene.triage(unsigned.iter().chain(&["--sign-key", "key"])).exits(0);
    let run = fs::read_to_string(scene.path("V2/data/run.json")).unwrap();
    assert!(run.contains("\"profile\":\"court\""));
    again(&scene, "V3", &["--profile", "lab"]).exits(1);
}

#[test]
fn threads_and_kills_change_no_byte_of_a_carrying_manifest() {
    let scene = Scene::new();
    for number in 0..3000 {
        scene.file(format!("d{}/f{number:05}", number % 13), format!("content {number}"));
    }
    scene.rest();
    scene.triage(["scan", "evidence", "--case", "V1"]).exits(0);
    for number in (0..3000).step_by(3) {
        scene.file(format!("d{}/f{number:05}", number % 13), format!("changed {number}"));
    }
    let since = ["scan", "evidence", "--since", "V1", "-q", "--case"];
    let manifest = |case: &str| fs::read(scene.path(case).join("data/manifest.ndjson")).unwrap();
    scene.triage(since.iter().chain(&["one", "--threads", "1"])).exits(0);
    scene.triage(since.iter().chain(&["many", "--threads", "7"])).exits(0);
    assert_eq!(manifest("one"), manifest("many"));
    let mut resumed = 0;
    for delay in [0, 5, 20, 60] {
        let case = format!("killed after {delay}");
        let plan = scene.path(&case).join("journal/plan.json");
        let mut child = scene.command(since.iter().chain(&[case.as_str()])).spawn().unwrap();
        while !plan.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        if plan.exists() {
            resumed += 1;
            scene.triage(["scan", "--resume", "-q", "--case", &case]).exits(0);
            assert_eq!(manifest(&case), manifest("one"), "{case}");
            scene.triage(["verify", &case]).exits(0);
        }
    }
    assert!(resumed > 0, "no kill hit a scan");
}

#[test]
fn a_resumed_scan_refuses_another_earlier_package() {
    let scene = visited();
    let begun = scene.path("C");
    // Many files, so that the scan is still at work when it is killed.
    for number in 0..3000 {
        scene.file(format!("many/{number}"), number.to_string());
    }
    let since = ["scan", "evidence", "-q", "--since", "V1", "--case", "C"];
    let mut child = scene.command(since).spawn().unwrap();
    while !begun.join("journal/plan.json").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if !begun.join("journal/plan.json").exists() {
        crate::harness::skip("the scan was done before it could be killed");
        return;
    }
    fs::rename(scene.path("V1"), scene.path("V1 away")).unwrap();
    scene.triage(["scan", "--resume", "--case", "C"]).exits(3);
    scene.triage(["scan", "evidence", "--case", "V1", "--exhibit", "AB/1"]).exits(0);
    let other = scene.triage(["scan", "--resume", "--case", "C"]).exits(2);
    assert!(other.stderr.contains("not the one that the scan began with"), "{}", other.stderr);
    fs::rename(scene.path("V1"), scene.path("V1 other")).unwrap();
    fs::rename(scene.path("V1 away"), scene.path("V1")).unwrap();
    scene.triage(["scan", "--resume", "--case", "C"]).exits(0);
}

#[test]
fn what_was_not_compared_is_not_the_same() {
    let scene = Scene::new();
    scene.file("large", "0123456789").file("small", "0").file("empty", "");
    let scan = |case: &str, more: &[&str]| {
        let args = ["scan", "evidence", "--case", case];
        scene.triage(args.iter().chain(more));
    };
    scan("A", &["--max-size", "5B"]);
    scan("B", &["--max-size", "5B"]);
    let ran = scene.triage(["diff", "A", "B", "--json"]).exits(3);
    assert_eq!(ran.lines()[0]["path"], "large");
    assert_eq!(ran.lines()[0]["what"], "neither of them read its content");
    // The root, and the two files that were read.
    assert_eq!((&ran.summary()["unknown"], &ran.summary()["same"]), (&1.into(), &3.into()));
    scan("M", &["--algorithms", "md5"]);
    scan("S", &["--algorithms", "sha1"]);
    let ran = scene.triage(["diff", "M", "S"]).exits(3);
    assert!(ran.stdout.contains("they have no digest of the same algorithm"), "{}", ran.stdout);
    assert!(ran.stderr.contains("2 are NOT KNOWN to be the same"), "{}", ran.stderr);
}
