//! Volumes that stock tools make while the test runs: what was put in must come out.

use std::path::Path;
use std::sync::Arc;

use md5::{Digest, Md5};
use triage_evidence::{NameState, ProblemKind, Recovery};

use crate::overlay::Overlay;
use crate::reading::Reading;
use crate::tools::{content, has, run, size, write};
use crate::volumes::open;

/// The sizes of the files that are put in.
const SIZES: [usize; 7] = [0, 1, 100, 600, 4096, 70_000, 400_001];

fn name(size: usize) -> String {
    format!("A file with a long name of {size} bytes")
}

/// Compares what was put into a directory of a volume with what comes out.
fn check(what: &str, file_system: &str, image: &Path, folder: &str) {
    let volume = open(file_system, std::fs::read(image).unwrap()).unwrap();
    assert_eq!(volume.facts().file_system, file_system, "{what}");
    let reading = Reading::of(&*volume);
    assert!(reading.troubles().is_empty(), "{what}: {:?}", reading.troubles());
    for (seed, size) in (1..).zip(SIZES) {
        let path = format!("{folder}{}", name(size));
        let line = reading.lines.iter().find(|line| line.path == path);
        let line = line.unwrap_or_else(|| panic!("{what}: {path} was not met"));
        assert_eq!(line.state, NameState::Allocated);
        let digest = Md5::digest(content(seed, size));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(line.content.clone().unwrap().unwrap().md5, digest, "{what}: {path}");
    }
}

/// Writes the files into a new folder below a scratch folder.
fn tree(scratch: &Path) {
    let folder = scratch.join("tree/deep");
    std::fs::create_dir_all(&folder).unwrap();
    for (seed, size) in (1..).zip(SIZES) {
        write(&folder.join(name(size)), &content(seed, size));
    }
}

#[test]
fn what_mke2fs_put_in_comes_out_whatever_the_features() {
    if !has("mke2fs") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    tree(scratch.path());
    let folder = scratch.path().join("tree");
    let image = scratch.path().join("made.img");
    let kinds: [(&str, &[&str]); 8] = [
        ("ext2", &["-t", "ext2", "-b", "1024"]),
        (
            "ext2",
            &[
                "-t",
                "ext2",
                "-b",
                "4096",
                "-I",
                "128",
                "-O",
                "^filetype,^sparse_super,^resize_inode",
            ],
        ),
        ("ext3", &["-t", "ext3", "-b", "2048"]),
        ("ext4", &["-t", "ext4", "-b", "4096"]),
        ("ext4", &["-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data"]),
        ("ext4", &["-t", "ext4", "-b", "1024", "-g", "1024", "-O", "meta_bg,^resize_inode"]),
        ("ext4", &["-t", "ext4", "-b", "4096", "-O", "bigalloc", "-C", "65536"]),
        ("ext4", &["-t", "ext4", "-b", "1024", "-O", "sparse_super2,^metadata_csum,^64bit"]),
    ];
    for (file_system, options) in kinds {
        write(&image, &[]);
        size(&image, 12 << 20);
        let (folder, path) = (folder.to_str().unwrap(), image.to_str().unwrap());
        run("mke2fs", &[options, &["-q", "-F", "-d", folder, path]].concat());
        check(&options.join(" "), file_system, &image, "deep/");
    }
}

#[test]
fn the_files_of_a_deleted_folder_of_many_clusters_are_found_in_free_space() {
    if !has("mkfs.vfat") || !has("mcopy") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("many");
    std::fs::create_dir_all(folder.join("below")).unwrap();
    let name = |number: u32| {
        format!("{}a picture of many, number {number:03}.jpg", ["", "below/"][number as usize % 2])
    };
    for number in 0..60 {
        write(&folder.join(name(number)), &content(number + 1, 3_000));
    }
    let image = scratch.path().join("made.img");
    for options in [&["-F12", "-s1"][..], &["-F16", "-s1"], &["-F32", "-s1"]] {
        write(&image, &[]);
        let bytes = match options[0] {
            "-F12" => 2 << 20,
            "-F16" => 16 << 20,
            _ => 40 << 20,
        };
        size(&image, bytes);
        let (folder, path) = (folder.to_str().unwrap(), image.to_str().unwrap());
        run("mkfs.vfat", &[options, &[path]].concat());
        run("mcopy", &["-s", "-i", path, folder, "::"]);
        run("mdeltree", &["-i", path, "::many"]);
        let file_system = options[0].trim_start_matches("-F");
        let disk = std::fs::read(&image).unwrap();
        let volume = open(&format!("fat{file_system}"), disk).unwrap();
        let reading = Reading::of(&*volume);
        assert!(reading.troubles().is_empty(), "{options:?}: {:?}", reading.troubles());
        let mut orphans = 0;
        for number in 0..60 {
            let digest = Md5::digest(content(number + 1, 3_000));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let is_it = |line: &&crate::reading::Line| {
                line.content
                    .as_ref()
                    .is_some_and(|found| found.as_ref().is_ok_and(|found| found.md5 == digest))
            };
            let found: Vec<_> = reading.lines.iter().filter(is_it).collect();
            assert_eq!(found.len(), 1, "{options:?}: {number}: {found:?}");
            assert_eq!(found[0].state, NameState::Deleted);
            let node = found[0].node.clone().unwrap().unwrap();
            assert_eq!(node.recovery, Some(Recovery::Guess));
            orphans += usize::from(found[0].path.starts_with("$OrphanFiles/"));
        }
        // A folder of 30 long names takes eight clusters: all but the first have no chain.
        assert!(orphans > 30, "{options:?}: {orphans}");
        search_around_bad_places(file_system, &std::fs::read(&image).unwrap(), &reading);
    }
}

/// A sector of the last megabyte is bad, which is free and holds nothing: everything is found as
/// before, and it is told that something may be missing. With many bad places the search ends, and
/// that is told too.
fn search_around_bad_places(file_system: &str, disk: &[u8], whole: &Reading) {
    let paths = |reading: &Reading| -> Vec<String> {
        reading.lines.iter().map(|line| line.path.clone()).collect()
    };
    let end = disk.len() as u64;
    let disk = Arc::new(disk.to_vec());
    for (bad, kind) in [
        (end - 8192..end - 8192 + 512, ProblemKind::Unreadable),
        (end - 64 * 1024..end, ProblemKind::LimitReached),
    ] {
        let mut overlay = Overlay::new(&disk);
        // A medium tells of one bad sector at a time.
        overlay.spoil_sectors(bad);
        let reading = Reading::of(&*open(&format!("fat{file_system}"), overlay).unwrap());
        assert_eq!(paths(&reading), paths(whole));
        let kinds: Vec<_> = reading.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [kind]);
    }
}

#[test]
fn what_mcopy_put_in_comes_out_of_every_fat() {
    if !has("mkfs.vfat") || !has("mcopy") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    tree(scratch.path());
    let folder = scratch.path().join("tree/deep");
    let image = scratch.path().join("made.img");
    let kinds: [(&str, u64, &[&str]); 6] = [
        ("fat12", 2 << 20, &["-F12"]),
        ("fat12", 3 << 20, &["-F12", "-s8", "-f1"]),
        ("fat16", 16 << 20, &["-F16"]),
        ("fat16", 40 << 20, &["-F16", "-S2048"]),
        ("fat32", 40 << 20, &["-F32", "-s1"]),
        // Sectors of 4 KiB.
        ("fat32", 300 << 20, &["-F32", "-S4096", "-s1"]),
    ];
    for (file_system, bytes, options) in kinds {
        write(&image, &[]);
        size(&image, bytes);
        let (folder, path) = (folder.to_str().unwrap(), image.to_str().unwrap());
        run("mkfs.vfat", &[options, &[path]].concat());
        run("mcopy", &["-s", "-i", path, folder, "::"]);
        check(&options.join(" "), file_system, &image, "deep/");
    }
}
