//! Damaged disk images, walked and read to the end: containers, tables and file systems.
//!
//! That nothing is lost without a word is asked by the tests of the readers. Here a panic, a hang
//! or too much memory ends the process.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use triage_evidence::Chunk;
use triage_walk::{Batch, Evidence, Flow, OpenAs, Verdict, WalkPlan};
use walkdir::WalkDir;

use crate::error::{Outcome, at};
use crate::random::Random;
use crate::workspace::root;

/// Where the images of the tests lie, each compressed with gzip.
const FOLDERS: [&str; 4] = [
    "crates/triage-fs/tests/fixtures/disks",
    "crates/triage-fs/tests/fixtures/ntfs",
    "crates/triage-image/tests/fixtures/one-volume",
    "crates/triage-volume/tests/fixtures",
];

/// Returns the path in the tree of every image.
pub(super) fn names() -> Vec<String> {
    let of = |folder: &&str| {
        let entries = WalkDir::new(root().join(folder)).sort_by_file_name();
        let entries = entries.into_iter().filter_map(Result::ok).collect::<Vec<_>>();
        let name = move |entry: walkdir::DirEntry| {
            let name = entry.path().strip_prefix(root()).ok()?.to_str()?.to_owned();
            (name.ends_with(".gz") && !name.ends_with(".tsv.gz")).then_some(name)
        };
        entries.into_iter().filter_map(name).collect::<Vec<_>>()
    };
    FOLDERS.iter().flat_map(of).collect()
}

/// Says whether a sample is an image.
pub(super) fn is_image(name: &str) -> bool {
    FOLDERS.iter().any(|folder| name.starts_with(folder))
}

/// Damages an image so many times and reads what is left of it.
///
/// # Errors
/// What the scratch folder refuses.
pub(super) fn attack(name: &str, scratch: &Path, random: &mut Random, times: u64) -> Outcome {
    let path = unpack(name, scratch)?;
    // A container may need the other files of the image beside it.
    let stem = |name: &str| {
        name.rsplit('/').next().unwrap_or(name).split(['.', '-']).next().map(str::to_owned)
    };
    for other in names().iter().filter(|other| *other != name && is_beside(other, name)) {
        if stem(other) == stem(name) || other.ends_with("/base.qcow2.gz") {
            unpack(other, scratch)?;
        }
    }
    let whole = fs::read(&path).map_err(at("read", &path))?;
    // Most of a disk is zeros: flips among them hurt nothing.
    let mut used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    if used.is_empty() {
        used = (0..whole.len()).collect();
    }
    for _ in 0..times {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(16) {
            let at = used[random.below(used.len() as u64) as usize];
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = 0xff,
                _ => bytes[at] = random.below(256) as u8,
            }
        }
        if random.below(5) == 0 {
            bytes.truncate(random.below(whole.len() as u64) as usize);
        }
        fs::write(&path, bytes).map_err(at("write", &path))?;
        read(&path);
    }
    Ok(())
}

fn is_beside(one: &str, other: &str) -> bool {
    Path::new(one).parent() == Path::new(other).parent()
}

fn unpack(name: &str, scratch: &Path) -> Outcome<PathBuf> {
    let from = root().join(name);
    let packed = fs::File::open(&from).map_err(at("open", &from))?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).map_err(at("unpack", &from))?;
    let path = scratch.join(from.file_stem().unwrap_or_default());
    fs::write(&path, bytes).map_err(at("write", &path))?;
    Ok(path)
}

/// Walks an image and reads every content.
fn read(path: &Path) {
    let Ok(evidence) = Evidence::open(path, OpenAs::Disk) else { return };
    evidence.walk(&WalkPlan::default(), &mut |batch| {
        for met in &batch.met {
            let _read = drain(&batch, &met.entry, &met.verdict);
        }
        Flow::Continue
    });
}

fn drain(batch: &Batch, entry: &triage_evidence::Entry, verdict: &Verdict) -> Option<()> {
    if !matches!(verdict, Verdict::Content) {
        return None;
    }
    let mut stream = batch.directory.open_stream(entry).ok()?;
    let mut buffer = vec![0; 64 * 1024];
    while !matches!(stream.read(&mut buffer).ok()?, Chunk::End) {}
    Some(())
}
