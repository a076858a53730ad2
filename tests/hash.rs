//! `hash`: the digests and the forms of the stock tools.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::harness::{Scene, ran, stock};

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("plain", "abc").file("empty", "").file("back\\slash", "x").file("line\nfeed", "y");
    scene.file("large", vec![7; 3_000_000]).file("sub/deep", "z");
    scene
}

#[test]
fn the_stock_tools_accept_what_is_written() {
    let scene = scene();
    for (algorithm, tool) in [
        ("md5", "md5sum"),
        ("sha1", "sha1sum"),
        ("sha256", "sha256sum"),
        ("sha512", "sha512sum"),
        ("blake3", "b3sum"),
    ] {
        for form in ["gnu", "bsd"] {
            if tool == "b3sum" && form == "bsd" {
                continue;
            }
            let args = ["hash", "-r", "evidence", "-a", algorithm, "--format", form];
            let list = scene.triage(args).exits(0).stdout;
            assert_eq!(list.lines().count(), 6);
            fs::write(scene.path("list"), list).unwrap();
            let args = ["-c", "list"].map(OsStr::new);
            if let Some(checked) = stock(tool, &args, &scene.path("")) {
                checked.exits(0);
            }
            if tool != "b3sum" {
                scene.triage(["hash", "--check", "list"]).exits(0);
            }
        }
    }
}

#[test]
fn the_lists_of_the_stock_tools_are_checked() {
    let scene = scene();
    let files = ["evidence/plain", "evidence/back\\slash", "evidence/line\nfeed"].map(OsStr::new);
    let Some(made) = stock("sha256sum", &files, &scene.path("")) else { return };
    fs::write(scene.path("list"), made.stdout).unwrap();
    scene.triage(["hash", "--check", "list"]).exits(0);
    scene.file("plain", "abd");
    let ran = scene.triage(["hash", "--check", "list"]).exits(5);
    assert!(ran.stdout.contains("evidence/plain: FAILED"));
    fs::write(scene.path("list"), "nonsense\n").unwrap();
    scene.triage(["hash", "--check", "list"]).exits(5);
}

#[test]
fn standard_input_and_json() {
    let scene = scene();
    let mut command = scene.command(["hash", "-", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"abc").unwrap();
    let ran = ran(&child.wait_with_output().unwrap()).exits(0);
    assert_eq!(
        ran.lines()[0]["hashes"]["sha256"],
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    ran.summary();
    scene.triage(["hash", "evidence"]).exits(2);
    scene.triage(["hash", "missing"]).exits(3);
}

#[test]
fn hashdeep_audits_what_is_written() {
    let scene = Scene::new();
    scene.file("a", "a").file("b/c", "c");
    let args = ["hash", "-r", "evidence", "--format", "hashdeep"];
    fs::write(scene.path("known"), scene.triage(args).exits(0).stdout).unwrap();
    let args = ["-r", "-l", "-a", "-k", "known", "evidence"].map(OsStr::new);
    if let Some(audit) = stock("hashdeep", &args, &scene.path("")) {
        audit.exits(0);
    }
}
