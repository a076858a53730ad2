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
fn a_validation_is_recorded_once_and_holds_what_a_laboratory_files() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("temp")).unwrap();
    let validate = ["doctor", "--validate", "records", "--temp", "temp", "--json"];
    let ran = scene.triage(validate).exits(0);
    assert_eq!(std::fs::read_dir(scene.path("temp")).unwrap().count(), 0);
    let written = ran.summary()["written"].clone();
    let [json, text] = [0_usize, 1].map(|place| {
        std::fs::read_to_string(scene.path(written[place].as_str().unwrap())).unwrap()
    });
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&scene.triage(["schema", "validation"]).exits(0).stdout).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&record), keys(&schema["properties"]));
    let test = &schema["properties"]["tests"]["items"]["properties"];
    assert!(record["tests"].as_array().unwrap().iter().all(|one| keys(one) == keys(test)));
    assert_eq!(record["result"], "pass");
    assert_eq!(record["failed"], 0);
    let program = std::fs::read(crate::harness::program()).unwrap();
    assert_eq!(record["tool"]["binary_sha256"], triage_custody::sha256_hex(&program));
    let tests = record["tests"].as_array().unwrap();
    let of = |group: &str| tests.iter().filter(|test| test["group"] == group).count();
    assert!(of("known answers") >= 10 && of("scan") >= 7 && of("tamper") >= 20);
    assert!(tests.iter().all(|test| test["expected"] == test["actual"]));
    assert!(text.contains("PASSED: all") && text.contains("exit 5, signature-is-not-valid"));
}

#[test]
fn a_validation_that_fails_is_recorded_and_ends_with_70() {
    let scene = Scene::new();
    let ran = scene.triage(["doctor", "--validate", "records", "--temp", "missing"]).exits(70);
    assert!(ran.stdout.contains("do not rely"), "{}", ran.stdout);
    let mut found = 0;
    for file in std::fs::read_dir(scene.path("records")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.contains("FAIL") || text.contains("\"result\":\"fail\""), "{text}");
        found += 1;
    }
    assert_eq!(found, 2);
}

#[test]
fn a_record_of_a_validation_is_never_replaced() {
    let scene = Scene::new();
    let validate = || scene.triage(["doctor", "--validate", "records", "--temp", "missing"]);
    validate().exits(70);
    let names = || -> Vec<String> {
        let files = std::fs::read_dir(scene.path("records")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    // The names that the records of the next minutes would have.
    let name = names().into_iter().find(|name| name.ends_with(".json")).unwrap();
    let (day, rest) = name.split_once('T').unwrap();
    let (time, ending) = rest.split_at(6);
    let day: jiff::civil::Date = day.strip_prefix("validation-").unwrap().parse().unwrap();
    let part = |place: usize| time[place..place + 2].parse::<i8>().unwrap();
    let first = day.at(part(0), part(2), part(4), 0);
    for second in 0..300 {
        let at = first.checked_add(jiff::Span::new().seconds(second)).unwrap();
        let at = format!("validation-{}{ending}", at.strftime("%Y-%m-%dT%H%M%S"));
        std::fs::write(scene.path("records").join(at), "kept").unwrap();
    }
    let before = names().len();
    let refused = validate().exits(6);
    assert!(refused.stderr.contains("a record is never replaced"), "{}", refused.stderr);
    assert_eq!(names().len(), before);
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
