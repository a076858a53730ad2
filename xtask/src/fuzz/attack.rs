//! The cases that run in one process: a panic ends it.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use triage_hashset::{
    ExportFormat, ExportOptions, Format, ImportOptions, Index, Sets, export, import,
};

use super::packing::{WAYS, pack};
use super::{Counts, images, samples};
use crate::error::{Error, Outcome, at};
use crate::random::Random;

/// Drawn cases in one process.
const DRAWN: u64 = 200;
/// Damages of a sample that its own importer reads, and as many that are told by content.
const OWN: u64 = 8;
/// Damages of the index that a sample gives.
const INDEXES: u64 = 8;
/// Damages of an image when each is attacked once, and of one that is drawn.
const IMAGES: u64 = 5;
const DRAWN_IMAGES: u64 = 20;
/// Every how many drawn cases of lists an image is drawn.
const LISTS_PER_IMAGE: u64 = 50;
/// What imports without a format, and readers of indexes, are counted as.
const DETECTED: &str = "told by content";
const INDEX: &str = "index";
const IMAGE: &str = "disk image";

/// Damages samples and reads them.
pub(super) struct Attack {
    folder: TempDir,
    random: Random,
    counts: Counts,
}

impl Attack {
    /// Starts from a seed.
    ///
    /// # Errors
    /// A scratch folder that cannot be made.
    pub(super) fn new(seed: u64) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(at("create", Path::new("a scratch folder")))?;
        Ok(Self { folder, random: Random::new(seed), counts: Counts::new() })
    }

    /// Returns how many cases each target had.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Attacks one sample in every way: each importer by its name, detection, each packing, and
    /// the index that it gives.
    ///
    /// # Errors
    /// What the scratch folder refuses.
    pub(super) fn every_way(&mut self, name: &str) -> Outcome {
        if images::is_image(name) {
            return self.image(name, IMAGES);
        }
        let sample = fs::read(samples::path(name)).map_err(at("read", Path::new(name)))?;
        let own = samples::path(name);
        let filter = ImportOptions { algorithm: "sha1".parse().ok(), ..options(None) };
        let good = import(&own, &options(None)).or_else(|_| import(&own, &filter)).ok();
        for format in Format::all() {
            let bad = self.damaged(&sample);
            self.import(&bad, Some(*format), format.name())?;
        }
        let own: Option<Format> =
            good.as_ref().and_then(|index| index.identity().source.format.parse().ok());
        for _ in 0..OWN {
            let bad = self.damaged(&sample);
            self.import(&bad, None, DETECTED)?;
            if let Some(own) = own {
                let bad = self.damaged(&sample);
                self.import(&bad, Some(own), own.name())?;
            }
        }
        for way in WAYS {
            let bad = pack(way, &self.damaged(&sample));
            self.import(&bad, own, way)?;
            for _ in 0..2 {
                let bad = self.damaged(&pack(way, &sample));
                self.import(&bad, own, way)?;
            }
        }
        match good {
            Some(index) => self.index(&index, INDEXES),
            None => Ok(()),
        }
    }

    /// Attacks samples that are drawn.
    ///
    /// # Errors
    /// What the scratch folder refuses.
    pub(super) fn drawn(&mut self) -> Outcome {
        let (names, disks) = (samples::names(), images::names());
        for number in 0..DRAWN {
            if number % LISTS_PER_IMAGE == 0 {
                let disk = &disks[self.random.below(disks.len() as u64) as usize];
                self.image(disk, DRAWN_IMAGES)?;
            }
            let name = &names[self.random.below(names.len() as u64) as usize];
            let sample = fs::read(samples::path(name)).map_err(at("read", Path::new(name)))?;
            let formats = Format::all();
            // Half of them by content; a quarter of the samples is packed.
            let place = self.random.below(2 * formats.len() as u64) as usize;
            let format = formats.get(place).copied();
            let mut bad = self.damaged(&sample);
            let mut target = format.map_or(DETECTED, Format::name);
            if self.random.below(4) == 0 {
                target = WAYS[self.random.below(WAYS.len() as u64) as usize];
                bad = pack(target, &bad);
                if self.random.below(2) == 0 {
                    bad = self.damaged(&bad);
                }
            }
            if let Some(index) = self.import(&bad, format, target)? {
                self.index(&index, 1)?;
            }
        }
        Ok(())
    }

    /// Damages an image so many times.
    fn image(&mut self, name: &str, times: u64) -> Outcome {
        *self.counts.entry(IMAGE.to_owned()).or_default() += times;
        images::attack(name, self.folder.path(), &mut self.random, times)
    }

    /// Reads a list; every row that was met must be in one of the counts.
    fn import(
        &mut self,
        bytes: &[u8],
        format: Option<Format>,
        target: &str,
    ) -> Outcome<Option<Index>> {
        *self.counts.entry(target.to_owned()).or_default() += 1;
        let path = self.folder.path().join("list");
        fs::write(&path, bytes).map_err(at("write", &path))?;
        let Ok(index) = import(&path, &options(format)) else { return Ok(None) };
        let report = index.report();
        let kept = report.accepted + report.duplicates + report.merged;
        let all = kept + report.rejects() + report.exclusions();
        assert_eq!(report.rows, all, "{target}: the rows do not add up");
        Ok(Some(index))
    }

    /// Damages the file of an index and asks everything of it.
    fn index(&mut self, index: &Index, times: u64) -> Outcome {
        let (path, written) = (self.folder.path().join("index"), self.folder.path().join("export"));
        if let Err(error) = index.write(&path) {
            return Err(Error::Refused(format!("cannot write a compiled index: {error}")));
        }
        let good = fs::read(&path).map_err(at("read", &path))?;
        for _ in 0..times {
            *self.counts.entry(INDEX.to_owned()).or_default() += 1;
            let bad = self.damaged(&good);
            fs::write(&path, bad).map_err(at("write", &path))?;
            let forms = ExportFormat::all();
            let form = forms[self.random.below(forms.len() as u64) as usize];
            ask(&path, form, &written);
        }
        fs::remove_file(&path).map_err(at("remove", &path))
    }

    /// Returns bytes with a few flips, a piece taken out or doubled, or the end cut off.
    fn damaged(&mut self, sample: &[u8]) -> Vec<u8> {
        let random = &mut self.random;
        let mut bytes = sample.to_vec();
        for _ in 0..=random.below(6) {
            if bytes.is_empty() {
                break;
            }
            let place = random.below(bytes.len() as u64) as usize;
            let length = random.below(64.min((bytes.len() - place) as u64) + 1) as usize;
            match random.below(7) {
                0 | 1 => bytes[place] ^= 1 << random.below(8),
                2 => bytes[place] = b"\0\xff\"\n{<,\r"[random.below(8) as usize],
                3 => drop(bytes.drain(place..place + length)),
                4 => {
                    let piece = bytes[place..place + length].to_vec();
                    bytes.splice(place..place, piece);
                }
                5 => random.fill(&mut bytes[place..place + length]),
                _ => bytes.truncate(place),
            }
        }
        bytes
    }
}

fn options(format: Option<Format>) -> ImportOptions {
    // A bloom filter does not say of what its digests are, and nothing else does not say it.
    let algorithm =
        format.filter(|format| format.name() == "bloom").and_then(|_| "sha1".parse().ok());
    ImportOptions { scheme: Some("fuzz".to_owned()), format, algorithm, ..ImportOptions::default() }
}

/// Opens an index, asks everything of it and writes it in another form.
fn ask(path: &Path, form: ExportFormat, written: &Path) {
    let Ok(index) = Index::open(path) else { return };
    let _sound = index.verify();
    let options = ExportOptions { perceptual: true, ..ExportOptions::default() };
    if export(&index, form, options, written).is_ok() {
        let _gone = fs::remove_file(written);
    }
    let records: Vec<_> = index.records().take(100).filter_map(Result::ok).collect();
    let sets = Sets::from_indexes(vec![index]);
    for record in records {
        let _found = sets.lookup(&record.digests, record.size_bytes.unwrap_or(1));
    }
}
