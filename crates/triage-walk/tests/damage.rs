//! Damage to tables and containers, through everything that reads: never fewer files and never a
//! smaller disk without a word, no panic, no hang, no memory without bound.
#![expect(clippy::disallowed_methods, reason = "tests write the images that they damage")]
#![expect(clippy::unwrap_used, reason = "an image that cannot be written fails its test")]

#[path = "../../../tests/shared/damage.rs"]
mod damage;

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use triage_evidence::{Chunk, Problem};
use triage_walk::{Batch, Evidence, Flow, Met, OpenAs, Verdict, WalkPlan};

use damage::{Draw, ROUNDS, within_limits};

/// What a walk that reads everything gave.
#[derive(Default)]
struct Found {
    /// How many contents were read to their end.
    files: usize,
    /// The size of the disk in bytes.
    disk_bytes: u64,
    /// Everything that was told to be wrong.
    troubles: BTreeSet<String>,
}

impl Found {
    fn tell(&mut self, met: &Met, problem: &Problem) {
        self.troubles.insert(format!("{}: {problem}", met.entry.location.to_text()));
    }

    fn take(&mut self, batch: &Batch, met: &Met) {
        for note in met.entry.facts.iter().flat_map(|facts| &facts.notes) {
            self.tell(met, note);
        }
        match &met.verdict {
            Verdict::Unreadable(problem)
            | Verdict::Partial(problem)
            | Verdict::Lost(Some(problem)) => self.tell(met, problem),
            Verdict::Content => match content(batch, met) {
                Ok(()) => self.files += 1,
                Err(problem) => self.tell(met, &problem),
            },
            _ => {}
        }
    }
}

fn content(batch: &Batch, met: &Met) -> Result<(), Problem> {
    let mut stream = batch.directory.open_stream(&met.entry)?;
    let mut buffer = vec![0; 64 * 1024];
    while !matches!(stream.read(&mut buffer)?, Chunk::End) {}
    Ok(())
}

/// Reads all of an image; an image that cannot be opened is a mistake that is told.
fn read(path: &Path) -> Option<Found> {
    let evidence = Evidence::open(path, OpenAs::Disk).ok()?;
    let source = &evidence.image().unwrap().source;
    let mut found = Found { disk_bytes: source.size_bytes(), ..Found::default() };
    evidence.walk(&WalkPlan::default(), &mut |batch| {
        for met in &batch.met {
            found.take(&batch, met);
        }
        Flow::Continue
    });
    // What no file holds is not read by a walk: that it can be asked for is enough.
    let mut buffer = vec![0; 64 * 1024];
    for at in (0..source.size_bytes().min(LIMIT_DISK_BYTES)).step_by(buffer.len()) {
        let _told = source.read_at(at, &mut buffer);
    }
    Some(found)
}

/// A file of an image, and where it is damaged.
struct Part {
    path: PathBuf,
    whole: Vec<u8>,
    /// Bytes of the container itself, and bytes of anything; one of them if there is no other.
    structures: Vec<usize>,
    used: Vec<usize>,
}

impl Part {
    /// Takes a file of an image; `is_structure` says what holds no content of a volume.
    fn new(path: PathBuf, is_structure: &dyn Fn(usize, &[u8]) -> bool) -> Self {
        let whole = std::fs::read(&path).unwrap();
        let used: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
        let mut structures = Vec::new();
        for (start, sector) in (0..).step_by(512).zip(whole.chunks(512)) {
            if !is_structure(start, sector) {
                continue;
            }
            // Fields are up to eight bytes wide: zeros that stand near others belong to them.
            let is_near = |&at: &usize| {
                let near = at.saturating_sub(7)..(at + 8).min(sector.len());
                sector[near].iter().any(|&byte| byte != 0)
            };
            structures.extend((0..sector.len()).filter(is_near).map(|at| start + at));
        }
        Self { path, whole, structures, used }
    }

    fn file(&self) -> File {
        std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.path)
            .unwrap()
    }

    /// Flips bits or replaces bytes, most of them in structures; returns where.
    fn flip(&self, draw: &mut Draw) -> Vec<usize> {
        let file = self.file();
        let mut hurt = Vec::new();
        for _ in 0..=draw.next(8) {
            let places = [&self.structures, &self.used][usize::from(draw.next(4) == 0)];
            let places = if places.is_empty() { &self.used } else { places };
            let Some(&at) = places.get(draw.next(places.len().max(1))) else { continue };
            let byte = match draw.next(3) {
                0 => self.whole[at] ^ 1 << draw.next(8),
                1 => 0xff,
                _ => draw.next(256) as u8,
            };
            file.write_all_at(&[byte], at as u64).unwrap();
            hurt.push(at);
        }
        hurt
    }

    /// Makes the file whole again, given where bytes were changed and from where on it is missing.
    fn mend(&self, hurt: &[usize], from: usize) {
        let file = self.file();
        for &at in hurt {
            file.write_all_at(&self.whole[at..=at], at as u64).unwrap();
        }
        file.write_all_at(&self.whole[from..], from as u64).unwrap();
    }
}

/// Damages the files of an image, reads what is left, and makes them whole again: flips, an end
/// that was cut off, a file that is gone.
fn damaged(parts: &[Part], name: &str, seed: u64) -> Option<Found> {
    let mut draw = Draw(seed);
    let hurt: Vec<Vec<usize>> = parts.iter().map(|part| part.flip(&mut draw)).collect();
    let mut ends: Vec<usize> = parts.iter().map(|part| part.whole.len()).collect();
    let place = draw.next(parts.len());
    match seed % 10 {
        5 if place > 0 => {
            std::fs::remove_file(&parts[place].path).unwrap();
            ends[place] = 0;
        }
        4 | 9 => {
            ends[place] = draw.next(parts[place].whole.len());
            parts[place].file().set_len(ends[place] as u64).unwrap();
        }
        _ => {}
    }
    let found = within_limits(name, seed, || read(&parts[0].path));
    for ((part, hurt), end) in parts.iter().zip(&hurt).zip(ends) {
        part.mend(hurt, end);
    }
    found
}

/// Damages an image a thousand times and compares what is read of it with the whole: `least_bytes`
/// of the disk are spoken of by a table or a container, so that their loss can be told.
fn survive(parts: &[Part], least_files: usize, least_bytes: u64) {
    let name = parts[0].path.file_name().unwrap().to_string_lossy().into_owned();
    let before = read(&parts[0].path).unwrap();
    assert!(before.files > least_files, "{name}: {} files", before.files);
    for seed in 0..ROUNDS {
        let Some(after) = damaged(parts, &name, seed) else { continue };
        let is_told = !after.troubles.is_subset(&before.troubles);
        let (files, expected) = (after.files, before.files);
        assert!(is_told || files >= expected, "{name}, seed {seed}: {files} of {expected} files");
        let bytes = after.disk_bytes;
        assert!(is_told || bytes >= least_bytes, "{name}, seed {seed}: {bytes} of {least_bytes}");
    }
}

fn unpack(from: &str, name: &str, to: &Path) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(from);
    let packed = File::open(fixtures.join(format!("{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    std::fs::write(to, bytes).unwrap();
}

#[test]
fn a_damaged_table_loses_no_file_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sector) in [("mbr.img", 512), ("gpt.img", 512), ("gpt4k.img", 4096)] {
        let path = folder.path().join(name);
        unpack("triage-volume/tests/fixtures", name, &path);
        let length = std::fs::read(&path).unwrap().len();
        let is_table = |at: usize, bytes: &[u8]| {
            // Logical volumes begin 1 MiB behind their record, from 3 MiB on.
            let in_chain =
                name == "mbr.img" && at % (1 << 20) < 512 && (3..9).contains(&(at >> 20));
            let is_record = bytes[510..].starts_with(&[0x55, 0xaa]);
            at < 6 * sector || length - at <= 34 * sector || in_chain && is_record
        };
        // The volumes of a master boot record end with the extended one, a sector of 22,528.
        let least_bytes = if name == "mbr.img" { 22_528 * 512 } else { length as u64 };
        survive(&[Part::new(path, &is_table)], 10, least_bytes);
    }
}

const ONE_VOLUME: &str = "triage-image/tests/fixtures/one-volume";
const FOREIGN: &str = "triage-image/tests/fixtures";

/// Every container: where it lies, its file, and the files beside it that it needs.
const CONTAINERS: [(&str, &str, &[&str]); 19] = [
    (ONE_VOLUME, "disk.raw", &[]),
    (ONE_VOLUME, "split.001", &["split.002", "split.003"]),
    (ONE_VOLUME, "fast.E01", &[]),
    (ONE_VOLUME, "best.E01", &[]),
    (ONE_VOLUME, "empty.E01", &[]),
    (ONE_VOLUME, "parts.E01", &["parts.E02", "parts.E03", "parts.E04"]),
    (ONE_VOLUME, "fixed.vhd", &[]),
    (ONE_VOLUME, "dynamic.vhd", &[]),
    (FOREIGN, "image-differential.vhd", &["image.vhd"]),
    (ONE_VOLUME, "fixed.vhdx", &[]),
    (ONE_VOLUME, "dynamic.vhdx", &[]),
    (ONE_VOLUME, "sparse.vmdk", &[]),
    (ONE_VOLUME, "stream.vmdk", &[]),
    (ONE_VOLUME, "flat.vmdk", &["flat-flat.vmdk"]),
    (ONE_VOLUME, "parts.vmdk", &["parts-s001.vmdk"]),
    (ONE_VOLUME, "plain.qcow2", &[]),
    (ONE_VOLUME, "packed.qcow2", &[]),
    (ONE_VOLUME, "zstd.qcow2", &[]),
    (ONE_VOLUME, "top.qcow2", &["base.qcow2"]),
];

/// The longest disk that is read from end to end: those of the fixtures have 4 MiB.
const LIMIT_DISK_BYTES: u64 = 16 << 20;

/// Damages a container: most of it what is not the volume itself, as far as that is stored as it
/// is.
fn container(row: &(&str, &str, &[&str])) {
    let (from, name, others) = *row;
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        std::iter::once(&name).chain(others).map(|name| folder.path().join(name)).collect();
    for path in &paths {
        // A flat disk without its descriptor is a raw one.
        let stored = match path.file_name().unwrap().to_str().unwrap() {
            "disk.raw" => "flat-flat.vmdk",
            name => name,
        };
        unpack(from, stored, path);
    }
    let evidence = Evidence::open(&paths[0], OpenAs::Disk).unwrap();
    let source = &evidence.image().unwrap().source;
    let mut held = HashSet::new();
    for at in (0..source.size_bytes()).step_by(512) {
        let mut sector = vec![0; 512];
        source.read_at(at, &mut sector).unwrap();
        held.insert(sector);
    }
    let is_structure = |_, sector: &[u8]| !held.contains(sector);
    let parts: Vec<Part> = paths.into_iter().map(|path| Part::new(path, &is_structure)).collect();
    let least_files = if from == FOREIGN { 2 } else { 10 };
    survive(&parts, least_files, source.size_bytes());
}

#[test]
fn a_damaged_container_loses_no_file_without_a_word() {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(row) = CONTAINERS.get(next.fetch_add(1, Ordering::Relaxed)) {
            container(row);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}
