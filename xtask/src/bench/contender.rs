//! Ours and the peers: the same digests of the same files, at one thread and at all of them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::corpus::Corpus;
use crate::error::{Outcome, at};
use crate::process;

/// The name of our own rows.
pub(super) const OURS: &str = "triage";

/// Peers that are looked for.
const PEERS: &[&str] = &["hashdeep", "rhash", "sha256sum", "openssl", "b3sum"];
/// Files for one process under xargs: enough that its start costs nothing, few enough to keep all
/// threads busy.
const MOST_FILES_PER_PROCESS: u64 = 1_000;

/// Which digests are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithms {
    /// MD5, SHA-1 and SHA-256 in one pass.
    Three,
    /// SHA-256 alone.
    Sha256,
    /// BLAKE3 alone.
    Blake3,
}

impl Algorithms {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Three, Self::Sha256, Self::Blake3];

    /// The name on the command line, in floors and on the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Three => "md5,sha1,sha256",
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        }
    }
}

/// How many threads a side may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Threads {
    /// One hashes.
    One,
    /// As many as the machine has.
    All,
}

/// One side of the comparison.
pub(super) struct Contender {
    /// The program: ours, or the name of the peer.
    pub(super) program: &'static str,
    /// What is run, as a reader would type it.
    pub(super) words: String,
    /// Its threads.
    pub(super) threads: Threads,
    arguments: Vec<String>,
    binary: PathBuf,
    input: Option<PathBuf>,
    folder: PathBuf,
}

impl Contender {
    /// The command of one pass. `case` is a folder that does not exist yet; only ours uses it.
    ///
    /// # Errors
    /// The list of files cannot be opened.
    pub(super) fn command(&self, case: &Path) -> Outcome<Command> {
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        match &self.input {
            Some(list) => command.stdin(File::open(list).map_err(at("open", list))?),
            None => command.arg(&self.folder).stdin(Stdio::null()),
        };
        if self.program == OURS {
            command.arg("--case").arg(case);
        }
        Ok(command)
    }
}

/// Peers that this machine does not have.
pub(super) fn missing() -> Vec<&'static str> {
    PEERS.iter().copied().filter(|peer| process::find(peer).is_none()).collect()
}

/// Our side.
#[derive(Clone, Copy)]
pub(super) struct Ours<'a> {
    /// The program.
    pub(super) binary: &'a Path,
    /// The lanes that it may use, if not all.
    pub(super) lanes: Option<&'a str>,
}

/// Every side that can run here, ours first.
pub(super) fn all(
    algorithms: Algorithms,
    corpus: &Corpus,
    our: Ours<'_>,
    threads: usize,
) -> Vec<Contender> {
    let list = List { corpus, threads };
    let mut sides = vec![ours(algorithms, corpus, our, Some(1))];
    sides.push(ours(algorithms, corpus, our, None));
    match algorithms {
        Algorithms::Three => {
            let rhash = "rhash --md5 --sha1 --sha256";
            for (jobs, side) in [(0, Threads::One), (1, Threads::All), (threads, Threads::All)] {
                let line = format!("hashdeep -c md5,sha1,sha256 -j{jobs} -r");
                sides.push(list.direct("hashdeep", &line, side));
            }
            sides.push(list.direct("rhash", &format!("{rhash} -r"), Threads::One));
            sides.push(list.xargs("rhash", rhash, Threads::One));
            sides.push(list.xargs("rhash", rhash, Threads::All));
        }
        Algorithms::Sha256 => {
            sides.push(list.direct("rhash", "rhash --sha256 -r", Threads::One));
            sides.push(list.xargs("openssl", "openssl dgst -sha256", Threads::One));
            sides.push(list.xargs("openssl", "openssl dgst -sha256", Threads::All));
            sides.push(list.xargs("sha256sum", "sha256sum", Threads::One));
            sides.push(list.xargs("sha256sum", "sha256sum", Threads::All));
        }
        Algorithms::Blake3 => {
            sides.push(list.xargs("b3sum", "b3sum --num-threads 1", Threads::One));
            sides.push(list.xargs("b3sum", "b3sum --num-threads 1", Threads::All));
            // Mapped files are not copied out of the page cache. Evidence is never mapped, so the
            // sides that read are those that do the same work.
            let reads = "b3sum --num-threads 1 --no-mmap";
            sides.push(list.xargs("b3sum, reading", reads, Threads::One));
            sides.push(list.xargs("b3sum, reading", reads, Threads::All));
            let mut own = list.xargs("b3sum, its own threads", "b3sum", Threads::One);
            own.threads = Threads::All;
            own.words.push_str(" (its own threads)");
            sides.push(own);
        }
    }
    let missing = missing();
    sides.retain(|side| !missing.contains(&side.program.split(',').next().unwrap_or_default()));
    sides.dedup_by(|a, b| a.words == b.words);
    sides
}

fn ours(algorithms: Algorithms, corpus: &Corpus, our: Ours<'_>, one: Option<usize>) -> Contender {
    // Everything comes from the page cache: a virtual disk that calls itself rotational must not
    // make readers wait for each other. The peers do not ask either.
    let mut line = format!("scan -q --io ssd --algorithms {}", algorithms.name());
    if let Some(threads) = one {
        line.push_str(&format!(" --threads {threads}"));
    }
    if let Some(lanes) = our.lanes {
        line.push_str(&format!(" --lanes {lanes}"));
    }
    Contender {
        program: OURS,
        words: format!("{OURS} {line}"),
        threads: if one.is_some() { Threads::One } else { Threads::All },
        arguments: line.split(' ').map(str::to_owned).collect(),
        binary: our.binary.to_path_buf(),
        input: None,
        folder: corpus.dir.clone(),
    }
}

/// What a peer is given.
struct List<'a> {
    corpus: &'a Corpus,
    threads: usize,
}

impl List<'_> {
    /// A peer that walks the folder itself.
    fn direct(&self, program: &'static str, line: &str, threads: Threads) -> Contender {
        let mut words = line.split(' ').map(str::to_owned);
        Contender {
            program,
            words: line.to_owned(),
            threads,
            binary: words.next().unwrap_or_default().into(),
            arguments: words.collect(),
            input: None,
            folder: self.corpus.dir.clone(),
        }
    }

    /// A peer that is given the files by xargs; for all threads, a process each.
    fn xargs(&self, program: &'static str, line: &str, threads: Threads) -> Contender {
        let xargs = match threads {
            // Without -n xargs starts as few processes as it can.
            Threads::One => "xargs -0 -P1".to_owned(),
            Threads::All => {
                // Four processes a thread at least, so that none waits long for the last one.
                let shares = self.threads as u64 * 4;
                let files = self.corpus.files.div_ceil(shares).clamp(1, MOST_FILES_PER_PROCESS);
                format!("xargs -0 -P{} -n{files}", self.threads)
            }
        };
        let mut side = self.direct(program, &format!("{xargs} {line}"), threads);
        side.input = Some(self.corpus.list.clone());
        side
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_large_files_are_shared_between_processes() {
        let corpus = |files| Corpus {
            name: "large",
            words: String::new(),
            dir: "/corpus".into(),
            list: "/list".into(),
            files,
            bytes: 0,
        };
        let words = |files| {
            let corpus = corpus(files);
            List { corpus: &corpus, threads: 2 }.xargs("rhash", "rhash --md5", Threads::All).words
        };
        assert_eq!(words(4), "xargs -0 -P2 -n1 rhash --md5");
        assert_eq!(words(100_000), "xargs -0 -P2 -n1000 rhash --md5");
    }
}
