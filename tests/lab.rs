//! The package of a laboratory's own program, made with the crates alone, before the binary: it
//! verifies, can be carried from, and an interrupted one is taken up.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use triage_case::{Particulars, Record};
use triage_hashset::SetSource;
use triage_scan::{Circumstances, Error, Examination, Halt, Halting, OpenSets, Watch};

use crate::harness::Scene;

#[path = "../crates/triage-scan/examples/lab.rs"]
#[expect(dead_code, reason = "its own start is not needed here")]
mod program;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("a/known", "known").file("b", "x").file("c", "y").set("known.txt", &[b"known"]);
    scene
}

#[test]
fn the_package_of_a_laboratorys_program_verifies_and_can_be_carried_from() {
    let scene = scene();
    scene.rest();
    let package = scene.path("C");
    assert!(program::examine(&scene.evidence(), scene.path("known.txt"), &package).unwrap());
    scene.triage(["verify", "C"]).exits(0);
    scene.triage(["verify", "C", "evidence"]).exits(0);
    let first: serde_json::Value =
        serde_json::from_slice(&fs::read(package.join("data/run.json")).unwrap()).unwrap();
    assert_eq!(first["exit"], serde_json::json!({ "code": 1, "reason": "hit" }));
    let since =
        ["--since", "C", "--exhibit", "AB/1", "--sets", "known.txt", "--case", "D", "--json"];
    let again = scene.triage(["scan", "evidence"].into_iter().chain(since)).exits(1);
    assert_eq!(again.summary()["coverage"]["classes"]["carried"]["entries"], 3);
}

/// Presses the switch at the first hit.
struct AtFirstHit(Arc<Halting>);

impl Watch for AtFirstHit {
    fn hit(&self, _record: &Record) {
        self.0.set(Halt::Interrupt);
    }

    fn recorded(&self, _record: &Record) {}

    fn read(&self, _bytes: u64) {}
}

#[test]
fn the_binary_takes_up_what_a_laboratorys_program_left() {
    let scene = scene();
    // Enough to be in the middle of it when the first hit is met.
    for number in 0..2000 {
        scene.file(format!("d/{number:04}"), format!("{number}"));
    }
    let interrupted = |package: &Path| {
        let path = scene.path("known.txt");
        let (evidence, halting) = (scene.evidence(), Arc::new(Halting::new()));
        let particulars = Particulars { exhibit: "AB/1".to_owned(), ..Particulars::default() };
        let started = Instant::now();
        let examination = Examination {
            sets: OpenSets::open(&[SetSource { path, ..SetSource::default() }]).unwrap(),
            watch: Arc::new(AtFirstHit(Arc::clone(&halting))),
            halting,
            ..Examination::new(&evidence, package, particulars)
        };
        examination.run(&Circumstances {
            time: &|| "2026-11-25T12:00:00Z".to_owned(),
            clock: Arc::new(move || started.elapsed()),
            salt_seed: [7; 32],
            threads: 1,
            facts: serde_json::Map::new(),
        })
    };
    let ended = interrupted(&scene.path("C"));
    assert!(matches!(ended, Err(Error::Interrupted { .. })), "{ended:?}");
    let resumed = scene.triage(["scan", "--resume", "--case", "C", "--json"]).exits(1);
    assert_eq!(resumed.summary()["coverage"]["hits"], 1);
    scene.triage(["verify", "C", "evidence"]).exits(0);
    scene.triage(["scan", "evidence", "--exhibit", "AB/1", "--sets", "known.txt", "--case", "D"]);
    assert_eq!(scene.manifest("C"), scene.manifest("D"));
}
