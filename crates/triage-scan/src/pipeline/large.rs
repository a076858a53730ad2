//! Large contents: read in turn, hashed side by side or with two threads, each with its own result.

use std::sync::Arc;
use std::time::Duration;

use triage_case::{Record, Status};
use triage_evidence::{Chunk, Directory, Entry, Kind, Location, Problem, ProblemKind, Stream};
use triage_hash::hash_bytes;
use triage_walk::{Met, Verdict};

use super::tests::{Contents, records, scanned};
use super::*;
use crate::job::At;
use crate::large_queue::{LargeQueue, Waiting};

/// More than what is read whole.
const LARGE: usize = 8 * 1024 * 1024 + 1;
/// Where things happen in a content whose name says that they do.
const HERE: usize = 3_000_000;
/// How long the hole of a content with one is.
const HOLE: usize = 1_000_001;

/// The bytes of a content: no two are alike.
fn content(name: &str, size: usize) -> Vec<u8> {
    let seed = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    let mut bytes: Vec<u8> =
        (0..size as u32).map(|i| (i ^ seed).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    if name.starts_with("hole") {
        bytes[HERE..HERE + HOLE].fill(0);
    }
    bytes
}

struct Film {
    halting: Arc<Halting>,
    name: String,
    bytes: Vec<u8>,
    position: usize,
}

impl Stream for Film {
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem> {
        let kind = self.name.split('-').next().unwrap_or_default();
        let is_here = self.position == HERE;
        match kind {
            "hole" if is_here => {
                self.position += HOLE;
                return Ok(Chunk::Hole(HOLE as u64));
            }
            "bad" if is_here => {
                let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
                return Err(problem.with_code("EIO").at(HERE as u64).losing(512));
            }
            "changes" if is_here => return Err(Problem::new(ProblemKind::Changed, "it changed")),
            "hangs" if is_here => loop {
                thread::sleep(Duration::from_secs(3600));
            },
            "panics" if is_here => panic!("a defect in a reader"),
            "interrupts" if is_here => self.halting.set(Halt::Interrupt),
            "spends" if is_here => self.halting.set(Halt::Budget),
            _ => {}
        }
        let whole = self.bytes.len();
        let end = if self.position < HERE { HERE.min(whole) } else { whole };
        let length = buffer.len().min(end - self.position);
        buffer[..length].copy_from_slice(&self.bytes[self.position..self.position + length]);
        self.position += length;
        Ok(if length == 0 { Chunk::End } else { Chunk::Data(length) })
    }

    fn skip(&mut self, bytes: u64) {
        self.position += usize::try_from(bytes).unwrap();
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        Ok(())
    }
}

/// A directory of films that do as their names say.
fn films(halting: Arc<Halting>) -> Arc<dyn Directory> {
    Arc::new(Contents(move |entry: &Entry| -> Result<Box<dyn Stream>, Problem> {
        let name = String::from_utf8(entry.location.name().to_vec()).unwrap();
        if name == "refused" {
            return Err(Problem::new(ProblemKind::Unreadable, "refused").with_code("EACCES"));
        }
        let bytes = content(&name, usize::try_from(entry.size_bytes.unwrap()).unwrap());
        Ok(Box::new(Film { halting: Arc::clone(&halting), name, bytes, position: 0 }))
    }))
}

/// A clock that goes on by itself, ten milliseconds at a time.
struct Ticking(Arc<AtomicU64>);

impl Ticking {
    fn start() -> Self {
        let ticks = Arc::new(AtomicU64::new(0));
        let ticked = Arc::downgrade(&ticks);
        thread::spawn(move || {
            while let Some(ticks) = ticked.upgrade() {
                ticks.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self(ticks)
    }
}

impl Clock for Ticking {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(10 * self.0.load(Ordering::SeqCst))
    }
}

/// Scans batches of files; a name that begins with `small` is of a small one.
fn scan(batches: &[&[&str]], threads: usize) -> (Vec<Record>, Outcome) {
    let mut scanned = scanned(IoMode::Parallel);
    scanned.clock = Arc::new(Ticking::start());
    scanned.execution.threads = threads;
    scanned.execution.read_timeout = Some(Duration::from_secs(2));
    let directory = films(Arc::clone(&scanned.halting));
    let mut seq = 0..;
    let mut met = |name: &&str| {
        let seq = seq.next().unwrap();
        let mut entry =
            Entry::unexamined(Location::from_path(name.as_bytes().to_vec()), Kind::File);
        let more = usize::try_from(seq).unwrap() * 1_000;
        let size = if name.starts_with("small") { 5_000 } else { LARGE } + more;
        entry.size_bytes = Some(size as u64);
        Met { seq, entry, verdict: Verdict::Content }
    };
    let batches: Vec<Vec<Met>> =
        batches.iter().map(|names| names.iter().map(&mut met).collect()).collect();
    let entries = batches.iter().map(Vec::len).sum::<usize>() as u64;
    let walking: Walking = Box::new(move |hand_out| {
        for met in batches {
            hand_out(Batch { directory: Arc::clone(&directory), met });
        }
        Tally { entries, ..Tally::default() }
    });
    records(scanned, walking)
}

/// Every record is there, in order, and what was read has the digests of its own bytes.
fn check(records: &[Record], entries: usize) {
    assert_eq!(records.len(), entries);
    for (seq, record) in records.iter().enumerate() {
        assert_eq!(record.seq, seq as u64);
        if record.status == Status::Read {
            let name = record.entry.location.to_text();
            let bytes = content(&name, usize::try_from(record.entry.size_bytes.unwrap()).unwrap());
            assert_eq!(record.bytes_read, bytes.len() as u64, "{name}");
            assert_eq!(record.digests, hash_bytes(Algorithms::DEFAULT, &bytes), "{name}");
        }
    }
}

#[test]
fn contents_side_by_side_have_their_own_digests() {
    let batches: [&[&str]; 4] = [
        &["a", "hole-a", "small-a", "b"],
        &["small-b", "c", "d", "e", "f", "small-c"],
        &["hole-b"],
        &["small-d", "g"],
    ];
    for threads in [1, 2] {
        let (records, outcome) = scan(&batches, threads);
        check(&records, 13);
        assert!(records.iter().all(|record| record.status == Status::Read), "{records:?}");
        assert_eq!(outcome.tally.unwrap().entries, 13);
    }
}

#[test]
fn more_contents_than_lanes_wait_for_one() {
    let names: Vec<String> = (0..20).map(|number| format!("content-{number}")).collect();
    let mut batch: Vec<&str> = names.iter().map(String::as_str).collect();
    batch.insert(1, "refused");
    batch.push("panics");
    for threads in [1, 2] {
        let (records, _) = scan(&[&batch, &["small-a", "a"]], threads);
        check(&records, 24);
        let unread = records.iter().filter(|record| record.status != Status::Read);
        assert_eq!(unread.map(|record| record.seq).collect::<Vec<_>>(), [1, 21]);
    }
}

#[test]
fn the_oldest_and_the_largest_are_taken_in_turn() {
    let directory = films(Arc::default());
    let batch = || Batch { directory: Arc::clone(&directory), met: Vec::new() };
    let work = Work { batch: batch(), carried: Vec::new() };
    let Ok(job) = Slot::<()>::new(0).start(Job::new(work)) else { panic!("a new slot") };
    let mut queue = LargeQueue::default();
    for (place, size_bytes) in [1, 2, 9, 3, 9, 4].into_iter().enumerate() {
        queue.push(Waiting { at: At { job, place }, batch: Arc::new(batch()), size_bytes });
    }
    let order: Vec<_> = std::iter::from_fn(|| queue.take()).map(|next| next.at.place).collect();
    assert_eq!(order, [0, 2, 1, 4, 3, 5]);
}

#[test]
fn a_content_alone_is_hashed_with_two_threads() {
    for name in ["alone", "hole-alone"] {
        let (records, _) = scan(&[&[name]], 2);
        check(&records, 1);
        assert_eq!(records[0].status, Status::Read);
    }
    let (records, _) = scan(&[&["bad-alone"]], 2);
    let bytes_read = LARGE as u64 - 512;
    assert_eq!((records[0].status, records[0].bytes_read), (Status::Partial, bytes_read));
}

#[test]
fn what_befalls_one_content_befalls_no_other() {
    let batches: [&[&str]; 2] =
        [&["a", "bad", "changes", "hangs", "refused"], &["panics", "small-a", "b"]];
    for threads in [1, 2] {
        let (records, outcome) = scan(&batches, threads);
        check(&records, 8);
        use Status::{Changed, Partial, Read, Unreadable};
        let statuses: Vec<_> = records.iter().map(|record| record.status).collect();
        let expected = [Read, Partial, Changed, Unreadable, Unreadable, Unreadable, Read, Read];
        assert_eq!(statuses, expected, "{records:?}");
        let kind = |place: usize| records[place].problem.as_ref().map(|problem| problem.kind);
        assert_eq!(kind(3), Some(ProblemKind::TimedOut));
        assert_eq!(kind(5), Some(ProblemKind::Internal));
        let problem = records[1].problem.as_ref().unwrap();
        assert_eq!((problem.offset, problem.lost_bytes), (Some(HERE as u64), Some(512)));
        // What was read of a content that changed has the digests of that.
        let changed = content("changes", LARGE + 2_000);
        assert_eq!(records[2].digests, hash_bytes(Algorithms::DEFAULT, &changed[..HERE]));
        assert_eq!(outcome.tally.unwrap().entries, 8);
    }
}

#[test]
fn a_run_that_ends_says_nothing_wrong_of_what_was_begun() {
    let (records, outcome) = scan(&[&["a", "interrupts", "b"], &["c"]], 2);
    assert_eq!(outcome.halted, Some(Halt::Interrupt));
    check(&records, 0);

    let (records, outcome) = scan(&[&["spends", "a", "b"]], 1);
    assert_eq!(outcome.halted, Some(Halt::Budget));
    check(&records, 3);
    assert!(records.iter().all(|record| record.status == Status::NotReached), "{records:?}");
}
