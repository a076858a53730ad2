//! The five corpora: many small files, medium files, large files, one of them alone, and a disk as
//! a user has it.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Outcome, at};
use crate::random::Random;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// Files for one folder.
const FILES_PER_FOLDER: u64 = 500;
/// Content is written in pieces of this size; it is also the largest buffer.
const PIECE_BYTES: u64 = MIB;
/// Spread of a user's disk in natural logarithms: photographs, videos and mail beside small files.
const DISK_SIGMA: f64 = 2.0;

/// How large the files are.
#[derive(Clone, Copy)]
enum Sizes {
    /// All the same, in bytes.
    Same(u64),
    /// Log-normal.
    Disk { median: u64, largest: u64 },
}

/// How a corpus is made.
pub(super) struct Recipe {
    /// Its name in floors and on the page.
    pub(super) name: &'static str,
    /// What it is, in words.
    pub(super) words: String,
    files: u64,
    sizes: Sizes,
}

/// A corpus on the disk.
pub(super) struct Corpus {
    /// The name of its recipe.
    pub(super) name: &'static str,
    /// What it is, in words.
    pub(super) words: String,
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Its files, each path ended by a NUL, for xargs.
    pub(super) list: PathBuf,
    /// How many.
    pub(super) files: u64,
    /// Their bytes together.
    pub(super) bytes: u64,
}

/// The five recipes. Quick ones keep the counts where the count is the point, and take smaller
/// files.
pub(super) fn recipes(quick: bool) -> Vec<Recipe> {
    let recipe = |name, what: &str, files, sizes| {
        let words = match sizes {
            Sizes::Same(bytes) if bytes >= MIB => format!("{files} {what} of {} MiB", bytes / MIB),
            Sizes::Same(bytes) => format!("{files} {what} of {} KiB", bytes / KIB),
            Sizes::Disk { median, largest } => format!(
                "{files} {what}, log-normal, median {} KiB, at most {} MiB",
                median / KIB,
                largest / MIB
            ),
        };
        Recipe { name, words, files, sizes }
    };
    let pick = |small, whole| if quick { small } else { whole };
    let disk = Sizes::Disk { median: 32 * KIB, largest: pick(128, 512) * MIB };
    vec![
        recipe("small", "small files", 100_000, Sizes::Same(8 * KIB)),
        recipe("medium", "medium files", 2_000, Sizes::Same(pick(512 * KIB, MIB))),
        recipe("large", "large files", 4, Sizes::Same(pick(256, 1024) * MIB)),
        recipe("one", "large file", 1, Sizes::Same(pick(256, 1024) * MIB)),
        recipe("disk", "files of a user's disk", pick(5_000, 20_000), disk),
    ]
}

/// The files of a disk image: many, and as small as those of a system are.
pub(super) fn of_image(files: u64) -> Recipe {
    let sizes = Sizes::Disk { median: KIB, largest: 64 * KIB };
    let words = format!("{files} files, log-normal, median 1 KiB, at most 64 KiB");
    Recipe { name: "tree", words, files, sizes }
}

/// So many small files.
pub(super) fn of_growth(files: u64) -> Recipe {
    Recipe { name: "growth", ..of_image(files) }
}

/// The exhibits of a batch, each a folder.
pub(super) fn of_workers() -> Recipe {
    let words = "20000 files of 64 KiB".to_owned();
    Recipe { name: "exhibits", words, files: 20_000, sizes: Sizes::Same(64 * KIB) }
}

impl Recipe {
    /// Makes the corpus; making it leaves it in the page cache.
    ///
    /// # Errors
    /// The disk is full, or the folder exists.
    pub(super) fn make(&self, scratch: &Path) -> Outcome<Corpus> {
        let mut random = Random::new(self.files);
        let dir = scratch.join(self.name);
        fs::create_dir(&dir).map_err(at("make", &dir))?;
        let mut names = Vec::new();
        let mut bytes = 0;
        for number in 0..self.files {
            let folder = dir.join(format!("folder_{:03}", number / FILES_PER_FOLDER));
            if number % FILES_PER_FOLDER == 0 {
                fs::create_dir(&folder).map_err(at("make", &folder))?;
            }
            let path = folder.join(format!("file_{number:06}.bin"));
            let size = match self.sizes {
                Sizes::Same(bytes) => bytes,
                Sizes::Disk { median, largest } => {
                    random.log_normal(median, DISK_SIGMA).min(largest)
                }
            };
            write(&path, size, &mut random)?;
            bytes += size;
            names.extend_from_slice(path.as_os_str().as_bytes());
            names.push(0);
        }
        let list = scratch.join(format!("{}.list", self.name));
        fs::write(&list, names).map_err(at("write", &list))?;
        // Writing back while others are measured would be noise.
        rustix::fs::sync();
        let (name, words, files) = (self.name, self.words.clone(), self.files);
        Ok(Corpus { name, words, dir, list, files, bytes })
    }
}

impl Corpus {
    /// Removes it, to make room for the next.
    ///
    /// # Errors
    /// Something in it cannot be removed.
    pub(super) fn remove(self) -> Outcome {
        fs::remove_dir_all(&self.dir).map_err(at("remove", &self.dir))
    }
}

fn write(path: &Path, size: u64, random: &mut Random) -> Outcome {
    let mut piece = vec![0; size.min(PIECE_BYTES) as usize];
    let mut file = File::create_new(path).map_err(at("make", path))?;
    let mut left = size;
    while left > 0 {
        let step = left.min(PIECE_BYTES) as usize;
        random.fill(&mut piece[..step]);
        file.write_all(&piece[..step]).map_err(at("write", path))?;
        left -= step as u64;
    }
    Ok(())
}
