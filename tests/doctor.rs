//! `doctor` and the generated pages.

use crate::harness::Scene;

#[test]
fn the_doctor_passes_here_and_leaves_nothing_behind() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("temp")).unwrap();
    let ran = scene.triage(["doctor", "--temp", "temp"]).exits(0);
    assert!(ran.stdout.contains("canary: exactly the planted file hits"), "{}", ran.stdout);
    assert_eq!(std::fs::read_dir(scene.path("temp")).unwrap().count(), 0);
    let ran = scene.triage(["doctor", "--temp", "missing"]).exits(70);
    assert!(ran.stdout.contains("do not rely"), "{}", ran.stdout);
}

#[test]
fn completions_man_pages_and_schemas_are_printed() {
    let scene = Scene::new();
    assert!(scene.triage(["completions", "bash"]).exits(0).stdout.contains("triage"));
    assert!(scene.triage(["man", "scan"]).exits(0).stdout.contains(".TH"));
    for name in scene.triage(["schema"]).exits(0).stdout.lines() {
        let schema = scene.triage(["schema", name]).exits(0).stdout;
        serde_json::from_str::<serde_json::Value>(&schema).unwrap();
    }
    scene.triage(["schema", "nothing"]).exits(2);
}
