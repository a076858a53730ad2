//! Checks the time-stamps of the seals, and that nothing stands beside a seal which belongs to
//! nothing.

use triage_custody::{Stamp, StampQuery, unix_seconds, utc_text};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::seals::{STAMPS, SealFile, seal_file, seal_path};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// A time-stamp that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// What is stamped, in the package.
    pub path: String,
    /// The time that it states: RFC 3339, in UTC.
    pub time: String,
    /// The same in seconds since 1970.
    pub seconds: i64,
    /// The subject of the authority's certificate.
    pub authority: String,
    /// Whether the authority leads to a root that was given.
    pub is_trusted: bool,
}

/// Checks every stamp of every seal.
pub(crate) fn check_stamps(
    case: &CaseDir,
    bag: &Bag,
    trust: &Trust<'_>,
    seals: &[SealFile],
    out: &mut Verification,
) {
    for path in bag.files.keys().filter(|path| path.ends_with(".tsr")) {
        let Some(sealed) = seal_of(path, seals) else { continue };
        check_stamp(case, path.trim_end_matches(".tsr"), trust, sealed, out);
    }
    let Some(newest) = seals.last() else { return };
    let own = seal_path(newest.number, ".json");
    if trust.tsa_roots.is_some() && !out.stamps.iter().any(|stamp| stamp.path.starts_with(&own)) {
        if out.stamps.is_empty() {
            let expected = "a time-stamp by a trusted authority";
            out.find("package has no time-stamp", own, expected, "none");
        } else {
            out.warnings.push(format!("{own} has no time-stamp; an earlier seal has"));
        }
    }
    if trust.tsa_roots.is_none() && !out.stamps.is_empty() {
        out.warnings.push(
            "nobody vouches for the authority of the time-stamps: give its root with --tsa-root"
                .to_owned(),
        );
    }
}

fn seal_of<'a>(path: &str, seals: &'a [SealFile]) -> Option<&'a SealFile> {
    let (number, _) = seal_file(path)?;
    seals.iter().find(|sealed| sealed.number == number)
}

fn check_stamp(
    case: &CaseDir,
    stamped: &str,
    trust: &Trust<'_>,
    sealed: &SealFile,
    out: &mut Verification,
) {
    let name = format!("{stamped}.tsr");
    let bytes = |path: &str| read(&case.path(path)).unwrap_or_default();
    let checked = StampQuery::parse(&bytes(&format!("{stamped}.tsq")))
        .and_then(|query| Stamp::check(&bytes(&name), &query, &bytes(stamped), trust.tsa_roots));
    let stamp = match checked {
        Ok(stamp) => stamp,
        Err(error) => {
            let expected = format!("a time-stamp of {stamped}");
            out.find("time-stamp is not valid", name, expected, error.to_string());
            return;
        }
    };
    let (time, authority) = (utc_text(stamp.seconds), stamp.authority.subject());
    out.did(format!("time-stamp of {stamped}: {time} by {authority}"));
    if unix_seconds(&sealed.seal.time).is_some_and(|sealed| sealed > stamp.seconds) {
        out.warnings.push(format!(
            "{name} states {time}, before {} where the seal says it was made: a clock was wrong",
            sealed.seal.time
        ));
    }
    let is_trusted = trust.tsa_roots.is_some();
    let (path, seconds) = (stamped.to_owned(), stamp.seconds);
    out.stamps.push(Stamped { path, time, seconds, authority, is_trusted });
}

/// A key must stand beside its signature, a stamp beside what it stamps, and a query beside its
/// stamp: what stands alone is checked by nobody, and could say anything.
pub(crate) fn check_orphans(bag: &Bag, out: &mut Verification) {
    let mut orphan = |path: &str, of: String| {
        if !bag.files.contains_key(&of) {
            out.find("file of a seal belongs to nothing", path, of, "nothing");
        }
    };
    for path in bag.files.keys().filter(|path| seal_file(path).is_some()) {
        if let Some(signature) = path.strip_suffix(".signer") {
            // The key of the first seal's own signature stands in keys/.
            let unused = signature == seal_path(1, ".json.sig");
            orphan(path, if unused { format!("no {path}") } else { signature.to_owned() });
        }
        if let Some((stamp, query)) =
            STAMPS.iter().zip(STAMPS.iter().rev()).find(|(ending, _)| path.ends_with(**ending))
        {
            let of = path.trim_end_matches(stamp);
            orphan(path, of.to_owned());
            orphan(path, format!("{of}{query}"));
        }
    }
}
