//! E01 images, foreign and made by `ewfacquire`.

use std::path::Path;

use crate::scene::{EXT2_MD5, disk, fixture, md5, open, read_all, stock};

#[test]
fn a_foreign_image_gives_the_bytes_of_its_stored_digest() {
    let image = open(&fixture("ext2.E01")).unwrap();
    assert_eq!(image.format, "ewf");
    for step in [1 << 20, 33_000, 511] {
        assert_eq!(md5(&read_all(&image.source, step).unwrap()), EXT2_MD5);
    }
    let stored: String = image.stored[0].digest.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((image.stored[0].algorithm, &*stored), ("md5", EXT2_MD5));
    assert_eq!(image.facts.pairs["ewf_examiner"], "examiner");
    assert_eq!(image.facts.pairs["ewf_case_number"], "case");
    assert_eq!(image.facts.notes, []);
}

/// Acquires a disk with `ewfacquire`.
fn acquire(folder: &Path, name: &str, more: &[&str]) -> Option<std::path::PathBuf> {
    let (raw, target) = (folder.join("disk.raw"), folder.join(name));
    let mut args = vec!["-u", "-q", "-t", target.to_str().unwrap(), "-d", "sha1"];
    args.extend(more);
    args.push(raw.to_str().unwrap());
    stock("ewfacquire", &args)?;
    Some(folder.join(format!("{name}.E01")))
}

#[test]
fn every_compression_and_chunk_size_gives_what_was_put_in() {
    let folder = tempfile::tempdir().unwrap();
    // Not a multiple of any chunk: the last one is short.
    let bytes = disk(9_001);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let kinds: [&[&str]; 6] = [
        &["-c", "deflate:none"],
        &["-c", "deflate:fast"],
        &["-c", "deflate:best", "-b", "16"],
        &["-c", "deflate:empty-block", "-b", "128"],
        &["-c", "deflate:fast", "-f", "encase1"],
        &["-c", "deflate:none", "-S", "1048576", "-f", "encase5"],
    ];
    for (place, more) in kinds.into_iter().enumerate() {
        let Some(path) = acquire(folder.path(), &format!("disk{place}"), more) else { return };
        let image = open(&path).unwrap();
        assert_eq!(image.source.size_bytes(), bytes.len() as u64, "{more:?}");
        for step in [3 << 20, 70_001] {
            let read = read_all(&image.source, step).unwrap();
            assert!(read == bytes, "{more:?} in steps of {step}");
        }
        assert_eq!(image.facts.notes, [], "{more:?}");
    }
}

#[test]
fn segments_are_joined_and_a_missing_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(9_000);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let more = ["-c", "deflate:none", "-S", "1048576"];
    let Some(path) = acquire(folder.path(), "parts", &more) else { return };
    let image = open(&path).unwrap();
    let segments: usize = image.facts.pairs["segments"].parse().unwrap();
    assert!(segments >= 4, "{segments} segments");
    assert!(read_all(&image.source, 1 << 20).unwrap() == bytes);
    let second = open(&path.with_extension("E02")).unwrap_err();
    assert_eq!(second.text, "this is segment 2 of an image: name the first one");

    std::fs::remove_file(path.with_extension("E03")).unwrap();
    let image = open(&path).unwrap();
    let notes: Vec<_> = image.facts.notes.iter().map(|note| &*note.text).collect();
    assert_eq!(notes[0], "the image ends after 2 segments without saying so");
    assert!(notes[1].starts_with("the image ends before the medium does"), "{notes:?}");
    let held = image.facts.notes[1].offset.unwrap() as usize;
    let mut start = vec![0; held];
    assert_eq!(image.source.read_at(0, &mut start).unwrap(), held);
    assert!(start == bytes[..held]);
    let problem = image.source.read_at(held as u64 - 10, &mut [0; 100]).unwrap_err();
    assert_eq!(problem.offset, Some(held as u64));
}

#[test]
fn a_damaged_chunk_loses_itself_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(9_000);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let Some(path) = acquire(folder.path(), "hurt", &["-c", "deflate:none"]) else { return };
    let mut stored = std::fs::read(&path).unwrap();
    // The chunks lie in a row, each of 32,768 bytes and a checksum.
    let needle = &bytes[..64];
    let first = stored.windows(64).position(|window| window == needle).unwrap();
    stored[first + 5 * 32_772 + 100] ^= 1;
    std::fs::write(&path, stored).unwrap();
    let image = open(&path).unwrap();
    let mut buffer = vec![0; 32_768];
    for chunk in 0..20 {
        let at = chunk * 32_768;
        match image.source.read_at(at as u64, &mut buffer) {
            Ok(_) => assert!(buffer == bytes[at..at + 32_768] && chunk != 5),
            Err(problem) => {
                assert_eq!((chunk, problem.offset), (5, Some(5 * 32_768)));
                assert_eq!(problem.lost_bytes, Some(32_768));
            }
        }
    }
}

/// Returns where the descriptors of the sections of that kind begin in a segment.
fn sections(stored: &[u8], kind: &str) -> Vec<usize> {
    let mut name = kind.as_bytes().to_vec();
    name.resize(16, 0);
    (0..=stored.len() - 76).filter(|&at| stored[at..].starts_with(&name)).collect()
}

#[test]
fn behind_a_lost_table_every_chunk_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = disk(9_000);
    std::fs::write(folder.path().join("disk.raw"), &bytes).unwrap();
    let more = ["-c", "deflate:none", "-S", "1048576"];
    let Some(path) = acquire(folder.path(), "gone", &more) else { return };
    let second = path.with_extension("E02");
    let whole = std::fs::read(&second).unwrap();
    let mut tables = sections(&whole, "table");
    tables.extend(sections(&whole, "table2"));
    assert_eq!(tables.len(), 2);
    // The heads of both tables; the descriptor of the first, behind which nothing is followed.
    for hurt in [vec![tables[0] + 76, tables[1] + 76], vec![tables[0] + 20]] {
        let mut stored = whole.clone();
        hurt.iter().for_each(|&at| stored[at] ^= 1);
        std::fs::write(&second, stored).unwrap();
        let image = open(&path).unwrap();
        let lost = |note: &&triage_evidence::Problem| note.text.contains("what they held is lost");
        let note = image.facts.notes.iter().find(lost).expect("the part is told");
        let range = note.offset.unwrap()..note.offset.unwrap() + note.lost_bytes.unwrap();
        let mut read = 0;
        let mut buffer = vec![0; 32_768];
        for (at, chunk) in (0..).step_by(32_768).zip(bytes.chunks(32_768)) {
            let is_lost = range.contains(&at);
            match image.source.read_at(at, &mut buffer[..chunk.len()]) {
                Ok(_) => assert!(!is_lost && buffer[..chunk.len()] == *chunk, "at {at}"),
                Err(_) => assert!(is_lost, "at {at}"),
            }
            read += usize::from(!is_lost);
        }
        // The first segment and those behind the second.
        assert!(read * 32_768 > bytes.len() / 2, "{read} chunks");
    }
}

#[test]
fn what_does_not_fit_its_checksum_is_told() {
    let whole = std::fs::read(fixture("ext2.E01")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hurt.E01");
    let notes = |stored: &[u8]| {
        std::fs::write(&path, stored).unwrap();
        let image = open(&path).unwrap();
        let texts = image.facts.notes.iter().map(|note| note.text.clone());
        (texts.collect::<Vec<_>>().join(", "), image)
    };
    for (kind, within, text) in [
        ("volume", 16, "tells the size of the medium does not fit"),
        ("hash", 3, "a stored digest does not fit"),
        ("header", 10, "particulars may be missing"),
    ] {
        let mut stored = whole.clone();
        stored[sections(&whole, kind)[0] + 76 + within] ^= 1;
        let (told, image) = notes(&stored);
        assert!(told.contains(text), "{kind}: {told}");
        // A digest that was changed is compared all the same.
        let stored: String =
            image.stored.iter().flat_map(|s| &s.digest).map(|b| format!("{b:02x}")).collect();
        assert_eq!(stored == EXT2_MD5, kind != "hash", "{kind}: {stored}");
    }
    // A list of two sectors that the imager could not read, before the last section.
    let done = sections(&whole, "done")[0];
    let adler = |bytes: &[u8]| simd_adler32::adler32(&bytes).to_le_bytes();
    let mut list = vec![0; 516];
    list[0] = 1;
    list.extend(adler(&list));
    let entry: [u8; 8] = [8, 0, 0, 0, 2, 0, 0, 0];
    list.extend(entry);
    list.extend(adler(&entry));
    let descriptor = |kind: &[u8], next: usize, length: usize| {
        let mut bytes = kind.to_vec();
        bytes.resize(16, 0);
        bytes.extend((next as u64).to_le_bytes());
        bytes.extend((length as u64).to_le_bytes());
        bytes.resize(72, 0);
        bytes.extend(adler(&bytes));
        bytes
    };
    let mut stored = whole[..done].to_vec();
    let last = done + 76 + list.len();
    stored.extend(descriptor(b"error2", last, 76 + list.len()));
    stored.extend(list);
    stored.extend(descriptor(b"done", last, 76));
    let (told, image) = notes(&stored);
    assert_eq!(told, "");
    let problem = image.source.read_at(0, &mut [0; 8192]).map(|read| (read, 8 * 512));
    assert_eq!(problem, Ok((8 * 512, 8 * 512)));
    assert!(image.source.read_at(8 * 512, &mut [0; 512]).is_err());
    for at in [0, 520] {
        stored[done + 76 + at] ^= 2;
        let (told, _) = notes(&stored);
        assert!(told.contains("could not read does not fit") || told.contains("errors"), "{told}");
        stored[done + 76 + at] ^= 2;
    }
}

#[test]
fn relatives_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (beginning, word) in
        [(&b"EVF2\x0d\x0a\x81\x00"[..], "Ex01"), (b"LVF\x09\x0d\x0a\xff\x00", "L01")]
    {
        let path = folder.path().join("x.E01");
        std::fs::write(&path, beginning).unwrap();
        let problem = open(&path).unwrap_err();
        assert!(problem.text.contains(word), "{}", problem.text);
    }
    let path = folder.path().join("bogus.E01");
    std::fs::write(&path, b"").unwrap();
    let problem = open(&path).unwrap_err();
    assert!(problem.text.contains("called .E01"), "{}", problem.text);
}
