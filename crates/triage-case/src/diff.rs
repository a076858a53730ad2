//! What differs between two manifests: added, removed, changed, moved.

use std::collections::BTreeSet;

use triage_evidence::Kind;

use crate::moves::{content, pair_moved};
use crate::{Error, Record, Status, StoredManifest};

/// How many added and removed files are held to find moved ones; beyond it they are reported as
/// added and removed, and the comparison says so. About 1 KiB each.
const LIMIT_MOVES: usize = 200_000;

/// How one entry differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is only in the second manifest.
    Added,
    /// It is only in the first manifest.
    Removed,
    /// Its kind, size, content or reading differs; says what.
    Changed(&'static str),
    /// Only times, owner or mode differ; says what.
    Metadata(&'static str),
    /// The same content was at another location in the first manifest.
    Moved(Box<Record>),
    /// Nobody knows whether it differs, for that reason.
    Unknown(Unknown),
}

/// Why it is not known whether an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is only in the second manifest, and the first one did not list what is there: it may have
    /// been there all the time.
    NotListedBefore,
    /// It is only in the first manifest, and the second one did not list what is there.
    NotListedAfter,
    /// Neither examination read its content.
    NotRead,
    /// Both read its content, and there is no algorithm of which both have a digest.
    NoCommonAlgorithm,
}

impl Unknown {
    /// Returns the reason in words, as `diff` and `data/since.ndjson` state it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotListedBefore => "the first one did not list what is there",
            Self::NotListedAfter => "the second one did not list what is there",
            Self::NotRead => "neither of them read its content",
            Self::NoCommonAlgorithm => "they have no digest of the same algorithm",
        }
    }
}

/// One difference, with the record of the second manifest where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// How it differs.
    pub change: Change,
    /// The record.
    pub record: Record,
}

/// What a comparison says beside its differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many entries are the same.
    pub same: u64,
    /// Whether there were more files to pair than are held: some that moved may stand as removed
    /// and added.
    pub moves_cut: bool,
}

/// Compares two manifests, which are sorted, in one pass. Differences come in order of location,
/// then moved ones.
///
/// # Errors
/// [`Error`] if a manifest is damaged or not the sealed one, or the first error of `take`.
pub fn diff(
    before: StoredManifest,
    after: &StoredManifest,
    take: &mut dyn FnMut(Difference) -> Result<(), Error>,
) -> Result<Compared, Error> {
    let mut old = before.into_records();
    let mut merge = Merge::new(take);
    after.for_each_record(&mut |record, _| {
        while old.peek()?.is_some_and(|old| old.entry.location < record.entry.location) {
            if let Some(old) = old.take()? {
                merge.removed(old)?;
            }
        }
        merge.unlisted_after.note(&record);
        if old.peek()?.is_some_and(|old| old.entry.location == record.entry.location) {
            match old.take()? {
                Some(old) => merge.both(&old, record),
                None => Ok(()),
            }
        } else {
            merge.added(record)
        }
    })?;
    while let Some(old) = old.take()? {
        merge.removed(old)?;
    }
    merge.moves()
}

/// Directories and volumes of which not every name is known.
#[derive(Default)]
struct Unlisted(BTreeSet<Vec<u8>>);

impl Unlisted {
    fn note(&mut self, record: &Record) {
        let unlisted = match record.entry.kind {
            Kind::Directory => record.status.is_gap() || record.status == Status::Excluded,
            // A volume has a record of its own only if its files are not listed.
            Kind::Volume => true,
            _ => false,
        };
        if unlisted {
            self.0.insert(record.entry.location.path().to_vec());
        }
    }

    /// Says whether an entry lies below one of them. A directory comes before what is below it, so
    /// that all that matter have been noted.
    fn hides(&self, record: &Record) -> bool {
        let path = record.entry.location.path();
        let above = || path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        !self.0.is_empty()
            && !path.is_empty()
            && (self.0.contains(&[][..])
                || above().any(|(end, _)| self.0.contains(path.get(..end).unwrap_or_default())))
    }
}

struct Merge<'a> {
    compared: Compared,
    removed: Vec<Record>,
    added: Vec<Record>,
    unlisted_before: Unlisted,
    unlisted_after: Unlisted,
    take: &'a mut dyn FnMut(Difference) -> Result<(), Error>,
}

impl<'a> Merge<'a> {
    fn new(take: &'a mut dyn FnMut(Difference) -> Result<(), Error>) -> Self {
        Self {
            compared: Compared::default(),
            removed: Vec::new(),
            added: Vec::new(),
            unlisted_before: Unlisted::default(),
            unlisted_after: Unlisted::default(),
            take,
        }
    }

    fn removed(&mut self, record: Record) -> Result<(), Error> {
        self.unlisted_before.note(&record);
        let change = match self.unlisted_after.hides(&record) {
            true => Change::Unknown(Unknown::NotListedAfter),
            false if content(&record).is_some() && self.removed.len() < LIMIT_MOVES => {
                self.removed.push(record);
                return Ok(());
            }
            false => Change::Removed,
        };
        self.compared.moves_cut |= change == Change::Removed && content(&record).is_some();
        (self.take)(Difference { change, record })
    }

    fn added(&mut self, record: Record) -> Result<(), Error> {
        let change = match self.unlisted_before.hides(&record) {
            true => Change::Unknown(Unknown::NotListedBefore),
            false if content(&record).is_some() && self.added.len() < LIMIT_MOVES => {
                self.added.push(record);
                return Ok(());
            }
            false => Change::Added,
        };
        self.compared.moves_cut |= change == Change::Added && content(&record).is_some();
        (self.take)(Difference { change, record })
    }

    fn both(&mut self, old: &Record, record: Record) -> Result<(), Error> {
        self.unlisted_before.note(old);
        match record_difference(old, &record) {
            None => {
                self.compared.same += 1;
                Ok(())
            }
            Some(change) => (self.take)(Difference { change, record }),
        }
    }

    /// Pairs what was removed with what was added by content; the rest stays what it is.
    fn moves(self) -> Result<Compared, Error> {
        pair_moved(self.removed, self.added, self.take)?;
        Ok(self.compared)
    }
}

/// Returns the status that a comparison goes by: digests that were carried stand for the content as
/// well as those that were computed.
const fn examined(status: Status) -> Status {
    if status.is_whole() { Status::Read } else { status }
}

/// Returns how two records of one location differ, the weightiest difference first.
#[must_use]
pub fn record_difference(old: &Record, new: &Record) -> Option<Change> {
    let (a, b) = (&old.entry, &new.entry);
    let shared = || old.digests.iter().filter_map(|d| Some((d, new.digests.get(d.algorithm())?)));
    let sized =
        |entry: &triage_evidence::Entry| entry.size_bytes.filter(|_| entry.kind == Kind::File);
    let changed = if a.kind != b.kind {
        "kind"
    } else if sized(a) != sized(b) {
        "size"
    } else if shared().any(|(old, new)| *old != new) {
        "content"
    } else if a.target != b.target {
        "link target"
    } else if examined(old.status) != examined(new.status) {
        "status"
    } else if old.digests.is_empty() != new.digests.is_empty() {
        "reading"
    } else {
        if let Some(unknown) = unknown_content(old, new) {
            return Some(Change::Unknown(unknown));
        }
        let metadata = if a.times.modified != b.times.modified {
            "time of modification"
        } else if a.times.changed != b.times.changed {
            "time of inode change"
        } else if a.ownership != b.ownership {
            "owner or mode"
        } else {
            return None;
        };
        return Some(Change::Metadata(metadata));
    };
    Some(Change::Changed(changed))
}

/// Returns why it is not known whether two files of the same size hold the same, if it is not.
fn unknown_content(old: &Record, new: &Record) -> Option<Unknown> {
    // Of what was deleted and written over there is nothing to compare.
    let has_content = |record: &Record| {
        matches!(record.entry.kind, Kind::File | Kind::Volume)
            && record.entry.size_bytes != Some(0)
            && record.status != Status::Lost
    };
    if !has_content(old) || !has_content(new) {
        return None;
    }
    if old.digests.is_empty() && new.digests.is_empty() {
        return Some(Unknown::NotRead);
    }
    let is_common = old.digests.iter().any(|digest| new.digests.get(digest.algorithm()).is_some());
    (!is_common).then_some(Unknown::NoCommonAlgorithm)
}
