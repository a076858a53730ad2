//! Proofs: made by the program, checked by it, by the script in the package, and by Python.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;
use triage_custody::{Key, ValueKind};

use crate::harness::{Ran, Scene, skip, stock};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/court/proof.py");

/// Names that a terminal, a shell or a careless script would trip over.
const NAMES: [&[u8]; 9] = [
    b"note.txt",
    b"Users/ana/line\nbreak",
    b"back\\slash",
    b"quote\"seq\":0,",
    b"\x1b[2J\x1b]0;pwn\x07",
    b"latin1-\xe9",
    b"$(reboot)`id`",
    b"-rf *",
    "rtl-\u{202e}gpj.exe".as_bytes(),
];

/// A signed package of hostile names, and the keys to trust.
fn package(names: &[&[u8]]) -> Scene {
    let scene = Scene::new();
    for (number, name) in names.iter().enumerate() {
        scene.file(name, format!("content {number}"));
    }
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "C", "--sign-key", "key"]).exits(0);
    fs::copy(scene.path("C/keys/allowed_signers"), scene.path("trusted")).unwrap();
    scene
}

fn verified(scene: &Scene, proof: &str) -> Ran {
    scene.triage(["verify-proof", proof, "--allowed-signers", "trusted", "--json"])
}

/// Runs the script of the package under a shell; `None` if a tool of it is missing.
fn script(scene: &Scene, shell: &[&str], proof: &str) -> Option<Ran> {
    let has = |tool: &&str| Path::new("/usr/bin").join(tool).exists();
    if let Some(missing) = ["xxd", "sha256sum", "expr", "sed"].iter().find(|tool| !has(tool)) {
        skip(&format!("{missing} is not installed"));
        return None;
    }
    let (name, mut args) = (shell[0], shell[1..].to_vec());
    args.extend(["C/data/verify-proof.sh", proof, "C/seals/0001.json"]);
    let args: Vec<&OsStr> = args.into_iter().map(OsStr::new).collect();
    stock(name, &args, &scene.path(""))
}

fn python(scene: &Scene, proofs: &[String]) {
    let args: Vec<&str> =
        [PYTHON, "C"].into_iter().chain(proofs.iter().map(String::as_str)).collect();
    let args: Vec<&OsStr> = args.into_iter().map(OsStr::new).collect();
    if let Some(ran) = stock("python3", &args, &scene.path("")) {
        assert_eq!(ran.exits(0).stdout, "python agrees\n");
    }
}

/// Makes a proof and has all three check it. Returns its file's name.
fn proved(scene: &Scene, args: &[&str]) -> String {
    let name = format!("{}.proof", fs::read_dir(scene.path("")).unwrap().count());
    scene.triage(["custody", "prove", "C", "-o", &name].iter().chain(args)).exits(0);
    verified(scene, &name).exits(0);
    if let Some(ran) = script(scene, &["sh"], &name) {
        assert!(ran.exits(0).stdout.contains("\nOK: "), "{args:?}");
    }
    name
}

#[test]
fn every_line_is_proved_with_and_without_its_names() {
    let scene = package(&NAMES);
    let mut proofs = Vec::new();
    for line in scene.manifest("C") {
        let path = line["path"].as_str().unwrap();
        let name = proved(&scene, &["--", path]);
        let ran = verified(&scene, &name);
        assert_eq!(ran.summary()["proof"]["line"], line);
        let number = line["seq"].to_string();
        let redacted = proved(&scene, &["--number", &number, "--redact"]);
        let text = fs::read_to_string(scene.path(&redacted)).unwrap();
        assert!(path == "." || !text.contains(path), "{path} in {text}");
        let shown = verified(&scene, &redacted).summary()["proof"]["line"].clone();
        assert_eq!(shown["hashes"], line["hashes"]);
        assert_eq!(shown["path"], Value::Null);
        proofs.extend([name, redacted]);
    }
    assert!(proofs.len() > 2 * NAMES.len());
    python(&scene, &proofs);
    if let Some(ran) = script(&scene, &["busybox", "sh"], &proofs[2]) {
        ran.exits(0);
    }
}

#[test]
fn what_is_not_there_is_proved_for_paths_and_for_each_digest() {
    let scene = package(&NAMES);
    let zeros = |length| "0".repeat(length);
    let mut proofs: Vec<String> =
        ["path:Users/ana/Tor", "path:latin1-\\xea", "path:note.txt ", "path:-x"]
            .map(|value| proved(&scene, &["--absent", value]))
            .into();
    for (length, kind) in [(32, "md5"), (40, "sha1"), (64, "sha256")] {
        let name = proved(&scene, &["--absent", &zeros(length)]);
        assert_eq!(verified(&scene, &name).summary()["proof"]["kind"], kind);
        proofs.push(name);
    }
    python(&scene, &proofs);
    // A neighbour's name or digest is nowhere in a proof.
    let text = fs::read_to_string(scene.path(&proofs[0])).unwrap();
    for line in scene.manifest("C") {
        let digest = line["hashes"]["sha256"].as_str().unwrap_or("no digest");
        assert!(!text.contains(digest));
    }
}

#[test]
fn the_first_and_the_last_place_of_the_index_have_one_neighbour() {
    let scene = package(&[b"a"]);
    // Values whose keys begin with 00, ff and 80: before, behind and between those that are there.
    let value = |first: u8| {
        let key = |text: &String| Key::of(ValueKind::Path, text.as_bytes()).0[0];
        (0..).map(|n| format!("absent {n}")).find(|text| key(text) == first).unwrap()
    };
    let cases = [(0x00, (false, true)), (0xff, (true, false)), (0x80, (true, true))];
    let mut names = Vec::new();
    for (first, ends) in cases {
        let name = &proved(&scene, &["--absent", &format!("path:{}", value(first))]);
        let text = fs::read_to_string(scene.path(name)).unwrap();
        assert_eq!((text.contains("\"left\":"), text.contains("\"right\":")), ends);
        names.push(name.clone());
        // Without its neighbour it is no proof.
        let side = if ends.0 { "left" } else { "right" };
        let start = text.find(&format!("\"{side}\":")).unwrap();
        let end = start + text[start..].find("},").unwrap() + 2;
        fs::write(scene.path("cut"), format!("{}{}", &text[..start], &text[end..])).unwrap();
        verified(&scene, "cut").exits(5);
        if let Some(ran) = script(&scene, &["sh"], "cut") {
            ran.exits(1);
        }
    }
    python(&scene, &names);
}

#[test]
fn what_is_there_is_not_absent_and_what_is_not_is_not_there() {
    let scene = package(&[b"a"]);
    let line = scene.line("C", "a");
    for value in [
        "path:a".to_owned(),
        "path:.".to_owned(),
        line["hashes"]["md5"].as_str().unwrap().to_owned(),
        format!("sha256:{}", line["hashes"]["sha256"].as_str().unwrap()),
    ] {
        let ran = scene.triage(["custody", "prove", "C", "--absent", &value]).exits(1);
        assert!(ran.stdout.starts_with("PRESENT: "), "{}", ran.stdout);
    }
    for wrong in [
        vec!["b"],
        vec!["--number", "2"],
        vec!["--absent", "b"],
        vec!["--absent", "blake3:00"],
        vec!["--absent", "sha256:00"],
        vec!["a\\q"],
    ] {
        scene.triage(["custody", "prove", "C"].iter().chain(&wrong)).exits(2);
    }
    scene.triage(["custody", "prove", "C", "a", "-o", "trusted"]).exits(6);
}

#[test]
fn a_single_line_has_a_proof() {
    let scene = Scene::new();
    scene.file("only", "1");
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    scene.triage(["scan", "evidence/only", "--case", "C", "--sign-key", "key"]).exits(0);
    fs::copy(scene.path("C/keys/allowed_signers"), scene.path("trusted")).unwrap();
    assert_eq!(scene.manifest("C").len(), 1);
    let path = scene.manifest("C")[0]["path"].as_str().unwrap().to_owned();
    let proofs = [
        proved(&scene, &[&path]),
        proved(&scene, &["--number", "0", "--redact"]),
        proved(&scene, &["--absent", "path:other"]),
    ];
    python(&scene, &proofs);
}

/// A part of a proof that an attacker changes, and what both checks then say.
const CHANGES: [(&str, &str); 7] = [
    ("\\\"path\\\":\\\"note.txt\\\"", "\\\"path\\\":\\\"n0te.txt\\\""),
    ("\"redacted\":false", "\"redacted\":true"),
    ("\"index\":", "\"index\":1"),
    ("\"nodes\":[\"", "\"nodes\":[\"00"),
    ("\"other\":\"", "\"other\":\"00"),
    ("\\\"entries\\\":", "\\\"entries\\\":1"),
    ("\\\"merkle_root\\\":\\\"", "\\\"merkle_root\\\":\\\"00"),
];

#[test]
fn a_changed_proof_is_refused_by_the_program_and_by_the_script() {
    let scene = package(&NAMES);
    let good = proved(&scene, &["note.txt"]);
    let text = fs::read_to_string(scene.path(&good)).unwrap();
    for (from, to) in CHANGES {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        fs::write(scene.path("changed"), changed).unwrap();
        verified(&scene, "changed").exits(5);
        if let Some(ran) = script(&scene, &["sh"], "changed") {
            let fails = ran.code == 1 && ran.stdout.contains("FAIL: ");
            assert!(fails || ran.code > 1, "{from}: {}{}", ran.stdout, ran.stderr);
        }
    }
    // The proof of another package, with a seal that the key has signed.
    let other = package(&[b"note.txt"]);
    other.triage(["custody", "prove", "C", "note.txt", "-o", "p"]).exits(0);
    fs::copy(other.path("p"), scene.path("foreign")).unwrap();
    verified(&scene, "foreign").exits(5);
    scene.triage(["verify-proof", "foreign", "--seal", "C/seals/0001.json"]).exits(5);
    if let Some(ran) = script(&scene, &["sh"], "foreign") {
        assert!(ran.exits(1).stdout.contains("another seal"));
    }
}

#[test]
fn proofs_of_a_package_with_two_seals_lead_to_the_newest() {
    let scene = package(&NAMES);
    scene.triage(["custody", "keygen", "court", "--signer", "court@lab.example"]).exits(0);
    scene.triage(["custody", "seal", "C", "--by", "J. Babic", "--sign-key", "court"]).exits(0);
    let receiver = fs::read_to_string(scene.path("C/seals/0002.json.sig.signer")).unwrap();
    fs::write(scene.path("receiver"), receiver).unwrap();
    for (out, what) in [("in", &["note.txt"][..]), ("not", &["--absent", "path:nowhere"][..])] {
        scene.triage(["custody", "prove", "C", "-o", out].iter().chain(what)).exits(0);
        scene.triage(["verify-proof", out, "--allowed-signers", "receiver"]).exits(0);
        // The examiner's key signed the seal before this one only.
        scene.triage(["verify-proof", out, "--allowed-signers", "trusted"]).exits(5);
        scene.triage(["verify-proof", out, "--seal", "C/seals/0002.json"]).exits(0);
        scene.triage(["verify-proof", out, "--seal", "C/seals/0001.json"]).exits(5);
        let args = ["C/data/verify-proof.sh", out, "C/seals/0002.json"].map(OsStr::new);
        if script(&scene, &["sh"], out).is_some() {
            let ran = stock("sh", &args, &scene.path("")).unwrap().exits(0);
            assert!(ran.stdout.contains("\nOK: "), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_proof_that_nothing_vouches_for_is_never_exit_0() {
    let scene = package(&NAMES);
    let proof = proved(&scene, &["note.txt"]);
    let ran = scene.triage(["verify-proof", &proof]).exits(3);
    assert!(ran.stdout.contains("NOTHING vouches"), "{}", ran.stdout);
    scene.triage(["verify-proof", &proof, "--seal", "C/seals/0001.json"]).exits(0);
    fs::write(scene.path("nobody"), "").unwrap();
    scene.triage(["verify-proof", &proof, "--allowed-signers", "nobody"]).exits(5);
    scene.triage(["verify-proof", "trusted"]).exits(5);
    scene.triage(["verify-proof", "absent.json"]).exits(2);
}

#[test]
fn a_package_that_was_changed_gives_no_proof() {
    let scene = package(&NAMES);
    let manifest = scene.path("C/data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("note.txt", "n0te.txt")).unwrap();
    let ran = scene.triage(["custody", "prove", "C", "n0te.txt"]);
    assert!(ran.code != 0 && ran.stdout.is_empty(), "{}", ran.stdout);
    let ran = scene.triage(["custody", "prove", "C", "--absent", "path:note.txt"]);
    assert!(ran.code != 0 && ran.stdout.is_empty(), "{}", ran.stdout);
}

#[test]
fn a_key_is_judged_by_its_time_and_a_file_of_keys_that_cannot_be_read_is_refused() {
    let scene = package(&[b"a"]);
    scene.triage(["custody", "prove", "C", "a", "-o", "p"]).exits(0);
    let ours = fs::read_to_string(scene.path("trusted")).unwrap();
    let with = |option: &str| {
        fs::write(scene.path("trusted"), ours.replace("namespaces", option)).unwrap();
    };
    let both = |code: i32| {
        let ran = scene.triage(["verify-proof", "p", "--allowed-signers", "trusted"]).exits(code);
        scene.triage(["verify", "C", "--allowed-signers", "trusted"]).exits(code);
        ran.stderr
    };
    for ended in ["valid-before=\"20200101Z\",namespaces", "VALID-AFTER=\"29990101\",namespaces"] {
        with(ended);
        let said = both(5);
        assert!(said.contains("may be used"), "{said}");
    }
    for unread in ["valid-before=\"soon\",namespaces", "valid-untill=\"29990101\",namespaces"] {
        with(unread);
        let said = both(2);
        assert!(said.contains("line 1 of the allowed signers"), "{said}");
        let since = ["scan", "evidence", "--case", "D", "--since", "C", "--allowed-signers"];
        scene.triage(since.iter().chain(&["trusted"])).exits(2);
        assert!(!scene.path("D").exists());
    }
    with("valid-after=\"20200101Z\",valid-before=\"29990101\",NAMESPACES");
    both(0);
    fs::write(scene.path("trusted"), ours.replace("ana@lab.example", "*@lab.example,!eva@*"))
        .unwrap();
    both(0);
    fs::write(scene.path("trusted"), ours.replace("ana@lab.example", "*@lab.example,!ana@*"))
        .unwrap();
    both(5);
}

#[test]
fn nothing_of_a_strangers_proof_drives_the_terminal() {
    let scene = package(&[b"a"]);
    scene.triage(["custody", "prove", "C", "a", "-o", "p"]).exits(0);
    let text = fs::read_to_string(scene.path("p")).unwrap();
    let time = text.find("\\\"time\\\":\\\"").unwrap();
    let time = text[time..].split(",").next().unwrap();
    for (from, to) in [
        ("ana@lab.example", "\\\\u001b[2Jpwn\\\\u001b]0;x\\\\u0007"),
        (time, "\\\"time\\\":\\\"\\\\u001b[2Jpwn\\\""),
        ("\"redacted\":", "\"\\u001b[2Jpwn\":1,\"redacted\":"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(scene.path("hostile"), text.replacen(from, to, 1)).unwrap();
        let plain = scene.triage(["verify-proof", "hostile"]);
        let keys = scene.triage(["verify-proof", "hostile", "--allowed-signers", "trusted"]);
        for ran in [plain, keys] {
            let said = ran.stdout + &ran.stderr;
            assert!(!said.contains('\x1b') && !said.contains('\x07'), "{said:?}");
            assert!(said.contains("\\x1b[2Jpwn") || ran.code == 5, "{}: {said}", ran.code);
        }
    }
}

#[test]
fn a_seal_signed_with_a_certificate_alone_is_not_said_to_be_unsigned() {
    let scene = Scene::new();
    scene.file("a", "1");
    if !crate::certificates::authority(&scene) {
        return;
    }
    let signed = [&["scan", "evidence", "--case", "C"][..], &crate::certificates::ANA].concat();
    scene.triage(signed).exits(0);
    scene.triage(["custody", "prove", "C", "a", "-o", "p"]).exits(0);
    let ran = scene.triage(["verify-proof", "p"]).exits(3);
    assert!(!ran.stdout.contains("NOT SIGNED"), "{}", ran.stdout);
    let said = "the certificate of CN=Ana Kovac,O=Example Lab signed it: NOT CHECKED";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
}

#[test]
fn a_proof_of_absence_says_what_was_carried() {
    let scene = package(&[b"a"]);
    scene.rest();
    scene.triage(["scan", "evidence", "--case", "before"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "D", "--since", "before"]).exits(0);
    scene.triage(["custody", "prove", "D", "--absent", "path:x", "-o", "p"]).exits(0);
    let ran = scene.triage(["verify-proof", "p", "--seal", "D/seals/0001.json"]).exits(0);
    let carried = "1 not read now: digests carried from an earlier examination";
    assert!(ran.stdout.contains(carried), "{}", ran.stdout);
}
