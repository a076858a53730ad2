//! `diff-walk`: our walk of a disk image against The Sleuth Kit, entry by entry, byte by byte.
//!
//! What exists must be equal in names, kinds, sizes, times and content; what is deleted is compared
//! by name and inode, and every difference is printed. `mmls` must see the same volumes.

mod ours;
mod sleuthkit;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::error::{Error, Outcome};
use crate::process::{find, keep};

/// How many differences of a kind are printed of a volume.
const LIMIT_LINES: usize = 40;

/// What the task is asked.
#[derive(Args)]
pub(crate) struct DiffWalkArgs {
    /// The images; of a split one the first file
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Do not compare contents
    #[arg(long)]
    no_content: bool,
}

/// One entry as one of the two sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) inode: String,
    /// `file`, `dir`, `symlink`, ...
    pub(crate) kind: String,
    pub(crate) size: Option<u64>,
    /// Modified, accessed, changed, born, in seconds.
    pub(crate) times: [Option<i64>; 4],
    pub(crate) md5: Option<String>,
    /// Why there is no content, in our words.
    pub(crate) why: String,
    /// What `icat` needs to give the content.
    pub(crate) address: String,
}

/// A volume with what exists, by path, and what is deleted, by name and inode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) start_sector: u64,
    pub(crate) file_system: String,
    pub(crate) existing: BTreeMap<String, Seen>,
    pub(crate) deleted: BTreeMap<(String, String), Seen>,
    /// Files of which The Sleuth Kit names the indexes only.
    pub(crate) indexed: BTreeSet<String>,
}

/// Compares every image.
///
/// # Errors
/// What exists differs, or a tool is missing.
pub(crate) fn run(args: &DiffWalkArgs) -> Outcome {
    for tool in ["fls", "icat", "img_stat"] {
        if find(tool).is_none() {
            return Err(Error::Refused(format!("{tool} is missing: apt-get install sleuthkit")));
        }
    }
    let mut findings = 0;
    for image in &args.images {
        findings += compare(image, !args.no_content)?;
    }
    if findings == 0 { Ok(()) } else { Err(Error::Findings { check: "diff-walk", findings }) }
}

/// Gives The Sleuth Kit an image that it can read.
fn readable(image: &Path, folder: &Path) -> Outcome<PathBuf> {
    let known = Command::new("img_stat").arg(image).output().is_ok_and(|ran| ran.status.success());
    let kinds = Command::new("qemu-img").arg("info").arg(image).output();
    let is_virtual = kinds.is_ok_and(|ran| {
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        ["qcow2", "vmdk", "vpc", "vhdx"].iter().any(|kind| said.contains(&format!(": {kind}")))
    });
    if known && !is_virtual {
        return Ok(image.to_path_buf());
    }
    let raw = folder.join("converted.raw");
    keep(Command::new("qemu-img").args(["convert", "-O", "raw"]).arg(image).arg(&raw))?;
    Ok(raw)
}

fn compare(image: &Path, with_content: bool) -> Outcome<usize> {
    let folder = tempfile::tempdir().map_err(crate::error::at("create", Path::new("/tmp")))?;
    let theirs_image = readable(image, folder.path())?;
    println!("{}", image.display());
    let mut findings = 0;
    for ours in ours::read(image, folder.path())? {
        let name = format!("{} {}", ours.name, ours.file_system);
        let theirs = match sleuthkit::read(&theirs_image, &ours, with_content) {
            Ok(theirs) => theirs,
            Err(Error::Failed { status, .. }) => {
                println!("  {name}: The Sleuth Kit cannot read it: {status}");
                continue;
            }
            Err(error) => return Err(error),
        };
        let different = existing(&ours, &theirs, with_content);
        println!(
            "  {name}: {} entries exist here, {} there, {} differences",
            ours.existing.len(),
            theirs.existing.len(),
            different.len()
        );
        for line in different.iter().take(LIMIT_LINES) {
            println!("    DIFFERENT {line}");
        }
        findings += different.len();
        deleted(&ours, &theirs);
    }
    Ok(findings)
}

fn existing(ours: &Volume, theirs: &Volume, with_content: bool) -> Vec<String> {
    let paths: BTreeSet<&String> = ours.existing.keys().chain(theirs.existing.keys()).collect();
    let mut lines = Vec::new();
    for path in paths {
        match (ours.existing.get(path), theirs.existing.get(path)) {
            (Some(a), Some(b)) => {
                let what = differs(a, b, with_content);
                if !what.is_empty() {
                    lines.push(format!("{path}: {what}"));
                }
            }
            (Some(_), None) if theirs.indexed.contains(path) => {}
            (Some(a), None) => lines.push(format!("{path}: only here ({} {})", a.kind, a.inode)),
            (None, Some(b)) => lines.push(format!("{path}: only there ({} {})", b.kind, b.inode)),
            (None, None) => {}
        }
    }
    lines
}

/// Says in what two views of an entry differ.
fn differs(a: &Seen, b: &Seen, with_content: bool) -> String {
    // The list of bad clusters has the length of the volume and no content: here it is what the bad
    // clusters hold, there zeros.
    if a.why.starts_with("unallocated") {
        return String::new();
    }
    let mut what = Vec::new();
    if a.inode != b.inode {
        what.push(format!("inode {} / {}", a.inode, b.inode));
    }
    if a.kind != b.kind {
        what.push(format!("kind {} / {}", a.kind, b.kind));
    }
    if a.kind == "file" && a.size != b.size {
        what.push(format!("size {:?} / {:?}", a.size, b.size));
    }
    for (place, name) in ["modified", "accessed", "changed", "born"].into_iter().enumerate() {
        let (ours, theirs) = (a.times[place], b.times[place]);
        if ours.is_some() && theirs.is_some() && ours != theirs {
            what.push(format!("{name} {ours:?} / {theirs:?}"));
        }
    }
    // What is encrypted, or not on the disk, has no content here; icat gives what lies there.
    let has_none = a.why.starts_with("encrypted") || a.why.starts_with("unsupported");
    if with_content && a.kind == "file" && !has_none && a.md5 != b.md5 {
        let ours = a.md5.as_deref().unwrap_or(&a.why);
        what.push(format!("content {ours} / {}", b.md5.as_deref().unwrap_or("none")));
    }
    what.join(", ")
}

/// Prints what is deleted: a difference there is for a person to explain.
fn deleted(ours: &Volume, theirs: &Volume) {
    let both = ours.deleted.keys().filter(|key| theirs.deleted.contains_key(*key)).count();
    let only_here = ours.deleted.len() - both;
    let only_there = theirs.deleted.len() - both;
    if ours.deleted.is_empty() && theirs.deleted.is_empty() {
        return;
    }
    println!("    deleted: {both} in both, {only_here} only here, {only_there} only there");
    for (key, seen) in ours.deleted.iter().take(LIMIT_LINES) {
        match theirs.deleted.get(key) {
            None => println!("      only here: {} ({}, {})", key.0, seen.inode, seen.why),
            Some(other) if seen.md5 != other.md5 => println!(
                "      content: {} ({}): {} / {}",
                key.0,
                seen.inode,
                seen.md5.as_deref().unwrap_or(&seen.why),
                other.md5.as_deref().unwrap_or("none")
            ),
            Some(_) => {}
        }
    }
    let only_there = theirs.deleted.iter().filter(|(key, _)| !ours.deleted.contains_key(*key));
    for (key, seen) in only_there.take(LIMIT_LINES) {
        println!("      only there: {} ({})", key.0, seen.inode);
    }
}
