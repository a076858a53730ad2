//! `bench image`: walks, digests and checks of disk images beside The Sleuth Kit, rhash and libewf.
//! Interleaved like the other benches; the files and the medium are made of a seed.
//!
//! Everything is measured from outside, as whole processes. What could not be made or measured is
//! a line on the page and a floor that is not reached, never a bench that passed.

mod make;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use self::make::{Kind, Maker};
use super::group::page::{self, Page};
use super::group::{self, Group, Side};
use super::{Scratch, floors, machine};
use crate::error::{Error, Outcome, at};
use crate::process;
use crate::workspace::root;

/// Writes the page.
const COMMAND: &str = "cargo xtask bench image";
/// What a reader must know before the figures.
const OPENING: &str = "\
# Performance on disk images

Whole processes, as a person waits for them; our package is written too. All sides of a table are
measured in one run, in turns; the rate is that of the fastest pass, `spread` is (slowest -
fastest) / fastest, and the ratio is our rate over the peer's. The same files are in the ext4, NTFS
and FAT32 image and in the folder that rhash reads. `fiwalk` computes MD5 and SHA-1, we and rhash
SHA-256 as well. `--io ssd`: the images are in the page cache, whatever the kernel says of the disk
below; with one reader, as on a disk that spins, a scan takes a tenth to a sixth longer. The E01 has
deflated chunks (`fast`) and segments of 200 MiB; its medium is random to a quarter, letters to a
half, zeros to a quarter; both sides compute MD5 and SHA-1 of it.
";
/// The peers and the flag that makes each tell its version.
const PEERS: [&str; 3] = ["fls -V", "rhash --version", "ewfverify -V"];
/// Bytes of the medium in the E01.
const MEDIUM_BYTES: u64 = 1 << 30;

/// What the task is asked.
#[derive(Args)]
pub(crate) struct ImageArgs {
    /// A tenth of the files, an eighth of the medium
    #[arg(long)]
    quick: bool,
    /// Only these images: ext4, ntfs, fat, e01; comma-separated
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where packages are made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A folder outside the tree that keeps the images for another run
    #[arg(long)]
    images: Option<PathBuf>,
    /// Make the images and measure nothing
    #[arg(long, requires = "images")]
    prepare: bool,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// The files in the images.
struct Content {
    /// Their folder.
    tree: PathBuf,
    /// How many.
    files: u64,
    /// Their bytes together.
    bytes: u64,
}

/// One run.
struct Bench<'a> {
    binary: &'a Path,
    scratch: &'a Path,
    images: Maker<'a>,
    is_only_prepared: bool,
    groups: Vec<Group>,
    facts: Vec<String>,
}

/// Measures, prints, writes docs/performance-images.md (whole runs only) and judges the floors.
///
/// # Errors
/// Our binary fails, an image or a peer is missing, or a floor is not reached.
pub(super) fn run(args: &ImageArgs) -> Outcome {
    let floors = floors::read_image(&root().join("xtask/bench-floors.toml"))?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().map_err(at("find", binary))?,
        None => super::release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let folder = kept(args.images.as_deref(), &scratch.0)?;
    let mut bench = Bench {
        binary: &binary,
        scratch: &scratch.0,
        images: Maker { folder: &folder },
        is_only_prepared: args.prepare,
        groups: Vec::new(),
        facts: Vec::new(),
    };
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let failed = bench.all(args.quick, wanted)?;
    if args.prepare {
        return if failed == 0 { Ok(()) } else { Err(not_measured(failed)) };
    }
    bench.facts.iter().for_each(|fact| println!("- {fact}"));
    if args.only.is_empty() {
        let path = root().join("docs/performance-images.md");
        let command = if args.quick { "cargo xtask bench image --quick" } else { COMMAND };
        let (machine, facts) = (&machine::words(&PEERS), &bench.facts);
        let page = Page { command, opening: OPENING, machine, facts };
        fs::write(&path, page::render(&page, &bench.groups)).map_err(at("write", &path))?;
        println!("wrote {path:?}");
    }
    let of_image = |group: &str| wanted(group.split('-').next().unwrap_or(group));
    group::judge("bench image", &floors, &bench.groups, of_image)?;
    if failed == 0 { Ok(()) } else { Err(not_measured(failed)) }
}

const fn not_measured(findings: usize) -> Error {
    Error::Findings { check: "bench image, not measured", findings }
}

/// The folder of the images: one that is kept, or the scratch folder.
fn kept(given: Option<&Path>, scratch: &Path) -> Outcome<PathBuf> {
    let Some(folder) = given else { return Ok(scratch.to_owned()) };
    fs::create_dir_all(folder).map_err(at("make", folder))?;
    let folder = folder.canonicalize().map_err(at("find", folder))?;
    if folder.starts_with(root()) {
        return Err(Error::Refused(format!("{folder:?} lies in the tree: choose other --images")));
    }
    Ok(folder)
}

impl Bench<'_> {
    /// Measures what is wanted and returns how much of it failed; that is also a fact.
    fn all(&mut self, is_quick: bool, wanted: impl Fn(&str) -> bool) -> Outcome<usize> {
        let files = if is_quick { 10_000 } else { 100_000 };
        let systems = [("ext4", Kind::Ext4), ("ntfs", Kind::Ntfs), ("fat", Kind::Fat)];
        let mut failed = 0;
        if systems.iter().any(|(name, _)| wanted(name)) {
            let content = self.images.tree(files)?;
            let Content { files, bytes, .. } = content;
            self.facts.push(format!("{files} files of {bytes} bytes in each file system"));
            for (name, kind) in systems.into_iter().filter(|(name, _)| wanted(name)) {
                let done = self.file_system(kind, &content);
                failed += self.note(name, done);
            }
        }
        if wanted("e01") {
            let size = if is_quick { MEDIUM_BYTES / 8 } else { MEDIUM_BYTES };
            let done = self.verify(size);
            failed += self.note("e01", done);
        }
        Ok(failed)
    }

    /// Turns a failure into a fact.
    fn note(&mut self, name: &str, done: Outcome) -> usize {
        let Err(error) = done else { return 0 };
        self.facts.push(format!("NOT MEASURED: {name}: {error}"));
        eprintln!("not measured: {name}: {error}");
        1
    }

    fn push(&mut self, group: Group) {
        println!("{}", page::group(&group));
        self.groups.push(group);
    }

    fn file_system(&mut self, kind: Kind, content: &Content) -> Outcome {
        let image = self.images.file_system(kind, content)?;
        if self.is_only_prepared {
            return Ok(());
        }
        let (walk, digests) = match kind {
            Kind::Ext4 => ("ext4-metadata", "ext4-digests"),
            Kind::Ntfs => ("ntfs-metadata", "ntfs-digests"),
            Kind::Fat => ("fat-metadata", "fat-digests"),
        };
        self.sees_all(&image, content)?;
        let files = content.files;
        let ours = Side::new("triage", self.binary, "plan -q --no-estimate").arg(&image);
        let mut sides = vec![ours];
        self.add(&mut sides, "fls", "-r -m /", &image);
        let words = format!("all metadata of {kind:?} with {files} files");
        self.push(Group::measure_closely(walk, words, files, "files", sides)?);

        let case = self.scratch.join("case");
        let line = "scan -q --io ssd --algorithms md5,sha1,sha256";
        let ours = Side::new("triage", self.binary, line);
        let ours = ours.arg(&image).arg("--case").arg(&case).removes(vec![case]);
        let mut sides = vec![ours];
        self.add(&mut sides, "fiwalk", "-x", &image);
        self.add(&mut sides, "rhash", "--md5 --sha1 --sha256 -r", &content.tree);
        let words = format!("digests of every file of {kind:?} with {files} files");
        self.push(Group::measure(digests, words, files, "files", sides)?);
        Ok(())
    }

    /// Adds a peer, or the fact that it is missing.
    fn add(&mut self, sides: &mut Vec<Side>, peer: &'static str, line: &str, on: &Path) {
        if process::find(peer).is_some() {
            sides.push(Side::new(peer, Path::new(peer), line).arg(on));
        } else {
            self.facts.push(format!("NOT MEASURED: {peer} is not installed"));
        }
    }

    /// Refuses an image in which we do not see all that was put in: less work is no speed.
    fn sees_all(&self, image: &Path, content: &Content) -> Outcome {
        let mut plan = Command::new(self.binary);
        let output = process::keep(plan.args(["plan", "--no-estimate", "--json"]).arg(image))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary: serde_json::Value =
            serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_default();
        let read = &summary["coverage"]["classes"]["read"];
        let counted = |name: &str| read[name].as_u64().unwrap_or(0);
        let (files, bytes) = (counted("entries"), counted("bytes"));
        if files >= content.files && bytes >= content.bytes {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "{image:?} shows {files} files of {bytes} bytes, expected {} of {}",
            content.files, content.bytes
        )))
    }

    fn verify(&mut self, size_bytes: u64) -> Outcome {
        let image = self.images.e01(size_bytes)?;
        if self.is_only_prepared {
            return Ok(());
        }
        let mut sides = vec![Side::new("triage", self.binary, "verify -q").arg(&image)];
        self.add(&mut sides, "ewfverify", "-q -d sha1", &image);
        let mib = size_bytes >> 20;
        let words = format!("an E01 of {mib} MiB decoded and compared with its stored digests");
        self.push(Group::measure("e01-verify", words, mib, "MiB", sides)?);
        Ok(())
    }
}
