//! `scan --since`: the earlier package, checked whole before a digest of it is carried.

use std::path::{Path, PathBuf};

use serde_json::Value;
use triage_case::{CaseDir, DifferenceSums, StoredManifest};
use triage_hash::Algorithms;
use triage_scan::{CarryFrom, Earlier};

use super::verify::{safe, verified};
use crate::console::Console;
use crate::failure::Failure;
use crate::trust::Trusted;
use crate::{exit, measure, shown};

/// An earlier examination that verifies.
pub(crate) struct Since {
    /// What the plan says of it.
    pub(crate) earlier: Earlier,
    /// Where its digests are carried from.
    pub(crate) carry: CarryFrom,
}

/// Opens and verifies the package of an earlier examination.
///
/// Anything short of a package that verifies is an error: a digest is carried only if it is certain
/// that it stands where it was sealed.
pub(crate) fn open(
    path: &Path,
    trusted: &Trusted,
    computed: Algorithms,
    console: Console,
) -> Result<Since, Failure> {
    let at = |failure: Failure| failure.at(shown::path(path));
    let stored = StoredManifest::open(path).map_err(|error| at(Failure::from(error)))?;
    let Some(case) = stored.package() else {
        return Err(at(Failure::usage("digests cannot be carried from a manifest alone"))
            .because("it has no seal, so that nobody can tell whether it is as it was written")
            .hint("name the package that the manifest belongs to"));
    };
    console.say(&format!("verifying the earlier package {}", shown::path(case.folder())));
    check(case, trusted, console).map_err(at)?;
    let run = stored.run().map_err(|error| at(Failure::from(error)))?;
    let had = run["plan"]["algorithms"].as_str().unwrap_or_default();
    let had: Algorithms = had.parse().unwrap_or_default();
    if let Some(lacking) = computed.iter().find(|algorithm| !had.contains(*algorithm)) {
        return Err(at(Failure::usage("digests cannot be carried from that package"))
            .because(format!("it has {had}, and not {lacking}, which this scan computes"))
            .hint(format!("scan with --algorithms {had}, or without --since")));
    }
    let earlier = earlier(case.folder(), &stored, &run).map_err(at)?;
    let carry = CarryFrom::new(stored, &earlier)
        .map_err(|error| at(Failure::usage("digests cannot be carried").caused_by(&error)))?;
    Ok(Since { earlier, carry })
}

/// Opens the package that a stored plan names again.
pub(crate) fn open_again(
    earlier: &Earlier,
    trusted: &Trusted,
    computed: Algorithms,
    console: Console,
) -> Result<Since, Failure> {
    let since = open(&path_of(earlier)?, trusted, computed, console)?;
    if since.earlier == *earlier {
        return Ok(since);
    }
    Err(Failure::usage("the earlier package is not the one that the scan began with")
        .at(&earlier.package)
        .because("its seal, manifest or exhibit differs")
        .hint("put the same package back, or begin a new scan"))
}

fn path_of(earlier: &Earlier) -> Result<PathBuf, Failure> {
    let raw = triage_evidence::unescape(&earlier.package)
        .map_err(|error| Failure::usage("the stored plan cannot be read").caused_by(&error))?;
    Ok(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(raw).into())
}

/// Compares the finished manifest with the earlier one, and keeps what differs in the package.
pub(crate) fn compare(case: &CaseDir, earlier: &Earlier) -> Result<DifferenceSums, Failure> {
    let at = |failure: Failure| failure.at(&earlier.package);
    let failed = |error| {
        at(Failure::from(error)).hint(
            "the scan itself is done: put the earlier package back, then `scan --resume --case DIR`",
        )
    };
    let stored = StoredManifest::open(&path_of(earlier)?).map_err(failed)?;
    if stored.seal_sha256() != Some(earlier.seal_sha256.as_str()) {
        let changed = "it was sealed again while the scan ran: its newest seal is another one";
        return Err(at(Failure::new(exit::VERIFY_FAILED, "the earlier package has changed"))
            .because(changed));
    }
    case.put_since(stored).map_err(failed)
}

/// Says what came of the comparison.
pub(crate) fn tell(earlier: &Earlier, sums: &DifferenceSums, console: Console) {
    console.say(&format!(
        "since the last visit ({}, seal {}): {}",
        triage_evidence::escape(earlier.sealed.as_bytes()),
        earlier.seal_sha256,
        words(sums)
    ));
}

/// Returns the sums of a comparison in words.
pub(crate) fn words(sums: &DifferenceSums) -> String {
    let count = |number| measure::count(number);
    let mut text = format!(
        "{} new, {} changed, {} gone, {} moved, {} metadata only, {} same",
        count(sums.added),
        count(sums.changed),
        count(sums.removed),
        count(sums.moved),
        count(sums.metadata),
        count(sums.same)
    );
    if sums.unknown > 0 {
        text.push_str(&format!(
            "; {} are NOT KNOWN to be the same, new or gone: one of the two did not list what is \
             there, or neither read it",
            count(sums.unknown)
        ));
    }
    if sums.moves_cut {
        text.push_str("; so many are new or gone that some of them may have MOVED only");
    }
    text
}

/// Checks every byte of the package, as `verify` does.
fn check(case: &CaseDir, trusted: &Trusted, console: Console) -> Result<(), Failure> {
    let failed = || Failure::new(exit::VERIFY_FAILED, "the earlier package does not verify");
    let verification =
        verified(case, trusted).map_err(|failure| Failure { what: failed().what, ..failure })?;
    if let Some(finding) = verification.findings.first() {
        let place = safe(&finding.place);
        let count = verification.findings.len();
        return Err(failed()
            .because(format!("{} ({place}), the first of {count} findings", finding.what))
            .hint("`triage verify` lists them; scan without --since"));
    }
    for warning in &verification.warnings {
        console.say(&format!("warning: the earlier package: {}", safe(warning)));
    }
    match &verification.signed_by {
        Some((principal, key)) => {
            let by = safe(principal);
            console.say(&format!("the earlier package was signed by {by} with key {key}"));
        }
        None => console.say(
            "warning: the earlier package is NOT SIGNED: it could have been made anew by anybody",
        ),
    }
    let entries = measure::count(verification.coverage.seen().entries);
    console.say(&format!("the earlier package is as it was sealed: {entries} entries"));
    Ok(())
}

fn earlier(folder: &Path, stored: &StoredManifest, run: &Value) -> Result<Earlier, Failure> {
    let unreadable = || Failure::usage("the earlier package does not say what is needed");
    let folder = folder.canonicalize().map_err(|error| unreadable().caused_by(&error))?;
    let seal = stored.seal().ok_or_else(|| unreadable().because("it has no seal"))?;
    let began = run["clock"]["start"].as_str().unwrap_or_default().to_owned();
    Ok(Earlier {
        package: shown::path(&folder),
        exhibit: seal.exhibit.clone(),
        seal_sha256: stored.seal_sha256().unwrap_or_default().to_owned(),
        sealed: seal.time.clone(),
        manifest_sha256: seal.manifest.sha256.clone(),
        began,
    })
}
