//! Directories: sets of entries in a row, the deleted ones among them. Specification, section 6.

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames, Problem, ProblemKind, Run};

use super::entry_set::{EntrySet, FILE, IN_USE};
use super::{ENTRY_BYTES, Exfat, ROOT};
use crate::bytes::{damaged, long, short, slice_at, u8_at, u32_at, u64_at};
use crate::wtf8::wtf8;

/// The most that is read of a directory: the specification allows 256 MiB.
const LIMIT_BYTES: u64 = 256 * 1024 * 1024;
/// The type of the entry of the volume's label.
const LABEL: u8 = 0x83;
/// The type of the entry of the map of clusters.
const BITMAP: u8 = 0x81;

/// Lists a directory, allocated or deleted.
pub(super) fn list(exfat: &Exfat, directory: NodeId) -> NodeNames {
    let (bytes, offsets, problem) = match content(exfat, directory) {
        Ok(found) => found,
        Err(problem) => return NodeNames { names: Vec::new(), problem: Some(problem) },
    };
    let mut found = NodeNames { names: Vec::new(), problem };
    let entry_bytes = short(ENTRY_BYTES);
    let mut at = 0_usize;
    let mut has_ended = false;
    while let Some(entry) = slice_at(&bytes, at, entry_bytes) {
        let kind = u8_at(entry, 0).unwrap_or(0);
        has_ended |= kind == 0;
        let is_file = kind & !IN_USE == FILE;
        let is_own = directory.0 == ROOT && matches!(kind, BITMAP | 0x82) && !has_ended;
        let count = usize::from(EntrySet::secondaries(entry)).saturating_add(1);
        let length = count.saturating_mul(entry_bytes);
        let set = slice_at(&bytes, at, length).and_then(EntrySet::parse);
        let set = set.filter(|set| (is_file || is_own) && !set.name.is_empty());
        let Some(set) = set else {
            if is_misplaced(kind) && !has_ended {
                let text = "a set of entries of the directory is damaged";
                found.problem.get_or_insert_with(|| damaged(text));
            }
            at = at.saturating_add(entry_bytes);
            continue;
        };
        // A deleted set of which entries were written over has no agreement left to trust.
        let fits = !set.is_deleted || is_intact(&bytes, at, count);
        if fits && let Some(offset) = offset_at(&offsets, at) {
            let state = match (set.is_deleted, has_ended) {
                (true, _) => NameState::Deleted,
                (false, true) => NameState::Reallocated,
                (false, false) => NameState::Allocated,
            };
            let node = exfat.node_at(offset);
            found.names.push(NodeName { kind: set.kind(), name: set.name, node, state });
        }
        at = at.saturating_add(if fits { length } else { entry_bytes });
    }
    found
}

/// Says whether an entry in use cannot stand where a set or an entry of the volume may begin.
/// Specification, section 7: of the first entries, 0x81 to 0x83 belong to the volume, those from
/// 0xa0 on may be left out.
const fn is_misplaced(kind: u8) -> bool {
    kind & IN_USE != 0 && !matches!(kind, 0x81..=0x83 | 0xa0..=0xbf)
}

/// Says whether every entry of a deleted set is deleted too.
fn is_intact(bytes: &[u8], at: usize, count: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let entries = rest.chunks_exact(short(ENTRY_BYTES)).take(count);
    entries.map(|entry| u8_at(entry, 0).unwrap_or(0)).all(|kind| kind & IN_USE == 0 && kind != 0)
}

/// Where the parts of a directory lie: in its content, and in the volume.
type Offsets = Vec<(usize, u64)>;

fn offset_at(offsets: &Offsets, at: usize) -> Option<u64> {
    let place = offsets.partition_point(|(start, _)| *start <= at).checked_sub(1)?;
    let (start, offset) = offsets.get(place)?;
    offset.checked_add(long(at.checked_sub(*start)?))
}

/// Reads a directory as a whole.
fn content(
    exfat: &Exfat,
    directory: NodeId,
) -> Result<(Vec<u8>, Offsets, Option<Problem>), Problem> {
    let cluster_bytes = exfat.boot.cluster_bytes.max(1);
    let limit = LIMIT_BYTES.div_ceil(cluster_bytes);
    let (runs, mut problem): (Vec<Run>, _) = if directory.0 == ROOT {
        let chain = exfat.table.chain(exfat.boot.root_cluster, limit.saturating_add(1));
        let broken = || damaged("the chain of the root directory is damaged");
        (exfat.boot.runs(&chain.ranges), (!chain.is_whole).then(broken))
    } else {
        let set = exfat.set(directory)?;
        if set.kind() != Kind::Directory {
            return Err(Problem::new(ProblemKind::Unsupported, "only a directory has names"));
        }
        let found = exfat.content_of(directory, &set);
        let held = found.runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.size_bytes));
        let broken = || damaged("the chain of the directory is shorter than its size");
        (found.runs, (held < set.size_bytes).then(broken))
    };
    let held = runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.size_bytes));
    if held > LIMIT_BYTES {
        let text = format!("the directory is longer than the {LIMIT_BYTES} bytes that are read");
        problem.get_or_insert_with(|| Problem::new(ProblemKind::LimitReached, text));
    }
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for run in runs {
        let Some(start) = run.start else { continue };
        let left = LIMIT_BYTES.saturating_sub(long(bytes.len()));
        let length = run.size_bytes.min(left);
        let (parts, bad) = exfat.pages.around(start, short(length), ENTRY_BYTES);
        for (start, part) in parts {
            offsets.push((bytes.len(), start));
            bytes.extend(part);
        }
        problem = problem.or(bad);
    }
    Ok((bytes, offsets, problem))
}

/// Finds the first entry of a type in the root directory.
fn find(exfat: &Exfat, kind: u8) -> Option<Vec<u8>> {
    let (bytes, _, _) = content(exfat, NodeId(ROOT)).ok()?;
    let mut entries = bytes.chunks_exact(short(ENTRY_BYTES));
    entries.find(|entry| u8_at(entry, 0) == Some(kind)).map(<[u8]>::to_vec)
}

/// Returns the label of the volume.
pub(super) fn label(exfat: &Exfat) -> Option<Vec<u8>> {
    let entry = find(exfat, LABEL)?;
    let length = usize::from(u8_at(&entry, 1)?.min(15)).checked_mul(2)?;
    let label = wtf8(slice_at(&entry, 2, length)?);
    (!label.is_empty()).then_some(label)
}

/// Returns the first cluster and the length of the map of clusters.
pub(super) fn bitmap(exfat: &Exfat) -> Option<(u32, u64)> {
    let entry = find(exfat, BITMAP)?;
    Some((u32_at(&entry, 20)?, u64_at(&entry, 24)?))
}
