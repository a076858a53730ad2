//! The commands of docs/guides/repeat-visits.md, as they stand there, in the order in which they
//! stand, with a change of the exhibit between the visits.

use std::fs;
use std::process::Command;

use crate::court_guide::blocks;
use crate::harness::{Scene, program, ran, skip};

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/repeat-visits.md");
    let Ok(page) = fs::read_to_string(page) else {
        skip("the pages are not there");
        return;
    };
    if Command::new("jq").arg("--version").output().is_err() {
        skip("jq is not installed");
        return;
    }
    let scene = Scene::new();
    scene.file("Pictures/a.jpg", "harmless").file("c.txt", "text");
    scene.set("known.txt", &[b"known"]);
    fs::create_dir(scene.path("bin")).unwrap();
    std::os::unix::fs::symlink(program(), scene.path("bin/triage")).unwrap();
    let exhibit = scene.evidence();
    let mut said = Vec::new();
    scene.rest();
    for (place, block) in blocks(&page).into_iter().enumerate() {
        if place == 1 {
            scene.file("Pictures/new.jpg", "known");
        }
        let script = block.replace("/mnt/exhibit", exhibit.to_str().unwrap());
        let output = Command::new("sh")
            .args(["-euc", &script])
            .current_dir(scene.path(""))
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", scene.path("bin").display()))
            .output()
            .unwrap();
        said.push(ran(&output));
    }
    let codes: Vec<i32> = said.iter().map(|said| said.code).collect();
    assert_eq!(
        codes,
        [0, 1, 1, 0],
        "{}",
        said.iter().map(|s| s.stderr.as_str()).collect::<String>()
    );
    assert!(said[1].stdout.contains("2 files were NOT READ now"), "{}", said[1].stdout);
    assert!(said[1].stderr.contains("1 new, 0 changed, 0 gone, 0 moved"), "{}", said[1].stderr);
    assert!(said[2].stdout.contains("added      Pictures/new.jpg  HIT"), "{}", said[2].stdout);
    assert_eq!(said[3].stdout, "Pictures/new.jpg\n");
}
