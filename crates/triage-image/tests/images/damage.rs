//! Damage to a foreign E01 image: what it gives without a word is right. Every kind of container,
//! with what lies in it, is damaged by the tests of the walk.

use crate::limits::{Draw, ROUNDS, within_limits};
use crate::scene::{fixture, open, read_all};

#[test]
fn a_damaged_ewf_image_is_survived() {
    let bytes = std::fs::read(fixture("ext2.E01")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.E01");
    for seed in 0..ROUNDS {
        let mut draw = Draw(seed);
        let mut damaged = bytes.clone();
        for _ in 0..=draw.next(12) {
            let at = draw.next(damaged.len());
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
        within_limits("ext2.E01", seed, || {
            let Ok(image) = open(&path) else { return };
            let mut buffer = vec![0; 65_536];
            for _ in 0..64 {
                let at = (draw.next(1 << 30) as u64) % image.source.size_bytes().max(1);
                let _told = image.source.read_at(at, &mut buffer);
            }
        });
    }
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
                assert!(buffer == whole[place..end], "byte {at}, chunk {}", place / 32_768);
            }
        }
    }
    assert!(read > 1000);
}
