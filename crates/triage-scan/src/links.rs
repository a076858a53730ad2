//! Hard links: the content behind several names is read once.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};

use triage_evidence::{Entry, FileId};

use crate::content::Content;

/// How many contents are kept for further names. A file whose content was forgotten is read
/// again, so the bound costs time and never a digest. About 0.5 KiB each.
const LIMIT_KEPT: usize = 131_072;

/// What is known of a file with several names.
enum Known {
    /// Some thread is reading it now.
    BeingRead,
    /// It was read: what it was then, what came of it, how many names are still to come.
    Done { examined: Box<Entry>, content: Box<Content>, names_left: u64 },
}

/// The contents of files with several names.
#[derive(Default)]
pub(crate) struct Links {
    files: Mutex<HashMap<FileId, Known>>,
    done: Condvar,
}

impl Links {
    /// Returns the content read under another name, or `None` when the caller must read it and
    /// then call [`Links::publish`] or [`Links::give_back`]. Waits while another thread reads it.
    pub(crate) fn claim(&self, entry: &Entry, id: FileId) -> Option<Content> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match files.get_mut(&id) {
                None => {
                    files.insert(id, Known::BeingRead);
                    return None;
                }
                Some(Known::BeingRead) => {
                    files = self.done.wait(files).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Known::Done { examined, content, names_left }) => {
                    if !is_same_state(examined, entry) {
                        files.insert(id, Known::BeingRead);
                        return None;
                    }
                    let content = Content::clone(content);
                    *names_left = names_left.saturating_sub(1);
                    if *names_left == 0 {
                        files.remove(&id);
                    }
                    return Some(content);
                }
            }
        }
    }

    /// Gives the content to the other names and wakes those that wait for it.
    pub(crate) fn publish(&self, entry: &Entry, id: FileId, content: &Content) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let names_left = entry.links.unwrap_or(1).saturating_sub(1);
        if names_left == 0 || files.len() > LIMIT_KEPT {
            files.remove(&id);
        } else {
            let (examined, content) = (Box::new(entry.clone()), Box::new(content.clone()));
            files.insert(id, Known::Done { examined, content, names_left });
        }
        self.done.notify_all();
    }

    /// Gives a claim back: the content was not read, because the run ends. Whoever waits for it
    /// finds that out for itself.
    pub(crate) fn give_back(&self, id: FileId) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(files.get(&id), Some(Known::BeingRead)) {
            files.remove(&id);
        }
        self.done.notify_all();
    }
}

/// Says whether two examinations saw the same state of the content.
fn is_same_state(a: &Entry, b: &Entry) -> bool {
    a.size_bytes == b.size_bytes
        && a.times.modified == b.times.modified
        && a.times.changed == b.times.changed
}

#[cfg(test)]
mod tests {
    use triage_evidence::{Device, Kind, Location, Problem, ProblemKind};

    use super::*;

    #[test]
    fn a_claim_given_back_is_taken_by_the_next_name() {
        let id = FileId { device: Device { major: 1, minor: 0 }, inode: 7 };
        let mut entry = Entry::unexamined(Location::from_path(b"a".to_vec()), Kind::File);
        entry.links = Some(3);
        let links = Links::default();
        assert!(links.claim(&entry, id).is_none());
        links.give_back(id);
        assert!(links.claim(&entry, id).is_none(), "nobody has read it");
        let failed = Content::failed(Problem::new(ProblemKind::Unreadable, "bad sector"));
        links.publish(&entry, id, &failed);
        links.give_back(id);
        assert!(links.claim(&entry, id).is_some(), "what was read stays");
    }
}
