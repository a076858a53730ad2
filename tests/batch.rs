//! Batches: plans, shards run twice, killed and elsewhere, merging, refusals, engines.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Scene, skip};

/// Three exhibits: a folder that is split in three, one with a hit, one with a pipe.
fn lab() -> Scene {
    let scene = Scene::new();
    for number in 0..60 {
        let name = format!("big/{}/file {number}", number % 5);
        scene.file(name, format!("content {number}").repeat(number * 40));
    }
    scene.file("hit/known", "known");
    scene.file("pipe/file", "harmless");
    let pipe = scene.evidence().join("pipe/fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    scene.set("known.txt", &[b"known"]);
    let jobs = "name = 'week'\n[question]\nsets = ['known.txt']\n\
        [[exhibit]]\nexhibit = 'A/1'\nsource = 'evidence/big'\nsplit = 3\nspinning = false\n\
        [[exhibit]]\nexhibit = 'A/2'\nsource = 'evidence/hit'\npriority = 5\nspinning = false\n\
        [[exhibit]]\nexhibit = 'A/3'\nsource = 'evidence/pipe'\nspinning = false\n";
    fs::write(scene.path("jobs.toml"), jobs).unwrap();
    scene
}

fn plan(scene: &Scene, name: &str, options: &[&str]) -> Value {
    let args =
        ["batch", "plan", "jobs.toml", "-o", name].into_iter().chain(options.iter().copied());
    scene.triage(args).exits(0);
    serde_json::from_slice(&fs::read(scene.path(name)).unwrap()).unwrap()
}

fn shard(number: usize) -> Vec<String> {
    let words = ["batch", "run", "--plan", "p.json", "--results", "out", "--shard"];
    words.iter().map(ToString::to_string).chain([number.to_string()]).collect()
}

const MERGE: [&str; 6] = ["batch", "merge", "--plan", "p.json", "--results", "out"];

#[test]
fn a_batch_gives_the_manifests_of_one_machine_and_one_answer() {
    let scene = lab();
    let planned = plan(&scene, "p.json", &[]);
    assert_eq!(planned["items"].as_array().unwrap().len(), 5);
    assert_eq!(planned["shards"][0]["items"][0], "0002", "the urgent one comes first");
    assert_eq!(plan(&scene, "again.json", &[]), planned);
    let waiting = scene.triage(["batch", "status", "--plan", "p.json", "--results", "out"]);
    assert!(waiting.exits(3).stdout.contains("waiting"));

    let codes: Vec<i32> = (0..5).map(|number| scene.triage(shard(number)).code).collect();
    assert_eq!(codes.iter().filter(|&&code| code == 1).count(), 1, "{codes:?}");
    let merged = scene.triage(MERGE.into_iter().chain(["--json"])).exits(1);
    let summary = merged.summary();
    assert_eq!(summary["states"]["complete"], 2);
    assert_eq!(summary["states"]["hits"], 1);
    assert_eq!(summary["classes"]["not_regular"]["entries"], 1 + 6 + 1 + 1);
    assert_eq!(summary["classes"]["read"]["entries"], 60 + 1 + 1);

    let mut scan = vec!["scan", "evidence/big", "--case", "one", "--exhibit", "A/1"];
    scan.extend(["--sets", "known.txt"]);
    scene.triage(scan).exits(0);
    let bytes = |path: &str| fs::read(scene.path(path).join("data/manifest.ndjson")).unwrap();
    assert_eq!(bytes("out/merged/0001"), bytes("one"));
    scene.triage(["verify", "out/merged/0001", "evidence/big"]).exits(0);
    let table = fs::read_to_string(scene.path("out/summary.csv")).unwrap();
    assert!(table.contains("\"0002\",\"A/2\",\"hits\",\"1\",\"1\",\"2\",\"0\",\"1\""), "{table}");
}

#[test]
fn shards_can_run_twice_at_once_and_go_on_after_a_kill() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "1"]);
    let runs: Vec<_> = (0..6).map(|_| scene.command(shard(0)).spawn().unwrap()).collect();
    let killed = scene.command(shard(0)).spawn().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(killed.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    killed.wait_with_output().unwrap();
    let codes: Vec<_> =
        runs.into_iter().map(|mut run| run.wait().unwrap().code().unwrap()).collect();
    assert_eq!(codes, [1; 6]);
    assert_eq!(fs::read_dir(scene.path("out/failed")).unwrap().count(), 0);
    let manifest = || fs::read(scene.path("out/items/0001.0001/data/manifest.ndjson")).unwrap();
    let before = manifest();
    scene.triage(shard(0)).exits(1);
    assert_eq!(manifest(), before);
    scene.triage(MERGE).exits(1);
    let whole = fs::read(scene.path("out/merged/0001/seals/0001.json")).unwrap();
    scene.triage(MERGE).exits(1);
    assert_eq!(fs::read(scene.path("out/merged/0001/seals/0001.json")).unwrap(), whole);
}

#[test]
fn one_bad_exhibit_stops_nothing_and_is_never_complete() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "1"]);
    fs::remove_dir_all(scene.evidence().join("hit")).unwrap();
    let ran = scene.triage(shard(0)).exits(3);
    assert!(ran.stdout.contains("A/2: failed because"), "{}", ran.stdout);
    let merged = scene.triage(MERGE).exits(3);
    assert!(merged.stdout.contains("1 of 3 exhibits are not examined in full"));
    let list = scene.triage(["batch", "status", "--plan", "p.json", "--results", "out", "--json"]);
    let lines = list.exits(3).lines();
    let bad = lines.iter().find(|line| line["exhibit"] == "A/2").unwrap();
    assert_eq!((&bad["state"], &bad["exit"]), (&"failed".into(), &Value::Null));
}

#[test]
fn what_is_foreign_different_or_changed_is_refused() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "1"]);
    scene.triage(shard(0)).exits(1);
    // Another question.
    let other = scene.path("elsewhere");
    copy(&scene.path("out"), &other);
    fs::remove_dir_all(other.join("items/0002")).unwrap();
    let scan = ["scan", "evidence/hit", "--exhibit", "A/2", "--case", "elsewhere/items/0002"];
    scene.triage(scan).exits(0);
    let merge = |results: &[&str]| {
        let folders = results.iter().flat_map(|folder| ["--results", folder]);
        scene.triage(["batch", "merge", "--plan", "p.json"].into_iter().chain(folders))
    };
    let refused = merge(&["elsewhere"]).exits(5);
    assert!(refused.stderr.contains("0002 is foreign: the hash sets"), "{}", refused.stderr);
    // The same question, other bytes.
    fs::remove_dir_all(other.join("items/0002")).unwrap();
    fs::write(scene.evidence().join("hit/known"), "changed since").unwrap();
    let again = ["--sets", "known.txt"];
    scene.triage(scan.into_iter().chain(again)).exits(0);
    let refused = merge(&["out", "elsewhere"]).exits(5);
    assert!(refused.stderr.contains("examined twice, with different results"));
    // What was examined elsewhere completes what is missing here.
    fs::remove_dir_all(scene.path("out/items/0002")).unwrap();
    merge(&["out"]).exits(3);
    merge(&["out", "elsewhere"]).exits(0);
    // A package that was sealed again and handed on counts like any other.
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    let seal = ["custody", "seal", "out/items/0003", "--by", "Ana", "--sign-key", "key"];
    scene.triage(seal).exits(0);
    merge(&["out", "elsewhere"]).exits(0);
    // Whoever names the keys to trust takes no package that nobody of them signed.
    let trusted = scene.path("out/items/0003/seals/0002.json.sig.signer");
    let trusted = ["--allowed-signers", trusted.to_str().unwrap()];
    let args = ["batch", "merge", "--plan", "p.json", "--results", "out", "--results", "elsewhere"];
    let refused = scene.triage(args.iter().chain(&trusted)).exits(5);
    assert!(refused.stderr.contains("seal is not signed"), "{}", refused.stderr);
    // A report that says something else than the record, with every list computed again.
    let report = scene.path("out/items/0003/data/report/not-read.csv");
    fs::write(&report, "nothing\n").unwrap();
    assert!(merge(&["out"]).exits(5).stderr.contains("not as it was sealed"));
    // A byte of a package.
    let manifest = scene.path("out/items/0003/data/manifest.ndjson");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[20] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    assert!(merge(&["out"]).exits(5).stderr.contains("not as it was sealed"));
    // A name that was mistyped is no batch of which everything is missing.
    let refused = merge(&["out", "elsewhree"]).exits(2);
    assert!(refused.stderr.contains("no results of a batch"), "{}", refused.stderr);
    // Another plan in the same folder.
    plan(&scene, "q.json", &["--algorithms", "sha256"]);
    let refused = scene.triage(["batch", "status", "--plan", "q.json", "--results", "out"]);
    assert!(refused.exits(6).stderr.contains("the results of another plan"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A package that asks more or less than the plan is not taken for one of its items.
#[test]
fn a_package_of_another_question_is_foreign_whatever_differs() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "1"]);
    scene.triage(shard(0)).exits(1);
    fs::write(scene.path("names"), "known\n").unwrap();
    let package = scene.path("out/items/0002");
    for (option, what) in [
        (&["--sets", "known.txt", "--one-file-system"][..], "the limit to one file system"),
        (&["--sets", "known.txt", "--profile", "lab"], "the profile"),
        (&["--sets", "known.txt", "--files-from", "names"], "the list of files"),
        (&["--informational", "known.txt"], "the hash sets"),
        (&["--sets", "known.txt", "--set-algorithm", "sha256"], "the hash sets"),
    ] {
        fs::remove_dir_all(&package).unwrap();
        let scan = ["scan", "evidence/hit", "--exhibit", "A/2", "--case", "out/items/0002"];
        let ran = scene.triage(scan.iter().chain(option));
        assert!(matches!(ran.code, 0 | 1), "{}", ran.stderr);
        let refused = scene.triage(MERGE).exits(5);
        assert!(refused.stderr.contains(&format!("0002 is foreign: {what}")), "{}", refused.stderr);
    }
}

#[test]
fn a_whole_of_other_parts_is_refused() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "1"]);
    scene.triage(shard(0)).exits(1);
    scene.triage(MERGE).exits(1);
    // One part was examined again, of evidence that is another by now.
    fs::remove_dir_all(scene.path("out/items/0001.0002")).unwrap();
    for number in 0..60 {
        scene.file(format!("big/{}/file {number}", number % 5), format!("changed {number}"));
    }
    scene.triage(shard(0)).exits(1);
    let refused = scene.triage(MERGE).exits(5);
    assert!(refused.stderr.contains("the manifests of the parts"), "{}", refused.stderr);
    fs::rename(scene.path("out/merged/0001"), scene.path("kept")).unwrap();
    scene.triage(MERGE).exits(1);
}

#[test]
fn engines_run_the_same_plan_to_the_same_answer() {
    let scene = lab();
    plan(&scene, "p.json", &[]);
    for engine in ["local", "parallel"] {
        let out = format!("out-{engine}");
        let args = ["batch", "submit", "--plan", "p.json", "--results", &out, "--engine", engine];
        if engine == "parallel"
            && std::process::Command::new("parallel").arg("--version").output().is_err()
        {
            skip("parallel is not installed");
            continue;
        }
        let ran = scene.triage(args).exits(1);
        assert!(ran.stdout.contains("complete: 1 hits in 3 exhibits"), "{}", ran.stdout);
    }
    let args = ["batch", "submit", "--plan", "p.json", "--results", "it's", "--engine", "slurm"];
    let dry = scene.triage(args.into_iter().chain(["--dry-run", "--licences"])).exits(0);
    assert!(!scene.path("it's").exists());
    assert!(dry.stdout.contains("--dependency=\"afterany$ids\""), "{}", dry.stdout);
    assert!(dry.stdout.contains("#SBATCH --array=0\n#SBATCH --requeue\n#SBATCH --nice=0\n"));
    assert!(dry.stdout.contains("it'\\''s/submit/shard.sh"), "{}", dry.stdout);
}

#[test]
fn a_watch_has_a_bar_for_each_shard_and_ends_with_the_batch() {
    let scene = lab();
    plan(&scene, "p.json", &["--shards", "2"]);
    let watch = scene.command(["batch", "status", "--plan", "p.json", "--results", "out"]);
    let words: Vec<String> = std::iter::once(watch.get_program())
        .chain(watch.get_args())
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    // Bars are drawn on terminals only; `script` is one.
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &format!("{} --watch", words.join(" ")), "/dev/null"]);
    script.current_dir(scene.path("")).stdout(std::process::Stdio::piped()).env("COLUMNS", "80");
    let Ok(watching) = script.spawn() else { return skip("script is not installed") };
    for number in 0..2 {
        scene.triage(shard(number));
    }
    let output = watching.wait_with_output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(seen.contains("shard     0 ") && seen.contains("shard     1 "), "{seen}");
    assert!(seen.contains("complete: 1 hits in 3 exhibits (exit 1)"), "{seen}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_thousand_exhibits_on_fifty_machines_end_near_the_bound() {
    let scene = Scene::new();
    scene.file("one", "x");
    // Sparse files of sizes as disks have them: most small, few large, seeded; some on the storage
    // of everybody, some on two others, some in bays of the machines.
    let mut state = 9_u64;
    let mut jobs = String::from("exhibit,source,spinning,storage,priority\n");
    for number in 0..1000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let size = 1_u64 << (30 + (state >> 33) % 7);
        let path = scene.evidence().join(format!("{number}.img"));
        fs::File::create(&path).unwrap().set_len(size + (state >> 40) * 512).unwrap();
        let storage = ["nas1", "nas2", "nas3", ""][number % 4];
        let urgent = u8::from(number % 50 == 0);
        jobs += &format!("E{number},evidence/{number}.img,no,{storage},{urgent}\n");
    }
    fs::write(scene.path("jobs.csv"), jobs).unwrap();
    let plain = ["batch", "plan", "jobs.csv", "--simulate", "50", "--json"];
    let storages = ["--storage-rate", "nas1=400M*20", "--storage-rate", "nas2=150M*10"];
    let busy = ["--storage-rate", "nas3=100M*2", "--rate", "200M"];
    for (more, least) in [(vec![], 0), (storages.to_vec(), 0), ([&storages[..], &busy].concat(), 1)]
    {
        let args = plain.iter().copied().chain(more);
        let summary = scene.triage(args).exits(0).summary();
        let number = |key: &str| summary["simulation"][key].as_u64().unwrap();
        assert!(number("makespan_ms") * 10 <= number("lower_bound_ms") * 11, "{summary}");
        // Where one storage is the bound, the work of the machines is not.
        assert!(number("lower_bound_ms") > least * number("work_ms") / 50, "{summary}");
    }
}
