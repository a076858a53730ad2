//! Raw images in several files.

use crate::scene::{EXT2_MD5, disk, md5, open, read_all, unpacked};

#[test]
fn a_foreign_split_image_is_joined() {
    let folder = tempfile::tempdir().unwrap();
    let first = unpacked("ext2.splitraw.000", folder.path());
    unpacked("ext2.splitraw.001", folder.path());
    let image = open(&first).unwrap();
    assert_eq!((image.format, &*image.facts.pairs["segments"]), ("split", "2"));
    assert_eq!(md5(&read_all(&image.source, 100_003).unwrap()), EXT2_MD5);
}

#[test]
fn a_part_that_is_missing_between_others_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(64);
    let part = |number: usize| folder.path().join(format!("disk.{number:03}"));
    for (number, piece) in (1..).zip(bytes.chunks(8 * 512)) {
        std::fs::write(part(number), piece).unwrap();
    }
    assert!(read_all(&open(&part(1)).unwrap().source, 999).unwrap() == bytes);
    std::fs::remove_file(part(4)).unwrap();
    let problem = open(&part(1)).unwrap_err();
    assert_eq!(problem.text, "part .004 of the image is missing, part .005 is there");
    std::fs::remove_file(part(2)).unwrap();
    let problem = open(&part(1)).unwrap_err();
    assert_eq!(problem.text, "part .002 of the image is missing, part .003 is there");
}
