//! What this computer does with the evidence: mounted, swapped to, or opened with its key.

use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use triage_evidence::Device;

use super::kernel::{BlockDevice, Kernel, KernelFolders, Mount};

/// Mounted file systems that encrypt by themselves, and are readable while they are mounted.
const ENCRYPTING: [&str; 5] =
    ["ecryptfs", "fuse.cryfs", "fuse.encfs", "fuse.gocryptfs", "fuse.securefs"];
/// Mapped devices that `cryptsetup` makes too, and that check content without hiding it.
const CHECKING: [&str; 2] = ["INTEGRITY", "VERITY"];

/// How an open encrypted volume stands to the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The evidence lies on it, or it lies on the evidence.
    Evidence,
    /// It is another one of this computer.
    Elsewhere,
}

/// An encrypted volume whose key this computer has: its content is readable until it is closed or
/// the computer is switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenVolume {
    /// The name of the mapped device, or of the mounted file system.
    pub name: String,
    /// What encrypts it: `LUKS2`, `BITLK`, `VERACRYPT`, `ecryptfs`...
    pub scheme: String,
    /// The devices that it lies on.
    pub devices: Vec<String>,
    /// Where it, or what lies on it, is mounted.
    pub mounted_at: Vec<PathBuf>,
    /// Whether the computer swaps to it.
    pub is_swap: bool,
    /// How it stands to the evidence.
    pub relation: Relation,
}

/// What the kernel says of the storage of the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The devices of the evidence and what lies on them, or below a folder, by name.
    pub devices: Vec<String>,
    /// For a device or an image: where it or a part of it is mounted now. For a folder: the mount
    /// that it lies on.
    pub mounts: Vec<Mount>,
    /// Whether this computer swaps to the evidence.
    pub is_swap: bool,
    /// Whether the storage spins.
    pub is_rotational: Option<bool>,
    /// Whether the kernel refuses to write to the device of the evidence.
    pub is_read_only: Option<bool>,
    /// Every encrypted volume that is open on this computer.
    pub open_encrypted: Vec<OpenVolume>,
}

impl Storage {
    /// Asks the kernel about the storage of the evidence at a path with links resolved.
    #[must_use]
    pub fn of(path: &Path, folders: &KernelFolders) -> Self {
        let kernel = Kernel::ask(folders);
        let Ok(found) = path.metadata() else { return Self::default() };
        if found.file_type().is_block_device() {
            let number = device_of(found.rdev());
            let own: BTreeSet<String> =
                kernel.numbered(number).map(|device| device.name.clone()).into_iter().collect();
            return of_devices(&kernel, &own, &own);
        }
        if found.is_file() {
            let loops =
                kernel.devices.iter().filter(|device| device.backing_file.as_deref() == Some(path));
            let own: BTreeSet<String> = loops.map(|device| device.name.clone()).collect();
            let storage = of_devices(&kernel, &own, &BTreeSet::new());
            let holds = kernel.numbered(device_of(found.dev()));
            let is_rotational = holds.and_then(|device| spins(&kernel, &device.name));
            return Self { is_rotational, ..storage };
        }
        of_folder(&kernel, path)
    }

    /// Says whether an encrypted volume of the evidence is open: without power its key is lost.
    #[must_use]
    pub fn must_stay_on(&self) -> bool {
        self.open_encrypted.iter().any(|volume| volume.relation == Relation::Evidence)
    }
}

fn device_of(number: u64) -> Device {
    Device { major: rustix::fs::major(number), minor: rustix::fs::minor(number) }
}

/// Adds the partitions of the devices and whatever is mapped onto them.
fn with_above(kernel: &Kernel, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = names.clone();
    loop {
        let is_above = |device: &&BlockDevice| {
            let parent = device.parent.iter();
            !all.contains(&device.name)
                && parent.chain(&device.below).any(|name| all.contains(name))
        };
        let more: Vec<String> =
            kernel.devices.iter().filter(is_above).map(|device| device.name.clone()).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Adds the devices that the devices lie on.
fn with_below(kernel: &Kernel, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = names.clone();
    let mut left: Vec<String> = names.iter().cloned().collect();
    while let Some(name) = left.pop() {
        let Some(device) = kernel.named(&name) else { continue };
        for below in device.below.iter().chain(&device.parent) {
            if all.insert(below.clone()) {
                left.push(below.clone());
            }
        }
    }
    all
}

/// Says whether a device spins, or one of those below it.
fn spins(kernel: &Kernel, name: &str) -> Option<bool> {
    let all = with_below(kernel, &BTreeSet::from([name.to_owned()]));
    let leaves = all.iter().filter_map(|name| kernel.named(name)).filter(|d| d.below.is_empty());
    let known: Vec<bool> = leaves.filter_map(|device| device.is_rotational).collect();
    (!known.is_empty()).then(|| known.contains(&true))
}

/// Describes devices; a key that is open below `lying_on` counts too.
fn of_devices(kernel: &Kernel, own: &BTreeSet<String>, lying_on: &BTreeSet<String>) -> Storage {
    let above = with_above(kernel, own);
    let mut related = above.clone();
    related.extend(with_below(kernel, lying_on));
    let is_own =
        |mount: &&Mount| kernel.behind(mount).is_some_and(|device| above.contains(&device.name));
    let swapped = kernel.swaps.iter().filter_map(|path| kernel.at_path(path));
    Storage {
        mounts: kernel.mounts.iter().filter(is_own).cloned().collect(),
        is_swap: swapped.into_iter().any(|device| above.contains(&device.name)),
        is_rotational: own.iter().find_map(|name| spins(kernel, name)),
        is_read_only: own.iter().find_map(|name| kernel.named(name)?.is_read_only),
        open_encrypted: open_encrypted(kernel, &related, &|_| false),
        devices: above.into_iter().collect(),
    }
}

fn of_folder(kernel: &Kernel, path: &Path) -> Storage {
    // Of equal mount points the later line covers the earlier one.
    let holding = kernel.mounts.iter().filter(|mount| path.starts_with(&mount.point));
    let mount = holding.max_by_key(|mount| mount.point.components().count());
    let device = mount.and_then(|mount| kernel.behind(mount));
    let mut own: BTreeSet<String> = device.map(|d| d.name.clone()).into_iter().collect();
    // What is mounted below the folder belongs to it as well.
    let below = |mount: &Mount| mount.point.starts_with(path);
    own.extend(
        kernel
            .mounts
            .iter()
            .filter(|mount| below(mount))
            .filter_map(|mount| Some(kernel.behind(mount)?.name.clone())),
    );
    let related = with_below(kernel, &own);
    let touches = |found: &Mount| mount == Some(found) || below(found);
    Storage {
        mounts: mount.cloned().into_iter().collect(),
        is_swap: false,
        is_rotational: device.and_then(|device| spins(kernel, &device.name)),
        is_read_only: device.and_then(|device| device.is_read_only),
        open_encrypted: open_encrypted(kernel, &related, &touches),
        devices: related.into_iter().collect(),
    }
}

/// What a mapped device is encrypted by: the identifier of `cryptsetup` is `CRYPT-LUKS2-...`;
/// `VeraCrypt` gives none, and names its devices by itself.
fn scheme(device: &BlockDevice) -> Option<String> {
    let uuid = device.mapped_uuid.as_deref().unwrap_or_default();
    if let Some(rest) = uuid.strip_prefix("CRYPT-") {
        let scheme = rest.split('-').next().unwrap_or_default();
        return (!CHECKING.contains(&scheme)).then(|| scheme.to_owned());
    }
    let name = device.mapped_name.as_deref()?;
    let number = name.strip_prefix("veracrypt").or_else(|| name.strip_prefix("truecrypt"))?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| "VERACRYPT".to_owned())
}

fn open_encrypted(
    kernel: &Kernel,
    related: &BTreeSet<String>,
    touches: &dyn Fn(&Mount) -> bool,
) -> Vec<OpenVolume> {
    let relation = |is_related| match is_related {
        true => Relation::Evidence,
        false => Relation::Elsewhere,
    };
    let mapped = kernel.devices.iter().filter_map(|device| {
        let scheme = scheme(device)?;
        let above = with_above(kernel, &BTreeSet::from([device.name.clone()]));
        let is_above =
            |found: Option<&BlockDevice>| found.is_some_and(|found| above.contains(&found.name));
        let mounts = kernel.mounts.iter().filter(|mount| is_above(kernel.behind(mount)));
        Some(OpenVolume {
            name: device.mapped_name.clone().unwrap_or_else(|| device.name.clone()),
            scheme,
            devices: device.below.clone(),
            mounted_at: mounts.map(|mount| mount.point.clone()).collect(),
            is_swap: kernel.swaps.iter().any(|path| is_above(kernel.at_path(path))),
            relation: relation(related.contains(&device.name)),
        })
    });
    let mounted =
        kernel.mounts.iter().filter(|mount| ENCRYPTING.contains(&mount.file_system.as_str()));
    let mounted = mounted.map(|mount| OpenVolume {
        name: triage_evidence::escape(mount.source.as_os_str().as_encoded_bytes()),
        scheme: mount.file_system.clone(),
        devices: Vec::new(),
        mounted_at: vec![mount.point.clone()],
        is_swap: false,
        relation: relation(touches(mount)),
    });
    mapped.chain(mounted).collect()
}
