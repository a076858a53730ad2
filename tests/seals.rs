//! `custody seal` and `sign`: numbered, chained seals with several signers, checked by stock tools.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::custody::package;
use crate::harness::{Ran, Scene, ran, skip, stock};

/// Runs the script that the package holds, as it is.
pub(crate) fn run_script(scene: &Scene, settings: &[(&str, &str)]) -> Option<Ran> {
    for tool in ["ssh-keygen", "openssl", "sha256sum"] {
        stock(tool, &[OsStr::new("--help")], &scene.path(""))?;
    }
    let mut command = Command::new("sh");
    command.arg("verify-with-stock-tools.sh").current_dir(scene.path("C"));
    command.envs(settings.iter().copied());
    Some(ran(&command.output().unwrap()))
}

fn keygen(scene: &Scene, name: &str) {
    scene.triage(["custody", "keygen", name, "--signer", &format!("{name}@lab.example")]).exits(0);
}

#[test]
fn seals_are_chained_and_stock_tools_agree() {
    let scene = package();
    keygen(&scene, "court");
    keygen(&scene, "witness");
    let before = fs::read(scene.path("C/seals/0001.json")).unwrap();
    let add = ["custody", "add", "C", "received", "--by", "J. Babic", "--giver", "Ana Kovač"];
    scene.triage(add).exits(0);
    let seal = ["custody", "seal", "C", "--by", "J. Babic", "--reason", "hand-over"];
    scene.triage([&seal[..], &["--sign-key", "court"]].concat()).exits(0);
    let sign = ["custody", "sign", "C", "--seal", "2", "--sign-key", "witness"];
    scene.triage(sign).exits(0);
    let verified = scene.triage(["verify", "C", "--json"]).exits(0);
    assert_eq!(verified.summary()["signed_by"], "court@lab.example");
    for words in ["seal 1: signature by ana", "seal 2: signature by court", "by witness@"] {
        assert!(verified.stderr.contains(words), "{words} in {}", verified.stderr);
    }
    assert!(!verified.stderr.contains("not covered by a seal"), "{}", verified.stderr);
    let signers =
        ["keys/allowed_signers", "seals/0002.json.sig.signer", "seals/0002.json.2.sig.signer"];
    let signers: String = signers
        .iter()
        .map(|name| fs::read_to_string(scene.path("C").join(name)).unwrap())
        .collect();
    fs::write(scene.path("signers"), signers).unwrap();
    let given = [("EVIDENCE", "../evidence"), ("ALLOWED_SIGNERS", "../signers")];
    if let Some(ran) = run_script(&scene, &given) {
        assert!(ran.exits(0).stdout.ends_with("stock tools agree\n"));
    }
    assert_eq!(fs::read(scene.path("C/seals/0001.json")).unwrap(), before);
    // Only the newest seal can be added to, and a third one goes on.
    scene.triage(["custody", "sign", "C", "--seal", "1", "--sign-key", "witness"]).exits(5);
    scene.triage(seal).exits(0);
    let verified = scene.triage(["verify", "C"]).exits(0);
    assert!(verified.stderr.contains("NOT SIGNED"), "{}", verified.stderr);
    run_script(&scene, &[]).map(|ran| ran.exits(0));
}

#[test]
fn trust_comes_from_outside_for_every_signer() {
    let scene = package();
    keygen(&scene, "witness");
    scene.triage(["custody", "sign", "C", "--sign-key", "witness"]).exits(0);
    let ours = fs::read_to_string(scene.path("C/keys/allowed_signers")).unwrap();
    fs::write(scene.path("ours"), &ours).unwrap();
    let verify = |file: &str| scene.triage(["verify", "C", "--allowed-signers", file]);
    let ran = verify("ours").exits(0);
    assert!(ran.stderr.contains("is not among the allowed signers"), "{}", ran.stderr);
    let beside = fs::read_to_string(scene.path("C/seals/0001.json.2.sig.signer")).unwrap();
    fs::write(scene.path("both"), format!("{ours}{beside}")).unwrap();
    let ran = verify("both").exits(0);
    assert!(!ran.stderr.contains("is not among"), "{}", ran.stderr);
    let ended = ours.replace("namespaces", "valid-before=\"20200101Z\",namespaces");
    fs::write(scene.path("ended"), ended).unwrap();
    let ran = verify("ended").exits(5);
    assert!(ran.stdout.contains("key was not valid when the seal was made"), "{}", ran.stdout);
}

#[test]
fn a_changed_package_is_not_sealed_again() {
    let scene = package();
    let seal = ["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"];
    for name in ["data/run.json", "keys/signer.pub", "seals/0001.json.sig", "bag-info.txt"] {
        let path = scene.path("C").join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], b" "].concat()).unwrap();
        let ran = scene.triage(seal).exits(5);
        assert!(ran.stderr.contains(name), "{name}: {}", ran.stderr);
        fs::write(&path, whole).unwrap();
    }
    fs::write(scene.path("C/data/extra"), "x").unwrap();
    scene.triage(seal).exits(5);
    fs::remove_file(scene.path("C/data/extra")).unwrap();
    assert!(!scene.path("C/seals/0002.json").exists());
    scene.triage(seal).exits(0);
    // A seal that the log names cannot vanish without a word.
    for entry in fs::read_dir(scene.path("C/seals")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("0002") {
            fs::remove_file(path).unwrap();
        }
    }
    let ran = scene.triage(["verify", "C"]).exits(5);
    assert!(ran.stdout.contains("seal that the log names is missing"), "{}", ran.stdout);
}

#[test]
fn kills_while_sealing_are_mended_by_sealing_again() {
    let scene = package();
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..25 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut command =
            scene.command(["custody", "seal", "C", "--by", "Ana", "--sign-key", "key", "-q"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random % 70_000));
        child.kill().unwrap();
        child.wait().unwrap();
        if scene.triage(["custody", "log", "C"]).code != 0 {
            scene.triage(["custody", "repair", "C", "--by", "Ana"]).exits(0);
        }
    }
    scene.triage(["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"]).exits(0);
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn what_a_kill_leaves_beside_a_seal_goes_when_it_is_added_to() {
    let scene = package();
    for name in ["0001.json.2.sig.signer", "0001.json.sig.tsq"] {
        fs::write(scene.path("C/seals").join(name), "begun\n").unwrap();
    }
    let ran = scene.triage(["verify", "C"]).exits(5);
    assert!(ran.stdout.contains("file of a seal belongs to nothing"), "{}", ran.stdout);
    scene.triage(["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"]).exits(0);
    scene.triage(["verify", "C"]).exits(0);
}

/// A real ssh-agent with a key, ended when it is dropped.
struct Agent(std::process::Child);

impl Agent {
    fn start(scene: &Scene, key: &Path) -> Option<Self> {
        let socket = scene.path("agent");
        fs::remove_file(&socket).unwrap_or_default();
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let agent = Self(command.spawn().ok()?);
        for _ in 0..200 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut add = Command::new("ssh-add");
        let added = add.arg(key).env("SSH_AUTH_SOCK", socket).stderr(Stdio::null()).status();
        added.is_ok_and(|status| status.success()).then_some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn keys_of_an_agent_sign_scans_and_seals() {
    let scene = Scene::new();
    scene.file("a", "1");
    for (kind, name) in [("ed25519", "ed"), ("ecdsa", "p256"), ("rsa", "rsa")] {
        let args = ["-q", "-t", kind, "-N", "", "-C", "ana@lab.example", "-f", name];
        let Some(made) = stock("ssh-keygen", &args.map(OsStr::new), &scene.path("")) else {
            return;
        };
        made.exits(0);
        let Some(_agent) = Agent::start(&scene, &scene.path(name)) else {
            skip("ssh-agent or ssh-add is not installed");
            return;
        };
        fs::remove_file(scene.path(name)).unwrap();
        let public = format!("{name}.pub");
        let held = ["--sign-agent", &public, "--agent-socket", "agent"];
        let case = format!("C{name}");
        let scan = ["scan", "evidence", "--case", &case];
        scene.triage([&scan[..], &held].concat()).exits(0);
        let verified = scene.triage(["verify", &case, "--json"]).exits(0);
        assert_eq!(verified.summary()["signed_by"], "ana@lab.example", "{kind}");
        let key = verified.summary()["key"].as_str().unwrap().to_owned();
        let by = ["--sign-agent", &key, "--agent-socket", "agent", "--by", "Ana"];
        scene.triage([&["custody", "seal", &case][..], &by].concat()).exits(0);
        fs::rename(scene.path(&case), scene.path("C")).unwrap();
        run_script(&scene, &[]).map(|ran| ran.exits(0));
        fs::remove_dir_all(scene.path("C")).unwrap();
        scene.triage([&scan[..], &["--sign-agent", "SHA256:x"], &held[2..]].concat()).exits(2);
    }
}

#[test]
fn the_script_fails_where_something_fails_and_says_what_stays_open() {
    let scene = package();
    keygen(&scene, "witness");
    scene.triage(["custody", "sign", "C", "--sign-key", "witness"]).exits(0);
    let ours = fs::read_to_string(scene.path("C/keys/allowed_signers")).unwrap();
    let beside = fs::read_to_string(scene.path("C/seals/0001.json.2.sig.signer")).unwrap();
    let run = |signers: &str, more: &[(&str, &str)]| {
        fs::write(scene.path("signers"), signers).unwrap();
        run_script(&scene, &[&[("ALLOWED_SIGNERS", "../signers")], more].concat())
    };
    let evidence = [("EVIDENCE", "../evidence")];
    let Some(all) = run(&format!("{ours}{beside}"), &evidence) else { return };
    assert!(all.exits(0).stdout.ends_with("stock tools agree\n"));
    // What is not given stays open, and is said.
    let said = |ran: Ran, words: &str| {
        let ran = ran.exits(0);
        assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
        assert!(
            ran.stdout.ends_with("1 NOT CHECKED or NOT TRUSTED, see above\n"),
            "{}",
            ran.stdout
        );
    };
    said(run(&format!("{ours}{beside}"), &[]).unwrap(), "NOT CHECKED: the evidence");
    said(run(&ours, &evidence).unwrap(), "NOT TRUSTED: seals/0001.json.2.sig");
    let plain = run_script(&scene, &evidence).unwrap().exits(0);
    assert!(plain.stderr.contains("NOT TRUSTED: seals/0001.json.sig"), "{}", plain.stderr);
    // A key is judged as of the seal: one that ended since will do, one that had ended will not.
    let with = |bound: &str| {
        let ours = ours.replace("namespaces", &format!("{bound},namespaces"));
        run(&format!("{ours}{beside}"), &evidence).unwrap()
    };
    assert_ne!(with("valid-before=\"20200101Z\"").code, 0);
    let seal: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.path("C/seals/0001.json")).unwrap()).unwrap();
    let at = triage_custody::unix_seconds(seal["time"].as_str().unwrap()).unwrap();
    let digits = triage_custody::utc_digits(at).unwrap();
    with(&format!("valid-after=\"{digits}Z\",valid-before=\"29990101Z\"")).exits(0);
    let later = UNIX_EPOCH + Duration::from_secs(u64::try_from(at).unwrap() + 1);
    while SystemTime::now() <= later {
        std::thread::sleep(Duration::from_millis(10));
    }
    with(&format!("valid-before=\"{digits}Z\"")).exits(0);
    // Whoever names whom they trust, wants the newest seal to be by one of them.
    scene.triage(["custody", "seal", "C", "--by", "Ana"]).exits(0);
    let unsigned = run(&ours, &evidence).unwrap();
    assert_ne!(unsigned.code, 0, "{}", unsigned.stdout);
    assert!(unsigned.stderr.contains("nobody who is trusted"), "{}", unsigned.stderr);
    // Neither a changed file of the evidence nor a folder that is not there passes.
    scene.file("a", "other");
    let changed = run_script(&scene, &evidence).unwrap();
    assert_ne!(changed.code, 0, "{}", changed.stdout);
    assert!(changed.stderr.contains("FAILED: the evidence"), "{}", changed.stderr);
    let nowhere = run_script(&scene, &[("EVIDENCE", "../nowhere")]).unwrap();
    assert!(nowhere.code != 0 && nowhere.stderr.contains("FAILED: the evidence"));
}

/// A sealing that was killed before its seal was there: its files and its event, but no seal.
fn kill_before_the_seal(scene: &Scene, seal: &[&str]) {
    let kept = ["tagmanifest-sha256.txt", "verify-with-stock-tools.sh"];
    let before = kept.map(|name| fs::read(scene.path("C").join(name)).unwrap());
    scene.triage(seal).exits(0);
    fs::remove_file(scene.path("C/seals/0002.json")).unwrap();
    for (name, bytes) in kept.iter().zip(before) {
        fs::write(scene.path("C").join(name), bytes).unwrap();
    }
}

#[test]
fn a_killed_sealing_leaves_nothing_in_the_next_one_and_takes_no_word_back() {
    let scene = package();
    keygen(&scene, "court");
    let first = ["custody", "seal", "C", "--by", "Ana Kovač", "--reason", "hand-over"];
    kill_before_the_seal(&scene, &[&first[..], &["--sign-key", "court"]].concat());
    assert!(scene.path("C/seals/0002.json.sig.signer").exists());
    let ran = scene.triage(["verify", "C"]).exits(5);
    assert!(ran.stdout.contains("FINDING seal is missing"), "{}", ran.stdout);
    // Somebody else seals, for another reason and without a key: both stand in the log.
    let second = ["custody", "seal", "C", "--by", "J. Babic", "--reason", "court hearing"];
    scene.triage(second).exits(0);
    assert!(!scene.path("C/seals/0002.json.sig").exists(), "a signature of no seal was left");
    scene.triage(["verify", "C"]).exits(0);
    let log = fs::read_to_string(scene.path("C/custody.ndjson")).unwrap();
    for words in ["hand-over", "court hearing"] {
        assert_eq!(log.matches(words).count(), 1, "{words} in {log}");
    }
}

#[test]
fn a_killed_sealing_that_is_done_again_is_said_once() {
    let scene = package();
    keygen(&scene, "court");
    let seal = [
        "custody",
        "seal",
        "C",
        "--by",
        "Ana Kovač",
        "--reason",
        "hand-over",
        "--sign-key",
        "court",
    ];
    kill_before_the_seal(&scene, &seal);
    scene.triage(seal).exits(0);
    scene.triage(["verify", "C"]).exits(0);
    let log = fs::read_to_string(scene.path("C/custody.ndjson")).unwrap();
    assert_eq!(log.matches("hand-over").count(), 1, "{log}");
}

#[test]
fn what_the_bag_lists_is_no_leftover() {
    let scene = package();
    keygen(&scene, "court");
    let seal = ["custody", "seal", "C", "--by", "Ana Kovač", "--sign-key", "court"];
    scene.triage(seal).exits(0);
    // Somebody takes the newest seal away: what belongs to it shows that it was there.
    fs::remove_file(scene.path("C/seals/0002.json")).unwrap();
    scene.triage(seal).exits(5);
    assert!(scene.path("C/seals/0002.json.sig").exists(), "evidence of a roll-back was removed");
}
