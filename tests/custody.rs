//! `custody`: the log of a package grows event by event, and by nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::{Ran, Scene};

pub(crate) fn package() -> Scene {
    let scene = Scene::new();
    scene.file("a", "1");
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    scene
        .triage(["scan", "evidence", "--case", "C", "--exhibit", "AB/1", "--sign-key", "key"])
        .exits(0);
    scene
}

fn add(scene: &Scene, rest: &[&str]) -> Ran {
    let args = ["custody", "add", "C"].iter().chain(rest);
    scene.triage(args)
}

#[test]
fn events_of_months_and_persons_are_one_chain() {
    let scene = package();
    fs::write(scene.path("photo.jpg"), "harmless").unwrap();
    fs::write(
        scene.path("back.toml"),
        "action = \"returned\"\ntime = \"2026-11-01T09:00:00+01:00\"\nseal_no = \"S-932\"\n\
         reason = \"court order 12/26\"\nattach = [\"photo.jpg\"]\n\
         to = { name = \"J. Babic\", org = \"County Court\" }\nby = \"Ana Kovač\"\n\
         compared = { left = \"a\", right = \"a\", result = \"equal\" }\n",
    )
    .unwrap();
    let received = ["received", "--by", "Ana Kovač", "--giver", "I. Horvat", "--seal-no", "S-931"];
    add(&scene, &[&received[..], &["--condition", "intact", "--org", "Lab"]].concat()).exits(0);
    let ran = add(&scene, &["--from", "back.toml"]).exits(0);
    assert!(ran.stderr.contains("it happened before an event"), "{}", ran.stderr);
    let log = scene.triage(["custody", "log", "C", "--json"]).exits(0);
    let events: Vec<_> = log.lines().into_iter().filter(|line| line["type"] == "event").collect();
    let actions: Vec<_> = events.iter().map(|line| line["event"]["action"].clone()).collect();
    assert_eq!(actions, ["hashed", "received", "returned"]);
    let last = &events[2]["event"];
    assert_eq!(last["exhibit"], "AB/1");
    assert_eq!(last["to"]["org"], "County Court");
    assert_eq!(last["by"]["name"], "Ana Kovač");
    let digest = triage_custody::sha256_hex(b"harmless");
    assert_eq!(last["attachments"][0]["sha256"], digest);
    assert!(last["recorded"].is_string());
    let verified = scene.triage(["verify", "C"]).exits(0);
    assert!(verified.stderr.contains("2 custody events are not covered"), "{}", verified.stderr);
    let shown = scene.triage(["custody", "log", "C"]).exits(0).stdout;
    assert!(shown.contains("RETURNED  Ana Kovač"), "{shown}");
}

#[test]
fn an_event_that_does_not_say_what_it_must_is_not_written() {
    let scene = package();
    let before = fs::read(scene.path("C/custody.ndjson")).unwrap();
    for (args, word) in [
        (&["received", "--by", "Ana"][..], "needs `from`"),
        (&["transferred", "--by", "Ana", "--giver", "B"], "needs `to`"),
        (&["noted", "--note", "x"], "who did it"),
        (&["altered", "--by", "Ana", "--reason", "x"], "needs `justification`"),
        (&["corrected", "--by", "Ana", "--note", "x", "--corrects", "9"], "there is not"),
        (&["noted", "--by", "A", "--note", "x", "--time", "2026-11-24T05:02:11"], "cannot use"),
        (&["noted", "--by", "A", "--note", "x", "--time", "2126-11-24T05:02:11Z"], "ahead of"),
        (&["eaten", "--by", "A"], "invalid value"),
        (&["--by", "A"], "which action"),
    ] {
        let ran = add(&scene, args).exits(2);
        assert!(ran.stderr.contains(word), "{args:?}: {}", ran.stderr);
    }
    for text in ["action = 1", "actio = \"noted\"", "action = \"sealed\"\nby = \"A\"", "\u{1}"] {
        fs::write(scene.path("e.toml"), text).unwrap();
        add(&scene, &["--from", "e.toml"]).exits(2);
    }
    assert_eq!(fs::read(scene.path("C/custody.ndjson")).unwrap(), before);
}

#[test]
fn nothing_is_added_to_a_broken_log() {
    let scene = package();
    let note = ["noted", "--by", "Ana", "--note", "x"];
    add(&scene, &note).exits(0);
    let path = scene.path("C/custody.ndjson");
    let whole = fs::read_to_string(&path).unwrap();
    let first_line = format!("{}\n", whole.lines().next().unwrap());
    for broken in [
        whole.replace("\"seq\":1", "\"seq\":2"),
        whole.replace("hashed", "hasbed"),
        format!("{whole}{first_line}"),
        whole.replace('\n', "\r\n"),
        // Whole and canonical, but not what the seal pins.
        String::new(),
        first_line.replace("hashed", "imaged"),
    ] {
        fs::write(&path, &broken).unwrap();
        add(&scene, &note).exits(5);
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(scene.path("elsewhere"), &path).unwrap();
    fs::write(scene.path("elsewhere"), &whole).unwrap();
    assert_ne!(add(&scene, &note).code, 0);
    assert_eq!(fs::read_to_string(scene.path("elsewhere")).unwrap(), whole);
}

#[test]
fn a_torn_end_is_named_and_only_repair_ends_it() {
    let scene = package();
    let note = ["noted", "--by", "Ana", "--note", "x"];
    let path = scene.path("C/custody.ndjson");
    let before = fs::read(&path).unwrap();
    add(&scene, &note).exits(0);
    let whole = fs::read(&path).unwrap();
    for cut in [before.len() + 1, before.len() + 40, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let ran = add(&scene, &note).exits(5);
        assert!(ran.stderr.contains("custody repair"), "{}", ran.stderr);
        scene.triage(["custody", "log", "C"]).exits(5);
        scene.triage(["verify", "C"]).exits(5);
        assert_eq!(fs::read(&path).unwrap(), &whole[..cut]);
        scene.triage(["custody", "repair", "C", "--by", "Ana", "--reason", "power"]).exits(0);
        let log = scene.triage(["custody", "log", "C", "--json"]).exits(0).lines();
        let event = &log[log.len() - 2]["event"];
        assert_eq!(event["action"], "repaired");
        if cut == whole.len() - 1 {
            assert_eq!(event["seq"], 2);
        } else {
            assert_eq!(event["output"]["removed_bytes"], cut - before.len());
        }
        scene.triage(["verify", "C"]).exits(0);
    }
    let ran = scene.triage(["custody", "repair", "C", "--by", "Ana"]).exits(0);
    assert!(ran.stdout.contains("not torn"));
}

#[test]
fn kills_while_adding_leave_a_log_or_a_named_tear() {
    let scene = package();
    let path = scene.path("C/custody.ndjson");
    let mut random = 88_172_645_463_325_252_u64;
    let mut before = fs::read(&path).unwrap();
    for _ in 0..40 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut command =
            scene.command(["custody", "add", "C", "noted", "--by", "Ana", "--note", "x", "-q"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let after = fs::read(&path).unwrap();
        assert!(after.starts_with(&before), "what stood in the log stays");
        if triage_custody::CustodyLog::parse(&after).is_err() {
            scene.triage(["custody", "repair", "C", "--by", "Ana"]).exits(0);
        }
        before = fs::read(&path).unwrap();
    }
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn two_copies_that_part_are_found_and_named() {
    let scene = package();
    let copy = |from: &str, to: &str| {
        let mut command = std::process::Command::new("cp");
        assert!(
            command.arg("-r").args([scene.path(from), scene.path(to)]).status().unwrap().success()
        );
    };
    let merge = |b: &str| scene.triage(["custody", "merge", "--check", "C", b, "--json"]);
    add(&scene, &["stored", "--by", "Ana", "--location", "store B"]).exits(0);
    copy("C", "B");
    assert_eq!(merge("B").exits(0).summary()["relation"], "same");
    add(&scene, &["noted", "--by", "Ana", "--note", "of the laboratory"]).exits(0);
    let ran = merge("B").exits(0);
    assert_eq!(ran.summary()["relation"], "first-has-more");
    assert_eq!(ran.summary()["newer"], "C");
    let noted = ["custody", "add", "B", "noted", "--by", "J. Babic", "--note", "of the court"];
    scene.triage(noted).exits(0);
    let ran = merge("B").exits(5);
    assert_eq!(ran.summary()["relation"], "diverged");
    assert_eq!(ran.summary()["shared"], 2);
    let only: Vec<_> = ran.lines().into_iter().filter(|line| line["type"] == "event").collect();
    let notes: Vec<_> = only.iter().map(|e| (&e["only_in"], &e["event"]["note"])).collect();
    assert_eq!(format!("{notes:?}").matches("of the").count(), 2, "{notes:?}");
    let words = scene.triage(["custody", "merge", "--check", "C", "B/custody.ndjson"]).exits(5);
    assert!(words.stdout.contains("THEY PART at event 2"), "{}", words.stdout);
    assert!(words.stdout.contains("of the court"), "{}", words.stdout);
    scene.triage(["custody", "merge", "C", "B"]).exits(2);
    fs::write(scene.path("torn"), "{}").unwrap();
    scene.triage(["custody", "merge", "--check", "C", "torn"]).exits(5);
}
