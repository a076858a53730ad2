//! Opens whatever holds a disk: told by its content, never by its name alone.

use std::path::Path;
use std::sync::Arc;

use triage_evidence::{ByteSource, Facts, Problem};

use crate::bytes::damaged;
use crate::raw::RawFile;
use crate::sibling::Place;
use crate::{device, ewf, qcow2, split, vhd, vhdx, vmdk};

/// How much of the beginning is looked at to tell the format.
const FIRST_BYTES: usize = 512;
/// What files that hold a disk as it is are called.
const RAW_EXTENSIONS: [&str; 8] = ["dd", "raw", "img", "000", "001", "bin", "image", "dmg"];

/// What files that must begin with a signature are called.
const SIGNED_EXTENSIONS: [&str; 9] =
    ["e01", "ex01", "s01", "l01", "lx01", "qcow2", "vmdk", "vhd", "vhdx"];

/// A digest of the medium that is stored in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDigest {
    /// `md5` or `sha1`.
    pub algorithm: &'static str,
    /// The bytes of the digest.
    pub digest: Vec<u8>,
}

/// An image or a device that was opened.
pub struct Image {
    /// The name of the format: `raw`, `split`, `device`, `ewf`, `qcow2`, `vhd`, `vhdx`, `vmdk`.
    pub format: &'static str,
    /// The bytes of the disk. A range that was made up by the imager is a problem.
    pub source: Arc<dyn ByteSource>,
    /// The bytes of the disk as the image gives them, made up or not: what a stored digest is of.
    pub plain: Arc<dyn ByteSource>,
    /// What the image tells of itself.
    pub facts: Facts,
    /// The digests of the medium that the image stores.
    pub stored: Vec<StoredDigest>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size_bytes = self.source.size_bytes();
        f.debug_struct("Image").field("format", &self.format).field("size", &size_bytes).finish()
    }
}

impl Image {
    /// Returns an image that gives its bytes as they are and stores no digest.
    pub(crate) fn new(format: &'static str, source: Arc<dyn ByteSource>, facts: Facts) -> Self {
        Self { format, plain: Arc::clone(&source), source, facts, stored: Vec::new() }
    }
}

/// Opens an image of a virtual disk, if the file is one.
fn open_virtual(file: &Arc<dyn ByteSource>, place: Place<'_>) -> Result<Option<Image>, Problem> {
    let mut first = vec![0; FIRST_BYTES];
    let read = file.read_at(0, &mut first)?;
    first.truncate(read);
    let mut last = vec![0; FIRST_BYTES];
    let end = file.size_bytes().saturating_sub(FIRST_BYTES as u64);
    let read = file.read_at(end, &mut last)?;
    last.truncate(read);
    let file = Arc::clone(file);
    if qcow2::is(&first) {
        qcow2::open(file, place).map(Some)
    } else if vmdk::is(&first) {
        vmdk::open(file, place).map(Some)
    } else if vhdx::is(&first) {
        vhdx::open(file).map(Some)
    } else if vhd::is(&first, &last) {
        vhd::open(file, place).map(Some)
    } else {
        Ok(None)
    }
}

/// Opens the parent that an image names: an image, or a raw disk.
pub(crate) fn open_named_image(place: Place<'_>) -> Result<Image, Problem> {
    let file: Arc<dyn ByteSource> = Arc::new(RawFile::open_named(place.path)?);
    if let Some(image) = open_virtual(&file, place)? {
        return Ok(image);
    }
    refuse_unsigned(place.path)?;
    Ok(Image::new("raw", file, Facts::default()))
}

/// Says no to a file that is called as an image with a signature and does not begin as one.
fn refuse_unsigned(path: &Path) -> Result<(), Problem> {
    let extension = extension(path);
    if !is_one_of(extension, &SIGNED_EXTENSIONS) {
        return Ok(());
    }
    let text = format!("the file is called .{extension} and does not begin as such an image");
    Err(damaged(text))
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn is_one_of(extension: &str, list: &[&str]) -> bool {
    list.iter().any(|other| other.eq_ignore_ascii_case(extension))
}

/// Opens a path if it holds a disk: a block device, an image with a signature, or a file that
/// `is_disk` recognises by the bytes of it or that is called as raw images are. Returns `None` for
/// any other regular file.
///
/// # Errors
/// A [`Problem`] if it cannot be opened, or holds a disk in a way that is not read.
pub fn open_image(
    path: &Path,
    is_disk: &dyn Fn(&dyn ByteSource) -> bool,
) -> Result<Option<Image>, Problem> {
    let file = RawFile::open(path)?;
    if let Some((major, minor)) = file.device {
        let facts = Facts { pairs: device::facts(major, minor), notes: Vec::new() };
        return Ok(Some(Image::new("device", Arc::new(file), facts)));
    }
    let mut first = vec![0; FIRST_BYTES];
    let read = file.read_at(0, &mut first)?;
    first.truncate(read);
    if ewf::is(&first) {
        return ewf::open(path, file, &first).map(Some);
    }
    let file = match split::open(path, file)? {
        Ok(split) => {
            let pairs = [("segments".to_owned(), split.count.to_string())].into();
            let facts = Facts { pairs, notes: split.notes };
            return Ok(Some(Image::new("split", Arc::new(split.joined), facts)));
        }
        Err(file) => file,
    };
    let file: Arc<dyn ByteSource> = Arc::new(file);
    if let Some(image) = open_virtual(&file, Place { path, depth: 0 })? {
        return Ok(Some(image));
    }
    refuse_unsigned(path)?;
    if is_one_of(extension(path), &RAW_EXTENSIONS) || is_disk(&file) {
        return Ok(Some(Image::new("raw", file, Facts::default())));
    }
    Ok(None)
}
