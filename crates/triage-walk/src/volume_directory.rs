//! A directory of a volume as a directory of a walk.

use std::sync::{Arc, OnceLock};

use triage_evidence::{Directory, Entry, FileId, Listing, Location, Problem, ProblemKind, Stream};

use crate::disk::{Disk, DiskDirectory, is_missing};
use crate::volume::{Place, Volume};
use crate::volume_children::Children;

/// The way down from the root of the volume.
struct Step {
    place: Place,
    is_deleted: bool,
    above: Option<Arc<Self>>,
}

/// A directory of a volume.
pub(crate) struct VolumeDirectory {
    disk: Arc<Disk>,
    volume: Arc<Volume>,
    here: Arc<Step>,
    /// Made when it is first asked for: a directory may be opened only to be left.
    children: OnceLock<Children>,
}

impl VolumeDirectory {
    /// Returns the root directory of a volume.
    pub(crate) fn root(disk: Arc<Disk>, volume: Arc<Volume>) -> Self {
        let place = Place::Node(volume.files.root());
        Self::new(disk, volume, Arc::new(Step { place, is_deleted: false, above: None }))
    }

    fn new(disk: Arc<Disk>, volume: Arc<Volume>, here: Arc<Step>) -> Self {
        Self { disk, volume, here, children: OnceLock::new() }
    }

    fn children(&self) -> &Children {
        let list = || Children::list(&self.volume, self.here.place, self.here.is_deleted);
        self.children.get_or_init(list)
    }
}

impl Directory for VolumeDirectory {
    fn list(&self) -> Listing {
        let (names, problem) = self.children().names();
        let is_root = self.here.above.is_none();
        let missing = || self.volume.files.facts().problems.iter().find(|note| is_missing(note));
        let problem = problem.or_else(|| missing().filter(|_| is_root).cloned());
        Listing { names, problem }
    }

    fn examine(&self, name: &[u8], location: Location) -> Result<Entry, Problem> {
        self.children().examine(&self.volume, name, location)
    }

    fn is_listed_before(&self, entry: &Entry) -> bool {
        entry.id.is_some_and(|id| !self.volume.claim(id, &entry.location))
    }

    fn unread(&self, entry: &Entry) -> Option<Problem> {
        self.children().unread(entry.location.name())
    }

    fn open_directory(&self, entry: &Entry) -> Result<Arc<dyn Directory>, Problem> {
        let step = Step {
            place: self.children().place(entry.location.name())?,
            is_deleted: entry.recovery.is_some(),
            above: Some(Arc::clone(&self.here)),
        };
        let (disk, volume) = (Arc::clone(&self.disk), Arc::clone(&self.volume));
        Ok(Arc::new(Self::new(disk, volume, Arc::new(step))))
    }

    fn open_parent(&self, expected: FileId) -> Result<Arc<dyn Directory>, Problem> {
        let (disk, volume) = (Arc::clone(&self.disk), Arc::clone(&self.volume));
        match &self.here.above {
            Some(above) if self.volume.id_of_place(above.place) == expected => {
                Ok(Arc::new(Self::new(disk, volume, Arc::clone(above))))
            }
            Some(_) => {
                let text = "the directory above is another one";
                Err(Problem::new(ProblemKind::Internal, text))
            }
            None => Ok(Arc::new(DiskDirectory(disk))),
        }
    }

    fn open_stream(&self, entry: &Entry) -> Result<Box<dyn Stream>, Problem> {
        let (node, stream) = self.children().content(entry.location.name())?;
        self.volume.files.open(node, stream)
    }
}
