//! Evidence that fights back: nothing hangs, nothing is followed, every name has one record.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Scene, ran};

/// Builds one of each.
fn hostile() -> (Scene, UnixListener) {
    let scene = Scene::new();
    let at = |name: &str| scene.evidence().join(name);
    scene.file(b"bad-\xff\xfe\n name ".as_slice(), "x").file([b'n'; 255], "y");
    scene.file("=cmd|' calc'!A0", "formula").file("\u{202e}gpj.exe", "rtl");
    scene.file("<script>alert(1)<script>.html", "html");
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    symlink("..", at("up")).unwrap();
    symlink("self", at("self")).unwrap();
    symlink("/etc/passwd", at("out")).unwrap();
    let socket = UnixListener::bind(at("socket")).unwrap();
    let sparse = fs::File::create(at("sparse-1T")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    (scene, socket)
}

#[test]
fn every_kind_of_trouble_is_one_record_and_the_sums_hold() {
    let (scene, _socket) = hostile();
    let begun = Instant::now();
    let args = ["scan", "evidence", "--case", "C", "--max-size", "1G", "--json"];
    let summary = scene.triage(args).exits(3).summary();
    assert!(begun.elapsed() < Duration::from_secs(60));
    let lines = scene.manifest("C");
    let found = fs::read_dir(scene.evidence()).unwrap().count();
    assert_eq!(lines.len(), found + 1);
    assert_eq!(scene.line("C", "sparse-1T")["status"], "too_large");
    for (path, kind) in
        [("fifo", "fifo"), ("socket", "socket"), ("up", "symlink"), ("self", "symlink")]
    {
        let line = scene.line("C", path);
        assert_eq!((&line["type"], &line["status"]), (&kind.into(), &"not_regular".into()));
    }
    assert_eq!(scene.line("C", "out")["target"], "/etc/passwd");
    let odd = scene.line("C", "bad-\\xff\\xfe\\x0a name ");
    assert_eq!(odd["path_hex"], "6261642dfffe0a206e616d6520");
    assert_eq!(odd["status"], "read");
    let coverage = &summary["coverage"];
    let sum = |what: &str| -> u64 {
        coverage["classes"]
            .as_object()
            .unwrap()
            .values()
            .map(|share| share[what].as_u64().unwrap())
            .sum()
    };
    assert_eq!(sum("entries"), coverage["seen"]["entries"].as_u64().unwrap());
    assert_eq!(sum("bytes"), coverage["seen"]["bytes"].as_u64().unwrap());
    assert_eq!(sum("entries"), lines.len() as u64);
    let sizes: u64 = lines
        .iter()
        .filter(|line| line["type"] == "file")
        .map(|line| line["size"].as_u64().unwrap())
        .sum();
    assert_eq!(sum("bytes"), sizes);
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn what_another_user_may_not_read_is_named_and_the_run_is_incomplete() {
    let scene = Scene::new();
    scene.file("open", "x").file("locked/inside", "y").file("secret", "z");
    let forbid = |name: &str| {
        fs::set_permissions(scene.evidence().join(name), fs::Permissions::from_mode(0o0)).unwrap();
    };
    forbid("locked");
    forbid("secret");
    let output = if rustix::process::geteuid().is_root() {
        // Root may read everything: the scan runs as nobody.
        fs::set_permissions(scene.path(""), fs::Permissions::from_mode(0o777)).unwrap();
        let program = scene.path("triage");
        fs::copy(crate::harness::program(), &program).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
            .args(["scan", "evidence", "--case", "C"])
            .current_dir(scene.path(""))
            .output()
            .unwrap()
    } else {
        scene.command(["scan", "evidence", "--case", "C"]).output().unwrap()
    };
    ran(&output).exits(3);
    for name in ["locked", "secret"] {
        let line = scene.line("C", name);
        assert_eq!(line["status"], "unreadable");
        assert_eq!(line["error"]["code"], "EACCES");
    }
    assert_eq!(scene.line("C", "open")["status"], "read");
}

#[test]
fn files_that_change_while_they_are_read_never_look_read() {
    let scene = Scene::new();
    for name in ["growing", "shrinking", "replaced"] {
        scene.file(name, vec![1; 40_000_000]);
    }
    let evidence = scene.evidence();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let writer = std::thread::spawn(move || {
        let mut length = 40_000_000;
        while !stopped.load(std::sync::atomic::Ordering::SeqCst) {
            length += 1;
            let open = |name: &str| fs::OpenOptions::new().write(true).open(evidence.join(name));
            open("growing").unwrap().set_len(length).unwrap();
            open("shrinking").unwrap().set_len(80_000_000 - length).unwrap();
            fs::write(evidence.join("new"), vec![2; 1000]).unwrap();
            fs::rename(evidence.join("new"), evidence.join("replaced")).unwrap();
        }
    });
    scene.triage(["scan", "evidence", "--case", "C"]).exits(3);
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    writer.join().unwrap();
    for name in ["growing", "shrinking"] {
        assert_eq!(scene.line("C", name)["status"], "changed", "{name}");
    }
    assert_ne!(scene.line("C", "replaced")["status"], "read");
    scene.triage(["verify", "C"]).exits(0);
}

#[test]
fn a_scan_leaves_the_access_times_of_its_owner_as_they_were() {
    let scene = Scene::new();
    scene.file("folder/file", "content");
    let long_ago = ["-a", "-d", "2001-01-01T00:00:00Z"];
    let paths =
        [scene.evidence().join("folder/file"), scene.evidence().join("folder"), scene.evidence()];
    for path in &paths {
        assert!(Command::new("touch").args(long_ago).arg(path).status().unwrap().success());
    }
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    for path in &paths {
        assert_eq!(fs::metadata(path).unwrap().atime(), 978_307_200, "{}", path.display());
    }
}

#[test]
fn sparse_files_are_hashed_by_their_logical_content() {
    let scene = Scene::new();
    let mut content = vec![0; 3_000_000];
    content[2_500_000] = 1;
    scene.file("dense", &content);
    let sparse = fs::File::create(scene.evidence().join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, &[1], 2_500_000).unwrap();
    sparse.set_len(3_000_000).unwrap();
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    assert_eq!(scene.line("C", "dense")["hashes"], scene.line("C", "sparse")["hashes"]);
}

#[test]
fn names_longer_than_a_path_may_be_are_walked() {
    let scene = Scene::new();
    let script = "d=$(printf 'n%.0s' $(seq 200)); for i in $(seq 60); do mkdir $d; cd -P $d; done; echo deep > file";
    let status = Command::new("bash").args(["-c", script]).current_dir(scene.evidence()).status();
    assert!(status.unwrap().success());
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    let lines = scene.manifest("C");
    assert_eq!(lines.len(), 62);
    assert!(lines[61]["path"].as_str().unwrap().len() > 12_000);
    assert_eq!(lines[61]["status"], "read");
}

#[test]
fn a_name_cannot_drive_the_terminal() {
    let scene = Scene::new();
    let name = OsStr::from_bytes(b"\x1b[2J\x07evil");
    scene.file(name.as_bytes(), "x");
    let set = scene.set("set", &[b"x"]);
    let args = ["scan", "evidence", "--case", "C", "--sets"];
    let ran = scene.triage(args.iter().map(OsStr::new).chain([set.as_os_str()])).exits(1);
    assert!(ran.stdout.contains("\\x1b[2J\\x07evil"));
    assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'));
}
