//! The names of one directory of a volume, streams and deleted names among them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use triage_evidence::{
    Entry, Facts, FileId, Kind, Location, NameState, Names, Node, NodeId, NodeName, NodeNames,
    ORPHANS, Problem, ProblemKind, Recovery, UNALLOCATED, deleted_name, doubled_name, plain_name,
    stream_name,
};

use crate::volume::{Place, Volume};

/// The bytes of a volume behind the end of its file system.
const BEHIND: &[u8] = b"\0behind-file-system";

/// What a name of a directory stands for.
enum What {
    /// A node of the file system, or what could not be learnt of it.
    Node { facts: Arc<Result<Node, Problem>>, kind: Kind },
    /// The stream at that place beside the content of a node.
    Stream { facts: Arc<Result<Node, Problem>>, place: usize },
    /// The directory of orphans.
    Orphans,
    /// Bytes that belong to no file.
    Space(Result<u64, Problem>),
}

/// One name.
struct Child {
    name: Vec<u8>,
    node: NodeId,
    is_deleted: bool,
    what: What,
}

/// The names of one directory.
#[derive(Default)]
pub(crate) struct Children {
    /// Sorted by name; no two are the same.
    sorted: Vec<Child>,
    problem: Option<Problem>,
    /// Where a walk and whoever opens contents last found a name: the next one is asked for next.
    examined: AtomicUsize,
    opened: AtomicUsize,
}

impl Children {
    /// Lists a directory. What lies in a deleted one is deleted.
    pub(crate) fn list(volume: &Volume, place: Place, in_deleted: bool) -> Self {
        let found = match place {
            Place::Node(node) => volume.files.list(node),
            Place::Orphans => volume.files.orphans(),
        };
        // Nearly no directory has a name twice: it is asked for only once that was seen.
        let mut listing = Adding { volume, names: None, children: Vec::new() };
        let mut sorted = listing.all(place, &found.names, in_deleted);
        if sorted.windows(2).any(|pair| pair[0].name == pair[1].name) {
            listing.names = Some(HashMap::new());
            sorted = listing.all(place, &found.names, in_deleted);
        }
        Self { sorted, problem: found.problem, ..Self::default() }
    }

    /// Returns the names for a walk.
    pub(crate) fn names(&self) -> (Names, Option<Problem>) {
        let mut names = Names::default();
        let mut problem = self.problem.clone();
        for child in &self.sorted {
            if !names.push(&child.name, child.kind()) {
                let text = "a name is longer than 65,535 bytes, or all together than 4 GiB";
                let limit = || Problem::new(ProblemKind::LimitReached, text);
                problem = problem.or_else(|| Some(limit()));
            }
        }
        (names, problem)
    }

    /// Finds a name, first where the last one was found and behind it.
    fn find(&self, name: &[u8], last: &AtomicUsize) -> Result<&Child, Problem> {
        let near = last.load(Ordering::Relaxed);
        for place in [near, near.saturating_add(1)] {
            if let Some(child) = self.sorted.get(place).filter(|child| *child.name == *name) {
                last.store(place, Ordering::Relaxed);
                return Ok(child);
            }
        }
        let found = self.sorted.binary_search_by(|child| (*child.name).cmp(name)).ok();
        let child = found.and_then(|place| {
            last.store(place, Ordering::Relaxed);
            self.sorted.get(place)
        });
        child.ok_or_else(|| {
            Problem::new(ProblemKind::Unreadable, "there is no such name").with_code("ENOENT")
        })
    }

    /// Tells everything about a name.
    ///
    /// # Errors
    /// A [`Problem`] if its node cannot be read.
    pub(crate) fn examine(
        &self,
        volume: &Volume,
        name: &[u8],
        location: Location,
    ) -> Result<Entry, Problem> {
        self.find(name, &self.examined)?.entry(volume, location)
    }

    /// Returns why the content of a name will not be read, if that is known already.
    pub(crate) fn unread(&self, name: &[u8]) -> Option<Problem> {
        match &self.find(name, &self.examined).ok()?.what {
            What::Node { facts, .. } => (**facts).as_ref().ok()?.unread.clone(),
            What::Stream { .. } | What::Orphans | What::Space(_) => None,
        }
    }

    /// Returns what a name leads down to.
    ///
    /// # Errors
    /// A [`Problem`] if there is no such name, or if it is no directory.
    pub(crate) fn place(&self, name: &[u8]) -> Result<Place, Problem> {
        let child = self.find(name, &self.examined)?;
        match &child.what {
            What::Orphans => Ok(Place::Orphans),
            What::Node { kind: Kind::Directory, .. } => Ok(Place::Node(child.node)),
            _ => Err(Problem::new(ProblemKind::Unsupported, "it is no directory")),
        }
    }

    /// Returns the node and the stream that a name stands for, and whether it is deleted.
    ///
    /// # Errors
    /// A [`Problem`] if there is no such name, or nothing to open behind it.
    pub(crate) fn content(&self, name: &[u8]) -> Result<(NodeId, Option<&[u8]>), Problem> {
        let child = self.find(name, &self.opened)?;
        match &child.what {
            What::Node { .. } => Ok((child.node, None)),
            What::Stream { facts, place } => {
                let node = (**facts).as_ref().map_err(Problem::clone)?;
                let stream = node.streams.get(*place);
                Ok((child.node, Some(stream.map_or(&[][..], |stream| &stream.name))))
            }
            What::Orphans | What::Space(_) => {
                Err(Problem::new(ProblemKind::Unsupported, "only a file has content"))
            }
        }
    }
}

/// A directory that is being listed.
struct Adding<'a> {
    volume: &'a Volume,
    /// How many entries have a name so far; `None` as long as no name is known to be double.
    names: Option<HashMap<Vec<u8>, usize>>,
    children: Vec<Child>,
}

impl Adding<'_> {
    /// Lists everything, sorted by name.
    fn all(&mut self, place: Place, names: &[NodeName], in_deleted: bool) -> Vec<Child> {
        self.children.reserve(names.len());
        for name in names {
            self.add(name, in_deleted);
        }
        if place == Place::Node(self.volume.files.root()) {
            self.add_root();
        }
        let mut sorted = std::mem::take(&mut self.children);
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        sorted
    }

    fn add(&mut self, found: &NodeName, in_deleted: bool) {
        let is_deleted = in_deleted || found.state != NameState::Allocated;
        let plain = plain_name(&found.name);
        let name = match is_deleted {
            true => deleted_name(&plain, &self.volume.files.node_text(found.node)),
            false => plain.into_owned(),
        };
        let name = self.single(name);
        let mut facts = match found.state {
            NameState::Reallocated => Err(taken()),
            _ => self.volume.files.examine(found.node),
        };
        // The node exists: it has another name by now, and this one leads to nothing of its own.
        if is_deleted && facts.as_ref().is_ok_and(|node| node.recovery.is_none()) {
            facts = Err(taken());
        }
        let kind = match &facts {
            Ok(node) => node.kind,
            // Nothing is listed below a directory that is known by its name only.
            Err(_) if is_deleted => Kind::File,
            Err(_) => found.kind,
        };
        let streams = facts.as_ref().map_or(0, |node| node.streams.len());
        let facts = Arc::new(facts);
        for place in 0..streams {
            let Ok(node) = &*facts else { break };
            let stream = node.streams.get(place).map_or(&[][..], |stream| &stream.name);
            let name = self.single(stream_name(&name, stream));
            let what = What::Stream { facts: Arc::clone(&facts), place };
            self.children.push(Child { name, node: found.node, is_deleted, what });
        }
        let what = What::Node { facts, kind };
        self.children.push(Child { name, node: found.node, is_deleted, what });
    }

    /// Adds what a volume has beside its root directory.
    fn add_root(&mut self) {
        let files = &self.volume.files;
        let NodeNames { names, problem } = files.orphans();
        if !names.is_empty() || problem.is_some() {
            self.add_own(ORPHANS, What::Orphans);
        }
        self.add_own(UNALLOCATED, What::Space(files.unallocated_bytes()));
        let size_bytes = files.facts().size_bytes;
        let behind = self.volume.size_bytes.saturating_sub(size_bytes);
        if behind > 0 {
            self.add_own(BEHIND, What::Space(Ok(behind)));
        }
    }

    fn add_own(&mut self, name: &[u8], what: What) {
        let node = self.volume.files.root();
        self.children.push(Child { name: name.to_vec(), node, is_deleted: false, what });
    }

    /// Returns a name that no other entry of the directory has.
    fn single(&mut self, name: Vec<u8>) -> Vec<u8> {
        let Some(names) = &mut self.names else { return name };
        let mut copy = match names.get_mut(&name) {
            None => {
                names.insert(name.clone(), 1);
                return name;
            }
            Some(count) => {
                *count += 1;
                *count
            }
        };
        loop {
            let other = doubled_name(&name, copy);
            if names.insert(other.clone(), 1).is_none() {
                return other;
            }
            copy += 1;
        }
    }
}

fn taken() -> Problem {
    Problem::new(ProblemKind::Damaged, "what the deleted name stood for belongs to others by now")
}

impl Child {
    fn kind(&self) -> Kind {
        match &self.what {
            What::Node { kind, .. } => *kind,
            What::Stream { .. } => Kind::File,
            What::Orphans => Kind::Directory,
            What::Space(_) => Kind::Space,
        }
    }

    fn entry(&self, volume: &Volume, location: Location) -> Result<Entry, Problem> {
        let mut entry = Entry::unexamined(location, self.kind());
        match &self.what {
            What::Space(size_bytes) => entry.size_bytes = Some(size_bytes.clone()?),
            What::Orphans => {
                entry.id = Some(volume.id_of_place(Place::Orphans));
                let text = "deleted or lost files that no directory lists";
                let pairs = [("not_a_directory".to_owned(), text.to_owned())];
                let (pairs, notes) = (pairs.into_iter().collect(), Vec::new());
                entry.facts = Some(Box::new(Facts { pairs, notes }));
            }
            What::Node { facts, .. } => match &**facts {
                Ok(node) => self.describe(volume.id_of(self.node), node, &mut entry),
                Err(_) if self.is_deleted => entry.recovery = Some(Recovery::Lost),
                Err(problem) => return Err(problem.clone()),
            },
            What::Stream { facts, place } => {
                let node = (**facts).as_ref().map_err(Problem::clone)?;
                self.describe(volume.id_of(self.node), node, &mut entry);
                let stream = node.streams.get(*place);
                if let Some(bytes) = stream.and_then(|stream| self.bad_bytes(volume, &stream.name))
                {
                    entry.kind = Kind::Space;
                    entry.size_bytes = Some(bytes);
                    return Ok(entry);
                }
                entry.size_bytes = stream.map(|stream| stream.size_bytes);
                entry.allocated_bytes = stream.and_then(|stream| stream.allocated_bytes);
                // Content is read once for all names of a file; this is not its content.
                entry.links = None;
                entry.target = None;
                entry.node = None;
            }
        }
        Ok(entry)
    }

    /// The stream of NTFS that lists the bad clusters is as long as the volume and has no content:
    /// what it holds are the bytes of the bad clusters.
    fn bad_bytes(&self, volume: &Volume, stream: &[u8]) -> Option<u64> {
        /// The number of `$BadClus`.
        const BAD_CLUSTERS: u64 = 8;
        let is_list = stream == b"$Bad"
            && volume.files.facts().file_system == "ntfs"
            && volume.files.inode(self.node) == BAD_CLUSTERS;
        let runs = is_list.then(|| volume.files.runs(self.node, Some(stream)).ok())??;
        Some(runs.iter().filter(|run| run.start.is_some()).map(|run| run.size_bytes).sum())
    }

    fn describe(&self, id: FileId, node: &Node, entry: &mut Entry) {
        let sized = matches!(node.kind, Kind::File | Kind::Symlink);
        entry.size_bytes = node.size_bytes.filter(|_| sized);
        entry.allocated_bytes = node.allocated_bytes.filter(|_| node.kind == Kind::File);
        entry.times = node.times;
        entry.name_times = node.name_times;
        entry.id = Some(id);
        entry.links = node.links;
        entry.ownership = node.ownership;
        entry.target.clone_from(&node.target);
        entry.node = node.device;
        // A deleted directory may still have names to give, whatever became of its content.
        entry.recovery = match node.recovery {
            Some(Recovery::Lost) if node.kind == Kind::Directory => Some(Recovery::Guess),
            recovery => recovery,
        };
        if self.is_deleted {
            entry.recovery = entry.recovery.or(Some(Recovery::Guess));
            entry.links = None;
        }
    }
}
