//! Block devices: loop devices, where this computer gives them. Bad sectors are the part of a loop
//! device behind the end of a file that was cut while it was attached, and chosen sectors of a file
//! that is served through FUSE, read as it is and as a device.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::disks::ntfs;
use crate::harness::bad_disk::BadDisk;
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

/// Scans a disk of which single sectors are bad, and looks for them in the record.
fn single_bad_sectors(scene: &Scene, path: &str, first: u64) {
    let ran = scene.triage(["scan", path, "--case", "c"]).exits(3);
    assert!(ran.stdout.contains("INCOMPLETE"), "{}", ran.stdout);
    assert_eq!(scene.line("c", "vol0/WHOLE.BIN")["status"], "read");
    let cut = scene.line("c", "vol0/CUT.BIN");
    assert_eq!(cut["status"], "partial", "{cut}");
    let error = &cut["error"];
    assert_eq!(error["code"], "EIO");
    // Sectors 10, 11 and 5,000 of the file: two ranges, and not a byte more.
    assert_eq!((&error["offset"], &error["lost_bytes"]), (&5120.into(), &1536.into()), "{cut}");
    let ranges =
        serde_json::json!([{"bytes": 1024, "offset": 5120}, {"bytes": 512, "offset": first}]);
    assert_eq!(error["ranges"], ranges);
    assert_eq!(cut["bytes_read"], (11 << 20) - 1536);
    assert!(cut.get("hashes").is_none(), "there is no digest of a part: {cut}");
    let csv = std::fs::read_to_string(scene.path("c/data/report/not-read.csv")).unwrap();
    assert!(csv.contains("CUT.BIN") && csv.contains("and in 1 more range"), "{csv}");
    scene.triage(["verify", "c"]).exits(0);
    // Read again, the same sectors are lost: nothing has changed, and nothing is clean.
    scene.triage(["verify", "c", path]).exits(3);
}

#[test]
fn a_single_bad_sector_costs_512_bytes_of_a_file_and_of_a_device() {
    let scene = Scene::new();
    let path = scene.path("disk.img");
    let Some(()) = fat(&scene, &path) else { return };
    let whole = std::fs::read(&path).unwrap();
    let is_content = |at: &usize| whole[*at..].starts_with(&[2; 4096]);
    let start = (0..whole.len()).step_by(512).find(is_content).unwrap() as u64 / 512;
    let bad = [start + 10, start + 11, start + 5000];
    let Some(disk) = BadDisk::mount(&scene.path("bad.img"), whole, &bad) else { return };
    single_bad_sectors(&scene, "bad.img", 5000 * 512);
    // A failed read takes seconds of a real disk: each bad place fails a few times, once in a run.
    assert!(disk.failures() < 40, "{}", disk.failures());
    let Some(device) = Loop::attach(&disk.path, &["--read-only"]) else { return };
    std::fs::rename(scene.path("c"), scene.path("of-file")).unwrap();
    single_bad_sectors(&scene, device.text(), 5000 * 512);
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
