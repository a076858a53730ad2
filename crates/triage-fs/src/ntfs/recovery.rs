//! How far the content of a deleted file can be trusted.

use triage_evidence::Recovery;

use super::Ntfs;
use super::attribute::{self, Body};
use super::file::File;
use super::run_list::{self, Extent};
use super::value::Value;

/// Judges the content of a deleted file; streams beside it can only make it less certain.
pub(super) fn of_file(ntfs: &Ntfs, file: &File) -> Recovery {
    if file.is_directory {
        return if file.problem.is_some() { Recovery::Guess } else { Recovery::Certain };
    }
    let Some(content) = file.value(attribute::DATA, &[]) else {
        return Recovery::Lost;
    };
    let mut recovery = of_value(ntfs, &content);
    if recovery != Recovery::Certain {
        return recovery;
    }
    for attribute in file.attributes().filter(|found| found.kind == attribute::DATA) {
        if let Body::Clusters(piece) = attribute.body {
            let extents: Vec<_> = run_list::decode(piece.runs, piece.first).collect();
            recovery = recovery.max(of_clusters(ntfs, &extents).min(Recovery::Guess));
        }
    }
    if file.problem.is_some() { recovery.max(Recovery::Guess) } else { recovery }
}

/// Judges one stream of a deleted file.
pub(super) fn of_value(ntfs: &Ntfs, value: &Value) -> Recovery {
    if value.resident.is_some() || value.sizes.size_bytes == 0 {
        return Recovery::Certain;
    }
    let Some(last) = value.extents.last() else {
        return Recovery::Lost;
    };
    let held = last.end().saturating_mul(ntfs.volume().boot.cluster_bytes);
    let recovery = of_clusters(ntfs, &value.extents);
    let is_whole = value.problem.is_none() && held >= value.sizes.size_bytes;
    if is_whole { recovery } else { recovery.max(Recovery::Guess) }
}

/// Judges clusters by the map of the volume and by what other deleted files claim.
fn of_clusters(ntfs: &Ntfs, extents: &[Extent]) -> Recovery {
    let claims = &ntfs.table().claims;
    let is_contested = extents.iter().any(|extent| claims.contests(extent));
    let map = ntfs.clusters();
    let usage = map.map(|map| map.usage(ntfs.volume(), extents, is_contested));
    let Some(Ok(usage)) = usage else {
        return Recovery::Guess;
    };
    match (usage.has_allocated, usage.has_free) {
        // Every cluster belongs to files that exist: what lies there is theirs.
        (true, false) => Recovery::Lost,
        (true, true) => Recovery::Guess,
        (false, _) if is_contested => Recovery::Guess,
        (false, _) => Recovery::Certain,
    }
}
