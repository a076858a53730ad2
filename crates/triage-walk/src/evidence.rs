//! An exhibit that was opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use triage_evidence::{ByteSource, Device, Directory, Entry, Kind, Location, Problem, ProblemKind};
use triage_fs::{LiveDirectory, LiveRoot, is_rotational, open_live};
use triage_image::{Image, open_image};
use triage_volume::holds_disk;

use crate::disk::{Disk, DiskDirectory};
use crate::outbox::Outbox;
use crate::walk::{Walk, WalkPlan};
use crate::{Batch, Error, Flow, Tally, Verdict};

/// What a path is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenAs {
    /// A disk if it is a block device, or a file that holds one by its signature or its name;
    /// otherwise files.
    #[default]
    Whatever,
    /// A directory, or a single file whatever it holds.
    Files,
    /// A disk, even if nothing in it is recognised.
    Disk,
}

/// An exhibit that was opened: a live directory, a single file, or a disk.
#[derive(Debug)]
pub struct Evidence {
    path: PathBuf,
    root: Root,
}

enum Root {
    Live(LiveRoot),
    Disk(Arc<Disk>, Image),
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Live(live) => live.fmt(f),
            Self::Disk(_, image) => image.fmt(f),
        }
    }
}

/// Opens the disk at a path, if it is to be taken for one.
pub(crate) fn open_disk(path: &Path, open_as: OpenAs) -> Result<Option<Image>, Problem> {
    let is_disk = |source: &dyn ByteSource| open_as == OpenAs::Disk || holds_disk(source);
    match open_as {
        OpenAs::Files => Ok(None),
        OpenAs::Whatever if !may_hold_disk(path) => Ok(None),
        OpenAs::Whatever | OpenAs::Disk => open_image(path, &is_disk),
    }
}

/// A pipe or a directory is not opened to look for a disk in it.
fn may_hold_disk(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    path.metadata().is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_file() || kind.is_block_device()
    })
}

impl Evidence {
    /// Opens the evidence at a path that the operator typed.
    ///
    /// # Errors
    /// [`Error::Open`] if it cannot be opened.
    pub fn open(path: &Path, open_as: OpenAs) -> Result<Self, Error> {
        let open = |problem| Error::Open { problem };
        let root = match open_disk(path, open_as).map_err(open)? {
            Some(image) => Root::Disk(Arc::new(Disk::open(&image)), image),
            None => Root::Live(open_live(path).map_err(open)?),
        };
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        Ok(Self { path, root })
    }

    /// Returns the absolute path of the evidence, with links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the disk, if the evidence is one.
    #[must_use]
    pub const fn image(&self) -> Option<&Image> {
        match &self.root {
            Root::Disk(_, image) => Some(image),
            Root::Live(_) => None,
        }
    }

    /// Says whether the storage spins, as far as the kernel knows.
    #[must_use]
    pub fn is_rotational(&self) -> Option<bool> {
        match &self.root {
            Root::Disk(_, image) if image.format == "device" => {
                Some(image.facts.pairs.get("device_rotational")? == "1")
            }
            _ => is_rotational(self.device()?),
        }
    }

    /// Returns a name of the storage that the evidence is read from, the same for all evidence on
    /// it: of a device its path, else the number of the device that holds the file system.
    #[must_use]
    pub fn storage(&self) -> Option<String> {
        match &self.root {
            Root::Disk(_, image) if image.format == "device" => {
                Some(triage_evidence::escape(self.path.as_os_str().as_encoded_bytes()))
            }
            _ => self.device().map(|device| device.to_string()),
        }
    }

    /// Says whether the storage is to be read as if it spins: it does, or nobody knows, and it is
    /// neither memory nor another computer.
    #[must_use]
    pub fn may_spin(&self) -> bool {
        self.is_rotational()
            .unwrap_or_else(|| self.holder().is_none_or(|holder| !holder.is_without_head()))
    }

    /// The directory of the operating system that is the evidence or holds it.
    fn holder(&self) -> Option<Arc<LiveDirectory>> {
        match &self.root {
            Root::Disk(..) => match open_live(&self.path).ok()? {
                LiveRoot::File { parent, .. } => Some(parent),
                LiveRoot::Directory(_) => None,
            },
            Root::Live(live) => Some(Arc::clone(live_directory(live))),
        }
    }

    /// The device of the file system that holds a folder, a file or an image.
    fn device(&self) -> Option<Device> {
        Some(self.holder()?.examine_self().ok()?.id?.device)
    }

    /// Returns the entry of the root of the exhibit.
    ///
    /// # Errors
    /// A [`Problem`] if the file system would not tell.
    pub fn root_entry(&self) -> Result<Entry, Problem> {
        match &self.root {
            Root::Live(LiveRoot::Directory(directory)) => directory.examine_self(),
            Root::Live(LiveRoot::File { parent, name }) => {
                parent.examine(name, Location::from_path(name.clone()))
            }
            Root::Disk(disk, _) => Ok(disk.root_entry().clone()),
        }
    }

    /// Walks the exhibit and hands out everything met, in the order of the locations' bytes.
    /// Returns the walk's own count.
    pub fn walk(&self, plan: &WalkPlan, hand_out: &mut dyn FnMut(Batch) -> Flow) -> Tally {
        let next_seq = plan.resume.as_ref().map_or(0, |(_, next_seq)| *next_seq);
        let mut outbox = Outbox::new(hand_out, next_seq);
        match &self.root {
            Root::Live(LiveRoot::Directory(directory)) => {
                let root: Arc<dyn Directory> = Arc::clone(directory) as _;
                walk_below(plan, &mut outbox, &root, false);
            }
            Root::Disk(disk, _) => {
                // Each walk finds out anew which directory it lists first.
                disk.forget_claims();
                let root: Arc<dyn Directory> = Arc::new(DiskDirectory(Arc::clone(disk)));
                walk_below(plan, &mut outbox, &root, true);
            }
            Root::Live(LiveRoot::File { parent, name }) => {
                let directory: Arc<dyn Directory> = Arc::clone(parent) as _;
                walk_file(plan, &mut outbox, &directory, name);
            }
        }
        outbox.flush();
        outbox.tally()
    }
}

/// Walks evidence that is a single file. Other locations that were asked for are not there.
fn walk_file(
    plan: &WalkPlan,
    outbox: &mut Outbox<'_>,
    directory: &Arc<dyn Directory>,
    name: &[u8],
) {
    let own = Location::from_path(name.to_vec());
    let asked = plan.files.as_deref().unwrap_or(std::slice::from_ref(&own));
    for location in asked {
        if !plan.hands_out(location) {
            continue;
        }
        let (entry, verdict) = if *location == own {
            plan.judge(directory, name, own.clone())
        } else {
            let problem = Problem::new(ProblemKind::Unreadable, "there is no such name");
            let entry = Entry::unexamined(location.clone(), Kind::Unknown);
            (entry, Verdict::Unreadable(problem.with_code("ENOENT")))
        };
        outbox.put(directory, entry, verdict);
    }
}

fn walk_below(
    plan: &WalkPlan,
    outbox: &mut Outbox<'_>,
    root: &Arc<dyn Directory>,
    walks_again: bool,
) {
    match &plan.files {
        None => Walk::new(plan, outbox, walks_again).root(root),
        Some(files) => Walk::new(plan, outbox, walks_again).exactly(root, files),
    }
}

const fn live_directory(live: &LiveRoot) -> &Arc<LiveDirectory> {
    match live {
        LiveRoot::Directory(directory) => directory,
        LiveRoot::File { parent, .. } => parent,
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
        use triage_evidence::Recovery;
        let rule = self.scope.excludes_path(&location.unmarked_path());
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
        if entry.kind == Kind::Volume {
            let verdict = match directory.open_stream(&entry) {
                Ok(_) => Verdict::Content,
                Err(problem) => Verdict::Unreadable(problem),
            };
            return (entry, verdict);
        }
        let verdict = match (entry.kind, limit) {
            _ if entry.recovery == Some(Recovery::Lost) => Verdict::Lost(None),
            (Kind::Unknown, _) => {
                let text = "the file system does not say what it is";
                Verdict::Unreadable(Problem::new(ProblemKind::Damaged, text))
            }
            (Kind::Space, _) => Verdict::Unallocated,
            (Kind::File, Some((limit_bytes, _))) => Verdict::TooLarge { limit_bytes },
            (Kind::File, None) => Verdict::Content,
            // Where a link leads is what it holds.
            (Kind::Symlink, _) => match directory.unread(&entry) {
                Some(problem) => Verdict::Unreadable(problem),
                None => Verdict::NotRegular,
            },
            _ => Verdict::NotRegular,
        };
        (entry, verdict)
    }
}
