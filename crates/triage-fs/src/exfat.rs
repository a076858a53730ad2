//! exFAT on a byte source: files, deleted names and what can be recovered of them.
//!
//! Times carry their zone where the writer knew it, and are local otherwise. Spec: Microsoft, "exFAT
//! file system specification".
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
mod entry_set;

use std::sync::{Arc, OnceLock};

use triage_evidence::{
    ByteSource, FileSystem, Kind, Node, NodeId, NodeNames, Problem, ProblemKind, Recovery, Run,
    Stream, VolumeFacts,
};

use crate::bytes::{damaged, long, short};
use crate::fat::table::Table;
use crate::fat::{FIRST_ENTRY, ROOT};
use crate::pages::Pages;
use crate::run_stream::RunStream;
use boot_sector::BootSector;
use entry_set::EntrySet;

/// The length of an entry.
const ENTRY_BYTES: u64 = 32;
/// The most that is read of the map of clusters: 2^32 bits.
const LIMIT_MAP_BYTES: u64 = 512 * 1024 * 1024;

/// A volume of exFAT. A [`NodeId`] is the place of the first entry of a set.
pub(crate) struct Exfat {
    pages: Pages,
    boot: BootSector,
    table: Table,
    facts: VolumeFacts,
    /// Which clusters belong to something: a bit each, the first cluster first.
    map: OnceLock<Result<Vec<u8>, Problem>>,
}

/// Where the content of a set of entries lies.
struct Content {
    runs: Vec<Run>,
    recovery: Option<Recovery>,
}

/// Opens a volume of exFAT.
///
/// # Errors
/// A [`Problem`] if the boot sector makes no sense or the table cannot be read.
pub(crate) fn open_exfat(source: Arc<dyn ByteSource>) -> Result<Exfat, Problem> {
    let pages = Pages::new(source);
    let boot = BootSector::read(&pages)?;
    let table = boot.table(&pages)?;
    let facts = boot.facts(pages.source().size_bytes());
    let mut exfat = Exfat { pages, boot, table, facts, map: OnceLock::new() };
    exfat.facts.label = directory::label(&exfat);
    Ok(exfat)
}

impl Exfat {
    fn offset_of(&self, node: NodeId) -> Option<u64> {
        let place = node.0.checked_sub(FIRST_ENTRY)?;
        self.boot.heap_start.checked_add(place.checked_mul(ENTRY_BYTES)?)
    }

    fn node_at(&self, offset: u64) -> NodeId {
        let place = offset.saturating_sub(self.boot.heap_start).div_euclid(ENTRY_BYTES);
        NodeId(place.saturating_add(FIRST_ENTRY))
    }

    /// Returns the cluster that an offset lies in.
    fn cluster_at(&self, offset: u64) -> Option<u32> {
        let within = offset.checked_sub(self.boot.heap_start)?;
        let place = within.checked_div(self.boot.cluster_bytes)?;
        u32::try_from(place.checked_add(2)?).ok()
    }

    /// Returns the entry behind another one: in the next cluster where this one ends.
    fn behind(&self, offset: u64) -> Option<u64> {
        let next = offset.checked_add(ENTRY_BYTES)?;
        let (here, there) = (self.cluster_at(offset)?, self.cluster_at(next)?);
        if here == there {
            return Some(next);
        }
        // A directory without a chain is contiguous, and its part of the table says nothing.
        let linked = self.table.entry(here);
        let follower = if self.table.holds(linked) { linked } else { there };
        self.boot.runs(&[(follower, 1)]).first()?.start
    }

    /// Reads the set of entries of a node.
    fn set(&self, node: NodeId) -> Result<EntrySet, Problem> {
        let missing = || damaged("there is no entry of that number");
        let mut at = self.offset_of(node).ok_or_else(missing)?;
        let mut bytes = self.pages.vec(at, 32)?;
        for _ in 0..EntrySet::secondaries(&bytes) {
            at = self.behind(at).ok_or_else(missing)?;
            bytes.extend(self.pages.vec(at, 32)?);
        }
        EntrySet::parse(&bytes).ok_or_else(missing)
    }

    fn map(&self) -> Result<&[u8], Problem> {
        let read = || {
            let (first, size_bytes) = directory::bitmap(self)
                .ok_or_else(|| damaged("the volume has no map of its clusters"))?;
            let count = size_bytes.min(LIMIT_MAP_BYTES);
            let clusters = count.div_ceil(self.boot.cluster_bytes.max(1));
            let mut map = Vec::new();
            for run in self.boot.runs(&self.table.chain(first, clusters).ranges) {
                let left = count.saturating_sub(long(map.len()));
                let start = run.start.unwrap_or(0);
                map.extend(self.pages.vec(start, short(run.size_bytes.min(left)))?);
            }
            if long(map.len()) < self.table.clusters().div_ceil(8).min(LIMIT_MAP_BYTES) {
                return Err(damaged("the map of the clusters of the volume is cut off"));
            }
            Ok(map)
        };
        self.map.get_or_init(read).as_deref().map_err(Problem::clone)
    }

    /// Says whether a cluster belongs to something; one that nothing is known of does.
    fn is_used(&self, cluster: u32) -> bool {
        let place = u64::from(cluster).checked_sub(2).filter(|_| self.table.holds(cluster));
        let byte = place.and_then(|place| {
            let map = self.map().ok()?;
            let byte = *map.get(short(place.div_euclid(8)))?;
            byte.checked_shr(u32::try_from(place.rem_euclid(8)).ok()?)
        });
        byte.is_none_or(|byte| byte & 1 == 1)
    }

    /// Says whether an entry lies in a directory that was deleted with it.
    fn is_in_free_cluster(&self, node: NodeId) -> bool {
        let cluster = self.offset_of(node).and_then(|offset| self.cluster_at(offset));
        cluster.is_some_and(|cluster| !self.is_used(cluster))
    }

    /// Returns where a content lies, and for a deleted one how far that can be trusted.
    fn content_of(&self, node: NodeId, set: &EntrySet) -> Content {
        let cluster_bytes = self.boot.cluster_bytes.max(1);
        let needed = set.size_bytes.div_ceil(cluster_bytes).min(self.table.clusters());
        let is_deleted = set.is_deleted || self.is_in_free_cluster(node);
        let count = u32::try_from(needed).unwrap_or(u32::MAX);
        if needed == 0 {
            return Content { runs: Vec::new(), recovery: is_deleted.then_some(Recovery::Certain) };
        }
        let contiguous = || {
            let left = self.table.clusters().saturating_add(2);
            let left = left.saturating_sub(u64::from(set.first_cluster));
            let count = count.min(u32::try_from(left).unwrap_or(u32::MAX));
            vec![(set.first_cluster, count)]
        };
        if !self.table.holds(set.first_cluster) {
            return Content { runs: Vec::new(), recovery: is_deleted.then_some(Recovery::Lost) };
        }
        let ranges = if set.is_contiguous {
            contiguous()
        } else {
            let chain = self.table.chain(set.first_cluster, needed);
            // Of a deleted file the chain may be gone.
            if is_deleted && !chain.is_whole { contiguous() } else { chain.ranges }
        };
        let recovery = is_deleted.then(|| self.judge(set, &ranges));
        Content { runs: self.boot.runs(&ranges), recovery }
    }

    /// A content whose place the entry still says is certain while nothing has taken that place.
    fn judge(&self, set: &EntrySet, ranges: &[(u32, u32)]) -> Recovery {
        let clusters =
            || ranges.iter().flat_map(|&(first, count)| first..first.saturating_add(count));
        if self.is_used(set.first_cluster) {
            return Recovery::Lost;
        }
        if clusters().any(|cluster| self.is_used(cluster)) || !set.is_contiguous {
            return Recovery::Guess;
        }
        Recovery::Certain
    }
}

impl FileSystem for Exfat {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn root(&self) -> NodeId {
        NodeId(ROOT)
    }

    fn list(&self, directory: NodeId) -> NodeNames {
        directory::list(self, directory)
    }

    fn orphans(&self) -> NodeNames {
        NodeNames::default()
    }

    fn examine(&self, node: NodeId) -> Result<Node, Problem> {
        if node.0 == ROOT {
            return Ok(Node::new(Kind::Directory));
        }
        let set = self.set(node)?;
        let mut found = Node::new(set.kind());
        found.times = set.times;
        found.links = Some(1);
        let content = self.content_of(node, &set);
        if set.kind() == Kind::File {
            found.size_bytes = Some(set.size_bytes);
            found.allocated_bytes =
                Some(set.size_bytes.next_multiple_of(self.boot.cluster_bytes.max(1)));
        }
        found.recovery = content.recovery;
        if !set.is_sound && found.recovery.is_none() {
            found.unread = Some(damaged("the entries of the file do not fit their checksum"));
        }
        Ok(found)
    }

    fn open(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Box<dyn Stream>, Problem> {
        if stream.is_some() {
            return Err(Problem::new(ProblemKind::Unsupported, "exFAT has no streams"));
        }
        let set = self.set(node)?;
        if set.kind() != Kind::File {
            return Err(Problem::new(ProblemKind::Unsupported, "only a file has content"));
        }
        if !set.is_sound && !set.is_deleted {
            return Err(damaged("the entries of the file do not fit their checksum"));
        }
        let content = self.content_of(node, &set);
        let source = Arc::clone(self.pages.source());
        let valid = set.valid_bytes.min(set.size_bytes);
        Ok(Box::new(RunStream::new(source, content.runs, set.size_bytes, valid)))
    }

    fn runs(&self, node: NodeId, _stream: Option<&[u8]>) -> Result<Vec<Run>, Problem> {
        let set = self.set(node)?;
        Ok(self.content_of(node, &set).runs)
    }

    fn unallocated_bytes(&self) -> Result<u64, Problem> {
        let map = self.map()?;
        let used: u64 = map.iter().map(|byte| u64::from(byte.count_ones())).sum();
        let free = self.table.clusters().saturating_sub(used);
        Ok(free.saturating_mul(self.boot.cluster_bytes))
    }
}
