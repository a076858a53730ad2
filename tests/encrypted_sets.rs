//! `sets encrypt`: sets that are of no use to whoever finds the stick, and still hit.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Ran, Scene, ran, skip};

const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";
/// An identity made for these tests, and its recipient.
const IDENTITY: &str = "AGE-SECRET-KEY-1EDWW4WMGQEKQNP0SZPR40D2HZC5CNY3TKCJU6UR97XPGFM0X4X9QMJH0JF";
const RECIPIENT: &str = "age16zsszffctudmk2lt54wg4yka9xnwe7s6vu709jcm9tpmmvlyrgvsn8cud7";
/// Somebody else's.
const STRANGER: &str = "AGE-SECRET-KEY-1XTDRW9KA0VKY6ZGXUG3Y6SU8XVNEV2RT0FM7UWW25ZA2R7070LVSCVY0VP";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("abc", "abc").file("other", "other");
    let list = format!("md5,size,category\n{ABC},3,1\n0f343b0931126a20f133d67c2b018a3b,2,2\n");
    fs::write(scene.path("list.csv"), list).unwrap();
    fs::write(scene.path("identity"), format!("# mine\n{IDENTITY}\n")).unwrap();
    fs::write(scene.path("stranger"), STRANGER).unwrap();
    fs::write(scene.path("words"), "correct horse battery staple\n").unwrap();
    fs::write(scene.path("wrong"), "correct horse battery stapler\n").unwrap();
    scene.triage(["sets", "import", "list.csv", "-o", "plain.thx", "--scheme", "own"]).exits(0);
    scene
}

fn encrypt(scene: &Scene, how: &[&str]) -> Ran {
    let args = ["sets", "encrypt", "plain.thx", "-o", "locked"];
    scene.triage(args.iter().chain(how)).exits(0)
}

/// Whether the bytes of the digest, without those that an index leaves out, are in a file.
fn shows_digest(path: &Path) -> bool {
    let digest = triage_hash::Digest::from_hex(triage_hash::Algorithm::Md5, ABC.as_bytes());
    let digest = digest.unwrap();
    let bytes = fs::read(path).unwrap();
    bytes.windows(8).any(|window| window == &digest.as_bytes()[8..])
}

/// Everything that reads a set does so with the key, and nothing without it.
fn opens_with_key_only(scene: &Scene, key: &[&str], wrong: &[&str]) {
    let with = |args: &[&str], key: &[&str]| scene.triage(args.iter().chain(key));
    for (args, code) in [
        (&["sets", "lookup", "--sets", "locked", ABC][..], 1),
        (&["sets", "lookup", "--sets", "locked", "11111111111111111111111111111111"], 0),
        (&["sets", "info", "locked"], 0),
        (&["sets", "verify", "locked"], 0),
        (&["scan", "evidence", "--sets", "locked", "--size-filter", "--case", "C"], 1),
        (&["match", "C", "--sets", "locked"], 1),
    ] {
        for bad in [&[][..], wrong] {
            let ran = with(args, bad).exits(2);
            assert!(ran.stderr.contains("hint: give --set-key"), "{args:?}: {}", ran.stderr);
        }
        with(args, key).exits(code);
    }
    assert!(with(&["sets", "list", "."], key).exits(0).stdout.contains("locked"));
    assert!(with(&["sets", "list", "."], &[]).exits(0).stdout.contains("not opened  ./locked"));
    let found = &scene.line("C", "abc")["match"][0];
    assert_eq!(
        (&found["category"]["number"], &found["category"]["scheme"]),
        (&1.into(), &"own".into())
    );
    let args = ["scan", "evidence", "--sets", "locked", "--case", "D"];
    with(&args, wrong).exits(2);
    assert!(!scene.path("D").exists(), "nothing was scanned");
}

#[test]
fn a_set_for_a_recipient_is_an_age_file() {
    let scene = scene();
    encrypt(&scene, &["--recipient", RECIPIENT]);
    assert!(!shows_digest(&scene.path("locked")) && shows_digest(&scene.path("plain.thx")));
    opens_with_key_only(&scene, &["--set-key", "identity"], &["--set-key", "stranger"]);
    let ran =
        scene.triage(["sets", "encrypt", "plain.thx", "-o", "locked", "--recipient", RECIPIENT]);
    ran.exits(6);
    let plain = fs::read(scene.path("plain.thx")).unwrap();
    let stock = Command::new("age")
        .args(["-d", "-i", "identity", "locked"])
        .current_dir(scene.path("."))
        .stderr(Stdio::null())
        .output();
    match stock {
        Err(_) => skip("age is not installed"),
        Ok(output) => assert!(output.stdout == plain, "age reads other bytes"),
    }
    let by_stock = Command::new("age")
        .args(["-r", RECIPIENT, "-o", "by-age", "plain.thx"])
        .current_dir(scene.path("."))
        .status();
    if by_stock.is_ok() {
        let args = ["sets", "lookup", "--sets", "by-age", "--set-key", "identity", ABC];
        scene.triage(args).exits(1);
    }
}

#[test]
fn a_damaged_encrypted_set_is_refused() {
    let scene = scene();
    encrypt(&scene, &["--recipient", RECIPIENT]);
    let good = fs::read(scene.path("locked")).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(scene.path("bad"), bytes).unwrap();
        let args = ["sets", "lookup", "--sets", "bad", "--set-key", "identity", ABC];
        scene.triage(args).exits(2)
    };
    for len in [3, 30, 100, 250, good.len() / 2, good.len() - 1] {
        refused(&good[..len]);
    }
    for place in (0..good.len()).step_by(good.len() / 40) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        refused(&bad);
    }
    let ran = refused(&good[..good.len() - 1]);
    assert!(ran.stderr.contains("damaged or breaks off"), "{}", ran.stderr);
}

#[test]
fn a_set_under_a_passphrase_opens_with_it_and_bounds_what_a_file_may_ask() {
    let scene = scene();
    encrypt(&scene, &["--passphrase-file", "words"]);
    assert!(!shows_digest(&scene.path("locked")));
    let look = |set: &str, words: &str| {
        scene.triage(["sets", "lookup", "--sets", set, "--set-passphrase", words, ABC])
    };
    look("locked", "words").exits(1);
    let ran = look("locked", "wrong").exits(2);
    assert!(ran.stderr.contains("the passphrase"), "{}", ran.stderr);
    let ran = scene.triage(["sets", "lookup", "--sets", "locked", ABC]).exits(2);
    assert!(ran.stderr.contains("it needs its passphrase"), "{}", ran.stderr);
    // The passphrase may come from a descriptor; it never stands on the command line.
    let mut command = Command::new("sh");
    command.current_dir(scene.path(".")).args(["-c", "exec \"$0\" \"$@\" 3< words"]);
    command.arg(crate::harness::program());
    let args = ["sets", "lookup", "--sets", "locked", "--set-passphrase", "/dev/fd/3", ABC];
    ran_of(command.args(args)).exits(1);
    // A file that asks for 4 TiB of memory or a day of work is refused at once.
    for place in [12, 16, 20, 8] {
        let mut bad = fs::read(scene.path("locked")).unwrap();
        bad[place..place + 4].fill(0xff);
        fs::write(scene.path("bad"), bad).unwrap();
        let ran = look("bad", "words").exits(2);
        assert!(ran.stderr.contains("its head is damaged or too new"), "{}", ran.stderr);
    }
}

fn ran_of(command: &mut Command) -> Ran {
    ran(&command.output().unwrap())
}

#[test]
fn keyed_digests_hit_with_their_key_and_cannot_be_tested_without() {
    let scene = scene();
    encrypt(&scene, &["--new-digest-key", "key"]);
    assert!(!shows_digest(&scene.path("locked")));
    let bytes = fs::read(scene.path("locked")).unwrap();
    assert_eq!(bytes[8], 2, "a program of before must refuse it, not find nothing");
    scene
        .triage(["sets", "encrypt", "plain.thx", "-o", "two", "--new-digest-key", "other"])
        .exits(0);
    assert!(fs::read(scene.path("two")).unwrap() != bytes, "another key, other digests");
    opens_with_key_only(&scene, &["--set-key", "key"], &["--set-key", "other"]);
    scene.triage(["sets", "encrypt", "plain.thx", "-o", "3", "--new-digest-key", "key"]).exits(6);
    let again = ["sets", "encrypt", "plain.thx", "-o", "again", "--digest-key", "key"];
    scene.triage(again).exits(0);
    assert!(fs::read(scene.path("again")).unwrap() == bytes, "the same key, the same bytes");
    let export = ["sets", "export", "locked", "--format", "plain", "-o", "out", "--set-key", "key"];
    let ran = scene.triage(export).exits(2);
    assert!(ran.stderr.contains("keyed digests") && !scene.path("out").exists(), "{}", ran.stderr);
    let info = scene.triage(["sets", "info", "locked", "--set-key", "key"]).exits(0);
    assert!(
        info.stdout.contains("keyed by") && info.stdout.contains("2 accepted"),
        "{}",
        info.stdout
    );
}

#[test]
fn a_set_may_be_encrypted_and_keyed() {
    let scene = scene();
    encrypt(&scene, &["--recipient", RECIPIENT, "--new-digest-key", "key"]);
    let both = ["--set-key", "identity", "--set-key", "key"];
    opens_with_key_only(&scene, &both, &["--set-key", "identity"]);
    let left: Vec<_> = fs::read_dir(scene.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".part") || name.starts_with(".triage"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_scan_is_resumed_with_the_key_given_again() {
    let scene = scene();
    encrypt(&scene, &["--recipient", RECIPIENT]);
    for number in 0..2000 {
        scene.file(format!("many/{number}"), vec![7; 20_000]);
    }
    let args = ["scan", "evidence", "--sets", "locked", "--set-key", "identity", "--case", "C"];
    for delay in [60, 90, 120, 40, 20, 200] {
        let mut command = scene.command(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        if scene.path("C/journal/plan.json").exists() {
            let plan = fs::read_to_string(scene.path("C/journal/plan.json")).unwrap();
            assert!(!plan.contains("identity") && !plan.contains("AGE-SECRET"), "{plan}");
            scene.triage(["scan", "--resume", "--case", "C"]).exits(2);
            scene.triage(["scan", "--resume", "--case", "C", "--set-key", "identity"]).exits(1);
            return;
        }
        fs::remove_dir_all(scene.path("C")).unwrap_or_default();
    }
    skip("no kill fell into a scan");
}
