//! FAT12, FAT16 and FAT32 on a byte source: files, deleted names and a guess at their content.
//!
//! A deleted file has lost its chain: its content is taken from its first cluster on, as far as
//! clusters are free, and is always a guess. Free clusters are searched for directories that
//! nothing names. Times are local, and the zone is not stored. Short names above ASCII are taken
//! for code page 437. Spec: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod boot_sector;
mod directory;
pub(crate) mod dos_time;
mod entry;
mod long_name;
mod orphans;
mod short_name;
pub(crate) mod table;

use std::sync::{Arc, OnceLock};

use triage_evidence::{
    ByteSource, FileSystem, Kind, Node, NodeId, NodeNames, Problem, ProblemKind, Recovery, Run,
    Stream, VolumeFacts,
};

use crate::bytes::damaged;
use crate::pages::Pages;
use crate::run_stream::RunStream;
use boot_sector::BootSector;
use entry::{ENTRY_BYTES, Entry};
use table::Table;

/// The number of the root directory, and of the first entry: The Sleuth Kit counts the entries of
/// 32 bytes from the first sector behind the tables like that.
pub(crate) const ROOT: u64 = 2;
pub(crate) const FIRST_ENTRY: u64 = 3;
/// The bit of a node that stands behind the end of its directory: what it leads to is deleted,
/// although its entry does not say so.
const BEHIND_END: u64 = 1 << 62;

/// A volume of FAT. A [`NodeId`] is the place of a directory entry.
pub(crate) struct Fat {
    pages: Pages,
    boot: BootSector,
    table: Table,
    facts: VolumeFacts,
    /// What free clusters name, searched when it is first asked for.
    orphans: OnceLock<NodeNames>,
}

/// Opens a volume of FAT.
///
/// # Errors
/// A [`Problem`] if the boot sector makes no sense or the table cannot be read.
pub(crate) fn open_fat(source: Arc<dyn ByteSource>) -> Result<Fat, Problem> {
    let pages = Pages::new(source);
    let boot = BootSector::read(&pages)?;
    let (table, notes) = boot.tables(&pages)?;
    let mut facts = boot.facts(pages.source().size_bytes());
    facts.problems.extend(notes);
    let free_bytes = table.count_free().saturating_mul(boot.cluster_bytes);
    facts.problems.extend(orphans::note(free_bytes));
    let mut fat = Fat { pages, boot, table, facts, orphans: OnceLock::new() };
    fat.facts.label = directory::label(&fat).or(fat.facts.label.take());
    Ok(fat)
}

impl Fat {
    /// Returns where an entry lies in the volume.
    fn offset_of(&self, node: NodeId) -> Option<u64> {
        let place = (node.0 & !BEHIND_END).checked_sub(FIRST_ENTRY)?;
        self.boot.entries_start.checked_add(place.checked_mul(ENTRY_BYTES)?)
    }

    /// Returns the entry at an offset.
    fn node_at(&self, offset: u64, is_behind_end: bool) -> NodeId {
        let place = offset.saturating_sub(self.boot.entries_start).div_euclid(ENTRY_BYTES);
        let number = place.saturating_add(FIRST_ENTRY);
        NodeId(if is_behind_end { number | BEHIND_END } else { number })
    }

    fn entry(&self, node: NodeId) -> Result<Entry, Problem> {
        let missing = || damaged("there is no entry of that number");
        let offset = self.offset_of(node).ok_or_else(missing)?;
        let bytes = self.pages.vec(offset, 32)?;
        let mut entry = Entry::parse(&bytes).ok_or_else(missing)?;
        // An entry of a directory that was deleted is deleted with it.
        if let Some(cluster) = self.boot.cluster_at(offset) {
            entry.is_deleted |= self.table.is_free(cluster);
        }
        entry.is_behind_end = node.0 & BEHIND_END != 0;
        Ok(entry)
    }

    /// Returns where a content lies, and for a deleted one how far that can be trusted.
    fn runs_of(&self, entry: &Entry) -> (Vec<Run>, Option<Recovery>) {
        let size_bytes = u64::from(entry.size_bytes);
        let needed = size_bytes.div_ceil(self.boot.cluster_bytes.max(1));
        let is_directory = entry.kind() == Kind::Directory;
        // A chain that is still there is followed; whether it is still the entry's, nothing says.
        let is_linked = entry.is_behind_end && !self.table.is_free(entry.first_cluster);
        if !entry.is_deleted && (!entry.is_behind_end || is_linked) {
            let limit = if is_directory { self.table.clusters() } else { needed };
            let chain = self.table.chain(entry.first_cluster, limit);
            let recovery = entry.is_behind_end.then_some(Recovery::Guess);
            return (self.boot.runs(&chain.ranges), recovery);
        }
        if needed == 0 && !is_directory {
            return (Vec::new(), Some(Recovery::Certain));
        }
        if !self.table.is_free(entry.first_cluster) {
            return (Vec::new(), Some(Recovery::Lost));
        }
        let ranges = self.table.free_from(entry.first_cluster, needed.max(1));
        (self.boot.runs(&ranges), Some(Recovery::Guess))
    }
}

impl FileSystem for Fat {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn root(&self) -> NodeId {
        NodeId(ROOT)
    }

    fn inode(&self, node: NodeId) -> u64 {
        node.0 & !BEHIND_END
    }

    fn node_text(&self, node: NodeId) -> String {
        self.inode(node).to_string()
    }

    fn list(&self, directory: NodeId) -> NodeNames {
        directory::list(self, directory)
    }

    fn orphans(&self) -> NodeNames {
        self.orphans.get_or_init(|| orphans::find(self)).clone()
    }

    fn examine(&self, node: NodeId) -> Result<Node, Problem> {
        if node.0 == ROOT {
            return Ok(Node::new(Kind::Directory));
        }
        let entry = self.entry(node)?;
        let mut found = Node::new(entry.kind());
        found.times = entry.times();
        found.links = Some(1);
        let (runs, recovery) = self.runs_of(&entry);
        if entry.kind() == Kind::File {
            found.size_bytes = Some(u64::from(entry.size_bytes));
            let allocated = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.size_bytes));
            // What is not there is not sparse: it is damaged or lost.
            found.allocated_bytes = Some(allocated.max(u64::from(entry.size_bytes)));
        }
        found.recovery = recovery;
        Ok(found)
    }

    fn open(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Box<dyn Stream>, Problem> {
        if stream.is_some() {
            return Err(Problem::new(ProblemKind::Unsupported, "FAT has no streams"));
        }
        let entry = self.entry(node)?;
        if entry.kind() != Kind::File {
            return Err(Problem::new(ProblemKind::Unsupported, "only a file has content"));
        }
        let (runs, _) = self.runs_of(&entry);
        let size_bytes = u64::from(entry.size_bytes);
        let source = Arc::clone(self.pages.source());
        Ok(Box::new(RunStream::new(source, runs, size_bytes, size_bytes)))
    }

    fn runs(&self, node: NodeId, _stream: Option<&[u8]>) -> Result<Vec<Run>, Problem> {
        Ok(self.runs_of(&self.entry(node)?).0)
    }

    fn unallocated_bytes(&self) -> Result<u64, Problem> {
        Ok(self.table.count_free().saturating_mul(self.boot.cluster_bytes))
    }
}
