//! What the kernel says about a block device. Linux, `Documentation/ABI/stable/sysfs-block`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::raw::read_sysfs;

/// Facts by their file below the folder of the device.
const FACTS: [(&str, &str); 7] = [
    ("device_model", "device/model"),
    ("device_vendor", "device/vendor"),
    ("device_serial", "device/serial"),
    ("device_wwid", "wwid"),
    ("device_rotational", "queue/rotational"),
    ("device_read_only", "ro"),
    ("device_physical_sector", "queue/physical_block_size"),
];

fn folder(major: u32, minor: u32) -> PathBuf {
    PathBuf::from(format!("/sys/dev/block/{major}:{minor}"))
}

/// Reads a fact of a device; that of a partition stands with its disk.
fn fact(major: u32, minor: u32, file: &str) -> Option<String> {
    let folder = folder(major, minor);
    read_sysfs(&folder.join(file)).or_else(|| read_sysfs(&folder.join("..").join(file)))
}

/// Returns the size of a logical sector in bytes; 512 if the kernel does not tell.
pub(crate) fn sector_bytes(major: u32, minor: u32) -> u32 {
    let text = fact(major, minor, "queue/logical_block_size");
    text.and_then(|text| text.parse().ok()).filter(|&bytes| bytes >= 512).unwrap_or(512)
}

/// Returns what the kernel says about a device.
pub(crate) fn facts(major: u32, minor: u32) -> BTreeMap<String, String> {
    let found = FACTS.iter().map(|(name, file)| (*name, fact(major, minor, file)));
    found.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
