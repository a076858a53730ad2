//! What the kernel says about a block device. Linux, `Documentation/ABI/stable/sysfs-block`. The
//! serial number of a SCSI or ATA disk stands in its page 80 of vital product data (SPC-4, 7.8.15),
//! that of a USB disk with the USB device above it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::raw::{read_sysfs, read_sysfs_bytes};

/// How far above a disk its USB device is sought: hubs on hubs are below ten.
const LIMIT_ANCESTORS: usize = 24;

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
    let mut facts: BTreeMap<String, String> =
        found.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let folder = folder(major, minor);
    let disk = [folder.join("device"), folder.join("../device")];
    let device = disk.iter().find_map(|device| device.canonicalize().ok());
    if let Some(device) = device {
        let serial = || product_serial(&device).or_else(|| usb_serial(&device));
        if let (false, Some(serial)) = (facts.contains_key("device_serial"), serial()) {
            facts.insert("device_serial".to_owned(), serial);
        }
    }
    facts
}

/// Returns the serial number of page 80: a head of four bytes, then text.
fn product_serial(device: &Path) -> Option<String> {
    let page = read_sysfs_bytes(&device.join("vpd_pg80"))?;
    let text = page.get(4..)?.iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' ');
    let text: String = text.map(|&byte| char::from(byte)).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns the serial number of the USB device that a disk hangs on.
fn usb_serial(device: &Path) -> Option<String> {
    let usb = device.ancestors().take(LIMIT_ANCESTORS).find(|at| at.join("idVendor").exists())?;
    read_sysfs(&usb.join("serial"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests build a folder of the kernel")]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn serial_numbers_of_ata_and_usb_disks_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("usb1/1-2/1-2:1.0/host7/target7:0:0/7:0:0:0");
        fs::create_dir_all(&disk).unwrap();
        assert_eq!(usb_serial(&disk), None);
        fs::write(folder.path().join("usb1/1-2/idVendor"), "0781\n").unwrap();
        fs::write(folder.path().join("usb1/1-2/serial"), "4C530001\n").unwrap();
        assert_eq!(usb_serial(&disk).as_deref(), Some("4C530001"));
        assert_eq!(product_serial(&disk), None);
        fs::write(disk.join("vpd_pg80"), b"\0\x80\0\x14        WD-WX31A\0\0").unwrap();
        assert_eq!(product_serial(&disk).as_deref(), Some("WD-WX31A"));
    }
}
