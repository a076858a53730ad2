//! What a kernel tells, played by a folder: mounts, swap space, devices and keys that are open.
#![expect(clippy::disallowed_methods, reason = "tests build the folders of a kernel")]
#![expect(clippy::unwrap_used, reason = "a scene that cannot be built fails its test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use triage_walk::{KernelFolders, Relation, Storage};

/// A computer whose kernel is a folder.
struct Computer {
    folder: tempfile::TempDir,
}

impl Computer {
    fn new() -> Self {
        let computer = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["proc/self", "sys/class/block", "sys/devices", "home"] {
            fs::create_dir_all(computer.at(folder)).unwrap();
        }
        computer
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Adds a device below `sys/devices`, with facts.
    fn device(&self, place: &str, facts: &[(&str, &str)], below: &[&str]) {
        let folder = self.at("sys/devices").join(place);
        fs::create_dir_all(folder.join("slaves")).unwrap();
        for (file, value) in facts {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{value}\n")).unwrap();
        }
        for name in below {
            symlink("..", folder.join("slaves").join(name)).unwrap();
        }
        let name = Path::new(place).file_name().unwrap();
        symlink(&folder, self.at("sys/class/block").join(name)).unwrap();
    }

    fn tables(&self, mounts: &str, swaps: &str) {
        fs::write(self.at("proc/self/mountinfo"), mounts).unwrap();
        fs::write(self.at("proc/swaps"), format!("Filename Type Size Used Priority\n{swaps}"))
            .unwrap();
    }

    fn storage(&self, path: &Path) -> Storage {
        let folders = KernelFolders { proc: self.at("proc"), sys: self.at("sys") };
        Storage::of(path, &folders)
    }

    /// A laptop: a disk with a LUKS partition, volumes of LVM in it for home and swap.
    fn laptop(&self) {
        self.device("sda", &[("dev", "8:0"), ("queue/rotational", "1"), ("ro", "0")], &[]);
        self.device("sda/sda1", &[("dev", "8:1"), ("partition", "1"), ("ro", "0")], &[]);
        self.device("sda/sda2", &[("dev", "8:2"), ("partition", "2"), ("ro", "0")], &[]);
        let crypt = [
            ("dev", "254:0"),
            ("dm/name", "luks-root"),
            ("dm/uuid", "CRYPT-LUKS2-0123456789abcdef-luks-root"),
            ("queue/rotational", "1"),
        ];
        self.device("dm-0", &crypt, &["sda2"]);
        let volume = |number: &'static str, name: &'static str, uuid: &'static str| {
            [("dev", number), ("dm/name", name), ("dm/uuid", uuid)]
        };
        self.device("dm-1", &volume("254:1", "vg-home", "LVM-a"), &["dm-0"]);
        self.device("dm-2", &volume("254:2", "vg-swap", "LVM-b"), &["dm-0"]);
        let home = self.at("home");
        let mounts = format!(
            "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
             21 20 254:1 / {} rw - ext4 /dev/mapper/vg-home rw\n",
            home.to_str().unwrap()
        );
        self.tables(&mounts, "/dev/dm-2 partition 8 0 -2\n");
    }
}

#[test]
fn a_folder_on_an_open_encrypted_volume_must_stay_on() {
    let computer = Computer::new();
    computer.laptop();
    let storage = computer.storage(&computer.at("home"));
    assert!(storage.must_stay_on());
    let [open] = &*storage.open_encrypted else { panic!("{storage:?}") };
    assert_eq!((&*open.name, &*open.scheme), ("luks-root", "LUKS2"));
    assert_eq!(open.devices, ["sda2"]);
    assert_eq!(open.mounted_at, [computer.at("home")]);
    assert!(open.is_swap, "swap space lies on it too");
    assert_eq!(storage.is_rotational, Some(true), "as the disk at the bottom does");
    assert_eq!(storage.mounts[0].file_system, "ext4");
}

#[test]
fn a_folder_beside_an_open_volume_tells_of_it_as_another() {
    let computer = Computer::new();
    computer.laptop();
    let storage = computer.storage(&computer.at("sys"));
    assert!(!storage.must_stay_on());
    assert_eq!(storage.open_encrypted[0].relation, Relation::Elsewhere);
    // The root folder holds the mount of the volume.
    assert!(computer.storage(Path::new("/")).must_stay_on());
}

#[test]
fn an_image_attached_as_a_loop_device_and_opened_is_in_use() {
    let computer = Computer::new();
    let image = computer.at("disk.img");
    fs::write(&image, b"image").unwrap();
    let path = image.to_str().unwrap();
    computer.device("loop3", &[("dev", "7:3"), ("loop/backing_file", path), ("ro", "1")], &[]);
    computer.device("loop3/loop3p1", &[("dev", "259:0"), ("partition", "1")], &[]);
    let crypt = [("dev", "254:9"), ("dm/name", "veracrypt1")];
    computer.device("dm-9", &crypt, &["loop3p1"]);
    computer.tables("9 1 254:9 / /media/veracrypt1 ro - vfat /dev/mapper/veracrypt1 rw\n", "");
    let storage = computer.storage(&image);
    assert!(storage.must_stay_on());
    assert_eq!(storage.open_encrypted[0].scheme, "VERACRYPT");
    assert_eq!(storage.mounts[0].point, Path::new("/media/veracrypt1"));
    assert!(storage.mounts[0].is_read_only);
    assert_eq!(storage.is_read_only, Some(true));
    assert_eq!(storage.devices, ["dm-9", "loop3", "loop3p1"]);
}

#[test]
fn a_mapped_device_that_only_checks_is_not_encrypted_and_a_mount_that_encrypts_is() {
    let computer = Computer::new();
    let verity = [("dev", "254:3"), ("dm/name", "root"), ("dm/uuid", "CRYPT-VERITY-0-root")];
    computer.device("dm-3", &verity, &[]);
    let home = computer.at("home");
    computer
        .tables(&format!("30 1 0:77 / {} rw - ecryptfs /home/.p rw\n", home.to_str().unwrap()), "");
    let storage = computer.storage(&home);
    assert_eq!(storage.open_encrypted.len(), 1);
    assert_eq!(storage.open_encrypted[0].scheme, "ecryptfs");
    assert!(storage.must_stay_on());
    assert!(!computer.storage(&computer.at("sys")).must_stay_on());
}

#[test]
fn a_kernel_that_tells_nothing_is_no_error() {
    let computer = Computer::new();
    let storage = computer.storage(&computer.at("home"));
    assert_eq!(storage, Storage::default());
}
