//! Makes one set of several: every row of each, rows that say the same once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{
    Builder, Description, Error, ImportReport, Index, Row, RowCategory, SetIdentity, Source,
};

/// Merges sets into a new index file. They must have one disposition and, where they have
/// categories, one scheme: numbers of different schemes are never mixed. The sources of all of
/// them are named in the source of the new set.
///
/// # Errors
/// [`Error::Unfit`] if dispositions or schemes differ, [`Error::Exists`], [`Error::Io`],
/// [`Error::Limit`], and [`Error::BadIndex`] if one is damaged.
pub fn merge(
    sets: &[Index],
    description: Description,
    output: &Path,
    memory_bytes: usize,
) -> Result<Index, Error> {
    if std::fs::symlink_metadata(output).is_ok() {
        return Err(Error::Exists { path: output.to_owned() });
    }
    sets.iter().try_for_each(|set| {
        set.refuse_bloom()?;
        set.refuse_keyed("holds keyed digests: those of the list are not in it")
    })?;
    let unfit =
        |set: &Index, reason: String| Error::Unfit { set: set.identity().name.clone(), reason };
    let wanted = description.disposition.unwrap_or_default();
    let mut scheme: Option<String> = None;
    for set in sets {
        let identity = set.identity();
        if identity.disposition != wanted {
            let is = identity.disposition;
            return Err(unfit(set, format!("is {is}, the merged set is to be {wanted}")));
        }
        match (&scheme, &identity.scheme) {
            (Some(known), Some(other)) if known != other => {
                let reason = format!("has categories of {other}, another one of {known}");
                return Err(unfit(set, reason));
            }
            (None, Some(other)) => scheme = Some(other.clone()),
            _ => {}
        }
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::spilling(folder.unwrap_or(Path::new(".")), memory_bytes);
    let mut report = ImportReport::default();
    for set in sets {
        for record in set.records() {
            let record = record?;
            let category = record.category.map(RowCategory::of);
            report.rows += 1;
            let (digests, size_bytes) = (record.digests, record.size_bytes);
            builder.push(&Row { digests, size_bytes, category, ..Row::default() })?;
        }
        for row in set.perceptual_rows() {
            let row = row?;
            builder.push_perceptual(row.owner, &row.digest)?;
        }
    }
    let identity = SetIdentity {
        name: description.name.unwrap_or_else(|| names(sets)),
        version: description.version,
        publisher: description.publisher,
        date: description.date,
        licence: description.licence,
        handling: description.handling.or_else(|| handling(sets)),
        disposition: wanted,
        scheme,
        source: source_of(sets),
    };
    builder.finish_to(output, identity, report)
}

fn names(sets: &[Index]) -> String {
    let names: Vec<&str> = sets.iter().map(|set| set.identity().name.as_str()).collect();
    names.join(" + ")
}

/// Returns every handling note: a merged set must be handled as the strictest of its parts.
fn handling(sets: &[Index]) -> Option<String> {
    let notes: BTreeMap<&str, ()> =
        sets.iter().filter_map(|set| Some((set.identity().handling.as_deref()?, ()))).collect();
    let notes: Vec<&str> = notes.into_keys().collect();
    if notes.is_empty() { None } else { Some(notes.join("; ")) }
}

/// Returns a source that names those of all parts: its digest is that of their digests, one a line.
fn source_of(sets: &[Index]) -> Source {
    let mut lines = String::new();
    let mut size_bytes = 0;
    for set in sets {
        let source = &set.identity().source;
        lines.push_str(&format!("{}\n", source.sha256));
        size_bytes += source.size_bytes;
    }
    let sha256 = triage_hash::hash_bytes(
        triage_hash::Algorithms::NONE.with(triage_hash::Algorithm::Sha256),
        lines.as_bytes(),
    );
    let sha256 = sha256.get(triage_hash::Algorithm::Sha256).map(|digest| digest.to_string());
    let parts: Vec<String> = sets
        .iter()
        .map(|set| {
            let source = &set.identity().source;
            format!("{} (SHA-256 {})", source.name, source.sha256)
        })
        .collect();
    Source {
        name: parts.join(" + "),
        size_bytes,
        sha256: sha256.unwrap_or_default(),
        format: "merge".to_owned(),
    }
}
