//! Damage to tables and containers, through everything that reads: never fewer files without a
//! word, no panic, no hang, no memory without bound.
#![expect(clippy::disallowed_methods, reason = "tests write the images that they damage")]
#![expect(clippy::unwrap_used, reason = "an image that cannot be written fails its test")]

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use triage_evidence::{Chunk, Problem};
use triage_walk::{Batch, Evidence, Flow, Met, OpenAs, Verdict, WalkPlan};

/// How many damages are tried of each table.
const ROUNDS: u64 = 1_000;
/// The longest that one of them may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A small generator with a fixed seed, so that a failure can be repeated by its number.
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((self.0 >> 33) as usize) % below
    }
}

/// What a walk that reads everything gave.
#[derive(Default)]
struct Found {
    /// How many contents were read to their end.
    files: usize,
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
    let mut found = Found::default();
    evidence.walk(&WalkPlan::default(), &mut |batch| {
        for met in &batch.met {
            found.take(&batch, met);
        }
        Flow::Continue
    });
    Some(found)
}

/// Returns how many megabytes of memory this process has used at most.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    kilobytes.map_or(0, |number| number.trim().parse::<u64>().unwrap() / 1024)
}

fn unpack(from: &str, name: &str, folder: &Path) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(from);
    let packed = std::fs::File::open(fixtures.join(format!("{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Damages some of these places, or cuts the end off, and compares with the whole.
fn survive(path: &Path, places: &[usize], rounds: u64) {
    let whole = std::fs::read(path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let before = read(path).unwrap();
    assert!(before.files > 10, "{path:?}: {} files", before.files);
    for seed in 0..rounds {
        let mut draw = Draw(seed);
        let hurt: Vec<usize> =
            (0..=draw.next(8)).map(|_| places[draw.next(places.len())]).collect();
        for &at in &hurt {
            let byte = match draw.next(3) {
                0 => whole[at] ^ 1 << draw.next(8),
                1 => 0xff,
                _ => draw.next(256) as u8,
            };
            file.write_all_at(&[byte], at as u64).unwrap();
        }
        let end = if seed % 5 == 4 { draw.next(whole.len()) } else { whole.len() };
        file.set_len(end as u64).unwrap();
        let begun = Instant::now();
        let after = read(path);
        for &at in &hurt {
            file.write_all_at(&whole[at..=at], at as u64).unwrap();
        }
        if end < whole.len() {
            file.write_all_at(&whole[end..], end as u64).unwrap();
        }
        assert!(begun.elapsed() < LIMIT, "{path:?}, seed {seed}: {:?}", begun.elapsed());
        let Some(after) = after else { continue };
        let is_told = !after.troubles.is_subset(&before.troubles);
        let (files, expected) = (after.files, before.files);
        assert!(is_told || files >= expected, "{path:?}, seed {seed}: {files} of {expected}");
    }
}

#[test]
fn a_damaged_table_loses_no_file_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sector) in [("mbr.img", 512), ("gpt.img", 512), ("gpt4k.img", 4096)] {
        let path = unpack("triage-volume/tests/fixtures", name, folder.path());
        let whole = std::fs::read(&path).unwrap();
        let is_table = |at: &usize| {
            let is_record = whole[at - at % 512 + 510..].starts_with(&[0x55, 0xaa]);
            // Logical volumes begin 1 MiB behind their record, from 3 MiB on.
            let in_chain =
                name == "mbr.img" && at % (1 << 20) < 512 && (3..9).contains(&(at >> 20));
            let at_end = whole.len() - at < 34 * sector;
            whole[*at] != 0 && (*at < 6 * sector || at_end || in_chain && is_record)
        };
        let places: Vec<usize> = (0..whole.len()).filter(is_table).collect();
        survive(&path, &places, ROUNDS);
    }
    assert!(peak_megabytes() < 600, "{} MB", peak_megabytes());
}

/// Every container, how many damages are tried of it, a thousand of each parser, and the files
/// beside it that it needs.
const CONTAINERS: [(&str, u64, &[&str]); 16] = [
    ("plain.qcow2", 250, &[]),
    ("packed.qcow2", 250, &[]),
    ("zstd.qcow2", 250, &[]),
    ("top.qcow2", 250, &["base.qcow2"]),
    ("sparse.vmdk", 250, &[]),
    ("stream.vmdk", 250, &[]),
    ("flat.vmdk", 250, &["flat-flat.vmdk"]),
    ("parts.vmdk", 250, &["parts-s001.vmdk"]),
    ("fixed.vhd", 400, &[]),
    ("dynamic.vhd", 600, &[]),
    ("dynamic.vhdx", 600, &[]),
    ("fixed.vhdx", 400, &[]),
    ("fast.E01", 350, &[]),
    ("empty.E01", 300, &[]),
    ("parts.E01", 350, &["parts.E02", "parts.E03", "parts.E04"]),
    ("split.001", 200, &["split.002", "split.003"]),
];

/// Damages the container: what is not the volume itself, as far as it is stored as it is.
fn container(name: &str, rounds: u64, others: &[&str]) {
    const FIXTURES: &str = "triage-image/tests/fixtures/one-volume";
    let folder = tempfile::tempdir().unwrap();
    let path = unpack(FIXTURES, name, folder.path());
    for other in others {
        unpack(FIXTURES, other, folder.path());
    }
    let bytes = std::fs::read(&path).unwrap();
    let used: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
    survive(&path, &used, rounds);
}

#[test]
fn a_damaged_container_loses_no_file_without_a_word() {
    std::thread::scope(|scope| {
        let (first, second) = CONTAINERS.split_at(CONTAINERS.len() / 2);
        for half in [first, second] {
            scope.spawn(move || half.iter().for_each(|row| container(row.0, row.1, row.2)));
        }
    });
    assert!(peak_megabytes() < 600, "{} MB", peak_megabytes());
}
