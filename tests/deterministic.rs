//! The same evidence and plan give the same manifest, whatever else differs.

use crate::harness::Scene;

#[test]
fn threads_zone_and_locale_change_no_byte_of_the_manifest() {
    let scene = Scene::new();
    for number in 0..500 {
        let name = format!("d{}/f{number}", number % 7);
        scene.file(name, vec![u8::try_from(number % 251).unwrap(); number * 97]);
    }
    scene.file("large", vec![7; 5_000_000]);
    std::fs::hard_link(scene.evidence().join("large"), scene.evidence().join("d1/link")).unwrap();
    let set = scene.set("set", &[&[3; 3 * 97]]);
    let mut manifests = Vec::new();
    for (case, threads, zone, locale, io) in [
        ("C1", "1", "UTC", "C", "ssd"),
        ("C2", "8", "Asia/Kathmandu", "tr_TR.UTF-8", "ssd"),
        ("C3", "3", "America/St_Johns", "de_DE.UTF-8", "hdd"),
    ] {
        let args = ["scan", "evidence", "--case", case, "--threads", threads, "--io", io, "--sets"];
        let mut command =
            scene.command(args.iter().map(std::ffi::OsStr::new).chain([set.as_os_str()]));
        command.env("TZ", zone).env("LC_ALL", locale);
        assert_eq!(command.output().unwrap().status.code(), Some(1));
        manifests.push(std::fs::read(scene.path(case).join("data/manifest.ndjson")).unwrap());
    }
    assert!(manifests.windows(2).all(|pair| pair[0] == pair[1]));
    let (line, link) = (scene.line("C1", "large"), scene.line("C1", "d1/link"));
    assert_eq!(line["hashes"], link["hashes"]);
    assert_eq!(line["links"], 2);
}

#[test]
fn the_lanes_that_hash_do_not_matter() {
    let scene = Scene::new();
    for number in 0..40_usize {
        scene.file(format!("{number:02}"), vec![number as u8; number * 97]);
    }
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "D", "--lanes", "none"]).exits(0);
    assert_eq!(scene.manifest("C"), scene.manifest("D"));
    let run = std::fs::read(scene.path("D/data/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    let paths = run["execution"]["code_paths"].as_array().unwrap();
    let in_lanes = |path: &serde_json::Value| path.as_str().unwrap().contains('x');
    assert!(!paths.is_empty() && !paths[..3].iter().any(in_lanes), "{paths:?}");
    let told = scene.triage(["scan", "evidence", "--case", "E", "--lanes", "sse"]).exits(2);
    assert!(told.stderr.contains("expected avx512, avx2 or none"), "{}", told.stderr);
}
