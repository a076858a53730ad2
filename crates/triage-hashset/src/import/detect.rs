//! Finds out the format of a list by its content: exactly one must fit.

use std::path::Path;

use super::sample::Sample;
use super::{FORMATS, Format, ImportOptions, delimited, plain};
use crate::Error;

/// Returns the one format that fits the beginning of a file.
///
/// # Errors
/// [`Error::Unrecognised`] if none fits, [`Error::Ambiguous`] if several do.
pub(super) fn detect(
    path: &Path,
    sample: &Sample,
    options: &ImportOptions,
) -> Result<Format, Error> {
    // Only one format has columns to map.
    if options.columns.is_some() {
        return Ok(Format(&delimited::FORMAT));
    }
    let fits = |format: &Format| (format.0.fits)(sample, options);
    let mut survivors: Vec<Format> = FORMATS.iter().copied().filter(fits).collect();
    // A format with an exact header of its own beats those that read any header, or none.
    for general in [Format(&delimited::FORMAT), Format(&plain::FORMAT)] {
        if survivors.len() > 1 {
            survivors.retain(|format| *format != general);
        }
    }
    let path = path.to_owned();
    let names = |formats: &[Format]| formats.iter().map(|format| format.name()).collect();
    match survivors.as_slice() {
        [format] => Ok(*format),
        [] => Err(Error::Unrecognised {
            path,
            looks_like: sample.looks_like(),
            candidates: names(FORMATS),
        }),
        several => Err(Error::Ambiguous { path, candidates: names(several) }),
    }
}
