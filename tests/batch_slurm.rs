//! A batch through a real Slurm, while tasks are killed, nodes die and evidence is gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::cluster::{Cluster, Process, is_on};
use crate::harness::{Ran, Scene, ran, skip, stock};

/// Exhibits at whose tasks something is done: long enough to be met while they are examined.
const SLOW: usize = 5;
/// How much a slow exhibit holds: half a second and more of hashing, so that its scan is met.
const SLOW_BYTES: u64 = 1 << 30;

/// What an exhibit is, by its number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slow,
    /// A folder that is split.
    Split,
    /// An image that is cut off.
    Cut,
    /// A folder that is gone when it is to be examined.
    Gone,
    Hit,
    Image,
    Folder,
}

const fn kind(number: usize) -> Kind {
    match number {
        0..SLOW => Kind::Slow,
        5 => Kind::Split,
        6 => Kind::Cut,
        7 => Kind::Gone,
        _ if number.is_multiple_of(4) => Kind::Image,
        _ if number % 7 == 2 => Kind::Hit,
        _ => Kind::Folder,
    }
}

/// Where the evidence of an exhibit is, below the scene.
fn source(number: usize) -> String {
    match kind(number) {
        Kind::Image | Kind::Cut => format!("evidence/{number}.img"),
        _ => format!("evidence/{number}"),
    }
}

/// Builds exhibits and jobs; returns `false` if images cannot be made here.
fn build(scene: &Scene, count: usize) -> bool {
    scene.set("known.txt", &[b"known"]);
    let mut jobs = String::from("name = 'it is 100%'\n[question]\nsets = ['known.txt']\n");
    for number in 0..count {
        let files = if kind(number) == Kind::Split { 60 } else { 3 + number % 5 };
        for file in 0..files {
            let name = format!("{number}/{}/{file}.bin", file % 3);
            scene.file(name, format!("{number} {file} ").repeat(1 + file * 97 % 600));
        }
        if kind(number) == Kind::Hit {
            scene.file(format!("{number}/hit"), "known");
        }
        let folder = scene.evidence().join(number.to_string());
        if kind(number) == Kind::Slow {
            let slow = fs::File::create(folder.join("zz")).unwrap();
            slow.set_len(SLOW_BYTES).unwrap();
        }
        if matches!(kind(number), Kind::Image | Kind::Cut) {
            let image = scene.path(&source(number));
            let args = ["-q", "-t", "ext4", "-d"].map(str::as_ref);
            let made = [&args[..], &[folder.as_ref(), image.as_ref(), "2M".as_ref()]].concat();
            let Some(made) = stock("mke2fs", &made, Path::new("/")) else { return false };
            made.exits(0);
            fs::remove_dir_all(&folder).unwrap();
            if kind(number) == Kind::Cut {
                fs::File::options().write(true).open(&image).unwrap().set_len(800 << 10).unwrap();
            }
        }
        let more = match kind(number) {
            Kind::Slow if number < 3 => "priority = 9\n",
            Kind::Slow => "priority = 5\n",
            Kind::Split => "split = 3\n",
            _ if number.is_multiple_of(2) => "storage = 'nas1'\n",
            _ => "",
        };
        let source = source(number);
        let exhibit = format!("exhibit = 'E/{number}'\nsource = '{source}'\nspinning = false\n");
        write!(jobs, "[[exhibit]]\n{exhibit}{more}").unwrap();
    }
    fs::write(scene.path("jobs.toml"), jobs).unwrap();
    true
}

/// The folder of the results has a name that shell and Slurm could take for something else.
const RESULTS: &str = "it's 100%";

fn batch(verb: &str) -> [String; 6] {
    ["batch", verb, "--plan", "p.json", "--results", RESULTS].map(str::to_owned)
}

/// The scans of slow exhibits that were met while they ran.
#[derive(Default)]
struct Met(BTreeMap<usize, Process>);

impl Met {
    /// Waits for the scan of a slow exhibit that has begun its package, and stops it.
    ///
    /// All that are not met yet are looked for and stopped, so that none ends while another one is
    /// waited for.
    #[track_caller]
    fn scan_of(&mut self, cluster: &Cluster, scene: &Scene, number: usize) -> Process {
        cluster.until(&format!("E/{number} is examined"), |cluster| {
            let processes = cluster.processes();
            for number in 0..SLOW {
                if self.0.contains_key(&number) {
                    continue;
                }
                let package = scene.path(RESULTS).join(format!("items/{:04}", number + 1));
                let begun = package.join("journal/plan.json").exists();
                let package = package.to_str().unwrap();
                let scans = |process: &&Process| process.words.iter().any(|word| word == package);
                if let Some(scan) = processes.iter().find(scans).filter(|_| begun) {
                    scan.signal(Signal::STOP);
                    self.0.insert(number, scan.clone());
                }
            }
            self.0.contains_key(&number)
        });
        self.0[&number].clone()
    }
}

/// Kills, cuts off and puts back: each task of a slow exhibit in its own way.
fn disturb(cluster: &mut Cluster, scene: &Scene) {
    let mut met = Met::default();
    // The scan alone; the one that works on the shard starts it again.
    met.scan_of(cluster, scene, 0).signal(Signal::KILL);
    // The process of the shard; its script starts it again, and it waits for the orphaned scan.
    let orphan = met.scan_of(cluster, scene, 1);
    orphan.parent().signal(Signal::KILL);
    orphan.signal(Signal::CONT);
    // A node whose power is cut, in the middle of a scan.
    let doomed = met.scan_of(cluster, scene, 2);
    let doomed = doomed.variable("SLURMD_NODENAME").unwrap().to_owned();
    // A node that is not reached any more, but works on.
    let lost = met.scan_of(cluster, scene, 3);
    let lost_node = lost.variable("SLURMD_NODENAME").unwrap().to_owned();
    // A task that the operator puts back into the queue.
    let put_back = met.scan_of(cluster, scene, 4);
    let job = put_back.variable("SLURM_JOB_ID").unwrap().to_owned();
    cluster.ask("scontrol", &["requeue", &job]);
    put_back.signal(Signal::CONT);
    cluster.cut_power(&doomed);
    cluster.kill_daemon(&lost_node);
    cluster.until("both nodes are down", |cluster| {
        cluster.log().matches("due to failure of node").count() >= 2
    });
    cluster.start_node(&doomed);
    // Somebody else takes the shard up and waits for whoever holds the package: twice at once.
    let shard = lost.variable("SLURM_ARRAY_TASK_ID").unwrap().to_owned();
    cluster.until("the shard of the lost node is taken up", |cluster| {
        cluster.processes().iter().any(|process| {
            process.words.windows(2).any(|two| two == ["--shard", shard.as_str()])
                && !is_on(process, &lost_node)
        })
    });
    std::thread::sleep(Duration::from_millis(300));
    lost.signal(Signal::CONT);
}

#[track_caller]
fn submit(cluster: &Cluster, scene: &Scene, more: &[&str]) -> Ran {
    let mut command = scene.command(batch("submit"));
    command.args(["--engine", "slurm", "--licences", "--threads", "1"]).args(more);
    ran(&command.env("SLURM_CONF", cluster.conf()).output().unwrap())
}

#[test]
fn a_batch_through_slurm_is_what_one_machine_says_whatever_dies() {
    let count = std::env::var("TRIAGE_TEST_SLURM_EXHIBITS").ok();
    let count = count.map_or(16, |count| count.parse().unwrap());
    let Some(mut cluster) = Cluster::start(3) else { return };
    let scene = Scene::new();
    if !build(&scene, count) {
        return;
    }
    scene.triage(["batch", "plan", "jobs.toml", "-o", "p.json"]).exits(0);
    let gone = (0..count).find(|&number| kind(number) == Kind::Gone).unwrap();
    fs::remove_dir_all(scene.path(&source(gone))).unwrap();
    let refused = submit(&cluster, &scene, &["--option=--partition=nowhere"]);
    assert!(refused.exits(2).stderr.contains("the engine refused the batch"));
    assert_eq!(cluster.ask("squeue", &["--noheader"]), "", "nothing of it is left in the queue");

    let submitted = submit(&cluster, &scene, &[]).exits(0);
    assert!(submitted.stdout.contains("merge, when all shards have ended"), "{}", submitted.stdout);
    disturb(&mut cluster, &scene);
    let summary = scene.path(RESULTS).join("summary.json");
    cluster.until("the batch is merged", |_| summary.exists());
    cluster
        .until("the queue is empty", |cluster| cluster.ask("squeue", &["--noheader"]).is_empty());
    // The answer of the merge that Slurm ran is that of a merge by hand.
    let by_slurm: Value = serde_json::from_slice(&fs::read(&summary).unwrap()).unwrap();
    let merged = scene.triage(batch("merge").into_iter().chain(["--json".into()])).exits(4);
    assert_eq!(by_slurm["states"], merged.summary()["states"]);
    assert_eq!(by_slurm["exit"], 4);
    compare(&scene, count, &merged);
    audit(&cluster, &scene);
    // Submitted again, nothing is left to do, and the answer is waited for.
    if count < 50 {
        let again = submit(&cluster, &scene, &["--wait"]).exits(4);
        assert!(again.stdout.contains("INCOMPLETE: "), "{}", again.stdout);
    }
}

/// The scheduler's own record has every task, and never two that read from the one storage at once.
fn audit(cluster: &Cluster, scene: &Scene) {
    let ended = cluster.ended();
    let of = |job: &[(String, String)], key: &str| {
        let pair = job.iter().find(|(name, _)| name == key);
        pair.map_or_else(String::new, |(_, value)| value.clone())
    };
    let tasks = ended.iter().filter(|job| of(job, "JobState") == "COMPLETED");
    let plan: Value = serde_json::from_slice(&fs::read(scene.path("p.json")).unwrap()).unwrap();
    // One job besides: the merge.
    assert_eq!(tasks.count(), plan["shards"].as_array().unwrap().len() + 1, "{ended:?}");
    let mut times: Vec<(String, String)> = ended
        .iter()
        .filter(|job| of(job, "Name").ends_with("-nas1"))
        .map(|job| (of(job, "StartTime"), of(job, "EndTime")))
        .collect();
    times.sort();
    assert!(times.len() > 1 && times.windows(2).all(|two| two[0].1 <= two[1].0), "{times:?}");
}

/// Every exhibit is in the one state that it must be in; its manifest is that of one machine; the
/// totals are the sums of these.
fn compare(scene: &Scene, count: usize, merged: &Ran) {
    let lines = merged.lines();
    assert_eq!(lines.len(), count + 1);
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    let mut classes: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate().take(count) {
        let (state, code) = match kind(number) {
            Kind::Gone => ("failed", None),
            Kind::Cut => ("incomplete", Some(3)),
            Kind::Hit => ("hits", Some(1)),
            _ => ("complete", Some(0)),
        };
        *states.entry(state).or_default() += 1;
        assert_eq!(line["exhibit"], format!("E/{number}"));
        assert_eq!((&line["state"], &line["exit"]), (&state.into(), &code.into()), "{line}");
        let Some(code) = code else { continue };
        let (source, exhibit) = (source(number), format!("E/{number}"));
        let case = format!("one/{number}");
        fs::create_dir_all(scene.path("one")).unwrap();
        let scan = ["scan", &source, "--case", &case, "--exhibit", &exhibit, "--sets", "known.txt"];
        let one = scene.triage(scan.into_iter().chain(["--json"])).exits(code);
        for (class, share) in one.summary()["coverage"]["classes"].as_object().unwrap() {
            let sum = classes.entry(class.clone()).or_default();
            sum.0 += share["entries"].as_u64().unwrap();
            sum.1 += share["bytes"].as_u64().unwrap();
        }
        let whole = if kind(number) == Kind::Split { "merged" } else { "items" };
        let package = scene.path(RESULTS).join(whole).join(format!("{:04}", number + 1));
        let bytes = |folder: &Path| fs::read(folder.join("data/manifest.ndjson")).unwrap();
        assert_eq!(bytes(&package), bytes(&scene.path(&case)), "E/{number}");
    }
    let summary = merged.summary();
    assert_eq!(summary["states"], serde_json::json!(states));
    for (class, (entries, bytes)) in classes {
        let sum = &summary["classes"][&class];
        assert_eq!((&sum["entries"], &sum["bytes"]), (&entries.into(), &bytes.into()), "{class}");
    }
}

#[test]
fn without_slurm_a_batch_is_refused() {
    let scene = Scene::new();
    scene.file("a", "x");
    fs::write(scene.path("jobs.csv"), "exhibit,source\nA,evidence\n").unwrap();
    scene.triage(["batch", "plan", "jobs.csv", "-o", "p.json"]).exits(0);
    let mut command = scene.command(batch("submit"));
    command.args(["--engine", "slurm"]).env("PATH", scene.path(""));
    let submitted = command.output();
    let Ok(output) = submitted else { return skip("there is no shell") };
    let refused = ran(&output);
    assert_eq!(refused.code, 2, "an exit code of 1 would be an answer: {}", refused.stderr);
}
