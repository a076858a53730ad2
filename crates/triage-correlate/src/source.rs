//! The files of a stored manifest as sightings.

use triage_case::{Error as CaseError, Glance, StoredManifest};
use triage_hash::{Algorithm, Digest};
use triage_hashset::{Asked, DigestKey, Disposition, Sets};

use crate::Error;
use crate::sighting::{Listed, Sighting, seconds};

/// How much is gathered before it is handed on.
const PIECE_BYTES: usize = 1 << 20;

/// How manifests are read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// The digest that is compared.
    pub algorithm: Algorithm,
    /// The key under which digests are compared, if they are keyed.
    pub key: Option<&'a DigestKey>,
    /// What known-good sets list is left out; what others list is marked.
    pub sets: &'a Sets,
}

/// What was met in a manifest. Every line is in exactly one of the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Files that take part.
    pub files: u64,
    /// Files that a known-good set lists.
    pub known_good: u64,
    /// Empty files, which every exhibit has.
    pub empty: u64,
    /// Files without a digest of their whole content, and everything that is no file.
    pub without_content: u64,
    /// Files that were read, but have no digest of the algorithm that is compared.
    pub without_digest: u64,
}

/// Reads a manifest and hands on sightings, as [`Sighting::put`] writes them, in pieces. What was
/// handed on counts only if this ends well: the manifest is compared with its seal at its end.
///
/// # Errors
/// [`Error::Case`] if the manifest is damaged or not the sealed one, [`Error::NoDigest`] if it has
/// not got the digest that is compared, [`Error::Unanswered`] if it has no digest that one of the
/// sets could match.
pub fn read_manifest(
    stored: &StoredManifest,
    exhibit: u32,
    reading: &Reading<'_>,
    give: &mut dyn FnMut(Vec<u8>),
) -> Result<SourceCounts, Error> {
    let mut counts = SourceCounts::default();
    let mut piece = Vec::new();
    let mut asked = Asked::default();
    stored.for_each_line(&mut |line| {
        let glance = Glance::of(line);
        if let Some((digest, listed)) = take_part(&glance, reading, &mut counts, &mut asked) {
            let sighting = Sighting {
                digest: digest.as_bytes(),
                exhibit,
                size_bytes: glance.size_bytes().unwrap_or(0),
                modified: seconds(glance.modified()),
                listed,
            };
            sighting.put(&mut piece);
            if piece.len() >= PIECE_BYTES {
                give(std::mem::take(&mut piece));
            }
        }
        Ok::<(), CaseError>(())
    })?;
    give(piece);
    if let Some(unanswered) = asked.unanswered(reading.sets) {
        return Err(Error::Unanswered { reason: unanswered.to_string() });
    }
    match counts.without_digest {
        0 => Ok(counts),
        files => Err(Error::NoDigest { algorithm: reading.algorithm, files }),
    }
}

/// Returns under which digest a line takes part, if it does, and counts it.
fn take_part(
    glance: &Glance<'_>,
    reading: &Reading<'_>,
    counts: &mut SourceCounts,
    asked: &mut Asked,
) -> Option<(Digest, Listed)> {
    let is_whole = glance.status().is_some_and(triage_case::Status::is_whole);
    let has_digests = is_whole && glance.has_digests();
    if !has_digests {
        counts.without_content += 1;
        return None;
    }
    let size_bytes = glance.size_bytes().unwrap_or(0);
    if size_bytes == 0 {
        counts.empty += 1;
        return None;
    }
    let Some(digest) = glance.digest(reading.algorithm) else {
        counts.without_digest += 1;
        return None;
    };
    let mut listed = Listed::default();
    if !reading.sets.is_empty() {
        let digests = glance.digests();
        asked.add(digests.algorithms());
        let matches = reading.sets.lookup(&digests, size_bytes);
        listed = Listed::of(&matches);
        // An alert wins, and what contradicts itself is known to nobody.
        if matches.disposition() == Some(Disposition::KnownGood) {
            counts.known_good += 1;
            return None;
        }
    }
    counts.files += 1;
    let keyed = reading.key.and_then(|key| key.keyed(&digest));
    Some((keyed.unwrap_or(digest), listed))
}
