//! Memory that overflows onto the disk: sorted records and growing sections of bounded size.
//!
//! Without a folder everything stays in memory. With one, whatever does not fit goes into files in
//! it, which have no name: they are gone with the process, however it ends.

#![expect(clippy::disallowed_methods, reason = "the named door of the crate for scratch files")]

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Size of the buffer of a file that is written or read from start to end.
const BUFFER: usize = 256 << 10;
/// Most runs that are merged at once; more are merged into one first.
const MAX_RUNS: usize = 48;
/// Memory of a record beside its bytes: its first bytes and its place, for sorting.
const ORDER_BYTES: usize = size_of::<(u64, u32)>();

/// Where scratch files go, and how much memory may be used before.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    /// A folder; `None` keeps everything in memory.
    pub(crate) folder: Option<PathBuf>,
    /// Bytes of memory for sorting.
    pub(crate) memory_bytes: usize,
}

impl Scratch {
    /// Keeps everything in memory.
    pub(crate) const fn in_memory() -> Self {
        Self { folder: None, memory_bytes: usize::MAX }
    }

    /// Returns the same with a part of the memory.
    pub(crate) fn share(&self, parts: usize) -> Self {
        Self { folder: self.folder.clone(), memory_bytes: self.memory_bytes / parts.max(1) }
    }

    /// Returns a new scratch file, which has no name any more.
    fn file(&self) -> Result<Option<File>, Error> {
        let Some(folder) = &self.folder else { return Ok(None) };
        for number in 0..u32::MAX {
            let path = folder.join(format!(".triage-spill-{}-{number}.part", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    std::fs::remove_file(&path).map_err(failed("unlink", &path))?;
                    return Ok(Some(file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed("create", &path)(error)),
            }
        }
        Err(failed("create a scratch file in", folder)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Returns the error of a scratch file.
    fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> Error + use<> {
        let folder = self.folder.clone().unwrap_or_default();
        move |source| Error::Io { action, path: folder.clone(), source }
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { action, path: path.clone(), source }
}

/// Bytes that grow and are read once, from the start.
pub(crate) struct Growing {
    scratch: Scratch,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    len: u64,
}

impl Growing {
    /// Returns none yet.
    pub(crate) fn new(scratch: &Scratch) -> Result<Self, Error> {
        let file = scratch.file()?.map(|file| BufWriter::with_capacity(BUFFER, file));
        Ok(Self { scratch: scratch.clone(), memory: Vec::new(), file, len: 0 })
    }

    /// Appends bytes.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.len += bytes.len() as u64;
        match &mut self.file {
            None => self.memory.extend_from_slice(bytes),
            Some(file) => {
                file.write_all(bytes).map_err(self.scratch.failed("write a scratch file in"))?;
            }
        }
        Ok(())
    }

    /// Returns how many bytes there are.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Hands all bytes out in pieces.
    pub(crate) fn read_all(
        self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = self.scratch.failed("read a scratch file in");
        let Some(file) = self.file else { return each(&self.memory) };
        let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(&failed)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer).map_err(&failed)? {
                0 => return Ok(()),
                length => each(&buffer[..length])?,
            }
        }
    }
}

/// Sorts records of one width by their bytes.
pub(crate) struct Sorter {
    scratch: Scratch,
    width: usize,
    buffer: Vec<u8>,
    runs: Vec<File>,
}

impl Sorter {
    /// Returns a sorter of records of `width` bytes.
    pub(crate) fn new(scratch: &Scratch, width: usize) -> Self {
        Self { scratch: scratch.clone(), width, buffer: Vec::new(), runs: Vec::new() }
    }

    /// Takes a record of the width.
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<(), Error> {
        debug_assert_eq!(record.len(), self.width, "records of one width");
        if self.buffer.len() / self.width * (self.width + ORDER_BYTES) >= self.scratch.memory_bytes
        {
            self.spill()?;
        }
        self.buffer.extend_from_slice(record);
        Ok(())
    }

    /// Returns the places of the records in order.
    fn order(&self) -> Vec<(u64, u32)> {
        let record = |place: u32| {
            let start = place as usize * self.width;
            &self.buffer[start..start + self.width]
        };
        // The first eight bytes decide almost every comparison without a look at the record.
        let mut order: Vec<(u64, u32)> = (0..)
            .zip(self.buffer.chunks_exact(self.width))
            .map(|(place, bytes)| (prefix(bytes), place))
            .collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| record(a.1).cmp(record(b.1))));
        order
    }

    /// Writes what is in memory as a sorted run.
    fn spill(&mut self) -> Result<(), Error> {
        let Some(file) = self.scratch.file()? else { return Ok(()) };
        let failed = self.scratch.failed("write a scratch file in");
        let mut out = BufWriter::with_capacity(BUFFER, file);
        for (_, place) in self.order() {
            let start = place as usize * self.width;
            out.write_all(&self.buffer[start..start + self.width]).map_err(&failed)?;
        }
        self.runs.push(out.into_inner().map_err(|error| failed(error.into_error()))?);
        self.buffer.clear();
        if self.runs.len() >= MAX_RUNS {
            self.merge_runs()?;
        }
        Ok(())
    }

    /// Makes one run of all.
    fn merge_runs(&mut self) -> Result<(), Error> {
        let Some(file) = self.scratch.file()? else { return Ok(()) };
        let failed = self.scratch.failed("write a scratch file in");
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let mut merge = Merge::new(std::mem::take(&mut self.runs), self.width, &self.scratch)?;
        while let Some(record) = merge.next()? {
            out.write_all(record).map_err(&failed)?;
        }
        self.runs.push(out.into_inner().map_err(|error| failed(error.into_error()))?);
        Ok(())
    }

    /// Returns the records in order.
    pub(crate) fn finish(mut self) -> Result<Sorted, Error> {
        if self.runs.is_empty() {
            let order = self.order();
            return Ok(Sorted::Memory { buffer: self.buffer, width: self.width, order, next: 0 });
        }
        if !self.buffer.is_empty() {
            self.spill()?;
        }
        // The sort's memory goes before what follows takes its own.
        self.buffer = Vec::new();
        Ok(Sorted::Runs(Merge::new(self.runs, self.width, &self.scratch)?))
    }
}

/// Sorted records.
pub(crate) enum Sorted {
    /// All of them fitted into memory.
    Memory { buffer: Vec<u8>, width: usize, order: Vec<(u64, u32)>, next: usize },
    /// They are in sorted runs.
    Runs(Merge),
}

impl Sorted {
    /// Returns the next record.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        match self {
            Self::Memory { buffer, width, order, next } => {
                let Some((_, place)) = order.get(*next) else { return Ok(None) };
                *next += 1;
                let start = *place as usize * *width;
                Ok(buffer.get(start..start + *width))
            }
            Self::Runs(merge) => merge.next(),
        }
    }
}

/// One sorted run that is being read.
struct Run {
    input: BufReader<File>,
    head: Vec<u8>,
    is_done: bool,
}

/// Several sorted runs as one.
pub(crate) struct Merge {
    runs: Vec<Run>,
    scratch: Scratch,
    /// The run whose head was handed out last.
    taken: Option<usize>,
}

impl Merge {
    fn new(files: Vec<File>, width: usize, scratch: &Scratch) -> Result<Self, Error> {
        let mut merge = Self { runs: Vec::new(), scratch: scratch.clone(), taken: None };
        for mut file in files {
            file.seek(SeekFrom::Start(0)).map_err(scratch.failed("read a scratch file in"))?;
            let input = BufReader::with_capacity(BUFFER, file);
            merge.runs.push(Run { input, head: vec![0; width], is_done: false });
            merge.advance(merge.runs.len() - 1)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, place: usize) -> Result<(), Error> {
        let run = &mut self.runs[place];
        match run.input.read_exact(&mut run.head) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                run.is_done = true;
                Ok(())
            }
            Err(error) => Err(self.scratch.failed("read a scratch file in")(error)),
        }
    }

    fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if let Some(taken) = self.taken.take() {
            self.advance(taken)?;
        }
        let mut least: Option<usize> = None;
        for (place, run) in self.runs.iter().enumerate().filter(|(_, run)| !run.is_done) {
            let smaller = least.is_none_or(|least| {
                run.head.as_slice().cmp(&self.runs[least].head) == Ordering::Less
            });
            if smaller {
                least = Some(place);
            }
        }
        self.taken = least;
        Ok(least.map(|place| self.runs[place].head.as_slice()))
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
        let mut sorted = sorter.finish().unwrap();
        let mut out = Vec::new();
        while let Some(record) = sorted.next().unwrap() {
            out.push(record.to_vec());
        }
        out
    }

    #[test]
    fn spilled_runs_give_the_same_order_as_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut number = 1_u64;
        let records: Vec<[u8; 11]> = (0..5000)
            .map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let mut record = [7; 11];
                record[4..].copy_from_slice(&number.to_be_bytes()[..7]);
                record
            })
            .collect();
        let mut expected: Vec<Vec<u8>> = records.iter().map(|r| r.to_vec()).collect();
        expected.sort();
        assert_eq!(sorted(&Scratch::in_memory(), &records), expected);
        // From one run to more than are merged at once.
        for memory_bytes in [100_000, 5_000, 500] {
            let folder = Some(folder.path().to_owned());
            assert_eq!(sorted(&Scratch { folder, memory_bytes }, &records), expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file stays");
    }
}
