//! What the kernel tells of mounts, swap space and block devices. proc(5) for `mountinfo` and
//! `swaps`; Linux `Documentation/ABI/stable/sysfs-block` and `sysfs-block-dm`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use triage_evidence::Device;

/// The most that is read of a table of the kernel: tens of thousands of mounts.
const LIMIT_TABLE_BYTES: u64 = 16 * 1024 * 1024;
/// The most that is read of one fact: the kernel gives at most a page.
const LIMIT_FACT_BYTES: u64 = 4096;
/// The most block devices that are looked at.
const LIMIT_DEVICES: usize = 16_384;

/// Where the kernel of a computer tells of itself.
#[derive(Clone, Debug)]
pub struct KernelFolders {
    /// The folder of processes, usually `/proc`.
    pub proc: PathBuf,
    /// The folder of devices, usually `/sys`.
    pub sys: PathBuf,
}

impl Default for KernelFolders {
    fn default() -> Self {
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys") }
    }
}

/// A file system that is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The number of its device.
    pub device: Device,
    /// Where it is mounted.
    pub point: PathBuf,
    /// What kind of file system it is.
    pub file_system: String,
    /// What is mounted, such as a device.
    pub source: PathBuf,
    /// Whether nothing can be written through it.
    pub is_read_only: bool,
}

/// A block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BlockDevice {
    pub(super) name: String,
    pub(super) number: Option<Device>,
    /// The disk that a partition is on.
    pub(super) parent: Option<String>,
    /// The devices that a mapped device lies on.
    pub(super) below: Vec<String>,
    pub(super) mapped_name: Option<String>,
    pub(super) mapped_uuid: Option<String>,
    /// The file behind a loop device.
    pub(super) backing_file: Option<PathBuf>,
    pub(super) is_rotational: Option<bool>,
    pub(super) is_read_only: Option<bool>,
}

/// What the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) mounts: Vec<Mount>,
    pub(super) swaps: Vec<PathBuf>,
    pub(super) devices: Vec<BlockDevice>,
}

impl Kernel {
    /// Asks the kernel. What it does not tell is missing.
    pub(super) fn ask(folders: &KernelFolders) -> Self {
        let mounts = table(&folders.proc.join("self/mountinfo"));
        let swaps = table(&folders.proc.join("swaps"));
        let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
            bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        let first = |line: &Vec<u8>| {
            line.split(|byte| byte.is_ascii_whitespace())
                .next()
                .map(unescaped)
                .filter(|path| path.is_absolute())
        };
        Self {
            mounts: lines(&mounts).iter().filter_map(|line| mount(line)).collect(),
            swaps: lines(&swaps).iter().filter_map(first).collect(),
            devices: devices(&folders.sys.join("class/block")),
        }
    }

    /// Returns the device of that name.
    pub(super) fn named(&self, name: &str) -> Option<&BlockDevice> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// Returns the device of that number.
    pub(super) fn numbered(&self, number: Device) -> Option<&BlockDevice> {
        self.devices.iter().find(|device| device.number == Some(number))
    }

    /// Returns the device behind a path such as `/dev/sda1` or `/dev/mapper/home`.
    pub(super) fn at_path(&self, path: &Path) -> Option<&BlockDevice> {
        let below = path.strip_prefix("/dev").ok()?;
        let mapped = below.strip_prefix("mapper").ok().and_then(Path::to_str);
        self.devices.iter().find(|device| match mapped {
            Some(name) => device.mapped_name.as_deref() == Some(name),
            None => Path::new(&device.name) == below,
        })
    }

    /// Returns the device of a mount: btrfs has numbers of its own and tells the path instead.
    pub(super) fn behind(&self, mount: &Mount) -> Option<&BlockDevice> {
        self.numbered(mount.device).or_else(|| self.at_path(&mount.source))
    }
}

fn table(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A kernel that does not tell is one without mounts.
    let _read = File::open(path).map(|file| file.take(LIMIT_TABLE_BYTES).read_to_end(&mut bytes));
    bytes
}

/// Reads a line of `mountinfo`: number, parent, device, root, point, options, optional fields, `-`,
/// file system, source, options of the file system.
fn mount(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    let has_ro = |field: Option<&&[u8]>| {
        field.is_some_and(|options| options.split(|&byte| byte == b',').any(|one| one == b"ro"))
    };
    Some(Mount {
        device: device_number(std::str::from_utf8(fields.get(2)?).ok()?)?,
        point: unescaped(fields.get(4)?),
        file_system: String::from_utf8(fields.get(dash + 1)?.to_vec()).ok()?,
        source: unescaped(fields.get(dash + 2)?),
        is_read_only: has_ro(fields.get(5)) || has_ro(fields.get(dash + 3)),
    })
}

fn device_number(text: &str) -> Option<Device> {
    let (major, minor) = text.trim().split_once(':')?;
    Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

/// Undoes the octal escapes of the kernel's tables.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().take(LIMIT_DEVICES);
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn devices(folder: &Path) -> Vec<BlockDevice> {
    names_in(folder).into_iter().map(|name| device(&folder.join(&name), name)).collect()
}

fn device(folder: &Path, name: String) -> BlockDevice {
    let fact = |file: &str| {
        let mut bytes = Vec::new();
        let file = File::open(folder.join(file)).ok()?;
        file.take(LIMIT_FACT_BYTES).read_to_end(&mut bytes).ok()?;
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes).to_vec();
        (!text.is_empty()).then_some(text)
    };
    let text = |file: &str| fact(file).and_then(|bytes| String::from_utf8(bytes).ok());
    let flag = |file: &str| text(file).map(|text| text.trim() == "1");
    let place = folder.canonicalize().ok();
    let parent =
        place.as_ref().and_then(|place| place.parent()).filter(|_| fact("partition").is_some());
    let disk_spins = || {
        let queue = parent?.join("queue/rotational");
        std::fs::read_to_string(queue).ok().map(|text| text.trim() == "1")
    };
    BlockDevice {
        number: text("dev").and_then(|text| device_number(&text)),
        parent: parent.and_then(Path::file_name).and_then(|name| name.to_str().map(str::to_owned)),
        below: names_in(&folder.join("slaves")),
        mapped_name: text("dm/name"),
        mapped_uuid: text("dm/uuid"),
        backing_file: fact("loop/backing_file")
            .map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(&path))),
        is_rotational: flag("queue/rotational").or_else(disk_spins),
        is_read_only: flag("ro"),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_mount_table_is_read_with_its_escapes() {
        let line = b"36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 shared:7 - ext3 /dev/root \
            ro,errors=continue";
        let found = mount(line).unwrap();
        assert_eq!(found.point, Path::new("/mnt/a b"));
        assert_eq!((found.device.major, found.device.minor), (98, 0));
        assert_eq!(found.file_system, "ext3");
        assert!(found.is_read_only, "the file system is, whatever the mount says");
        assert_eq!(mount(b"36 35 98:0 / /mnt rw"), None);
    }
}
