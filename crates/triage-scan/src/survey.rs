//! A survey: the walk of a scan without reading any content. What would be read, what would be left
//! out and why, and samples of files by which the cost can be measured.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;

use triage_case::{Coverage, Record, Share, Status};
use triage_evidence::{Chunk, Directory, Entry, FileId, Problem};
use triage_hash::Digests;
use triage_walk::{Evidence, Flow, Met, Tally, Verdict, WalkPlan};

use crate::Halt;
use crate::classify::classify;
use crate::content::Content;

/// How many of the largest files are sampled: they show how fast content comes.
const LARGE_FILES: usize = 16;
/// How many files are sampled evenly: they show what a file costs beside its bytes.
const SPREAD_FILES: usize = 128;
/// How many different reasons are kept; entries with others are counted without one.
const LIMIT_REASONS: usize = 1_000;
/// How many files with several names are remembered, whose content is read once. About 32 MiB;
/// beyond it the content of every name is counted.
const LIMIT_LINKED: usize = 1_000_000;
/// How many first steps of locations are told apart: a disk has up to 128 volumes.
const LIMIT_PARTS: usize = 1_000;
/// How much is read at once of a sample.
const READ_BYTES: usize = 1024 * 1024;

/// Why entries would be left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The class that they would have in the coverage.
    pub status: Status,
    /// The rule or the problem, in words.
    pub text: String,
}

/// A file that stands for others when the speed of reading is measured.
#[derive(Clone)]
pub struct Sample {
    directory: Arc<dyn Directory>,
    entry: Entry,
}

/// What a scan would do.
pub struct Survey {
    /// Every entry by the class that it would have if every read succeeded.
    pub coverage: Coverage,
    /// Why entries would be left out, and how many.
    pub reasons: BTreeMap<Reason, Share>,
    /// What would be read, by the first step of the location: the volumes of a disk.
    pub parts: BTreeMap<Vec<u8>, Share>,
    /// What would be read, each content once whatever its names, in bytes.
    pub read_bytes: u64,
    /// The largest files, the largest first.
    pub large: Vec<Sample>,
    /// Files taken evenly from the whole walk.
    pub spread: Vec<Sample>,
    /// The walk's own count.
    pub tally: Tally,
}

/// Walks the evidence and counts what a scan would do. `take` sees every entry with its class, in
/// the order of the manifest; when it returns [`Flow::Abort`], the survey is not whole.
pub fn survey(
    evidence: &Evidence,
    walk: &WalkPlan,
    take: &mut dyn FnMut(&Entry, Status) -> Flow,
) -> Survey {
    let mut counting = Counting { stride: 1, ..Counting::default() };
    let tally = evidence.walk(walk, &mut |batch| {
        for met in batch.met {
            let unread = match met.verdict {
                Verdict::Content => batch.directory.unread(&met.entry),
                _ => None,
            };
            if met.verdict == Verdict::Content && unread.is_none() {
                counting.sample(&batch.directory, &met.entry);
            }
            let record = foreseen(met, unread);
            counting.count(&record);
            if take(&record.entry, record.status) == Flow::Abort {
                return Flow::Abort;
            }
        }
        Flow::Continue
    });
    counting.finish(tally)
}

/// Returns the record that a scan would write if every read succeeded but that of a content of
/// which it is known already that it is not read. It has no digests.
fn foreseen(met: Met, unread: Option<Problem>) -> Record {
    let content = (met.verdict == Verdict::Content).then(|| match unread {
        Some(problem) => Content::failed(problem),
        None => {
            let bytes_read = met.entry.size_bytes.unwrap_or(0);
            Content::new(Status::Read, None, bytes_read, Digests::new())
        }
    });
    classify(met, content, || Halt::Interrupt.problem())
}

#[derive(Default)]
struct Counting {
    coverage: Coverage,
    reasons: BTreeMap<Reason, Share>,
    parts: BTreeMap<Vec<u8>, Share>,
    linked: HashSet<FileId>,
    read_bytes: u64,
    /// Size and place of the largest files, the smallest of them on top.
    large: BinaryHeap<Reverse<(u64, usize)>>,
    /// What stands at those places.
    kept: Vec<Option<Sample>>,
    spread: Vec<Sample>,
    /// Each so-manieth file is put into the spread.
    stride: u64,
    files: u64,
}

impl Counting {
    fn count(&mut self, record: &Record) {
        self.coverage.add(record);
        let entry = &record.entry;
        let bytes = entry.size_bytes.filter(|_| entry.kind.holds_bytes()).unwrap_or(0);
        if record.status == Status::Read {
            let first = entry.location.path().split(|&byte| byte == b'/').next();
            add_to(&mut self.parts, first.unwrap_or_default(), bytes);
            let linked = entry.id.filter(|_| entry.links.is_some_and(|links| links > 1));
            let is_new =
                linked.is_none_or(|id| self.linked.len() >= LIMIT_LINKED || self.linked.insert(id));
            self.read_bytes = self.read_bytes.saturating_add(if is_new { bytes } else { 0 });
            return;
        }
        let text = match (&record.rule, &record.problem) {
            (Some(rule), _) => rule.clone(),
            (None, Some(problem)) => problem.text.clone(),
            (None, None) => return,
        };
        let reason = Reason { status: record.status, text };
        if self.reasons.len() < LIMIT_REASONS || self.reasons.contains_key(&reason) {
            let share = self.reasons.entry(reason).or_default();
            share.entries += 1;
            share.bytes = share.bytes.saturating_add(bytes);
        }
    }

    /// Keeps a file if it is one of the largest so far, or if it is its turn.
    fn sample(&mut self, directory: &Arc<dyn Directory>, entry: &Entry) {
        let sample = || Sample { directory: Arc::clone(directory), entry: entry.clone() };
        let size = entry.size_bytes.unwrap_or(0);
        let smallest = self.large.peek().map_or(0, |Reverse((size, _))| *size);
        if self.large.len() < LARGE_FILES {
            self.large.push(Reverse((size, self.kept.len())));
            self.kept.push(Some(sample()));
        } else if size > smallest
            && let Some(Reverse((_, place))) = self.large.pop()
        {
            self.large.push(Reverse((size, place)));
            if let Some(kept) = self.kept.get_mut(place) {
                *kept = Some(sample());
            }
        }
        if self.files.is_multiple_of(self.stride) {
            self.spread.push(sample());
            if self.spread.len() >= SPREAD_FILES {
                let mut place = 0;
                self.spread.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.stride = self.stride.saturating_mul(2);
            }
        }
        self.files += 1;
    }

    fn finish(self, tally: Tally) -> Survey {
        let mut kept = self.kept;
        let mut large = self.large.into_sorted_vec();
        large.dedup();
        let large = large.into_iter().filter_map(|Reverse((_, place))| kept.get_mut(place)?.take());
        Survey {
            coverage: self.coverage,
            reasons: self.reasons,
            parts: self.parts,
            read_bytes: self.read_bytes,
            large: large.collect(),
            spread: self.spread,
            tally,
        }
    }
}

fn add_to(parts: &mut BTreeMap<Vec<u8>, Share>, name: &[u8], bytes: u64) {
    let add = |share: &mut Share| {
        share.entries += 1;
        share.bytes = share.bytes.saturating_add(bytes);
    };
    // Nearly every file is in the part of the one before it: no name is copied for it.
    if let Some(share) = parts.get_mut(name) {
        add(share);
    } else if parts.len() < LIMIT_PARTS {
        add(parts.entry(name.to_vec()).or_default());
    }
}

/// Reads samples from their start, at most `limit_bytes` of each, and returns how many files and
/// bytes that were. `goes_on` is told of every read; when it says no, the reading ends.
pub fn read_samples(
    samples: &[Sample],
    limit_bytes: u64,
    goes_on: &mut dyn FnMut(u64) -> bool,
) -> Share {
    let mut read = Share::default();
    let mut buffer = vec![0; READ_BYTES];
    for sample in samples {
        // What cannot be read tells nothing about speed.
        let Ok(mut stream) = sample.directory.open_stream(&sample.entry) else { continue };
        let mut bytes = 0;
        let mut has_ended = false;
        while bytes < limit_bytes && !has_ended {
            match stream.read(&mut buffer) {
                Ok(Chunk::Data(length)) => {
                    bytes += length as u64;
                    if !goes_on(length as u64) {
                        return Share { entries: read.entries + 1, bytes: read.bytes + bytes };
                    }
                }
                Ok(Chunk::Hole(_) | Chunk::End) | Err(_) => has_ended = true,
            }
        }
        read.entries += 1;
        read.bytes += bytes;
    }
    read
}
