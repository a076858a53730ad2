//! Killed, interrupted or out of room: the package is finished later, byte for byte the same.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{Scene, ran, skip};

fn scene_of(files: usize, size: usize) -> Scene {
    let scene = Scene::new();
    for number in 0..files {
        let content = vec![u8::try_from(number % 251).unwrap(); size + number];
        scene.file(format!("d{}/f{number:05}", number % 13), content);
    }
    scene
}

fn manifest(scene: &Scene, case: &str) -> Vec<u8> {
    fs::read(scene.path(case).join("data/manifest.ndjson")).unwrap()
}

#[test]
fn fifty_kills_at_random_moments_change_no_byte() {
    let scene = scene_of(1500, 20_000);
    scene.triage(["scan", "evidence", "--case", "whole"]).exits(0);
    let whole = manifest(&scene, "whole");
    let mut kills = 0;
    let mut random = 88_172_645_463_325_252_u64;
    let mut round = 0;
    while kills < 50 {
        let case = format!("C{round}");
        round += 1;
        assert!(round < 200, "only {kills} kills in {round} rounds");
        let mut args = vec!["scan", "evidence", "--case", &case, "-q"];
        loop {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut command = scene.command(&args);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(random % 90_000));
            child.kill().unwrap();
            let killed = child.wait().unwrap().code().is_none();
            kills += usize::from(killed);
            if !killed || kills >= 50 {
                break;
            }
            // A kill before the plan was stored leaves nothing to resume.
            if scene.path(&case).join("journal/plan.json").exists() {
                args = vec!["scan", "--resume", "--case", &case, "-q"];
            } else if scene.path(&case).join("bagit.txt").exists() {
                break;
            } else {
                fs::remove_dir_all(scene.path(&case)).unwrap_or_default();
            }
        }
        let folder = scene.path(&case);
        if folder.join("journal/plan.json").exists() {
            scene.triage(["scan", "--resume", "--case", &case]).exits(0);
        }
        if folder.join("bagit.txt").exists() {
            assert!(manifest(&scene, &case) == whole, "{case} differs");
            scene.triage(["verify", &case]).exits(0);
            fs::remove_dir_all(folder).unwrap();
        }
    }
}

#[test]
fn a_killed_scan_goes_on_leaving_out_the_same_sizes() {
    let scene = scene_of(1200, 20_000);
    // A list of the sizes of every third file, and of the digest of none.
    let rows: String =
        (0..1200).step_by(3).map(|n| format!("{:032x},{}\n", n + 1, 20_000 + n)).collect();
    fs::write(scene.path("sizes.csv"), format!("md5,size\n{rows}")).unwrap();
    let args = ["scan", "evidence", "--sets", "sizes.csv", "--size-filter", "-q", "--case"];
    scene.triage(args.into_iter().chain(["whole"])).exits(0);
    let whole = manifest(&scene, "whole");
    let left_out = String::from_utf8(whole.clone()).unwrap().matches("size_not_listed").count();
    assert_eq!(left_out, 800);
    let mut resumed = 0;
    for round in 0..60_u64 {
        let case = format!("C{round}");
        let mut command = scene.command(args.into_iter().chain([case.as_str()]));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(round * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        if scene.path(&case).join("journal/plan.json").exists() {
            scene.triage(["scan", "--resume", "--case", &case]).exits(0);
            assert!(manifest(&scene, &case) == whole, "{case} differs");
            resumed += 1;
        }
        if resumed == 3 {
            return;
        }
    }
    panic!("only {resumed} scans were killed while they were running");
}

#[test]
fn an_interrupt_writes_a_checkpoint_and_exits_130() {
    let scene = scene_of(400, 1_000_000);
    let mut command = scene.command(["scan", "evidence", "--case", "C", "--threads", "1"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !scene.path("C").join("journal/manifest.ndjson.part").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let stopped = ran(&child.wait_with_output().unwrap()).exits(130);
    assert!(stopped.stderr.contains("--resume"), "{}", stopped.stderr);
    scene.triage(["verify", "C"]).exits(5);
    scene.triage(["scan", "--resume", "--case", "C"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "whole"]).exits(0);
    assert!(manifest(&scene, "C") == manifest(&scene, "whole"));
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn a_full_case_drive_loses_nothing() {
    if !rustix::process::geteuid().is_root() {
        skip("mounting a small drive needs root");
        return;
    }
    let scene = scene_of(3000, 100);
    let drive = scene.path("drive");
    fs::create_dir(&drive).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&drive).status()
    };
    if !mount("size=600k").is_ok_and(|status| status.success()) {
        skip("no small drive can be mounted here");
        return;
    }
    let full = scene.triage(["scan", "evidence", "--case", "drive/C"]).exits(3);
    assert!(full.stderr.contains("the case drive is full"), "{}", full.stderr);
    assert!(full.stderr.contains("--resume"), "{}", full.stderr);
    assert!(mount("remount,size=64m").unwrap().success());
    scene.triage(["scan", "--resume", "--case", "drive/C"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "whole"]).exits(0);
    assert!(manifest(&scene, "drive/C") == manifest(&scene, "whole"));
    Command::new("umount").arg(&drive).status().unwrap();
}

#[test]
fn a_resume_with_another_set_is_refused() {
    let scene = scene_of(400, 1_000_000);
    scene.set("set", &[b"x"]);
    let mut command = scene.command(["scan", "evidence", "--case", "C", "--sets", "set", "-q"]);
    let mut child = command.spawn().unwrap();
    while !scene.path("C").join("journal/plan.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let ran = scene.triage(["scan", "--resume", "--case", "C"]).exits(6);
    assert!(ran.stderr.contains("another run"), "{}", ran.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    scene.set("set", &[b"y"]);
    scene.triage(["scan", "--resume", "--case", "C"]).exits(2);
    scene.set("set", &[b"x"]);
    scene.triage(["scan", "--resume", "--case", "C"]).exits(0);
}

/// Whoever comes second is refused, whenever that is: while the first begins, scans, or closes.
#[test]
fn of_many_scans_into_one_folder_one_is_made_and_nothing_is_replaced() {
    let scene = Scene::new();
    for number in 0..40 {
        scene.file(format!("{number}"), number.to_string());
    }
    for round in 0..10 {
        let case = format!("C{round}");
        let scans: Vec<_> = (0..8)
            .map(|_| {
                let mut command = scene.command(["scan", "evidence", "-q", "--case", &case]);
                command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        let codes: Vec<_> =
            scans.into_iter().map(|mut scan| scan.wait().unwrap().code().unwrap()).collect();
        assert_eq!(codes.iter().filter(|&&code| code == 0).count(), 1, "{codes:?}");
        assert!(codes.iter().all(|code| matches!(code, 0 | 2 | 6)), "{codes:?}");
        scene.triage(["verify", &case]).exits(0);
        assert!(!scene.path(&case).join("journal").exists());
    }
}
