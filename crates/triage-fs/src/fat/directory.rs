//! Directories: entries in a row, the deleted ones among them. Specification, section 6.

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames, Problem, ProblemKind, Run};

use super::entry::{ENTRY_BYTES, Entry};
use super::long_name::Parts;
use super::orphans::as_deleted;
use super::{Fat, ROOT, short_name};
use crate::bytes::{damaged, long, short, u8_at, u16_at};

/// The most that is read of a directory: the specification allows 2 MiB.
const LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// Lists a directory, allocated or deleted.
pub(super) fn list(fat: &Fat, directory: NodeId) -> NodeNames {
    let (runs, mut problem) = match runs(fat, directory) {
        Ok(found) => found,
        Err(problem) => return NodeNames { names: Vec::new(), problem: Some(problem) },
    };
    let mut reading = Reading::new(fat, directory.0 == ROOT);
    let mut left = LIMIT_BYTES;
    for run in runs {
        let Some(start) = run.start else { continue };
        let length = run.size_bytes.min(left);
        left = left.saturating_sub(length);
        if let Some(bad) = reading.run(start, length) {
            problem.get_or_insert(bad);
        }
    }
    if left == 0 {
        let text = format!("the directory is longer than the {LIMIT_BYTES} bytes that are read");
        problem.get_or_insert_with(|| Problem::new(ProblemKind::LimitReached, text));
    }
    NodeNames { names: reading.names, problem: problem.or(reading.problem) }
}

/// Lists a free cluster that holds entries, up to their end: all of them are deleted.
///
/// # Errors
/// A [`Problem`] if the cluster cannot be read.
pub(super) fn list_free(fat: &Fat, cluster: u32) -> Result<Vec<NodeName>, Problem> {
    let mut reading = Reading::new(fat, false);
    for run in fat.boot.runs(&[(cluster, 1)]) {
        let Some(start) = run.start else { continue };
        let length = short(run.size_bytes.min(LIMIT_BYTES));
        let bytes = fat.pages.vec(start, length)?;
        for (place, entry) in bytes.chunks_exact(short(ENTRY_BYTES)).enumerate() {
            if entry.first() == Some(&0) {
                break;
            }
            reading.is_free = true;
            reading.entry(entry, start.saturating_add(long(place).saturating_mul(ENTRY_BYTES)));
        }
    }
    Ok(reading.names.into_iter().map(as_deleted).collect())
}

/// Where a directory lies.
pub(super) struct Place {
    /// Where it begins in the volume, in bytes.
    pub(super) start: u64,
    /// How long it is.
    pub(super) size_bytes: u64,
    /// Which of its clusters are free: those of a deleted one.
    pub(super) free_clusters: Vec<u32>,
}

/// Returns what listing a directory reads; `None` if it lies nowhere.
pub(super) fn place(fat: &Fat, directory: NodeId) -> Option<Place> {
    let (runs, _) = runs(fat, directory).ok()?;
    let clusters = |run: &Run| {
        let first = run.start.and_then(|start| fat.boot.cluster_at(start));
        let count = run.size_bytes.checked_div(fat.boot.cluster_bytes).unwrap_or(0);
        let count = u32::try_from(count).unwrap_or(0);
        first.map(|first| first..first.saturating_add(count))
    };
    let start = runs.first()?.start?;
    let size_bytes = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.size_bytes));
    let all = runs.iter().filter_map(clusters).flatten();
    let free_clusters = all.filter(|&cluster| fat.table.is_free(cluster)).collect();
    Some(Place { start, size_bytes, free_clusters })
}

/// Returns where a directory lies, and what is wrong with its chain.
fn runs(fat: &Fat, directory: NodeId) -> Result<(Vec<Run>, Option<Problem>), Problem> {
    let first_cluster = if directory.0 == ROOT {
        if fat.boot.fixed_root_bytes > 0 {
            let start = Some(fat.boot.entries_start);
            return Ok((vec![Run { start, size_bytes: fat.boot.fixed_root_bytes }], None));
        }
        fat.boot.root_cluster
    } else {
        let entry = fat.entry(directory)?;
        if entry.kind() != Kind::Directory {
            return Err(Problem::new(ProblemKind::Unsupported, "only a directory has names"));
        }
        if entry.is_deleted {
            // Its chain is gone: the first cluster is what can be told.
            let (runs, _) = fat.runs_of(&entry);
            return match runs.first() {
                Some(run) if is_directory(fat, run) => Ok((runs, None)),
                _ => Err(damaged("the place of the deleted directory holds something else")),
            };
        }
        entry.first_cluster
    };
    let limit = LIMIT_BYTES.checked_div(fat.boot.cluster_bytes).unwrap_or(0).max(1);
    let chain = fat.table.chain(first_cluster, limit);
    let mut problem = (!chain.is_whole).then(|| damaged("the chain of the directory is damaged"));
    let runs = fat.boot.runs(&chain.ranges);
    if directory.0 != ROOT && !runs.first().is_some_and(|run| names_itself(fat, run, first_cluster))
    {
        let text = "the place of the directory does not begin with the entry of that directory";
        problem.get_or_insert_with(|| damaged(text));
    }
    Ok((runs, problem))
}

/// Says whether a directory begins with the entry of itself, which leads to its first cluster.
fn names_itself(fat: &Fat, run: &Run, first_cluster: u32) -> bool {
    let own = run.start.and_then(|start| fat.pages.vec(start, short(ENTRY_BYTES)).ok());
    let own = own.and_then(|bytes| Entry::parse(&bytes));
    own.is_some_and(|own| own.is_dots() && own.first_cluster == first_cluster)
}

/// A directory begins with the entries of itself and of the one above.
fn is_directory(fat: &Fat, run: &Run) -> bool {
    let bytes = run.start.and_then(|start| fat.pages.vec(start, 64).ok());
    bytes.is_some_and(|bytes| {
        let mut entries = bytes.chunks_exact(short(ENTRY_BYTES)).map(Entry::parse);
        entries.all(|entry| entry.is_some_and(|entry| entry.is_dots()))
    })
}

/// Returns the label that an entry of the root directory holds.
pub(super) fn label(fat: &Fat) -> Option<Vec<u8>> {
    let (runs, _) = runs(fat, NodeId(ROOT)).ok()?;
    for run in runs {
        let length = short(run.size_bytes.min(LIMIT_BYTES));
        let bytes = fat.pages.vec(run.start?, length).ok()?;
        for entry in bytes.chunks_exact(short(ENTRY_BYTES)) {
            let mut parts = Parts::default();
            let entry = if parts.take(entry) { continue } else { Entry::parse(entry)? };
            if entry.is_label() && !entry.is_deleted {
                return Some(entry.raw_name.trim_ascii_end().to_vec());
            }
        }
    }
    None
}

struct Reading<'a> {
    fat: &'a Fat,
    is_root: bool,
    names: Vec<NodeName>,
    parts: Parts,
    /// Whether the end mark was met: what stands behind it was deleted with what lay there.
    has_ended: bool,
    /// Whether the entries lie in a free cluster, which no directory claims.
    is_free: bool,
    problem: Option<Problem>,
}

impl<'a> Reading<'a> {
    fn new(fat: &'a Fat, is_root: bool) -> Self {
        let (names, parts) = (Vec::new(), Parts::default());
        Self { fat, is_root, names, parts, has_ended: false, is_free: false, problem: None }
    }

    /// Reads the entries of one run, in pieces, around what is bad; returns what that is.
    fn run(&mut self, start: u64, length: u64) -> Option<Problem> {
        /// A multiple of every size of a sector.
        const PIECE_BYTES: u64 = 1024 * 1024;
        let (mut done, mut problem) = (0_u64, None);
        while done < length {
            let piece = PIECE_BYTES.min(length.saturating_sub(done));
            let at = start.saturating_add(done);
            let (parts, bad) = self.fat.pages.around(at, short(piece), ENTRY_BYTES);
            for (at, bytes) in parts {
                // What stands before a bad place says nothing of what stands behind it.
                if bad.is_some() {
                    self.parts.clear();
                }
                for (place, entry) in bytes.chunks_exact(short(ENTRY_BYTES)).enumerate() {
                    let offset = at.saturating_add(long(place).saturating_mul(ENTRY_BYTES));
                    self.entry(entry, offset);
                }
            }
            problem = problem.or(bad);
            done = done.saturating_add(piece);
        }
        problem
    }

    /// Notes an entry in use that contradicts what stands around it: it may have been a file.
    fn contradiction(&mut self, text: &str) {
        if !self.has_ended {
            self.problem.get_or_insert_with(|| damaged(text));
        }
    }

    fn entry(&mut self, bytes: &[u8], offset: u64) {
        if bytes.first() == Some(&0) {
            self.has_ended = true;
            self.parts.clear();
            return;
        }
        if self.parts.take(bytes) {
            if !is_part(bytes) {
                self.contradiction("a part of a long name of the directory makes no sense");
            }
            return;
        }
        let Some(entry) = Entry::parse(bytes) else { return };
        let parts = std::mem::take(&mut self.parts);
        if entry.is_deleted && parts.are_complete() {
            self.contradiction("a deleted entry has a long name that exists");
        }
        // A label holds nothing and stands in the root directory.
        if entry.is_label() && !entry.is_deleted && !(self.is_root && entry.is_empty()) {
            self.contradiction("a label of the directory stands for a content");
        }
        if entry.is_label() || entry.is_dots() {
            return;
        }
        let is_gone = entry.is_deleted || self.has_ended || self.is_free;
        if is_gone && !entry.may_have_been(|cluster| self.fat.table.holds(cluster)) {
            return;
        }
        let name = parts
            .name_for(&entry.raw_name)
            .unwrap_or_else(|| short_name::decode(&entry.raw_name, entry.case));
        self.names.push(NodeName {
            name,
            node: self.fat.node_at(offset, self.has_ended),
            kind: entry.kind(),
            state: if is_gone { NameState::Deleted } else { NameState::Allocated },
        });
    }
}

/// Says whether an entry with the attributes of a part of a long name is one: such an entry has a
/// type and a first cluster of 0, which old systems take for an empty label. Specification,
/// section 7.
pub(super) fn is_part(entry: &[u8]) -> bool {
    u8_at(entry, 12) == Some(0) && u16_at(entry, 26) == Some(0)
}
