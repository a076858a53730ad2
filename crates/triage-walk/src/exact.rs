//! A walk of exactly the given locations.

use std::sync::Arc;

use triage_evidence::{Directory, Entry, Kind, Location, Problem, ProblemKind};

use crate::walk::{Walk, listed_verdict};
use crate::{Error, Flow, Verdict, WalkPlan};

impl Walk<'_, '_> {
    /// Meets each of the locations, which are sorted and without doubles. Each is opened name by
    /// name from the root, following no link; one that cannot be is a problem of its own.
    pub(crate) fn exactly(self, root: &Arc<dyn Directory>, files: &[Location]) {
        let (plan, outbox) = self.into_parts();
        let mut held: Option<(Vec<u8>, Arc<dyn Directory>)> = None;
        for location in files {
            if !plan.hands_out(location) {
                continue;
            }
            match outbox.flow() {
                Flow::Abort => return,
                Flow::Stop => {
                    let entry = Entry::unexamined(location.clone(), Kind::Unknown);
                    outbox.put(root, entry, Verdict::NotReached);
                    continue;
                }
                Flow::Continue => {}
            }
            if location.is_root() {
                let (entry, verdict) = exact_root(root);
                outbox.put(root, entry, verdict);
                continue;
            }
            let name = location.name();
            let path = location.path();
            let above = path.get(..path.len().saturating_sub(name.len() + 1)).unwrap_or_default();
            let parent = match &held {
                Some((known, directory)) if known == above => Ok(Arc::clone(directory)),
                _ => open_from(root, above),
            };
            match parent {
                Ok(directory) => {
                    let (entry, verdict) = plan.judge(&directory, name, location.clone());
                    let verdict = if_listed(&directory, &entry, verdict);
                    outbox.put(&directory, entry, verdict);
                    held = Some((above.to_vec(), directory));
                }
                Err(problem) => {
                    let entry = Entry::unexamined(location.clone(), Kind::Unknown);
                    outbox.put(root, entry, Verdict::Unreadable(problem));
                }
            }
        }
    }
}

impl WalkPlan {
    /// Takes the locations to read instead of a walk, in any order.
    ///
    /// # Errors
    /// [`Error::OutsideLocation`] for an absolute or climbing path.
    pub fn set_files(&mut self, mut files: Vec<Location>) -> Result<(), Error> {
        for location in files.iter().filter(|location| !location.is_root()) {
            let climbs = location
                .path()
                .split(|&byte| byte == b'/')
                .any(|name| name.is_empty() || name == b"." || name == b"..");
            if climbs {
                return Err(Error::OutsideLocation { location: location.to_text() });
            }
        }
        files.sort_unstable();
        files.dedup();
        self.files = Some(files);
        Ok(())
    }
}

/// Describes the root of the exhibit as a walk of everything does.
fn exact_root(root: &Arc<dyn Directory>) -> (Entry, Verdict) {
    let unexamined = || Entry::unexamined(Location::root(), Kind::Directory);
    let entry = root.examine(b".", Location::root()).unwrap_or_else(|_| unexamined());
    let listing = root.list();
    let verdict = listed_verdict(listing.problem, listing.names.is_empty());
    (entry, verdict)
}

/// A directory is listed, as in a walk of everything: whether its names can be told belongs to its
/// record, although none of them is met here.
fn if_listed(above: &Arc<dyn Directory>, entry: &Entry, verdict: Verdict) -> Verdict {
    if entry.kind != Kind::Directory || verdict != Verdict::NotRegular {
        return verdict;
    }
    match above.open_directory(entry) {
        Ok(directory) => match directory.volume_kind() {
            Some(name) => Verdict::Excluded { rule: format!("pseudo-file-system:{name}") },
            None => {
                let listing = directory.list();
                listed_verdict(listing.problem, listing.names.is_empty())
            }
        },
        Err(problem) => Verdict::Unreadable(problem),
    }
}

fn open_from(root: &Arc<dyn Directory>, path: &[u8]) -> Result<Arc<dyn Directory>, Problem> {
    let mut directory = Arc::clone(root);
    let mut at = Location::root();
    for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        at = at.child(name);
        let entry = directory.examine(name, at.clone())?;
        if entry.kind != Kind::Directory {
            let text = format!("its path leads through a {}, which is not followed", entry.kind);
            return Err(Problem::new(ProblemKind::Unreadable, text).with_code("ENOTDIR"));
        }
        directory = directory.open_directory(&entry)?;
    }
    Ok(directory)
}
