//! Measures all sides interleaved: pass 1 of each, pass 2 of each, ...; so that a slow minute hits
//! all of them.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::contender::{Algorithms, Contender, OURS, Threads};
use super::corpus::Corpus;
use crate::error::{Error, Outcome, at};
use crate::process;

/// Measured passes of each side; one more before them warms the page cache.
const PASSES: usize = 5;
/// Above this, a side is noisy and no ratio is given.
const MOST_SPREAD: f64 = 0.15;
/// A group with a noisy side is measured once more before it is called noisy.
const ATTEMPTS: usize = 2;

/// What one side needed.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The program.
    pub(super) program: &'static str,
    /// What was run.
    pub(super) words: String,
    /// With which threads.
    pub(super) threads: Threads,
    /// Seconds of every pass.
    pub(super) seconds: Vec<f64>,
}

impl Row {
    /// The fastest pass.
    pub(super) fn fastest(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// (slowest - fastest) / fastest.
    pub(super) fn spread(&self) -> f64 {
        let slowest = self.seconds.iter().copied().fold(0.0, f64::max);
        (slowest - self.fastest()) / self.fastest()
    }

    /// Whether its figures say little.
    pub(super) fn is_noisy(&self) -> bool {
        self.spread() > MOST_SPREAD
    }
}

/// One corpus, one choice of digests, all sides.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The name of the corpus.
    pub(super) corpus: &'static str,
    /// What it is.
    pub(super) words: String,
    /// Its files.
    pub(super) files: u64,
    /// Its bytes.
    pub(super) bytes: u64,
    /// The digests.
    pub(super) algorithms: Algorithms,
    /// A row a side, ours first.
    pub(super) rows: Vec<Row>,
}

/// How many times as fast as a peer we are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ratio {
    /// This many times.
    Times(f64),
    /// One side is too noisy to say.
    Noisy,
}

impl Table {
    /// Our row for these threads.
    pub(super) fn ours(&self, threads: Threads) -> Option<&Row> {
        self.rows.iter().find(|row| row.program == OURS && row.threads == threads)
    }

    /// The fastest row of a peer, or of all peers for "fastest", that uses no more threads than
    /// allowed.
    pub(super) fn peer(&self, name: &str, threads: Threads) -> Option<&Row> {
        let is_peer =
            |row: &&Row| row.program != OURS && (name == "fastest" || row.program == name);
        let may = |row: &&Row| threads == Threads::All || row.threads == Threads::One;
        let peers = self.rows.iter().filter(is_peer).filter(may);
        peers.min_by(|a, b| a.fastest().total_cmp(&b.fastest()))
    }

    /// Our speed over that of a peer.
    pub(super) fn ratio(&self, ours: &Row, peer: &Row) -> Ratio {
        if ours.is_noisy() || peer.is_noisy() {
            return Ratio::Noisy;
        }
        Ratio::Times(peer.fastest() / ours.fastest())
    }
}

/// Measures a group of sides.
///
/// # Errors
/// A side fails.
pub(super) fn interleaved(
    corpus: &Corpus,
    algorithms: Algorithms,
    contenders: &[Contender],
    scratch: &Path,
) -> Outcome<Table> {
    let mut table = Table {
        corpus: corpus.name,
        words: corpus.words.clone(),
        files: corpus.files,
        bytes: corpus.bytes,
        algorithms,
        rows: Vec::new(),
    };
    for _ in 0..ATTEMPTS {
        table.rows = contenders.iter().map(empty).collect();
        for pass in 0..=PASSES {
            for (contender, row) in contenders.iter().zip(&mut table.rows) {
                let seconds = time(contender, scratch)?;
                if pass > 0 {
                    row.seconds.push(seconds);
                }
            }
        }
        if !table.rows.iter().any(Row::is_noisy) {
            break;
        }
    }
    Ok(table)
}

fn empty(contender: &Contender) -> Row {
    let Contender { program, words, threads, .. } = contender;
    Row { program, words: words.clone(), threads: *threads, seconds: Vec::new() }
}

/// Seconds of one pass, from the start of the program to its end; removing the package is not
/// counted.
fn time(contender: &Contender, scratch: &Path) -> Outcome<f64> {
    let case = scratch.join("case");
    let mut command = contender.command(&case)?;
    let start = Instant::now();
    let output = command.output();
    let seconds = start.elapsed().as_secs_f64();
    let program = process::line(&command);
    let output = output.map_err(|source| Error::Start { program: program.clone(), source })?;
    if case.exists() {
        fs::remove_dir_all(&case).map_err(at("remove", &case))?;
    }
    if output.status.success() {
        return Ok(seconds);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Failed { program, status: format!("{}: {}", output.status, said.trim()) })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row(program: &'static str, threads: Threads, seconds: &[f64]) -> Row {
        Row { program, words: program.to_owned(), threads, seconds: seconds.to_vec() }
    }

    pub(in super::super) fn table(rows: Vec<Row>) -> Table {
        let algorithms = Algorithms::Three;
        let words = "4 large files".to_owned();
        Table { corpus: "large", words, files: 4, bytes: 4 << 30, algorithms, rows }
    }

    #[test]
    fn minima_are_compared_and_noise_is_refused() {
        let calm = row(OURS, Threads::One, &[2.0, 2.2]);
        let peer = row("rhash", Threads::One, &[4.2, 4.0]);
        let noisy = row("hashdeep", Threads::One, &[4.0, 4.7]);
        let table = table(vec![calm.clone(), peer.clone(), noisy.clone()]);
        assert_eq!(table.ratio(&calm, &peer), Ratio::Times(2.0));
        assert_eq!(table.ratio(&calm, &noisy), Ratio::Noisy);
    }

    #[test]
    fn the_fastest_peer_is_sought_within_the_threads() {
        let rows = vec![
            row(OURS, Threads::One, &[1.0]),
            row("rhash", Threads::One, &[3.0]),
            row("rhash", Threads::All, &[1.6]),
            row("hashdeep", Threads::All, &[1.5]),
        ];
        let table = table(rows);
        let fastest = |name, threads| table.peer(name, threads).unwrap().fastest();
        assert_eq!(fastest("fastest", Threads::All), 1.5);
        assert_eq!(fastest("fastest", Threads::One), 3.0);
        assert_eq!(fastest("rhash", Threads::All), 1.6);
        assert!(table.peer("b3sum", Threads::All).is_none());
    }
}
