//! What no program can be faster than on this machine: opening, reading and closing the files and
//! nothing else, and the digests of as many bytes in memory.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::contender::{Algorithms, Threads};
use super::corpus::Corpus;
use super::measure::Table;
use crate::error::{Error, Outcome, at};
use crate::process;

/// As many passes as of every side; one more before them warms the page cache.
const PASSES: usize = 5;
/// How much is read at once: what stays in the second-level cache.
const READ_BYTES: usize = 256 * 1024;

/// What the kernel needs for the files of a corpus.
pub(super) struct Reading {
    corpus: &'static str,
    /// Seconds of the fastest pass, with all threads.
    seconds: f64,
}

/// Opens, examines, reads and closes every file of a corpus, with so many threads.
///
/// # Errors
/// The list or a file cannot be read.
pub(super) fn reading(corpus: &Corpus, threads: usize) -> Outcome<Reading> {
    let list = fs::read(&corpus.list).map_err(at("read", &corpus.list))?;
    let paths: Vec<&Path> = list
        .split(|&byte| byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| Path::new(std::ffi::OsStr::from_bytes(path)))
        .collect();
    let mut fastest = f64::INFINITY;
    for pass in 0..=PASSES {
        let start = Instant::now();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let readers: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| read_all(&paths, &next))).collect();
            readers.into_iter().try_for_each(|reader| match reader.join() {
                Ok(read) => read,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        if pass > 0 {
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
    }
    Ok(Reading { corpus: corpus.name, seconds: fastest })
}

fn read_all(paths: &[&Path], next: &AtomicUsize) -> Outcome {
    let mut buffer = vec![0; READ_BYTES];
    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
        let mut file = File::open(path).map_err(at("open", path))?;
        file.metadata().map_err(at("examine", path))?;
        while file.read(&mut buffer).map_err(at("read", path))? > 0 {}
    }
    Ok(())
}

/// How many MiB each second one thread digests, data in cache.
pub(super) struct Rates(Vec<(String, f64)>);

impl Rates {
    /// Runs the example that measures them.
    ///
    /// # Errors
    /// It cannot be built or run.
    pub(super) fn measure() -> Outcome<Self> {
        let mut command = process::cargo();
        command.args(["run", "--quiet", "--release", "--package", "triage-hash"]);
        command.args(["--example", "throughput"]);
        let program = process::line(&command);
        let output = command.output();
        let output = output.map_err(|source| Error::Start { program: program.clone(), source })?;
        if !output.status.success() {
            return Err(Error::Failed { program, status: output.status.to_string() });
        }
        Ok(Self::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Reads lines such as `stream md5     550 MiB/s`.
    fn parse(text: &str) -> Self {
        let rate = |line: &str| {
            let (name, rate) = line.strip_suffix("MiB/s")?.trim_end().rsplit_once(' ')?;
            Some((name.trim_end().to_owned(), rate.parse().ok()?))
        };
        Self(text.lines().filter_map(rate).collect())
    }

    fn of(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, rate)| *rate)
    }

    /// One thread with full lanes; of a file alone, the chain that it waits for.
    fn for_table(&self, table: &Table) -> Option<f64> {
        let digests = table.algorithms.name();
        match table.corpus {
            "one" if table.algorithms == Algorithms::Three => self.of("stream md5"),
            "one" => self.of(&format!("stream {digests}")),
            "small" => self.of(&format!("batch {digests} of 8 KiB")),
            _ => self.of(&format!("batch {digests} of 256 KiB")),
        }
    }
}

/// The limits beside what we need, as a chapter of the page.
pub(super) fn chapter(
    tables: &[Table],
    readings: &[Reading],
    rates: &Rates,
    threads: usize,
) -> String {
    let mut text = "\n## Limits of this machine\n\n\
        With all threads, in seconds. `reading`: every file is opened, examined, read to its end\n\
        and closed, and nothing else is done. `digests`: those of as many bytes in memory, all\n\
        lanes full; of one file alone those of one thread: the chain of its slowest digest, which\n\
        no thread shortens, but for BLAKE3, a tree.\n\
        Of many files a core does one or the other: the limit is their sum, without a walk, a\n\
        manifest or a package. Of one file it is the longer of both.\n\n\
        | corpus | digests | reading | digests | limit | ours | fastest peer |\n\
        |--|--|--|--|--|--|--|\n"
        .to_owned();
    for table in tables {
        let reading = readings.iter().find(|reading| reading.corpus == table.corpus);
        let (Some(reading), Some(rate), Some(ours), Some(peer)) = (
            reading.map(|reading| reading.seconds),
            rates.for_table(table),
            table.ours(Threads::All),
            table.peer("fastest", Threads::All),
        ) else {
            continue;
        };
        let is_alone = table.corpus == "one";
        let cores = if is_alone { 1 } else { threads };
        let digests = table.bytes as f64 / f64::from(1 << 20) / rate / cores as f64;
        let limit = if is_alone { reading.max(digests) } else { reading + digests };
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {reading:.3} | {digests:.3} | {limit:.3} | {:.3} | {:.3} |",
            table.corpus,
            table.algorithms.name(),
            ours.fastest(),
            peer.fastest(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::contender::OURS;
    use super::super::measure::tests::{row, table};
    use super::*;

    #[test]
    fn limits_add_up_and_stand_beside_what_was_measured() {
        let rows =
            vec![row(OURS, Threads::All, &[3.0, 3.1]), row("rhash", Threads::All, &[9.0, 9.1])];
        let said = "paths: md5/avx512x16\nself-test: 1.0 ms\n\
                    stream md5                                        512 MiB/s\n\
                    batch md5,sha1,sha256 of 256 KiB                 1024 MiB/s\n";
        let readings = [Reading { corpus: "large", seconds: 0.25 }];
        let page = chapter(&[table(rows)], &readings, &Rates::parse(said), 2);
        // 4 GiB at 1 GiB/s on each of two cores.
        let expected = "| large | md5,sha1,sha256 | 0.250 | 2.000 | 2.250 | 3.000 | 9.000 |\n";
        assert!(page.ends_with(expected), "{page}");
    }
}
