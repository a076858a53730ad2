//! A walk of exactly the given locations.

use std::sync::Arc;

use triage_evidence::{Directory, Entry, Kind, Location, Problem, ProblemKind};

use crate::walk::Walk;
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
    /// [`Error::OutsideLocation`] for an empty, absolute or climbing path.
    pub fn set_files(&mut self, mut files: Vec<Location>) -> Result<(), Error> {
        for location in &files {
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
