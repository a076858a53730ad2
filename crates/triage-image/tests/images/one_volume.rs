//! One volume in every container that is read, made by stock tools, against its digest before.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::scene::{fixture, md5, open, read_all};

/// Every container: the file to open, what it is, and the files that it needs beside it.
pub(crate) const CONTAINERS: [(&str, &str, &[&str]); 18] = [
    ("plain.qcow2", "qcow2", &[]),
    ("packed.qcow2", "qcow2", &[]),
    ("zstd.qcow2", "qcow2", &[]),
    ("top.qcow2", "qcow2", &["base.qcow2"]),
    ("sparse.vmdk", "vmdk", &[]),
    ("stream.vmdk", "vmdk", &[]),
    ("flat.vmdk", "vmdk", &["flat-flat.vmdk"]),
    ("parts.vmdk", "vmdk", &["parts-s001.vmdk"]),
    ("fixed.vhd", "vhd", &[]),
    ("dynamic.vhd", "vhd", &[]),
    ("dynamic.vhdx", "vhdx", &[]),
    ("fixed.vhdx", "vhdx", &[]),
    ("fast.E01", "ewf", &[]),
    ("best.E01", "ewf", &[]),
    ("empty.E01", "ewf", &[]),
    ("parts.E01", "ewf", &["parts.E02", "parts.E03", "parts.E04"]),
    ("split.001", "split", &["split.002", "split.003"]),
    ("base.qcow2", "qcow2", &[]),
];

/// Unpacks a fixture of the folder into another.
pub(crate) fn unpack(name: &str, folder: &Path) -> PathBuf {
    let packed = std::fs::File::open(fixture("one-volume").join(format!("{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_container_gives_the_volume_that_was_put_in() {
    let expected = std::fs::read_to_string(fixture("one-volume").join("disk.md5")).unwrap();
    for (name, format, others) in CONTAINERS {
        let folder = tempfile::tempdir().unwrap();
        let path = unpack(name, folder.path());
        for other in others {
            unpack(other, folder.path());
        }
        let image = open(&path).unwrap();
        assert_eq!((image.format, &*image.facts.notes), (format, &[][..]), "{name}");
        for step in [1 << 20, 33_000] {
            let mut bytes = read_all(&image.source, step).unwrap();
            // A virtual disk may be rounded up.
            assert!(bytes.len() >= 3 << 20 && bytes[3 << 20..].iter().all(|&byte| byte == 0));
            bytes.truncate(3 << 20);
            assert_eq!(md5(&bytes), expected.trim(), "{name} in steps of {step}");
        }
    }
}

#[test]
fn a_part_that_is_not_there_is_told() {
    for (name, _, others) in CONTAINERS {
        let Some(other) = others.last() else { continue };
        let folder = tempfile::tempdir().unwrap();
        let path = unpack(name, folder.path());
        for other in &others[..others.len() - 1] {
            unpack(other, folder.path());
        }
        let opened = open(&path);
        // A split image whose last part is missing looks like a shorter one: the volume tells.
        let is_short = |size: u64| size < 3 << 20;
        match opened {
            Ok(image) => assert!(
                !image.facts.notes.is_empty() || is_short(image.source.size_bytes()),
                "{name} without {other}"
            ),
            Err(problem) => assert!(problem.text.contains("beside it"), "{name}: {problem}"),
        }
    }
}
