//! An exhibit that was opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_evidence::{Directory, Entry, Location, Problem};
use triage_fs::{LiveDirectory, LiveRoot, is_rotational, open_live};

use crate::outbox::Outbox;
use crate::walk::{Walk, WalkPlan};
use crate::{Batch, Error, Flow, Tally, Verdict};

/// An exhibit that was opened: here a live directory or a single file.
#[derive(Debug)]
pub struct Evidence {
    path: PathBuf,
    root: LiveRoot,
}

impl Evidence {
    /// Opens the evidence at a path that the operator typed.
    ///
    /// # Errors
    /// [`Error::Open`] if it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let root = open_live(path).map_err(|problem| Error::Open { problem })?;
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        Ok(Self { path, root })
    }

    /// Returns the absolute path of the evidence, with links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says whether the storage spins, as far as the kernel knows.
    #[must_use]
    pub fn is_rotational(&self) -> Option<bool> {
        let entry = self.directory().examine_self().ok()?;
        is_rotational(entry.id?.device)
    }

    /// Returns the entry of the root of the exhibit.
    ///
    /// # Errors
    /// A [`Problem`] if the file system would not tell.
    pub fn root_entry(&self) -> Result<Entry, Problem> {
        match &self.root {
            LiveRoot::Directory(directory) => directory.examine_self(),
            LiveRoot::File { parent, name } => {
                parent.examine(name, Location::from_path(name.clone()))
            }
        }
    }

    fn directory(&self) -> &Arc<LiveDirectory> {
        match &self.root {
            LiveRoot::Directory(directory) => directory,
            LiveRoot::File { parent, .. } => parent,
        }
    }

    /// Walks the exhibit and hands out everything met, in the order of the locations' bytes.
    /// Returns the walk's own count.
    pub fn walk(&self, plan: &WalkPlan, hand_out: &mut dyn FnMut(Batch) -> Flow) -> Tally {
        let next_seq = plan.resume.as_ref().map_or(0, |(_, next_seq)| *next_seq);
        let mut outbox = Outbox::new(hand_out, next_seq);
        let directory: Arc<dyn Directory> = Arc::clone(self.directory()) as _;
        match (&self.root, &plan.files) {
            (LiveRoot::Directory(_), None) => Walk::new(plan, &mut outbox).root(&directory),
            (LiveRoot::Directory(_), Some(files)) => {
                Walk::new(plan, &mut outbox).exactly(&directory, files);
            }
            (LiveRoot::File { name, .. }, _) => {
                let location = Location::from_path(name.clone());
                let done = plan.resume.as_ref().is_some_and(|(last, _)| location <= *last);
                if !done {
                    let (entry, verdict) = plan.judge(&directory, name, location);
                    outbox.put(&directory, entry, verdict);
                }
            }
        }
        outbox.flush();
        outbox.tally()
    }
}

impl WalkPlan {
    /// Examines one name and decides what is to be done with it, short of listing directories.
    pub(crate) fn judge(
        &self,
        directory: &Arc<dyn Directory>,
        name: &[u8],
        location: Location,
    ) -> (Entry, Verdict) {
        use triage_evidence::Kind;
        let rule = self.scope.excludes_path(location.path());
        let entry = match directory.examine(name, location.clone()) {
            Ok(entry) => entry,
            Err(problem) => {
                let entry = Entry::unexamined(location, Kind::Unknown);
                return (entry, Verdict::Unreadable(problem));
            }
        };
        if let Some(rule) = rule.or_else(|| self.scope.excludes_entry(&entry)) {
            return (entry, Verdict::Excluded { rule });
        }
        let limit = self.max_size_bytes.zip(entry.size_bytes).filter(|(limit, size)| size > limit);
        let verdict = match (entry.kind, limit) {
            (Kind::File, Some((limit_bytes, _))) => Verdict::TooLarge { limit_bytes },
            (Kind::File, None) => Verdict::Content,
            _ => Verdict::NotRegular,
        };
        (entry, verdict)
    }
}
