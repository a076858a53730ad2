//! What the kernel says of the device below a file system: does its head move?

use std::fs;
use std::path::{Path, PathBuf};

use triage_evidence::Device;

/// How many layers of mapped devices are followed: LVM on LUKS on RAID is three.
const LIMIT_LAYERS: u32 = 8;

/// Says whether the device spins. `None` if the kernel knows no block device of that number, as
/// for network and memory file systems.
#[must_use]
pub fn is_rotational(device: Device) -> Option<bool> {
    let path = PathBuf::from(format!("/sys/dev/block/{device}"));
    rotational_at(&path.canonicalize().ok()?, LIMIT_LAYERS)
}

/// Looks at a device, at the disk that a partition is on, or at everything below a mapped device,
/// which spins if one of its parts does.
fn rotational_at(path: &Path, layers: u32) -> Option<bool> {
    let below: Vec<PathBuf> = fs::read_dir(path.join("slaves"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.path().canonicalize().ok())
        .collect();
    if !below.is_empty() && layers > 0 {
        let known: Vec<bool> =
            below.iter().filter_map(|path| rotational_at(path, layers - 1)).collect();
        return (!known.is_empty()).then(|| known.contains(&true));
    }
    let flag = |path: &Path| fs::read_to_string(path.join("queue/rotational")).ok();
    let text = flag(path).or_else(|| flag(path.parent()?))?;
    Some(text.trim() == "1")
}
