//! Block devices: loop devices, where this computer gives them. Bad sectors are the part of a loop
//! device behind the end of a file that was cut while it was attached.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disks::ntfs;
use crate::harness::{Scene, skip};

/// A loop device that is detached at the end.
struct Loop {
    path: PathBuf,
}

impl Loop {
    /// Attaches a file; `None`, with a word, where that is not allowed.
    fn attach(file: &Path, more: &[&str]) -> Option<Self> {
        let made = Command::new("losetup").args(["--find", "--show"]).args(more).arg(file).output();
        match made {
            Ok(made) if made.status.success() => {
                let path = String::from_utf8(made.stdout).unwrap();
                Some(Self { path: PathBuf::from(path.trim()) })
            }
            _ => {
                skip("this computer attaches no loop device");
                None
            }
        }
    }

    fn text(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _left = Command::new("losetup").arg("--detach").arg(&self.path).status();
    }
}

#[test]
fn a_device_is_scanned_with_its_facts_in_the_record_and_the_report() {
    let scene = Scene::new();
    let path = scene.path("disk.img");
    std::fs::write(&path, ntfs()).unwrap();
    let Some(device) = Loop::attach(&path, &["--read-only"]) else { return };
    scene.triage(["scan", device.text(), "--case", "c", "--exhibit", "AB/1"]).exits(3);
    let root = scene.line("c", ".");
    let facts = &root["facts"];
    assert_eq!(facts["container"], "device");
    assert_eq!(facts["size"], ntfs().len().to_string());
    assert_eq!(facts["sector_bytes"], "512");
    assert_eq!(facts["device_read_only"], "1");
    for fact in ["device_rotational", "device_physical_sector"] {
        assert!(facts[fact].is_string(), "{fact}: {facts}");
    }
    let page = std::fs::read_to_string(scene.path("c/data/report/report.html")).unwrap();
    assert!(page.contains("device_read_only: 1"));
    // The device and the file that it shows hold the same.
    scene.triage(["scan", "disk.img", "--case", "d", "--exhibit", "AB/1"]).exits(3);
    let digests = |case: &str| -> Vec<serde_json::Value> {
        scene.manifest(case).into_iter().map(|line| line["hashes"].clone()).collect()
    };
    assert_eq!(digests("c"), digests("d"));
    let ran = scene.triage(["probe", device.text(), "--json"]).exits(0);
    let storage = ran.lines().into_iter().find(|line| line["type"] == "storage").unwrap();
    assert_eq!(storage["read_only"], true);
    scene.triage(["plan", device.text(), "--no-estimate"]).exits(3);
    // A look at the file tells that it is attached.
    let ran = scene.triage(["probe", "disk.img", "--json"]).exits(0);
    let storage = ran.lines().into_iter().find(|line| line["type"] == "storage").unwrap();
    let name = device.path.file_name().unwrap().to_str().unwrap();
    assert!(storage["devices"].to_string().contains(name), "{storage}");
}

#[test]
fn bad_sectors_of_a_device_are_a_range_in_the_record_and_the_rest_is_read() {
    let scene = Scene::new();
    let path = scene.path("disk.img");
    // A FAT with one file whose end will be lost, and one that stays whole.
    let Some(()) = fat(&scene, &path) else { return };
    let Some(device) = Loop::attach(&path, &["--read-only"]) else { return };
    let size = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(size - 3 * 1024 * 1024).unwrap();
    let ran = scene.triage(["scan", device.text(), "--case", "c"]);
    let whole = scene.line("c", "vol0/WHOLE.BIN");
    if scene.line("c", "vol0/CUT.BIN")["status"] == "read" {
        skip("this kernel gives zeros behind the end of a cut file");
        return;
    }
    let ran = ran.exits(3);
    assert!(ran.stdout.contains("INCOMPLETE"), "{}", ran.stdout);
    assert_eq!(whole["status"], "read");
    let cut = scene.line("c", "vol0/CUT.BIN");
    assert_eq!(cut["status"], "partial", "{cut}");
    assert_eq!(cut["error"]["code"], "EIO");
    let read = cut["bytes_read"].as_u64().unwrap();
    let lost = cut["error"]["lost_bytes"].as_u64().unwrap();
    assert_eq!(read + lost, cut["size"].as_u64().unwrap());
    assert_eq!(cut["error"]["offset"], read, "the first bad sector is named");
    assert!(read > 0 && lost > 0 && read.is_multiple_of(512), "{cut}");
}

/// Makes a FAT that two files fill nearly to its end.
fn fat(scene: &Scene, path: &Path) -> Option<()> {
    std::fs::File::create(path).unwrap().set_len(16 * 1024 * 1024).unwrap();
    std::fs::write(scene.path("WHOLE.BIN"), vec![1; 4 << 20]).unwrap();
    std::fs::write(scene.path("CUT.BIN"), vec![2; 11 << 20]).unwrap();
    let run = |name: &str, args: &[&str]| {
        let ran = Command::new(name).args(args).current_dir(scene.path("")).output();
        if !ran.is_ok_and(|ran| ran.status.success()) {
            skip(&format!("{name} is not installed, or makes no FAT"));
            return None;
        }
        Some(())
    };
    run("mkfs.vfat", &["-F", "16", "disk.img"])?;
    run("mcopy", &["-i", "disk.img", "WHOLE.BIN", "CUT.BIN", "::"])
}
