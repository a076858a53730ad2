//! The names of a directory: those of its index, completed by the records that name it as their
//! parent, and the deleted ones.
//!
//! A directory is listed below one directory only, the one that its own record names: an index
//! that says otherwise cannot make a walk go in circles.

use std::collections::HashSet;

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames, Problem, ProblemKind};

use super::Ntfs;
use super::file::File;
use super::index::{Index, IndexName, UNKNOWN};
use super::record::{Reference, sequence_before};
use super::table::{Link, State};

/// Lists a directory, allocated or deleted.
pub(super) fn list(ntfs: &Ntfs, directory: Reference) -> NodeNames {
    let Ok(number) = u32::try_from(directory.number()) else {
        return failed(super::damaged("there is no record of that number"));
    };
    let table = ntfs.table();
    let (index, problem) = match ntfs.load(directory) {
        Ok(file) if file.is_directory => {
            let mut index = Index::read(ntfs.volume(), &file);
            let problem = index.problem.take().or(file.problem.filter(|_| file.is_in_use));
            (index, problem)
        }
        Ok(_) => {
            let text = "only a directory has names";
            return failed(Problem::new(ProblemKind::Unsupported, text));
        }
        Err(problem) if table.state(number).is_damaged() => (Index::default(), Some(problem)),
        Err(problem) => return failed(problem),
    };
    let (names, seen) = (Vec::new(), HashSet::new());
    let mut listing = Listing { ntfs, number, names, seen, problem };
    listing.live(&index.names);
    listing.complete();
    listing.slack(&index.names);
    NodeNames { names: listing.names, problem: listing.problem }
}

fn failed(problem: Problem) -> NodeNames {
    NodeNames { names: Vec::new(), problem: Some(problem) }
}

/// A directory that is being listed.
struct Listing<'a> {
    ntfs: &'a Ntfs,
    number: u32,
    names: Vec<NodeName>,
    /// File and name of what was listed; filled only when it is asked for.
    seen: HashSet<(u64, Vec<u8>)>,
    /// Why names may be missing.
    problem: Option<Problem>,
}

impl Listing<'_> {
    /// Lists the names that the index holds, short ones that stand beside a long one left out.
    fn live(&mut self, index: &[IndexName]) {
        let live = || index.iter().filter(|name| name.is_live);
        let mut long: Vec<_> = live().filter(|name| !name.is_short).map(|n| n.file).collect();
        long.sort_unstable();
        self.names.reserve(long.len());
        for name in live() {
            if name.is_short && long.binary_search(&name.file).is_ok() {
                continue;
            }
            if let Some(state) = self.state(name.file) {
                self.names.push(NodeName {
                    name: name.name.clone(),
                    node: NodeId(name.file.0),
                    kind: self.kind(name.file, name.kind),
                    state,
                });
            }
        }
    }

    /// Judges a name that the index holds; `None` if the record itself is to be listed instead.
    fn state(&self, file: Reference) -> Option<NameState> {
        let Ok(child) = u32::try_from(file.number()) else {
            return Some(NameState::Allocated);
        };
        let table = self.ntfs.table();
        let state: State = table.state(child);
        let same = state.sequence() == file.sequence();
        let before = sequence_before(state.sequence()) == file.sequence();
        if state.is_damaged() {
            let is_own = self.ntfs.adopter(child) == Some(self.number);
            let is_listed = is_own || !state.is_directory();
            return Some(if is_listed { NameState::Allocated } else { NameState::Reallocated });
        }
        if state.is_file() && same {
            let is_own = !state.is_directory() || table.holds(self.number, child);
            return Some(if is_own { NameState::Allocated } else { NameState::Reallocated });
        }
        if state.is_base() && !state.is_in_use() && (same || before) {
            // The record was freed and the name was left: the record says what there is.
            let is_held = table.holds(self.number, child);
            return (!is_held).then_some(NameState::Reallocated);
        }
        // Examining it will tell that the record is not the one that is named.
        Some(NameState::Allocated)
    }

    /// A junction that hides files is walked as the directory that it is.
    fn kind(&self, file: Reference, kind: Kind) -> Kind {
        let hides = kind == Kind::Symlink && self.ntfs.has_children(file);
        if hides { Kind::Directory } else { kind }
    }

    /// Lists what the index does not hold although the records name this directory: what the
    /// index lost, and what was deleted.
    fn complete(&mut self) {
        let table = self.ntfs.table();
        let mut listed: Vec<_> = self.names.iter().map(|n| Reference(n.node.0).number()).collect();
        listed.sort_unstable();
        for links in table.children(self.number).chunk_by(|a, b| a.child == b.child) {
            let Some(&Link { child, .. }) = links.first() else {
                continue;
            };
            let from = listed.partition_point(|&number| number < u64::from(child));
            let same = listed.get(from..).unwrap_or_default();
            let count = same.partition_point(|&number| number == u64::from(child));
            if !table.state(child).is_in_use() || count != links.len() {
                self.add(child);
            }
        }
    }

    /// Lists the names of a file that are not listed yet.
    fn add(&mut self, child: u32) {
        let file = match File::load(&self.ntfs.mft, u64::from(child)) {
            Ok(file) => file,
            // It could be read when the table was made.
            Err(problem) => {
                self.problem.get_or_insert(problem);
                return;
            }
        };
        self.remember();
        let state = if file.is_in_use { NameState::Allocated } else { NameState::Deleted };
        for name in file.names() {
            let key = (file.reference.number(), name.wtf8());
            if name.parent.number() != u64::from(self.number) || self.seen.contains(&key) {
                continue;
            }
            self.names.push(NodeName {
                name: key.1.clone(),
                node: NodeId(file.reference.0),
                kind: self.kind(file.reference, kind(&file, name.kind())),
                state,
            });
            self.seen.insert(key);
        }
    }

    fn remember(&mut self) {
        if self.seen.is_empty() {
            let key = |name: &NodeName| (Reference(name.node.0).number(), name.name.clone());
            self.seen = self.names.iter().map(key).collect();
        }
    }

    /// Lists the names that lie in slack. Their files have other names by now, or none, or belong
    /// to others: such a name has no content of its own.
    fn slack(&mut self, index: &[IndexName]) {
        let slack = || index.iter().filter(|name| !name.is_live);
        if slack().next().is_none() {
            return;
        }
        self.remember();
        let known: HashSet<_> = slack()
            .filter(|name| name.file != UNKNOWN)
            .map(|name| name.name.clone())
            .chain(self.names.iter().map(|name| name.name.clone()))
            .collect();
        let long: HashSet<_> = slack().filter(|name| !name.is_short).map(|n| n.file).collect();
        for name in slack() {
            let has_long = long.contains(&name.file) || self.is_listed(name.file);
            if name.is_short && (has_long || name.file == UNKNOWN) {
                continue;
            }
            if name.file == UNKNOWN && known.contains(&name.name) {
                continue;
            }
            if self.seen.insert((name.file.number(), name.name.clone())) {
                self.names.push(NodeName {
                    name: name.name.clone(),
                    node: NodeId(name.file.0),
                    kind: name.kind,
                    state: NameState::Reallocated,
                });
            }
        }
    }

    /// Says whether this directory holds a file.
    fn is_listed(&self, file: Reference) -> bool {
        let child = u32::try_from(file.number());
        child.is_ok_and(|child| self.ntfs.table().holds(self.number, child))
    }
}

/// Returns the kind of a file: whether it is a directory, its record knows.
pub(super) fn kind(file: &File, of_name: Kind) -> Kind {
    match of_name {
        Kind::File | Kind::Directory if file.is_directory => Kind::Directory,
        Kind::Directory => Kind::File,
        other => other,
    }
}
