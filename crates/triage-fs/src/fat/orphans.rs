//! Directories that nothing names any more: free clusters that hold entries.
//!
//! A directory that was deleted leaves its clusters as they were, and its chain is gone: what lies
//! behind its first cluster is found here only, and so is a directory whose own entry was written
//! over. A cluster counts if it begins as a directory does, or if every entry of its first sector
//! is one that a file system writes. What is found this way is deleted, and a guess.

use std::collections::{BTreeMap, HashSet};

use triage_evidence::{Kind, NodeId, NodeName, NodeNames, Problem, ProblemKind, read_around};

use super::entry::{ENTRY_BYTES, Entry};
use super::long_name::Parts;
use super::{Fat, ROOT, directory};
use crate::bytes::short;

/// How much free space is searched: 40 seconds of a stick of 10 MB/s, which is within the time
/// that a walk may be silent, and where directories lie, since they are made first. What is left
/// out is a note of the volume.
const LIMIT_SEARCHED_BYTES: u64 = 384 * 1024 * 1024;
/// How many bad places are read around: each may cost seconds of a failing medium.
const LIMIT_BAD_PLACES: usize = 8;
/// How much is read of directories to learn which clusters are listed already. A hostile volume can
/// let many of them begin in one long chain.
const LIMIT_DIRECTORY_BYTES: u64 = 256 * 1024 * 1024;
/// How much is read at once.
const PIECE_BYTES: u64 = 1024 * 1024;
/// How much of a cluster tells what it holds: a sector.
const FIRST_BYTES: usize = 512;
/// The most directories that are followed to learn which clusters are listed already.
const LIMIT_DIRECTORIES: usize = 1_000_000;
/// The most clusters that are listed.
const LIMIT_FOUND: usize = 100_000;

/// Returns the note that free space is too large to be searched, if it is.
pub(super) fn note(free_bytes: u64) -> Option<Problem> {
    let text = "only a part of the free clusters is searched for deleted directories";
    let is_too_large = free_bytes > LIMIT_SEARCHED_BYTES;
    is_too_large.then(|| Problem::new(ProblemKind::LimitReached, text))
}

/// Lists what free clusters name, what another directory leads to left out.
pub(super) fn find(fat: &Fat) -> NodeNames {
    let mut search = Search::default();
    search.run(fat);
    let Search { mut found, mut problem, .. } = search;
    if found.is_empty() {
        return NodeNames { names: Vec::new(), problem };
    }
    let mut listed = listed_clusters(fat, &mut problem);
    found.retain(|cluster, _| !listed.contains(cluster));
    let mut names = Vec::new();
    // What a found directory leads to is listed below it; a circle is entered somewhere.
    let leads = |(cluster, below): (&u32, &Vec<u32>)| {
        let cluster = *cluster;
        below.iter().copied().filter(move |&below| below != cluster).collect::<Vec<_>>()
    };
    let led_to: HashSet<u32> = found.iter().flat_map(leads).collect();
    let starts = found.keys().filter(|cluster| !led_to.contains(cluster));
    for &cluster in starts.chain(found.keys()) {
        if !listed.contains(&cluster) {
            match directory::list_free(fat, cluster) {
                Ok(more) => names.extend(more),
                Err(bad) => {
                    problem.get_or_insert(bad);
                }
            }
            follow(cluster, &found, &mut listed);
        }
    }
    NodeNames { names, problem }
}

fn limit(text: &str) -> Problem {
    Problem::new(ProblemKind::LimitReached, text)
}

/// Notes that a found directory and all that it leads to are listed.
fn follow(from: u32, found: &BTreeMap<u32, Vec<u32>>, listed: &mut HashSet<u32>) {
    let mut waiting = vec![from];
    while let Some(cluster) = waiting.pop() {
        if listed.insert(cluster)
            && let Some(below) = found.get(&cluster)
        {
            waiting.extend(below);
        }
    }
}

/// Returns the clusters of free space that a walk from the root lists.
fn listed_clusters(fat: &Fat, problem: &mut Option<Problem>) -> HashSet<u32> {
    let mut clusters = HashSet::new();
    let mut seen = HashSet::from([ROOT]);
    let mut begun = HashSet::new();
    let mut left = LIMIT_DIRECTORY_BYTES;
    let mut waiting = vec![NodeId(ROOT)];
    while let Some(node) = waiting.pop() {
        let Some(place) = directory::place(fat, node) else { continue };
        // Many entries may lead to one directory.
        if !begun.insert(place.start) {
            continue;
        }
        clusters.extend(place.free_clusters);
        if left < place.size_bytes || seen.len() >= LIMIT_DIRECTORIES {
            let text = "there are too many directories to tell which deleted ones they lead to";
            problem.get_or_insert_with(|| limit(text));
            break;
        }
        left = left.saturating_sub(place.size_bytes);
        for name in directory::list(fat, node).names {
            if name.kind == Kind::Directory && seen.insert(name.node.0) {
                waiting.push(name.node);
            }
        }
    }
    clusters
}

/// A search of free clusters.
#[derive(Default)]
struct Search {
    /// Those that hold entries, with the clusters of the directories that they name.
    found: BTreeMap<u32, Vec<u32>>,
    /// Why some may be missing.
    problem: Option<Problem>,
    bad_places: usize,
}

impl Search {
    fn run(&mut self, fat: &Fat) {
        let mut left = LIMIT_SEARCHED_BYTES;
        let cluster_bytes = fat.boot.cluster_bytes.max(1);
        let most = u32::try_from(PIECE_BYTES.div_ceil(cluster_bytes)).unwrap_or(1).max(1);
        let mut buffer = vec![0; short(u64::from(most).saturating_mul(cluster_bytes))];
        let mut next = 2;
        while let Some((first, count)) = fat.table.free_range(next, most) {
            next = first.saturating_add(count);
            let bytes = u64::from(count).saturating_mul(cluster_bytes);
            if left < bytes {
                break;
            }
            left = left.saturating_sub(bytes);
            let runs = fat.boot.runs(&[(first, count)]);
            let start = runs.first().and_then(|run| run.start);
            let (Some(start), Some(piece)) = (start, buffer.get_mut(..short(bytes))) else { break };
            let held = self.read(fat, start, piece);
            let held = piece.get(..held).unwrap_or_default().chunks(short(cluster_bytes));
            for (cluster, content) in (first..).zip(held) {
                if let Some(below) = directories_in(fat, content) {
                    self.found.insert(cluster, below);
                }
            }
            if self.found.len() >= LIMIT_FOUND || self.bad_places >= LIMIT_BAD_PLACES {
                let text = "not all free clusters were searched for deleted directories: too many \
                            hold some, or cannot be read";
                self.problem = Some(limit(text));
                break;
            }
        }
    }

    /// Reads free space, with zeros where it cannot be read; returns how much the volume holds.
    fn read(&mut self, fat: &Fat, start: u64, buffer: &mut [u8]) -> usize {
        let left = LIMIT_BAD_PLACES.saturating_sub(self.bad_places);
        let around = read_around(fat.pages.source(), start, buffer, left);
        self.bad_places = self.bad_places.saturating_add(around.bad.len());
        if let Some(bad) = around.bad.into_iter().next() {
            let text = "free clusters that may hold deleted directories cannot be read";
            self.problem.get_or_insert_with(|| Problem { text: text.to_owned(), ..bad });
        }
        around.held
    }
}

/// Returns the first clusters of the directories that a cluster names, if it holds entries.
fn directories_in(fat: &Fat, content: &[u8]) -> Option<Vec<u32>> {
    let first = content.get(..FIRST_BYTES)?;
    // Nearly all free clusters are zeros or the content of files: this tells most of them.
    let (name, attributes) = (*first.first()?, *first.get(11)?);
    if name == 0 || attributes & 0xc0 != 0 {
        return None;
    }
    let mut parts = Parts::default();
    let (mut names, mut has_ended) = (0_u32, false);
    let mut below = Vec::new();
    for bytes in first.chunks_exact(short(ENTRY_BYTES)) {
        if bytes.first() == Some(&0) {
            has_ended = true;
        }
        if has_ended {
            if bytes.iter().any(|&byte| byte != 0) {
                return None;
            }
            continue;
        }
        if parts.take(bytes) {
            if !directory::is_part(bytes) {
                return None;
            }
            continue;
        }
        let entry = Entry::parse(bytes)?;
        let holds = |cluster| fat.table.holds(cluster);
        if !entry.is_dots() && !entry.is_plausible(holds) {
            return None;
        }
        names = names.saturating_add(1);
        if entry.kind() == Kind::Directory && !entry.is_dots() {
            below.push(entry.first_cluster);
        }
    }
    (names > 0).then_some(below)
}

/// Says that a name is deleted, whatever its entry says.
pub(super) fn as_deleted(mut name: NodeName) -> NodeName {
    name.state = triage_evidence::NameState::Deleted;
    name
}
