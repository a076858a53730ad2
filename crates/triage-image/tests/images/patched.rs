//! Structures of containers that were changed by hand: told, or replaced by their copies.

use std::path::{Path, PathBuf};

use triage_evidence::Problem;
use triage_image::Image;

use crate::one_volume::{CONTAINERS, unpack};
use crate::scene::{md5, open, read_all, unpacked};

/// Unpacks a container of the one volume with the files that it needs.
fn unpack_all(name: &str, folder: &Path) -> PathBuf {
    let (_, _, others) = CONTAINERS.iter().find(|row| row.0 == name).unwrap();
    for other in *others {
        unpack(other, folder);
    }
    unpack(name, folder)
}

/// Puts bytes into a container of the one volume and opens it.
fn patched(name: &str, patches: &[(usize, &[u8])]) -> Result<Image, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = unpack_all(name, folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    for (at, new) in patches {
        bytes[*at..at + new.len()].copy_from_slice(new);
    }
    std::fs::write(&path, bytes).unwrap();
    open(&path)
}

/// Returns what an image tells about itself as a whole.
fn told(image: &Image) -> String {
    image.facts.notes.iter().map(|note| format!("{note}\n")).collect()
}

fn is_whole(image: &Image) -> bool {
    let expected = std::fs::read_to_string(crate::scene::fixture("one-volume/disk.md5")).unwrap();
    let mut bytes = read_all(&image.source, 1 << 20).unwrap();
    bytes.truncate(3 << 20);
    md5(&bytes) == expected.trim()
}

fn stored(name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::read(unpack(name, folder.path())).unwrap()
}

#[test]
fn tables_of_qcow2_that_make_no_sense_are_never_taken_for_zeros() {
    // No entry in the first table: all of the disk would be zeros.
    let problem = patched("plain.qcow2", &[(36, &[0; 4])]).unwrap_err();
    assert!(problem.text.contains("shorter than its disk"), "{problem}");
    // The first table lies at 0x30000, the second one behind it. A bit that must be zero, and a
    // place that is no multiple of a cluster.
    for (at, byte) in [(0x30000, 0xc0), (0x30007, 1), (0x40000, 0xa0), (0x40006, 2)] {
        let image = patched("plain.qcow2", &[(at, &[byte])]).unwrap();
        let problem = read_all(&image.source, 1 << 20).unwrap_err();
        assert!(problem.text.contains("makes no sense"), "{at:#x}: {problem}");
    }
}

#[test]
fn headers_and_regions_of_vhdx_that_do_not_fit_their_checksums_are_told_and_replaced() {
    let bytes = stored("dynamic.vhdx");
    let image = patched("dynamic.vhdx", &[(0x1_0000 + 8, &[0xee])]).unwrap();
    assert!(told(&image).contains("a header of the image is damaged") && is_whole(&image));
    // The place of the table of blocks, in the first of two region tables.
    let entries = (0x3_0010..).step_by(32);
    let is_table = |at: &usize| bytes[*at..].starts_with(&[0x66, 0x77, 0xc2, 0x2d]);
    let entry = entries.take(2).find(is_table).unwrap();
    let image = patched("dynamic.vhdx", &[(entry + 18, &[0x77])]).unwrap();
    assert!(told(&image).contains("a region table of the image is damaged") && is_whole(&image));
    // A block that is there is said to hold zeros: the disk would be shorter by it.
    let table = u64::from_le_bytes(bytes[entry + 16..entry + 24].try_into().unwrap()) as usize;
    assert_eq!(bytes[table] & 7, 6);
    let image = patched("dynamic.vhdx", &[(table, &[2])]).unwrap();
    assert!(told(&image).contains("said to hold nothing"), "{}", told(&image));
    // Two blocks in one place.
    let first: [u8; 8] = bytes[table..table + 8].try_into().unwrap();
    let image = patched("dynamic.vhdx", &[(table + 8, &first)]).unwrap();
    assert!(told(&image).contains("in the same place"), "{}", told(&image));
}

#[test]
fn blocks_of_vhd_in_one_place_and_a_foreign_parent_are_told() {
    let bytes = stored("dynamic.vhd");
    let table = u64::from_be_bytes(bytes[512 + 16..512 + 24].try_into().unwrap()) as usize;
    let first: [u8; 4] = bytes[table..table + 4].try_into().unwrap();
    let image = patched("dynamic.vhd", &[(table + 4, &first)]).unwrap();
    assert!(told(&image).contains("in the same place"), "{}", told(&image));
    let folder = tempfile::tempdir().unwrap();
    let path = unpacked("image-differential.vhd", folder.path());
    let parent = unpacked("image.vhd", folder.path());
    let mut child = std::fs::read(&path).unwrap();
    child[512 + 40] ^= 1;
    std::fs::write(&path, child).unwrap();
    assert!(told(&open(&path).unwrap()).contains("is not the parent that it was made from"));
    // A parent that no longer begins as an image is not read as if it were a raw disk.
    let mut whole = std::fs::read(&parent).unwrap();
    let last = whole.len() - 512;
    whole[0] ^= 1;
    whole[last] ^= 1;
    std::fs::write(&parent, whole).unwrap();
    let problem = open(&path).unwrap_err();
    assert!(problem.text.contains("does not begin as such an image"), "{problem}");
}

#[test]
fn tables_of_vmdk_are_compared_with_their_copies() {
    let bytes = stored("sparse.vmdk");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let directory = number(56) * 512;
    let table = number(directory) * 512;
    let image = patched("sparse.vmdk", &[(table, &[0, 0, 0, 0])]).unwrap();
    let problem = read_all(&image.source, 1 << 20).unwrap_err();
    assert!(problem.text.contains("tell different places"), "{problem}");
    // No more than the grain is lost.
    let grain = number(20) * 512;
    assert_eq!((problem.offset, problem.lost_bytes), (Some(0), Some(grain as u64)));
    // A table that cannot be read is replaced by its copy.
    let image = patched("sparse.vmdk", &[(directory, &[0xff; 4])]).unwrap();
    assert!(is_whole(&image));
    for (at, text) in [(12, "two sizes"), (72, "not closed cleanly"), (75, "ends of lines")] {
        let image = patched("sparse.vmdk", &[(at, &[0x07])]).unwrap();
        assert!(told(&image).contains(text), "{text}: {}", told(&image));
    }
}

#[test]
fn descriptors_of_vmdk_leave_nothing_out_without_a_word() {
    for name in ["flat.vmdk", "parts.vmdk"] {
        let bytes = stored(name);
        let line = bytes.windows(8).position(|window| window == b"RW 6144 ").unwrap();
        let image = patched(name, &[(line + 3, b"2")]).unwrap();
        assert!(told(&image).contains("more than its descriptor says"), "{}", told(&image));
        let problem = patched(name, &[(line, b"Q")]).unwrap_err();
        assert!(problem.text.contains("line of the descriptor"), "{problem}");
        let image = patched(name, &[(line, b"RDONLY 6144 ")]);
        assert!(image.is_err());
    }
}

#[test]
fn behind_a_part_that_was_cut_off_every_byte_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = unpack_all("split.001", folder.path());
    let whole = read_all(&open(&path).unwrap().source, 1 << 20).unwrap();
    for number in ["001", "002"] {
        let part = path.with_extension(number);
        let bytes = std::fs::read(&part).unwrap();
        std::fs::write(&part, &bytes[..bytes.len() - 5000]).unwrap();
        let image = open(&path).unwrap();
        let from = if number == "001" { 1 << 20 } else { 2 << 20 } - 5000;
        let note = &image.facts.notes[0];
        assert_eq!((note.offset, note.lost_bytes), (Some(from), Some(5000)), "{note}");
        assert_eq!(image.source.size_bytes(), whole.len() as u64);
        let problem = image.source.read_at(from, &mut [0; 100]).unwrap_err();
        assert_eq!((problem.offset, problem.lost_bytes), (Some(from), Some(5000)));
        let mut behind = vec![0; 1000];
        image.source.read_at(from + 5000, &mut behind).unwrap();
        assert_eq!(behind, whole[from as usize + 5000..][..1000]);
        std::fs::write(&part, &bytes).unwrap();
    }
}
