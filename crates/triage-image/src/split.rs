//! A raw image in several files: `disk.001`, `disk.002`, ... or `.000`, `.001`, ...

use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::damaged;
use crate::joined::Joined;
use crate::raw::RawFile;

/// The most parts that are joined: the names have three digits.
const LIMIT_PARTS: u32 = 1000;

/// Returns the number in the extension of a first part.
fn first_number(path: &Path) -> Option<u32> {
    let extension = path.extension()?.to_str()?;
    let is_first = extension.len() == 3 && matches!(extension, "000" | "001");
    is_first.then(|| extension.parse().ok())?
}

fn part(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("{number:03}"))
}

/// A part that was cut off: what others of its length hold is missing from it.
struct Cut {
    part: Arc<dyn ByteSource>,
    size_bytes: u64,
}

impl ByteSource for Cut {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let held = self.part.size_bytes();
        if offset >= held && offset < self.size_bytes && !buffer.is_empty() {
            let text = "a part of the image is shorter than the others";
            let lost = self.size_bytes.saturating_sub(offset);
            return Err(Problem::new(ProblemKind::Unreadable, text).at(offset).losing(lost));
        }
        self.part.read_at(offset, buffer)
    }
}

/// Makes all parts but the last as long as the longest of them, so that what follows a part that
/// was cut off keeps its place. Returns what is missing.
fn lengthen(parts: &mut [Arc<dyn ByteSource>]) -> Vec<Problem> {
    let (Some((_, parts)), mut notes, mut start) = (parts.split_last_mut(), Vec::new(), 0_u64)
    else {
        return Vec::new();
    };
    let size_bytes = parts.iter().map(|part| part.size_bytes()).max().unwrap_or(0);
    for part in parts {
        let held = part.size_bytes();
        if held < size_bytes {
            let text = "a part of the image is shorter than the others: it was cut off";
            let lost = size_bytes.saturating_sub(held);
            notes.push(damaged(text).at(start.saturating_add(held)).losing(lost));
            *part = Arc::new(Cut { part: Arc::clone(part), size_bytes });
        }
        start = start.saturating_add(size_bytes);
    }
    notes
}

/// What the parts of an image are together.
pub(crate) struct Split {
    pub(crate) joined: Joined,
    pub(crate) count: u32,
    pub(crate) notes: Vec<Problem>,
}

/// Joins the parts of an image, given its first part, which comes back if it is the only one.
///
/// # Errors
/// A [`Problem`] if a part is missing between others, or cannot be opened.
pub(crate) fn open(path: &Path, first: RawFile) -> Result<Result<Split, RawFile>, Problem> {
    let Some(number) = first_number(path) else { return Ok(Err(first)) };
    let exists = |number: u32| part(path, number).symlink_metadata().is_ok();
    if !exists(number + 1) {
        // One that is missing at the front must not look like a short image.
        return match (number + 2..number + 12).find(|&number| exists(number)) {
            Some(later) => Err(missing(number + 1, later)),
            None => Ok(Err(first)),
        };
    }
    let mut parts: Vec<Arc<dyn ByteSource>> = vec![Arc::new(first)];
    let mut next = number + 1;
    while next < LIMIT_PARTS && exists(next) {
        parts.push(Arc::new(RawFile::open_named(&part(path, next))?));
        next += 1;
    }
    if let Some(later) = (next + 1..(next + 11).min(LIMIT_PARTS)).find(|&number| exists(number)) {
        return Err(missing(next, later));
    }
    let count = u32::try_from(parts.len()).unwrap_or(LIMIT_PARTS);
    let notes = lengthen(&mut parts);
    Ok(Ok(Split { joined: Joined::new(parts), count, notes }))
}

fn missing(number: u32, later: u32) -> Problem {
    damaged(format!("part .{number:03} of the image is missing, part .{later:03} is there"))
}
