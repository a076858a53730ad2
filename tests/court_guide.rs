//! The commands of docs/guides/court.md, as they stand there, in the order in which they stand.

use std::fs;
use std::process::Command;

use crate::certificates::{authority, reply};
use crate::harness::{Scene, program, ran, skip};

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/court.md");
    let Ok(page) = fs::read_to_string(page) else {
        skip("the pages are not there");
        return;
    };
    if Command::new("jq").arg("--version").output().is_err() {
        skip("jq is not installed");
        return;
    }
    let scene = Scene::new();
    scene.file("Pictures/a.jpg", "known").file("Legal/b.jpg", "letter").file("c.txt", "text");
    if !authority(&scene) {
        return;
    }
    for (from, to) in [
        ("ana.pk8.pem", "ana.key"),
        ("ana-chain.pem", "ana.pem"),
        ("root.pem", "lab-root.pem"),
        ("root.pem", "tsa-root.pem"),
    ] {
        fs::copy(scene.path("x").join(from), scene.path(to)).unwrap();
    }
    // The warrant of the guide allows what was modified in 2026.
    let may_2026 = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000);
    let picture = fs::File::options().write(true).open(scene.evidence().join("Pictures/a.jpg"));
    picture.unwrap().set_modified(may_2026).unwrap();
    scene.set("known.txt", &[b"known"]);
    let folder = scene.path("bin");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(program(), folder.join("triage")).unwrap();
    // What the reader has from elsewhere: the exhibit where it is mounted, the signer's key.
    let exhibit = scene.evidence();
    let known = "cp CASE-42/keys/allowed_signers known-signers";
    let receivers = "cat CASE-42/seals/0002.json.sig.signer >> known-signers";
    let blocks = blocks(&page);
    assert!(blocks.len() >= 6, "the guide has lost its commands");
    for (place, block) in blocks.into_iter().enumerate() {
        let commands = block.replace("/mnt/exhibit", exhibit.to_str().unwrap());
        let script = match place {
            2 => format!("{commands}\n{known}"),
            3 => format!("{commands}\n{receivers}"),
            _ => commands,
        };
        // A scan with a hit ends with 1, and so does a proof of an absence that is not one.
        let expected = if script.contains("triage scan") { 1 } else { 0 };
        let output = Command::new("sh")
            .args(["-euc", &script])
            .current_dir(scene.path(""))
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()))
            .output()
            .unwrap();
        let said = ran(&output);
        assert_eq!(said.code, expected, "{script}\n{}{}", said.stdout, said.stderr);
        if script.contains("--request seal.tsq") {
            // What the computer that reaches the authority does.
            reply(&scene, "seal.tsq", "good", "seal.tsr");
        }
    }
    assert!(scene.path("line2.proof.json").exists() && scene.path("absent.proof.json").exists());
}

/// Returns the blocks of shell commands of a page.
pub(crate) fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```").expect("a block ends");
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}
