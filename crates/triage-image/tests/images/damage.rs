//! Damage: no panic, no hang, no memory without bound.

use std::time::{Duration, Instant};

use crate::scene::{Draw, fixture, open, read_all, unpacked};

/// How many damages are tried of each image.
const ROUNDS: u64 = 1_000;
/// The longest that one of them may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Damages a file in many ways and reads what can be read.
pub(crate) fn survive(bytes: &[u8], name: &str) {
    let folder = tempfile::tempdir().unwrap();
    survive_in(folder.path(), bytes, name);
}

/// The same in a folder where other files of the image may lie.
fn survive_in(folder: &std::path::Path, bytes: &[u8], name: &str) {
    let path = folder.join(name);
    for round in 0..ROUNDS {
        let mut draw = Draw(round);
        let mut damaged = bytes.to_vec();
        // Most of it where the structures are: at both ends.
        for _ in 0..=draw.next(12) {
            let near = 4096.min(damaged.len());
            let at = match draw.next(3) {
                0 => draw.next(near),
                1 => damaged.len() - 1 - draw.next(near),
                _ => draw.next(damaged.len()),
            };
            match draw.next(3) {
                0 => damaged[at] ^= 1 << draw.next(8),
                1 => damaged[at] = 0xff,
                _ => damaged[at] = draw.next(256) as u8,
            }
        }
        if draw.next(4) == 0 {
            damaged.truncate(draw.next(damaged.len()) + 1);
        }
        std::fs::write(&path, &damaged).unwrap();
        let begun = Instant::now();
        if let Ok(Some(image)) = triage_image::open_image(&path, &|_| false) {
            let size = image.source.size_bytes();
            let mut buffer = vec![0; 65_536];
            for _ in 0..64 {
                let at = (draw.next(1 << 30) as u64) % size.max(1);
                let _told = image.source.read_at(at, &mut buffer);
            }
        }
        assert!(begun.elapsed() < LIMIT, "{name}, round {round}");
    }
}

#[test]
fn a_damaged_ewf_image_is_survived() {
    let bytes = std::fs::read(fixture("ext2.E01")).unwrap();
    survive(&bytes, "damaged.E01");
}

#[test]
fn damaged_virtual_disks_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ext2.qcow2", "ext2.vhd", "ext2.vmdk"] {
        let bytes = std::fs::read(unpacked(name, folder.path())).unwrap();
        survive(&bytes, &name.replace("ext2", "damaged"));
    }
}

#[test]
fn a_damaged_differencing_disk_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(unpacked("image-differential.vhd", folder.path())).unwrap();
    unpacked("image.vhd", folder.path());
    survive_in(folder.path(), &bytes, "image-differential.vhd");
}

#[test]
fn what_a_damaged_ewf_image_gives_without_a_word_is_right() {
    let bytes = std::fs::read(fixture("ext2.E01")).unwrap();
    let whole = read_all(&open(&fixture("ext2.E01")).unwrap().source, 1 << 20).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.E01");
    let mut read = 0;
    for at in (0..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let Ok(image) = open(&path) else { continue };
        let mut buffer = vec![0; 32_768];
        for place in (0..whole.len()).step_by(32_768) {
            if image.source.read_at(place as u64, &mut buffer).is_ok_and(|read| read == 32_768) {
                read += 1;
                let end = place + 32_768;
                // A damaged volume section may say that the medium is smaller, never other bytes.
                assert!(buffer == whole[place..end], "byte {at}, chunk {}", place / 32_768);
            }
        }
    }
    assert!(read > 1000);
}
