//! Sorts records of one width by their bytes, in bounded memory.
//!
//! Records are dealt into buckets by one byte. A bucket that is full is appended to one scratch
//! file; at the end each bucket is read back and sorted in memory, one after the other, by a thread
//! that is one bucket ahead of whoever takes the records. Digests spread evenly, so that a bucket
//! of a list of 10^8 is a few megabytes; one that is too large all the same (a hostile list) is
//! dealt again by its next byte. Nothing is ever merged.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::Error;
use crate::spill::Scratch;

/// One for each value of a byte.
const BUCKETS: usize = 256;
/// The part of the memory that a bucket may have to be sorted at once: with the order of its
/// records and two sorted buckets on their way it takes about five times its size.
const SHARE_AT_ONCE: usize = 8;
/// Records are handed over in batches of at least this size.
const BATCH_BYTES: usize = 1 << 18;
/// Batches that wait to be dealt.
const BATCHES_WAITING: usize = 4;
/// Below, a bucket is sorted at once whatever the memory: dealing it again costs more than that.
const ALWAYS_AT_ONCE_BYTES: usize = 1 << 12;

/// The records whose byte has one value.
#[derive(Default)]
struct Bucket {
    /// Those in memory.
    records: Vec<u8>,
    /// Where full pieces begin in the scratch file, in the order of their coming.
    pieces: Vec<u64>,
}

/// Takes records and gives them back in order. All the work is done by a thread of its own.
pub struct Sorter {
    scratch: Scratch,
    width: usize,
    /// Records on their way to the thread.
    batch: Vec<u8>,
    /// The thread, once there is a full batch.
    dealer: Option<Dealer>,
}

/// The thread of a sorter, its entry and its exit.
struct Dealer {
    records: SyncSender<Vec<u8>>,
    sorted: Receiver<Result<Vec<u8>, Error>>,
    worker: JoinHandle<()>,
}

impl Sorter {
    /// Returns a sorter of records of `width` bytes, which is at least 1.
    #[must_use]
    pub fn new(scratch: &Scratch, width: usize) -> Self {
        Self { scratch: scratch.clone(), width, batch: Vec::new(), dealer: None }
    }

    /// Takes a record of the width.
    ///
    /// # Errors
    /// [`Error::Io`] if a scratch file cannot be written.
    ///
    /// # Panics
    /// If the thread that sorts has panicked.
    #[inline]
    pub fn push(&mut self, record: &[u8]) -> Result<(), Error> {
        debug_assert_eq!(record.len(), self.width, "records of one width");
        self.batch.extend_from_slice(record);
        if self.batch.len() < BATCH_BYTES { Ok(()) } else { self.send() }
    }

    #[cold]
    fn send(&mut self) -> Result<(), Error> {
        let dealer = self.dealer.get_or_insert_with(|| Dealer::start(&self.scratch, self.width));
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_BYTES));
        if dealer.records.send(batch).is_ok() {
            return Ok(());
        }
        // The thread takes no more: it has said why, or it has panicked.
        match dealer.sorted.recv() {
            Ok(Err(error)) => Err(error),
            _ => panic!("the thread that sorts has ended"),
        }
    }

    /// Returns the records in order.
    #[must_use]
    pub fn finish(mut self) -> Sorted {
        let dealer = self.dealer.take();
        let dealer = dealer.unwrap_or_else(|| Dealer::start(&self.scratch, self.width));
        let Dealer { records, sorted, worker } = dealer;
        let is_empty = self.batch.is_empty();
        for last in [self.batch, Vec::new()].into_iter().skip(usize::from(is_empty)) {
            // If the thread takes no more, its error is what comes instead of the first record.
            let _ = records.send(last);
        }
        let width = self.width;
        Sorted { width, batch: Vec::new(), next: 0, batches: sorted, worker: Some(worker) }
    }
}

impl Dealer {
    fn start(scratch: &Scratch, width: usize) -> Self {
        let (records, taken) = sync_channel::<Vec<u8>>(BATCHES_WAITING);
        // One sorted batch waits while the next is sorted.
        let (batches, sorted) = sync_channel(1);
        let mut buckets = Buckets::new(scratch, width, 0);
        let worker = std::thread::spawn(move || {
            let mut outbox = Outbox { batches, batch: Vec::new(), order: Vec::new() };
            // An empty batch is the end; a sorter that is given up just goes away.
            let ended = loop {
                match taken.recv() {
                    Err(_) => return,
                    Ok(batch) if batch.is_empty() => break buckets.deal(&mut outbox),
                    Ok(batch) => {
                        if let Err(error) = buckets.take(&batch) {
                            break Err(error);
                        }
                    }
                }
            };
            if let Err(error) = ended.map(|()| outbox.send()) {
                // Whoever takes the records may have stopped: then there is nobody to tell.
                let _ = outbox.batches.send(Err(error));
            }
        });
        Self { records, sorted, worker }
    }
}

/// Records by the value of one byte.
struct Buckets {
    scratch: Scratch,
    width: usize,
    /// The byte of a record that names its bucket; all before it are alike.
    at: usize,
    /// Bytes of a full piece: whole records.
    piece_len: usize,
    buckets: Vec<Bucket>,
    file: Option<File>,
    file_len: u64,
}

impl Buckets {
    fn new(scratch: &Scratch, width: usize, at: usize) -> Self {
        let records = (scratch.memory_bytes / BUCKETS / width).max(1);
        let mut buckets = Vec::new();
        buckets.resize_with(BUCKETS, Bucket::default);
        Self {
            scratch: scratch.clone(),
            width,
            at,
            piece_len: records.saturating_mul(width),
            buckets,
            file: None,
            file_len: 0,
        }
    }

    /// Takes records.
    fn take(&mut self, records: &[u8]) -> Result<(), Error> {
        for record in records.chunks_exact(self.width) {
            let number = usize::from(record[self.at]);
            let bucket = &mut self.buckets[number];
            bucket.records.extend_from_slice(record);
            if bucket.records.len() >= self.piece_len && self.scratch.folder.is_some() {
                self.spill(number)?;
            }
        }
        Ok(())
    }

    /// Appends a full bucket to the scratch file.
    #[cold]
    fn spill(&mut self, number: usize) -> Result<(), Error> {
        if self.file.is_none() {
            self.file = self.scratch.file()?;
        }
        let Some(file) = &self.file else { return Ok(()) };
        let bucket = &mut self.buckets[number];
        file.write_all_at(&bucket.records, self.file_len)
            .map_err(self.scratch.failed("write a scratch file in"))?;
        bucket.pieces.push(self.file_len);
        self.file_len += bucket.records.len() as u64;
        bucket.records.clear();
        Ok(())
    }

    /// Sorts the buckets in their order.
    fn deal(&mut self, outbox: &mut Outbox) -> Result<(), Error> {
        let at_once = (self.scratch.memory_bytes / SHARE_AT_ONCE).max(ALWAYS_AT_ONCE_BYTES);
        for mut bucket in std::mem::take(&mut self.buckets) {
            let len = bucket.pieces.len() * self.piece_len + bucket.records.len();
            if len <= at_once {
                let mut records = std::mem::take(&mut bucket.records);
                records.reserve_exact(len - records.len());
                self.pieces(&bucket, &mut |piece| {
                    records.extend_from_slice(piece);
                    Ok(())
                })?;
                if !outbox.sort(&records, self.width, self.at) {
                    return Ok(());
                }
            } else if self.at + 1 == self.width {
                // Alike to the last byte: their order is any order.
                let mut goes_on = outbox.pass_on(&bucket.records);
                self.pieces(&bucket, &mut |piece| {
                    goes_on = goes_on && outbox.pass_on(piece);
                    Ok(())
                })?;
            } else {
                let mut finer = Self::new(&self.scratch.share(2), self.width, self.at + 1);
                finer.take(&std::mem::take(&mut bucket.records))?;
                self.pieces(&bucket, &mut |piece| finer.take(piece))?;
                finer.deal(outbox)?;
            }
        }
        Ok(())
    }

    /// Hands out the pieces of a bucket that are in the scratch file.
    fn pieces(
        &self,
        bucket: &Bucket,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut piece = vec![0; if bucket.pieces.is_empty() { 0 } else { self.piece_len }];
        for start in &bucket.pieces {
            file.read_exact_at(&mut piece, *start)
                .map_err(self.scratch.failed("read a scratch file in"))?;
            each(&piece)?;
        }
        Ok(())
    }
}

/// Sorted records on their way to whoever takes them.
struct Outbox {
    batches: SyncSender<Result<Vec<u8>, Error>>,
    batch: Vec<u8>,
    /// The first bytes of each record that may differ, and its place.
    order: Vec<(u64, u32)>,
}

impl Outbox {
    /// Sorts records that are alike before byte `at`; says whether anybody takes them.
    fn sort(&mut self, records: &[u8], width: usize, at: usize) -> bool {
        let record = |place: u32| {
            let start = place as usize * width;
            &records[start..start + width]
        };
        self.order.clear();
        let keys = records.chunks_exact(width).map(|record| prefix(&record[at..]));
        self.order.extend(keys.zip(0..));
        // Eight bytes decide nearly everything; only those that agree in them are looked at whole.
        self.order.sort_unstable_by_key(|(key, _)| *key);
        for alike in self.order.chunk_by_mut(|a, b| a.0 == b.0) {
            if alike.len() > 1 {
                alike.sort_unstable_by(|a, b| record(a.1).cmp(record(b.1)));
            }
        }
        self.batch.reserve(records.len());
        for (_, place) in &self.order {
            self.batch.extend_from_slice(record(*place));
        }
        self.batch.len() < BATCH_BYTES || self.send()
    }

    /// Passes records on as they are; says whether anybody takes them.
    fn pass_on(&mut self, records: &[u8]) -> bool {
        self.batch.extend_from_slice(records);
        self.batch.len() < BATCH_BYTES || self.send()
    }

    /// Hands the batch over; says whether anybody takes it.
    fn send(&mut self) -> bool {
        self.batches.send(Ok(std::mem::take(&mut self.batch))).is_ok()
    }
}

/// Sorted records.
pub struct Sorted {
    width: usize,
    batch: Vec<u8>,
    next: usize,
    batches: Receiver<Result<Vec<u8>, Error>>,
    worker: Option<JoinHandle<()>>,
}

impl Sorted {
    /// Returns the next record.
    ///
    /// # Errors
    /// [`Error::Io`] if a scratch file cannot be written or read.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<&[u8]>, Error> {
        while self.next >= self.batch.len() {
            if !self.refill()? {
                return Ok(None);
            }
        }
        let start = self.next;
        self.next += self.width;
        Ok(self.batch.get(start..self.next))
    }

    /// Takes the next batch; says whether there was one.
    #[cold]
    fn refill(&mut self) -> Result<bool, Error> {
        (self.batch, self.next) = (Vec::new(), 0);
        if let Ok(batch) = self.batches.recv() {
            self.batch = batch?;
            return Ok(true);
        }
        // A worker that broke off must not look like the end of the records.
        if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        Ok(false)
    }
}

/// Returns the first eight bytes as a number that orders like the bytes.
fn prefix(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(scratch: &Scratch, records: &[[u8; 11]]) -> Vec<Vec<u8>> {
        let mut sorter = Sorter::new(scratch, 11);
        records.iter().for_each(|record| sorter.push(record).unwrap());
        let mut sorted = sorter.finish();
        let mut out = Vec::new();
        while let Some(record) = sorted.next_record().unwrap() {
            out.push(record.to_vec());
        }
        out
    }

    /// Records of which the first bytes are all alike, many of them twice, some many times.
    fn records() -> Vec<[u8; 11]> {
        let mut number = 1_u64;
        let mut next = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            number >> 32
        };
        let random = (0..20_000).map(|_| {
            let mut record = [7; 11];
            record[4..].copy_from_slice(&next().wrapping_mul(next() % 3).to_be_bytes()[1..]);
            record
        });
        random.chain(std::iter::repeat_n([9; 11], 5_000)).collect()
    }

    #[test]
    fn the_memory_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let records = records();
        let mut expected: Vec<Vec<u8>> = records.iter().map(|r| r.to_vec()).collect();
        expected.sort();
        assert_eq!(sorted(&Scratch::in_memory(), &records), expected);
        for memory_bytes in [1_000_000, 100_000, 5_000, 500] {
            let folder = Some(folder.path().to_owned());
            assert_eq!(sorted(&Scratch { folder, memory_bytes }, &records), expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file stays");
    }

    #[test]
    fn records_that_nobody_takes_end_their_worker() {
        let mut sorter = Sorter::new(&Scratch::in_memory(), 11);
        (0..20).for_each(|_| records().iter().for_each(|record| sorter.push(record).unwrap()));
        let mut sorted = sorter.finish();
        assert!(sorted.next_record().unwrap().is_some());
        let worker = sorted.worker.take().unwrap();
        drop(sorted);
        worker.join().unwrap();
    }
}
