//! A modelled disk with a moving head: the order of the medium beats the order of names, and
//! nobody moves the head away from a reader.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use triage_case::Record;
use triage_evidence::{ByteSource, Chunk, Directory, Entry, Kind, Location, Problem, Stream};
use triage_walk::{Met, Verdict};

use super::tests::{Contents, records, scanned};
use super::*;

/// How much is read in the time of one seek: 10 ms at 150 MB/s.
const SEEK_BYTES: u64 = 1_500_000;
/// A gap up to this long is read over rather than jumped over: a few tracks.
const TRACKS_BYTES: u64 = 500_000;
/// How many files there are, and how long each is.
const FILES: u64 = 200;
const FILE_BYTES: u64 = 20_000;

/// What the disk did.
#[derive(Default)]
struct Head {
    at: u64,
    /// The time that passed, in bytes that the disk reads meanwhile.
    cost_bytes: u64,
    seeks: u64,
    /// How often the head was taken away in the middle of a content.
    torn_away: u64,
}

/// A disk whose head moves.
#[derive(Default)]
struct Disk(Mutex<Head>);

impl ByteSource for Disk {
    fn size_bytes(&self) -> u64 {
        FILES * FILE_BYTES
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let mut head = self.0.lock().unwrap();
        if head.at != offset && !head.at.is_multiple_of(FILE_BYTES) {
            head.torn_away += 1;
        }
        match offset.checked_sub(head.at) {
            Some(gap) if gap <= TRACKS_BYTES => head.cost_bytes += gap,
            _ => {
                head.seeks += 1;
                head.cost_bytes += SEEK_BYTES;
            }
        }
        head.at = offset + buffer.len() as u64;
        head.cost_bytes += buffer.len() as u64;
        buffer.fill(u8::try_from(offset / FILE_BYTES % 251).unwrap());
        drop(head);
        // Somebody else may want the head now.
        thread::yield_now();
        Ok(buffer.len())
    }
}

/// The names are in another order than the contents: file `n` lies at the place `n * 77 % 200`.
fn begins_at(name: &[u8]) -> u64 {
    let number: u64 = std::str::from_utf8(name).unwrap().parse().unwrap();
    number * 77 % FILES * FILE_BYTES
}

struct Content {
    disk: Arc<Disk>,
    start: u64,
    position: u64,
}

impl Stream for Content {
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem> {
        // In steps of a page or so: each is a moment in which somebody else may move the head.
        let length = (FILE_BYTES - self.position).min(buffer.len() as u64).min(5_000);
        if length == 0 {
            return Ok(Chunk::End);
        }
        let length = usize::try_from(length).unwrap();
        self.disk.read_at(self.start + self.position, &mut buffer[..length])?;
        self.position += length as u64;
        Ok(Chunk::Data(length))
    }

    fn skip(&mut self, bytes: u64) {
        self.position += bytes;
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        Ok(())
    }

    fn begins_at(&self) -> Option<u64> {
        Some(self.start)
    }
}

/// A directory of files on that disk.
fn folder(disk: Arc<Disk>) -> Arc<dyn Directory> {
    Arc::new(Contents(move |entry: &Entry| -> Result<Box<dyn Stream>, Problem> {
        let start = begins_at(entry.location.name());
        Ok(Box::new(Content { disk: Arc::clone(&disk), start, position: 0 }))
    }))
}

/// Scans the folder, in batches of so many, and returns the records and what the disk did.
fn scan(io: IoMode, threads: usize, batch: usize) -> (Vec<Record>, Head) {
    let disk = Arc::new(Disk::default());
    let mut scanned = scanned(io);
    scanned.execution.threads = threads;
    scanned.execution.read_timeout = Some(Duration::from_secs(3600));
    let met: Vec<Met> = (0..FILES)
        .map(|seq| {
            let location = Location::from_path(format!("{seq:03}").into_bytes());
            let mut entry = Entry::unexamined(location, Kind::File);
            entry.size_bytes = Some(FILE_BYTES);
            Met { seq, entry, verdict: Verdict::Content }
        })
        .collect();
    let directory = folder(Arc::clone(&disk));
    let walking: Walking = Box::new(move |hand_out| {
        for met in met.chunks(batch) {
            hand_out(Batch { directory: Arc::clone(&directory), met: met.to_vec() });
        }
        Tally { entries: FILES, bytes: FILES * FILE_BYTES, ..Tally::default() }
    });
    let (records, _) = records(scanned, walking);
    let head = std::mem::take(&mut *disk.0.lock().unwrap());
    (records, head)
}

#[test]
fn the_order_of_the_medium_beats_the_order_of_names() {
    let (by_place, few) = scan(IoMode::OneReader, 2, 100);
    let (by_name, many) = scan(IoMode::Parallel, 1, 100);
    // One pass over the disk for each of the two batches; by names a jump to every file.
    assert!(few.seeks <= 2, "{}", few.seeks);
    assert!(many.seeks > FILES / 2, "{}", many.seeks);
    assert!(few.cost_bytes * 10 < many.cost_bytes, "{} {}", few.cost_bytes, many.cost_bytes);
    assert_eq!(by_place.len() as u64, FILES);
    let told = |records: &[Record]| -> Vec<_> {
        let told = records.iter();
        told.map(|record| (record.entry.location.to_text(), record.digests.clone())).collect()
    };
    assert_eq!(told(&by_place), told(&by_name), "the records do not tell the order of reading");
}

#[test]
fn nobody_takes_the_head_away_from_a_reader() {
    let (_, whole) = scan(IoMode::OneReader, 4, 200);
    assert_eq!((whole.seeks, whole.torn_away), (0, 0), "all of it lies and is read in a row");
    // Many small batches for four threads.
    let (_, many) = scan(IoMode::OneReader, 4, 10);
    assert_eq!(many.torn_away, 0);
}
