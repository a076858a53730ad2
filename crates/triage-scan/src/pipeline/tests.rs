//! Readers that hang, fail or panic: the run ends, and every entry has its record.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use triage_case::{Record, Status};
use triage_evidence::{
    Chunk, Device, Directory, Entry, FileId, Kind, Listing, Location, Problem, ProblemKind, Stream,
};
use triage_walk::{Met, Verdict};

use super::*;

/// How the operator interrupts while a file is read.
struct Cutting {
    halting: Arc<Halting>,
    begun: AtomicBool,
}

struct TroubledStream {
    cutting: Arc<Cutting>,
    name: Vec<u8>,
    position: u64,
}

/// Content of every file: three pages.
const SIZE: u64 = 12_288;

fn sector(offset: u64) -> Problem {
    let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
    problem.with_code("EIO").at(offset).losing(512)
}

impl Stream for TroubledStream {
    fn read(&mut self, mut buffer: &mut [u8]) -> Result<Chunk, Problem> {
        match self.name.as_slice() {
            b"hangs" => loop {
                thread::sleep(Duration::from_secs(3600));
            },
            b"panics" => panic!("a defect in a reader"),
            b"slow" => {
                thread::sleep(Duration::from_millis(40));
                let length = buffer.len().min(200);
                buffer = &mut buffer[..length];
            }
            b"ends-when-the-other-begins" => {
                while !self.cutting.begun.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            // The operator interrupts while this one is read, and another name of it waits for it.
            b"cut-off" if !self.cutting.halting.is_interrupt() => {
                self.cutting.begun.store(true, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(200));
                self.cutting.halting.set(Halt::Interrupt);
                return Err(sector(0));
            }
            // The second page is bad: a read that touches it fails, whatever its size.
            b"bad-middle"
                if (self.position < 4096 && buffer.len() > 4096)
                    || (4096..8192).contains(&self.position) =>
            {
                let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
                return Err(problem.with_code("EIO").at(4096));
            }
            // The first sector and the last but one: a source tells how much of it is bad.
            b"bad-sectors" if self.position == 0 => return Err(sector(0)),
            b"bad-sectors" if self.position == SIZE - 1024 => return Err(sector(SIZE - 1024)),
            b"bad-sectors" => {
                let next = SIZE - 1024;
                let end = if self.position < next { next } else { SIZE };
                let length = (end - self.position).min(buffer.len() as u64);
                self.position += length;
                let length = usize::try_from(length).unwrap();
                return Ok(if length == 0 { Chunk::End } else { Chunk::Data(length) });
            }
            _ => {}
        }
        let length = (SIZE - self.position).min(buffer.len() as u64);
        self.position += length;
        Ok(if length == 0 { Chunk::End } else { Chunk::Data(usize::try_from(length).unwrap()) })
    }

    fn skip(&mut self, bytes: u64) {
        self.position += bytes;
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        Ok(())
    }
}

/// A directory that does nothing but open contents, as a function says.
pub(super) struct Contents<F>(pub(super) F);

impl<F> Directory for Contents<F>
where
    F: Fn(&Entry) -> Result<Box<dyn Stream>, Problem> + Send + Sync,
{
    fn list(&self) -> Listing {
        Listing::default()
    }

    fn examine(&self, _: &[u8], _: Location) -> Result<Entry, Problem> {
        Err(Problem::new(ProblemKind::Unreadable, "not asked"))
    }

    fn open_directory(&self, _: &Entry) -> Result<Arc<dyn Directory>, Problem> {
        Err(Problem::new(ProblemKind::Unreadable, "not asked"))
    }

    fn open_parent(&self, _: FileId) -> Result<Arc<dyn Directory>, Problem> {
        Err(Problem::new(ProblemKind::Unreadable, "not asked"))
    }

    fn open_stream(&self, entry: &Entry) -> Result<Box<dyn Stream>, Problem> {
        (self.0)(entry)
    }
}

/// A directory whose files behave as their names say.
fn troubled(cutting: Arc<Cutting>) -> Arc<dyn Directory> {
    Arc::new(Contents(move |entry: &Entry| -> Result<Box<dyn Stream>, Problem> {
        if entry.location.name() == b"refused" {
            return Err(Problem::new(ProblemKind::Unreadable, "refused").with_code("EACCES"));
        }
        let (cutting, name) = (Arc::clone(&cutting), entry.location.name().to_vec());
        Ok(Box::new(TroubledStream { cutting, name, position: 0 }))
    }))
}

#[derive(Clone)]
pub(super) struct AsIs;

impl Ledger for AsIs {
    type Line = Record;

    fn prepare(&self, records: Vec<Record>) -> Vec<Record> {
        records
    }

    fn weight(_: &Record) -> usize {
        1
    }
}

struct Silent;

impl Watch for Silent {
    fn hit(&self, _: &Record) {}
    fn recorded(&self, _: &Record) {}
    fn read(&self, _: u64) {}
}

/// A clock that a test may read: the process's own.
struct TestClock(Mutex<Duration>);

impl Clock for TestClock {
    fn elapsed(&self) -> Duration {
        // Each look is a step of 2 ms: a run that waits looks again and again.
        let mut now = self.0.lock().unwrap();
        *now += Duration::from_millis(2);
        *now
    }
}

/// A run over evidence that a test puts in the place of this empty folder.
pub(super) fn scanned(io: IoMode) -> Scanned {
    let folder = tempfile::tempdir().unwrap();
    Scanned {
        evidence: Arc::new(Evidence::open(folder.path(), triage_walk::OpenAs::Files).unwrap()),
        walk: WalkPlan::default(),
        algorithms: Algorithms::DEFAULT,
        sets: None,
        size_filter: false,
        carry: None,
        execution: Execution {
            threads: 2,
            io,
            read_timeout: Some(Duration::from_millis(100)),
            budget: None,
            stop_after: None,
        },
        watch: Arc::new(Silent),
        clock: Arc::new(TestClock(Mutex::default())),
        halting: Arc::new(Halting::new()),
    }
}

/// Runs, and returns what was kept.
pub(super) fn records(scanned: Scanned, walking: Walking) -> (Vec<Record>, Outcome) {
    let mut records = Vec::new();
    let outcome = Run::start(scanned, walking, AsIs)
        .go(&mut |record: Record| -> Result<(), ()> {
            records.push(record);
            Ok(())
        })
        .unwrap();
    (records, outcome)
}

fn scan(names: &[&str], io: IoMode, stalls: bool) -> (Vec<Record>, Outcome) {
    scan_batches(&[names], io, stalls)
}

/// Scans batches of files with these names. A file of which the name says so has another name.
fn scan_batches(batches: &[&[&str]], io: IoMode, stalls: bool) -> (Vec<Record>, Outcome) {
    let scanned = scanned(io);
    let halting = Arc::clone(&scanned.halting);
    let directory = troubled(Arc::new(Cutting { halting, begun: AtomicBool::new(false) }));
    let mut seq = 0..;
    let batches: Vec<Vec<Met>> = batches
        .iter()
        .map(|names| names.iter().zip(&mut seq).map(|(name, seq)| met(name, seq)).collect())
        .collect();
    let entries = batches.iter().map(Vec::len).sum::<usize>() as u64;
    let walking: Walking = Box::new(move |hand_out| {
        for met in batches {
            hand_out(Batch { directory: Arc::clone(&directory), met });
        }
        if stalls {
            thread::sleep(Duration::from_secs(3600));
        }
        Tally { entries, bytes: entries * SIZE, ..Tally::default() }
    });
    records(scanned, walking)
}

fn met(name: &str, seq: u64) -> Met {
    let location = Location::from_path(name.as_bytes().to_vec());
    let mut entry = Entry::unexamined(location, Kind::File);
    // What has no size is read step by step, and shows life with each.
    entry.size_bytes = (name != "slow").then_some(SIZE);
    if ["cut-off", "its-other-name"].contains(&name) {
        entry.id = Some(FileId { device: Device { major: 1, minor: 0 }, inode: 7 });
        entry.links = Some(2);
    }
    Met { seq, entry, verdict: Verdict::Content }
}

#[test]
fn a_hanging_read_is_given_up_and_the_rest_is_read() {
    for io in [IoMode::Parallel, IoMode::OneReader] {
        let names = ["bad-middle", "fine-1", "fine-2", "hangs", "panics", "refused", "zz-fine"];
        let (records, outcome) = scan(&names, io, false);
        let found: Vec<_> =
            records.iter().map(|record| (record.entry.location.to_text(), record.status)).collect();
        let statuses: Vec<_> = found.iter().map(|(_, status)| *status).collect();
        use Status::{Partial, Read, Unreadable};
        let expected = [Partial, Read, Read, Unreadable, Unreadable, Unreadable, Read];
        assert_eq!(statuses, expected, "{found:?}");
        let kind = |place: usize| records[place].problem.as_ref().map(|problem| problem.kind);
        assert_eq!(kind(3), Some(ProblemKind::TimedOut));
        assert_eq!(kind(4), Some(ProblemKind::Internal));
        assert_eq!((records[0].bytes_read, records[0].digests.is_empty()), (8192, true));
        let problem = records[0].problem.as_ref().unwrap();
        assert_eq!((problem.offset, problem.lost_bytes), (Some(4096), Some(4096)));
        assert_eq!(outcome.tally.unwrap().entries, 7);
    }
}

#[test]
fn every_bad_sector_is_a_range_of_its_own_and_the_rest_is_read() {
    let (records, _) = scan(&["bad-sectors"], IoMode::Parallel, false);
    let record = &records[0];
    assert_eq!((record.status, record.bytes_read), (Status::Partial, SIZE - 1024));
    let problem = record.problem.as_ref().unwrap();
    assert_eq!((problem.offset, problem.lost_bytes), (Some(0), Some(1024)));
    let ranges: Vec<_> =
        problem.ranges.iter().map(|range| (range.offset, range.size_bytes)).collect();
    assert_eq!(ranges, [(0, 512), (SIZE - 1024, 512)]);
}

#[test]
fn a_walk_that_hangs_ends_the_run_with_what_was_met() {
    let (records, outcome) = scan(&["fine-1", "fine-2"], IoMode::Parallel, true);
    assert_eq!(records.len(), 2);
    assert_eq!(outcome.tally, None);
    assert_eq!(outcome.stalled, Some(Location::from_path(b"fine-2".to_vec())));
}

#[test]
fn a_walk_that_hangs_does_not_end_the_run_while_a_file_is_read() {
    for io in [IoMode::Parallel, IoMode::OneReader] {
        let (records, outcome) = scan_batches(&[&["fine"], &["slow"]], io, true);
        let statuses: Vec<_> = records.iter().map(|record| record.status).collect();
        assert_eq!(statuses, [Status::Read, Status::Read]);
        assert_eq!(outcome.stalled, Some(Location::from_path(b"slow".to_vec())));
    }
}

#[test]
fn an_interrupted_run_keeps_no_word_of_what_it_did_not_read() {
    let first = ["ends-when-the-other-begins", "its-other-name"];
    let (records, outcome) = scan_batches(&[&first, &["cut-off"]], IoMode::Parallel, false);
    assert_eq!(outcome.halted, Some(Halt::Interrupt));
    let read = records.iter().all(|record| record.status == Status::Read);
    assert!(read, "what is not read is left to the run that goes on: {records:?}");

    let names = ["cut-off", "fine-1", "fine-2"];
    let (records, outcome) = scan(&names, IoMode::OneReader, false);
    assert_eq!((records.len(), outcome.halted), (0, Some(Halt::Interrupt)));
}
