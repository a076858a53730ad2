//! The images: files of a seed in ext4, NTFS and FAT, and a medium of a seed in an E01.
//!
//! Each is made beside its place and moved there when it is whole, so that an image of an earlier
//! run that broke off is never measured.

use std::fs;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Content;
use crate::bench::corpus::{self, Corpus};
use crate::error::{Error, Outcome, at};
use crate::process;
use crate::random::Random;

/// What every file may take beside its content: its record, the rest of its last cluster.
const BESIDE_BYTES: u64 = 6 * 1024;
/// Journals, tables and what else a file system has of its own.
const OWN_BYTES: u64 = 256 * 1024 * 1024;
/// A multiple of every track that mtools may think of.
const TRACK_BYTES: u64 = 63 * 255 * 512;
/// Blocks of the medium in the E01: one random, two of sixteen letters, one of zeros, in turns.
const BLOCK_BYTES: usize = 64 * 1024;
/// Bytes of one segment file.
const SEGMENT_BYTES: u64 = 200 * 1024 * 1024;

/// The file systems.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// ext4, made by mkfs.ext4 of a folder.
    Ext4,
    /// NTFS, filled through ntfs-3g.
    Ntfs,
    /// FAT32, filled by mtools.
    Fat,
}

/// Makes images in a folder, which keeps them.
pub(super) struct Maker<'a> {
    /// The folder.
    pub(super) folder: &'a Path,
}

impl Maker<'_> {
    /// The files that are put into the images, taken from the folder if they are there.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn tree(&self, files: u64) -> Outcome<Content> {
        let folder = self.folder.join(format!("files-{files}"));
        let tree = folder.join("tree");
        if !folder.exists() {
            let partial = fresh(&folder)?;
            fs::create_dir(&partial).map_err(at("make", &partial))?;
            let made: Corpus = corpus::of_image(files).make(&partial)?;
            println!("made {}: {} bytes", made.words, made.bytes);
            // It would be a file of one image only.
            fs::remove_file(&made.list).map_err(at("remove", &made.list))?;
            fs::rename(&partial, &folder).map_err(at("move", &partial))?;
        }
        let mut bytes = 0;
        for entry in walkdir::WalkDir::new(&tree) {
            let length = entry.ok().and_then(|entry| entry.metadata().ok());
            bytes += length.filter(fs::Metadata::is_file).map_or(0, |file| file.len());
        }
        Ok(Content { tree, files, bytes })
    }

    /// An image that holds the files, taken from the folder if it is there.
    ///
    /// # Errors
    /// A program that makes it is missing or fails, or the image cannot be mounted.
    pub(super) fn file_system(&self, kind: Kind, content: &Content) -> Outcome<PathBuf> {
        let image = self.folder.join(format!("{kind:?}-{}.img", content.files).to_lowercase());
        if image.exists() {
            return Ok(image);
        }
        println!("== making {image:?}");
        let partial = fresh(&image)?;
        let file = File::create_new(&partial).map_err(at("make", &partial))?;
        let size = content.bytes + content.files * BESIDE_BYTES + OWN_BYTES;
        // mtools takes whole tracks only.
        let size = size.next_multiple_of(TRACK_BYTES);
        file.set_len(size).map_err(at("lengthen", &partial))?;
        match kind {
            Kind::Ext4 => ext4(&partial, content)?,
            Kind::Ntfs => self.ntfs(&partial, content)?,
            Kind::Fat => fat(&partial, content)?,
        }
        fs::rename(&partial, &image).map_err(at("move", &partial))?;
        // Writing back while others are measured would be noise.
        rustix::fs::sync();
        Ok(image)
    }

    fn ntfs(&self, image: &Path, content: &Content) -> Outcome {
        run(Command::new("mkntfs").args(["-F", "-Q", "-q"]).arg(image))?;
        let place = self.folder.join("mounted");
        let mounted = Mounted::mount(image, &place)?;
        run(Command::new("cp").arg("-r").arg(&content.tree).arg(&place))?;
        mounted.unmount()
    }

    /// The first segment of an E01 with a medium of so many bytes, MD5 and SHA-1 of it stored.
    ///
    /// # Errors
    /// `ewfacquire` is missing or fails.
    pub(super) fn e01(&self, size_bytes: u64) -> Outcome<PathBuf> {
        let folder = self.folder.join(format!("e01-{}", size_bytes >> 20));
        let first = folder.join("exhibit.E01");
        if folder.exists() {
            return Ok(first);
        }
        println!("== making {first:?}");
        let partial = fresh(&folder)?;
        fs::create_dir(&partial).map_err(at("make", &partial))?;
        let medium = partial.join("medium.raw");
        write_medium(&medium, size_bytes)?;
        let mut acquire = Command::new("ewfacquire");
        acquire.args(["-u", "-q", "-f", "encase6", "-c", "deflate:fast", "-d", "sha1", "-S"]);
        acquire.arg(SEGMENT_BYTES.to_string()).arg("-t").arg(partial.join("exhibit"));
        run(acquire.arg(&medium))?;
        fs::remove_file(&medium).map_err(at("remove", &medium))?;
        fs::rename(&partial, &folder).map_err(at("move", &partial))?;
        rustix::fs::sync();
        Ok(first)
    }
}

/// Where something is made until it is whole; what an earlier run left there is removed.
fn fresh(whole: &Path) -> Outcome<PathBuf> {
    let partial = whole.with_extension("partial");
    if partial.is_dir() {
        fs::remove_dir_all(&partial).map_err(at("remove", &partial))?;
    } else if partial.exists() {
        fs::remove_file(&partial).map_err(at("remove", &partial))?;
    }
    Ok(partial)
}

/// Runs a program whose words are only of interest when it fails.
fn run(command: &mut Command) -> Outcome {
    process::keep(command.stdin(Stdio::null())).map(|_| ())
}

fn ext4(image: &Path, content: &Content) -> Outcome {
    let root = content.tree.parent().unwrap_or(&content.tree);
    // The usual ratio makes an inode for 16 KiB, which is too few for small files.
    let inodes = (content.files + content.files / 10 + 1_000).to_string();
    run(Command::new("mkfs.ext4")
        .args(["-q", "-F", "-N", inodes.as_str(), "-d"])
        .arg(root)
        .arg(image))
}

fn fat(image: &Path, content: &Content) -> Outcome {
    run(Command::new("mkfs.vfat").args(["-F", "32"]).arg(image))?;
    run(Command::new("mcopy").arg("-s").arg("-i").arg(image).arg(&content.tree).arg("::/"))
}

fn write_medium(path: &Path, size_bytes: u64) -> Outcome {
    let mut random = Random::new(size_bytes);
    let mut out = BufWriter::new(File::create_new(path).map_err(at("make", path))?);
    let mut block = vec![0_u8; BLOCK_BYTES];
    for number in 0..size_bytes / BLOCK_BYTES as u64 {
        random.fill(&mut block);
        match number % 4 {
            0 => {}
            3 => block.fill(0),
            _ => block.iter_mut().for_each(|byte| *byte = b'a' + (*byte & 15)),
        }
        out.write_all(&block).map_err(at("write", path))?;
    }
    out.flush().map_err(at("write", path))
}

/// A mounted image, unmounted when this is dropped.
struct Mounted<'a>(Option<&'a Path>);

impl<'a> Mounted<'a> {
    fn mount(image: &Path, place: &'a Path) -> Outcome<Self> {
        fs::create_dir_all(place).map_err(at("make", place))?;
        run(Command::new("ntfs-3g").arg(image).arg(place))?;
        let mounted = Self(Some(place));
        // Without this, a mount that did not happen would fill the folder and measure nothing.
        let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev);
        let above = place.parent().unwrap_or(place);
        if device(place).ok() == device(above).ok() {
            return Err(Error::Refused(format!("{image:?} is not mounted on {place:?}")));
        }
        Ok(mounted)
    }

    /// Unmounts it, and waits until everything is in the image.
    fn unmount(mut self) -> Outcome {
        self.0.take().map_or(Ok(()), |place| run(Command::new("umount").arg(place)))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.0.take()
            && let Err(error) = run(Command::new("umount").arg(place))
        {
            eprintln!("cannot unmount {place:?}: {error}");
        }
    }
}
