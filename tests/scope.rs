//! The scope of a warrant: what it forbids is never opened, and the record proves it.

use std::fs;
use std::mem::MaybeUninit;

use rustix::fs::inotify;

use crate::harness::Scene;

#[test]
fn what_the_scope_forbids_is_never_opened_and_the_record_says_so() {
    let scene = Scene::new();
    scene.file("Legal/letter.txt", "privileged").file("b.txt", "open").file("c.bin", "1");
    fs::write(scene.path("scope.toml"), "include = ['**/*.txt']\nexclude = ['Legal/**']\n")
        .unwrap();
    // The kernel tells of every file that is opened.
    let kernel = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
    let watch = |name: &str| {
        inotify::add_watch(&kernel, scene.evidence().join(name), inotify::WatchFlags::OPEN).unwrap()
    };
    let (letter, open, binary) = (watch("Legal/letter.txt"), watch("b.txt"), watch("c.bin"));
    let scan = ["scan", "evidence", "--scope", "scope.toml", "--case", "C"];
    scene.triage(scan).exits(0);
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut reader = inotify::Reader::new(&kernel, &mut buffer);
    let mut opened = Vec::new();
    while let Ok(event) = reader.next() {
        opened.push(event.wd());
    }
    assert!(opened.contains(&open), "the watch works");
    assert!(!opened.contains(&letter) && !opened.contains(&binary), "{opened:?}");
    for (path, rule) in [("Legal/letter.txt", "exclude:Legal/**"), ("c.bin", "not-included")] {
        let line = scene.line("C", path);
        assert_eq!((&line["status"], &line["rule"]), (&"excluded".into(), &rule.into()), "{line}");
        assert!(line["hashes"].is_null(), "{line}");
    }
    // The log counts what was laid open.
    let log = fs::read_to_string(scene.path("C/custody.ndjson")).unwrap();
    let event: serde_json::Value = serde_json::from_str(log.trim()).unwrap();
    let exposure = &event["output"]["exposure"];
    assert_eq!(exposure["contents_read"], 1);
    assert_eq!(exposure["bytes_read"], 4);
    assert_eq!(exposure["contents_never_opened"], 2);
    assert_eq!(exposure["contents_shown"], 0);
    assert_eq!(exposure["names_recorded"], scene.manifest("C").len());
}

#[test]
fn asking_by_name_for_what_the_scope_forbids_is_refused() {
    let scene = Scene::new();
    scene.file("Legal/a/letter.txt", "privileged").file("b.txt", "open");
    fs::write(scene.path("scope.toml"), "exclude = ['Legal']\n").unwrap();
    let scan = ["scan", "evidence", "--scope", "scope.toml", "--files-from", "list", "--case", "C"];
    for (list, code) in [("b.txt\nLegal/a/letter.txt\n", 6), ("Legal\n", 6), ("b.txt\n", 0)] {
        fs::write(scene.path("list"), list).unwrap();
        let ran = scene.triage(scan).exits(code);
        assert_eq!(scene.path("C").exists(), code == 0);
        assert_eq!(ran.stderr.contains("the rule exclude:Legal"), code == 6, "{}", ran.stderr);
    }
}
