//! Directories: entries in a row, the deleted ones among them. Specification, section 6.

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames, Problem, ProblemKind, Run};

use super::entry::{ENTRY_BYTES, Entry};
use super::long_name::Parts;
use super::{Fat, ROOT, short_name};
use crate::bytes::{damaged, long, short};

/// The most that is read of a directory: the specification allows 2 MiB.
const LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// Lists a directory, allocated or deleted.
pub(super) fn list(fat: &Fat, directory: NodeId) -> NodeNames {
    let (runs, mut problem) = match runs(fat, directory) {
        Ok(found) => found,
        Err(problem) => return NodeNames { names: Vec::new(), problem: Some(problem) },
    };
    let mut reading = Reading { fat, names: Vec::new(), parts: Parts::default(), has_ended: false };
    let mut left = LIMIT_BYTES;
    for run in runs {
        let Some(start) = run.start else { continue };
        let length = run.size_bytes.min(left);
        left = left.saturating_sub(length);
        if let Err(bad) = reading.run(start, length) {
            problem.get_or_insert(bad);
        }
    }
    if left == 0 {
        let text = format!("the directory is longer than the {LIMIT_BYTES} bytes that are read");
        problem.get_or_insert_with(|| Problem::new(ProblemKind::LimitReached, text));
    }
    NodeNames { names: reading.names, problem }
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
    let problem = (!chain.is_whole).then(|| damaged("the chain of the directory is damaged"));
    Ok((fat.boot.runs(&chain.ranges), problem))
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
    names: Vec<NodeName>,
    parts: Parts,
    /// Whether the end mark was met: what stands behind it was deleted with what lay there.
    has_ended: bool,
}

impl Reading<'_> {
    /// Reads the entries of one run, in pieces.
    fn run(&mut self, start: u64, length: u64) -> Result<(), Problem> {
        /// A multiple of every size of a sector.
        const PIECE_BYTES: u64 = 1024 * 1024;
        let mut done = 0_u64;
        while done < length {
            let piece = PIECE_BYTES.min(length.saturating_sub(done));
            let at = start.saturating_add(done);
            let bytes = self.fat.pages.vec(at, short(piece))?;
            for (place, entry) in bytes.chunks_exact(short(ENTRY_BYTES)).enumerate() {
                let offset = at.saturating_add(long(place).saturating_mul(ENTRY_BYTES));
                self.entry(entry, offset);
            }
            done = done.saturating_add(piece);
        }
        Ok(())
    }

    fn entry(&mut self, bytes: &[u8], offset: u64) {
        if bytes.first() == Some(&0) {
            self.has_ended = true;
            self.parts.clear();
            return;
        }
        if self.parts.take(bytes) {
            return;
        }
        let Some(entry) = Entry::parse(bytes) else { return };
        let parts = std::mem::take(&mut self.parts);
        let is_gone = entry.is_deleted || self.has_ended;
        let fits = !is_gone || entry.may_have_been(|cluster| self.fat.table.holds(cluster));
        if entry.is_label() || entry.is_dots() || !fits {
            return;
        }
        let name = parts
            .name_for(&entry.raw_name)
            .unwrap_or_else(|| short_name::decode(&entry.raw_name, entry.case));
        self.names.push(NodeName {
            name,
            node: self.fat.node_at(offset),
            kind: entry.kind(),
            // What stands behind the end has no node of its own that could be told from a live one.
            state: match (self.has_ended, entry.is_deleted) {
                (_, true) => NameState::Deleted,
                (true, false) => NameState::Reallocated,
                (false, false) => NameState::Allocated,
            },
        });
    }
}
