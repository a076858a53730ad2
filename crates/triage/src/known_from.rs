//! `--known-from`: what an earlier package has digests of, as a set whose matches are only noted.
//!
//! "That was on the other exhibit too, and was looked at": the record says so, and nothing alerts.

use std::path::Path;

use triage_case::{Glance, Status, StoredManifest};
use triage_hashset::{Builder, Disposition, ImportReport, Index, Row, SetIdentity, Source};
use triage_scan::{PlannedSet, SetReading};

use crate::failure::Failure;
use crate::shown;

/// What the plan says of how such a set was named.
pub(crate) const TYPED: &str = "known-from";
/// What is told of the format of its source.
const FORMAT: &str = "manifest";

/// Compiles the digests of a package in memory. Its manifest is compared with its seal.
pub(crate) fn open(path: &Path) -> Result<(Index, PlannedSet), Failure> {
    let at = |failure: Failure| failure.at(shown::path(path));
    let stored = StoredManifest::open(path).map_err(|error| at(Failure::from(error)))?;
    let (Some(case), Some(seal)) = (stored.package(), stored.seal()) else {
        return Err(at(Failure::usage("--known-from needs a package"))
            .because("a manifest alone has no seal, and may have been made up"));
    };
    let mut builder = Builder::new();
    let mut report = ImportReport::default();
    let mut refused = None;
    let read = stored.for_each_line(&mut |line| {
        let glance = Glance::of(line);
        let is_whole = glance.status().is_some_and(Status::is_whole);
        let size_bytes = glance.size_bytes().filter(|size| *size > 0);
        if is_whole && size_bytes.is_some() && glance.has_digests() && refused.is_none() {
            report.rows += 1;
            let row = Row { digests: glance.digests(), size_bytes, ..Row::default() };
            refused = builder.push(&row).err();
        }
        Ok(())
    });
    read.map_err(|error| at(Failure::from(error)))?;
    if let Some(error) = refused {
        return Err(at(Failure::from(error)));
    }
    if builder.is_empty() {
        return Err(at(Failure::usage("the package of --known-from has no digest of any file")));
    }
    let folder = case.folder().canonicalize()?;
    let size_bytes = std::fs::metadata(stored.path())?.len();
    let identity = SetIdentity {
        name: format!("seen on {}", seal.exhibit),
        version: Some(seal.time.clone()),
        publisher: None,
        date: None,
        licence: None,
        handling: None,
        disposition: Disposition::Informational,
        scheme: None,
        source: Source {
            name: "manifest.ndjson".to_owned(),
            size_bytes,
            sha256: seal.manifest.sha256.clone(),
            format: FORMAT.to_owned(),
        },
    };
    let index = builder.finish(identity, report).map_err(|error| at(Failure::from(error)))?;
    let options = SetReading { typed: TYPED.to_owned(), ..SetReading::default() };
    let planned = PlannedSet::of(&index, shown::path(&folder), options);
    Ok((index, planned))
}
