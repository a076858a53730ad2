//! Virtual disks, foreign and made by `qemu-img`.

use std::path::Path;

use crate::scene::{EXT2_MD5, disk, md5, open, read_all, stock, unpacked};

#[test]
fn foreign_images_give_the_same_volume() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format) in [("ext2.qcow2", "qcow2"), ("ext2.vmdk", "vmdk"), ("ext2.vhd", "vhd")] {
        let image = open(&unpacked(name, folder.path())).unwrap();
        assert_eq!((image.format, &*image.facts.notes), (format, &[][..]), "{name}");
        let mut bytes = read_all(&image.source, 70_000).unwrap();
        // A virtual disk is rounded up to a cylinder.
        assert!(bytes.len() >= 4_194_304 && bytes[4_194_304..].iter().all(|&byte| byte == 0));
        bytes.truncate(4_194_304);
        assert_eq!(md5(&bytes), EXT2_MD5, "{name}");
    }
}

#[test]
fn a_differencing_disk_needs_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let path = unpacked("image-differential.vhd", folder.path());
    let problem = open(&path).unwrap_err();
    assert!(problem.text.contains("cannot be opened beside it"), "{problem}");
    unpacked("image.vhd", folder.path());
    let image = open(&path).unwrap();
    assert_eq!(image.facts.pairs["parent"], "image.vhd");
    // Whoever made them changed their footers by hand.
    let is_expected = |note: &&triage_evidence::Problem| note.text.contains("its checksum");
    assert_eq!(image.facts.notes.iter().find(|note| !is_expected(note)), None);
    read_all(&image.source, 1 << 20).unwrap();
}

/// Converts a disk with `qemu-img`.
fn convert(
    folder: &Path,
    name: &str,
    format: &str,
    options: &[&str],
) -> Option<std::path::PathBuf> {
    let (raw, target) = (folder.join("disk.raw"), folder.join(name));
    let mut args = vec!["convert", "-f", "raw", "-O", format];
    args.extend(options);
    args.extend([raw.to_str().unwrap(), target.to_str().unwrap()]);
    stock("qemu-img", &args)?;
    Some(target)
}

#[test]
fn every_kind_gives_what_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(30_011);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let kinds: [(&str, &str, &[&str]); 14] = [
        ("a.qcow2", "qcow2", &[]),
        ("b.qcow2", "qcow2", &["-c"]),
        ("c.qcow2", "qcow2", &["-c", "-o", "compression_type=zstd"]),
        ("d.qcow2", "qcow2", &["-o", "compat=0.10,cluster_size=512"]),
        ("e.qcow2", "qcow2", &["-o", "cluster_size=2M"]),
        ("a.vmdk", "vmdk", &["-o", "subformat=monolithicSparse"]),
        ("b.vmdk", "vmdk", &["-o", "subformat=streamOptimized"]),
        ("c.vmdk", "vmdk", &["-o", "subformat=monolithicFlat"]),
        ("d.vmdk", "vmdk", &["-o", "subformat=twoGbMaxExtentSparse"]),
        ("a.vhd", "vpc", &["-o", "subformat=dynamic,force_size=on"]),
        ("b.vhd", "vpc", &["-o", "subformat=fixed,force_size=on"]),
        ("a.vhdx", "vhdx", &["-o", "subformat=dynamic"]),
        ("b.vhdx", "vhdx", &["-o", "subformat=fixed"]),
        ("c.vhdx", "vhdx", &["-o", "block_size=1M"]),
    ];
    for (name, format, options) in kinds {
        let Some(path) = convert(folder.path(), name, format, options) else { return };
        let image = open(&path).unwrap();
        for step in [1 << 20, 70_001] {
            let mut read = read_all(&image.source, step).unwrap();
            assert!(read.len() >= bytes.len(), "{name}");
            read.truncate(bytes.len());
            assert!(read == bytes, "{name} in steps of {step}");
        }
        assert_eq!(image.facts.notes, [], "{name}");
    }
}

#[test]
fn what_the_parent_holds_is_read_from_it_and_only_beside_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(9_000);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let Some(base) = convert(folder.path(), "base.qcow2", "qcow2", &[]) else { return };
    let top = folder.path().join("top.qcow2");
    let create = ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"];
    let mut args = create.to_vec();
    args.extend([base.to_str().unwrap(), top.to_str().unwrap()]);
    stock("qemu-img", &args).unwrap();
    if stock("qemu-io", &["-c", "write -P 7 65536 4096", top.to_str().unwrap()]).is_none() {
        return;
    }
    let mut expected = bytes;
    expected[65536..65536 + 4096].fill(7);
    assert!(read_all(&open(&top).unwrap().source, 99_999).unwrap() == expected);
    // The name of the parent is a path: only its last part counts.
    let other = tempfile::tempdir().unwrap();
    let moved = other.path().join("top.qcow2");
    std::fs::copy(&top, &moved).unwrap();
    let problem = open(&moved).unwrap_err();
    assert!(problem.text.contains("cannot be opened beside it"), "{problem}");
}
