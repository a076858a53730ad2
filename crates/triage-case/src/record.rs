//! One entry with what became of it.

use triage_evidence::{Entry, Problem};
use triage_hash::{Algorithm, Algorithms, Digest, Digests};
use triage_hashset::{Disposition, Match};

use crate::Status;

/// One entry with what became of it: one line of the manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The place in the manifest, from 0: the order of the locations' bytes.
    pub seq: u64,
    /// The entry as the walk met it.
    pub entry: Entry,
    /// What became of it.
    pub status: Status,
    /// The rule that left it out; present when the status is `Excluded`.
    pub rule: Option<String>,
    /// Why it, or a part of it, was not read; present for every gap.
    pub problem: Option<Problem>,
    /// How many bytes of content were read, holes included.
    pub bytes_read: u64,
    /// The digests of the content: whole for `Read` and `Carried`, of what was read for `Changed`,
    /// else none.
    pub digests: Digests,
    /// The SHA-256 of the manifest of the examination that read the content; present when the
    /// status is `Carried`.
    pub carried_from: Option<Digest>,
    /// Every membership in the sets of the plan.
    pub matches: Vec<Match>,
}

impl Record {
    /// Returns a record of an entry that was not read.
    #[must_use]
    pub fn unread(seq: u64, entry: Entry, status: Status) -> Self {
        Self {
            seq,
            entry,
            status,
            rule: None,
            problem: None,
            bytes_read: 0,
            digests: Digests::new(),
            carried_from: None,
            matches: Vec::new(),
        }
    }

    /// Returns what is wrong with a record of a content that was read whole without a digest that
    /// the plan asks for: that no digest is in a manifest would prove nothing.
    pub(crate) fn lacks(&self, planned: Algorithms) -> Option<String> {
        let missing = |algorithm: &Algorithm| self.digests.get(*algorithm).is_none();
        let lacking = self.status.is_whole().then(|| planned.iter().find(missing)).flatten();
        lacking.map(|algorithm| {
            format!("its content was read whole, and its {algorithm} is not there")
        })
    }

    /// Says whether at least one match alerts.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        self.matches.iter().any(|found| found.disposition == Disposition::Alert)
    }

    /// Says whether it is a hit by bloom filters alone, which may be wrong.
    #[must_use]
    pub fn is_only_probable_hit(&self) -> bool {
        let certain =
            |found: &Match| found.disposition == Disposition::Alert && found.certainty.is_exact();
        self.is_hit() && !self.matches.iter().any(certain)
    }
}
