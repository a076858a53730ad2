//! A raw image in several files: `disk.001`, `disk.002`, ... or `.000`, `.001`, ...

use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_evidence::{ByteSource, Problem};

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

/// Joins the parts of an image, given its first part; `None` if it has no further part.
///
/// # Errors
/// A [`Problem`] if a part is missing between others, or cannot be opened.
pub(crate) fn open(path: &Path, first: RawFile) -> Result<Result<(Joined, u32), RawFile>, Problem> {
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
    Ok(Ok((Joined::new(parts), count)))
}

fn missing(number: u32, later: u32) -> Problem {
    damaged(format!("part .{number:03} of the image is missing, part .{later:03} is there"))
}
