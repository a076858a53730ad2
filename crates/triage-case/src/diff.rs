//! What differs between two manifests: added, removed, changed, moved.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use triage_evidence::Kind;
use triage_hash::Digest;

use crate::lines::for_each_record;
use crate::{Error, Record};

/// How many added and removed files are held to find moved ones; beyond it they are reported as
/// added and removed. About 1 KiB each.
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
}

/// One difference, with the record of the second manifest where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// How it differs.
    pub change: Change,
    /// The record.
    pub record: Record,
}

/// Compares two manifests, which are sorted, in one pass. Differences come in order of location,
/// then moved ones. Returns how many entries are the same.
///
/// # Errors
/// [`Error`] if a manifest is damaged, or the first error of `take`.
pub fn diff(
    before: &Path,
    after: &Path,
    take: &mut dyn FnMut(Difference) -> Result<(), Error>,
) -> Result<u64, Error> {
    let (to_left, left) = sync_channel::<Record>(4096);
    let before = before.to_path_buf();
    // The receiver belongs to the closure: if the comparison fails, it is dropped before the scope
    // waits for the reader, which would else wait for room for ever.
    std::thread::scope(move |scope| {
        let left = left;
        let reader = scope.spawn(move || {
            for_each_record(&before, &mut |record| {
                // The receiver hangs up only after an error of its own, which is the one told.
                to_left.send(record).map_err(|_| Error::Damaged {
                    document: "the first manifest".to_owned(),
                    reason: "the comparison ended before it".to_owned(),
                })
            })
        });
        let mut merge = Merge { same: 0, removed: Vec::new(), added: Vec::new(), take };
        let mut next = left.recv().ok();
        for_each_record(after, &mut |record| {
            while next.as_ref().is_some_and(|old| old.entry.location < record.entry.location) {
                if let Some(old) = next.take() {
                    merge.removed(old)?;
                }
                next = left.recv().ok();
            }
            if next.as_ref().is_some_and(|old| old.entry.location == record.entry.location) {
                if let Some(old) = next.take() {
                    merge.both(&old, record)?;
                }
                next = left.recv().ok();
                Ok(())
            } else {
                merge.added(record)
            }
        })?;
        while let Some(old) = next.take() {
            merge.removed(old)?;
            next = left.recv().ok();
        }
        reader.join().unwrap_or_else(|_| {
            let document = "the first manifest".to_owned();
            Err(Error::Damaged { document, reason: "its reader failed".to_owned() })
        })?;
        merge.moves()
    })
}

struct Merge<'a> {
    same: u64,
    removed: Vec<Record>,
    added: Vec<Record>,
    take: &'a mut dyn FnMut(Difference) -> Result<(), Error>,
}

impl Merge<'_> {
    fn removed(&mut self, record: Record) -> Result<(), Error> {
        if can_move(&record) && self.removed.len() < LIMIT_MOVES {
            self.removed.push(record);
            return Ok(());
        }
        (self.take)(Difference { change: Change::Removed, record })
    }

    fn added(&mut self, record: Record) -> Result<(), Error> {
        if can_move(&record) && self.added.len() < LIMIT_MOVES {
            self.added.push(record);
            return Ok(());
        }
        (self.take)(Difference { change: Change::Added, record })
    }

    fn both(&mut self, old: &Record, record: Record) -> Result<(), Error> {
        match record_difference(old, &record) {
            None => {
                self.same += 1;
                Ok(())
            }
            Some(change) => (self.take)(Difference { change, record }),
        }
    }

    /// Pairs what was removed with what was added by content; the rest stays what it is.
    fn moves(self) -> Result<u64, Error> {
        let mut by_content: HashMap<Digest, Vec<Record>> = HashMap::new();
        for record in self.removed.into_iter().rev() {
            if let Some(digest) = strongest(&record) {
                by_content.entry(digest).or_default().push(record);
            }
        }
        for record in self.added {
            let from = strongest(&record).and_then(|digest| by_content.get_mut(&digest)?.pop());
            let change = from.map_or(Change::Added, |old| Change::Moved(Box::new(old)));
            (self.take)(Difference { change, record })?;
        }
        let mut left: Vec<Record> = by_content.into_values().flatten().collect();
        left.sort_unstable_by(|a, b| a.entry.location.cmp(&b.entry.location));
        for record in left {
            (self.take)(Difference { change: Change::Removed, record })?;
        }
        Ok(self.same)
    }
}

fn can_move(record: &Record) -> bool {
    record.entry.kind == Kind::File
        && record.entry.size_bytes != Some(0)
        && strongest(record).is_some()
}

/// Returns the strongest digest of a record.
fn strongest(record: &Record) -> Option<Digest> {
    use triage_hash::Algorithm as A;
    [A::Sha256, A::Sha512, A::Blake3, A::Sha3_256, A::Sha1, A::Md5]
        .into_iter()
        .find_map(|algorithm| record.digests.get(algorithm))
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
    } else if old.status != new.status {
        "status"
    } else if old.digests.is_empty() != new.digests.is_empty() {
        "reading"
    } else {
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
