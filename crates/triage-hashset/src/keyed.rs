//! A set made anew with keyed digests: whoever has the file but not the key can neither read the
//! digests nor test whether one is in it. Perceptual digests are left out: they are no secret under
//! such a key, since nothing looks them up.

use std::path::Path;

use crate::{Builder, DigestKey, Error, Index, Row, RowCategory};

/// Makes an index of the same rows whose digests are keyed, in memory, or as a file.
///
/// # Errors
/// [`Error::Unfit`] if its digests are keyed already, [`Error::BadIndex`] if it is damaged,
/// [`Error::Exists`], [`Error::Limit`], [`Error::Io`].
pub fn with_keyed_digests(
    index: &Index,
    key: &DigestKey,
    output: Option<&Path>,
    memory_bytes: usize,
) -> Result<Index, Error> {
    index.refuse_bloom()?;
    index.refuse_keyed("is keyed already")?;
    let folder = output.map(|output| output.parent().filter(|f| !f.as_os_str().is_empty()));
    let mut builder = match folder {
        None => Builder::new(),
        Some(folder) => Builder::spilling(folder.unwrap_or(Path::new(".")), memory_bytes),
    };
    builder.hold_keyed_digests(key.clone());
    for record in index.records() {
        let record = record?;
        let category = record.category.map(RowCategory::of);
        let digests = key.keyed_all(&record.digests);
        let size_bytes = record.size_bytes;
        builder.push(&Row { digests, size_bytes, category, ..Row::default() })?;
    }
    // The account of the import is that of the list; compiling counts accepted and merged again.
    let mut report = index.report().clone();
    (report.accepted, report.merged) = (0, 0);
    let identity = index.identity().clone();
    match output {
        None => builder.finish(identity, report),
        Some(output) => builder.finish_to(output, identity, report),
    }
}
