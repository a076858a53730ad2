//! Sides that do the same work, measured in turns: what `bench sets` and `bench image` are made of.

pub(super) mod page;

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::floors::GroupFloor;
use crate::error::{Error, Outcome, at};

/// Measured passes of each side.
const PASSES: usize = 3;
/// Passes where a difference of two in a hundred is asked for.
const CLOSE_PASSES: usize = 11;

/// One side.
pub(super) struct Side {
    /// The name in floors.
    pub(super) program: &'static str,
    binary: PathBuf,
    arguments: Vec<OsString>,
    input: Option<PathBuf>,
    /// What a pass makes and the next must not find.
    made: Vec<PathBuf>,
    exits: Vec<i32>,
    /// Pieces of work of one pass, if they are not those of the group.
    work: u64,
    /// Seconds of every pass.
    pub(super) seconds: Vec<f64>,
}

impl Side {
    /// A program and its first words.
    pub(super) fn new(program: &'static str, binary: &Path, line: &str) -> Self {
        let words = line.split(' ').filter(|word| !word.is_empty());
        Self {
            program,
            binary: binary.to_owned(),
            arguments: words.map(OsString::from).collect(),
            input: None,
            made: Vec::new(),
            exits: vec![0],
            work: 0,
            seconds: Vec::new(),
        }
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, word: impl Into<OsString> + Clone) -> Self {
        self.arguments.push(word.into());
        self
    }

    /// Names the standard input.
    pub(super) fn reads(mut self, path: &Path) -> Self {
        self.input = Some(path.to_owned());
        self
    }

    /// Names what a pass makes.
    pub(super) fn removes(mut self, made: Vec<PathBuf>) -> Self {
        self.made = made;
        self
    }

    /// Names the exit codes of success.
    pub(super) fn exits(mut self, codes: &[i32]) -> Self {
        self.exits = codes.to_vec();
        self
    }

    /// Says how much work a pass is.
    pub(super) fn does(mut self, work: u64) -> Self {
        self.work = work;
        self
    }

    /// The command as a reader would type it, without the folders.
    pub(super) fn words(&self) -> String {
        let name = |word: &OsString| {
            let word = Path::new(word);
            word.file_name().unwrap_or(word.as_os_str()).to_string_lossy().into_owned()
        };
        let mut words = vec![name(&self.binary.clone().into_os_string())];
        words.extend(self.arguments.iter().map(name));
        if let Some(input) = &self.input {
            words.push(format!("< {}", name(&input.clone().into_os_string())));
        }
        words.join(" ")
    }

    fn remove_made(&self) -> Outcome {
        for path in &self.made {
            let removed =
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(at("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn start(&self) -> Outcome<Child> {
        self.remove_made()?;
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null());
        match &self.input {
            Some(input) => command.stdin(File::open(input).map_err(at("open", input))?),
            None => command.stdin(Stdio::null()),
        };
        command.spawn().map_err(|source| Error::Start { program: self.words(), source })
    }

    fn ended(&self, child: &mut Child) -> Outcome {
        let status =
            child.wait().map_err(|source| Error::Start { program: self.words(), source })?;
        if status.code().is_some_and(|code| self.exits.contains(&code)) {
            return Ok(());
        }
        Err(Error::Failed { program: self.words(), status: status.to_string() })
    }

    /// Runs it once and keeps what it makes.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn once(&self) -> Outcome<f64> {
        let start = Instant::now();
        self.ended(&mut self.start()?)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Runs it once and returns the seconds and the most memory in KiB, as the kernel remembers it.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn once_with_peak(&self) -> Outcome<(f64, u64)> {
        let start = Instant::now();
        let mut child = self.start()?;
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child
            .try_wait()
            .map_err(|source| Error::Start { program: self.words(), source })?
            .is_none()
        {
            // Gone when the process is; what was read last stands.
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kib.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(20));
        }
        let seconds = start.elapsed().as_secs_f64();
        self.ended(&mut child)?;
        Ok((seconds, peak))
    }

    /// The fastest pass.
    pub(super) fn fastest(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The pass in the middle.
    pub(super) fn median(&self) -> f64 {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied().unwrap_or(f64::INFINITY)
    }

    /// (slowest - fastest) / fastest.
    pub(super) fn spread(&self) -> f64 {
        let slowest = self.seconds.iter().copied().fold(0.0, f64::max);
        (slowest - self.fastest()) / self.fastest()
    }
}

/// Sides that do the same work; ours is the first.
pub(super) struct Group {
    /// The name in floors.
    pub(super) name: &'static str,
    /// What is done.
    pub(super) words: String,
    /// What is counted.
    pub(super) unit: &'static str,
    /// The sides.
    pub(super) sides: Vec<Side>,
    work: u64,
}

impl Group {
    /// Measures all sides in turns.
    ///
    /// # Errors
    /// A side fails.
    pub(super) fn measure(
        name: &'static str,
        words: String,
        work: u64,
        unit: &'static str,
        sides: Vec<Side>,
    ) -> Outcome<Self> {
        Self { name, words, unit, sides, work }.pass(PASSES)
    }

    /// The same with more passes and one before them that is not counted.
    ///
    /// # Errors
    /// A side fails.
    pub(super) fn measure_closely(
        name: &'static str,
        words: String,
        work: u64,
        unit: &'static str,
        sides: Vec<Side>,
    ) -> Outcome<Self> {
        let mut group = Self { name, words, unit, sides, work }.pass(1)?;
        group.sides.iter_mut().for_each(|side| side.seconds.clear());
        group.pass(CLOSE_PASSES)
    }

    fn pass(mut self, passes: usize) -> Outcome<Self> {
        for _ in 0..passes {
            for side in &mut self.sides {
                let seconds = side.once()?;
                side.seconds.push(seconds);
            }
        }
        for side in &self.sides {
            side.remove_made()?;
        }
        Ok(self)
    }

    /// Work of a side in a second.
    pub(super) fn rate(&self, side: &Side) -> f64 {
        let work = if side.work == 0 { self.work } else { side.work };
        work as f64 / side.fastest()
    }

    /// How many times as fast as a peer we are.
    pub(super) fn ratio(&self, peer: &str) -> Option<f64> {
        let ours = self.sides.first()?;
        let peer = self.sides.iter().skip(1).find(|side| side.program == peer)?;
        Some(self.rate(ours) / self.rate(peer))
    }
}

/// Prints a line for each floor. One whose group or peer was not measured is not reached, if
/// `must_be_measured` says so of the group.
///
/// # Errors
/// A floor is not reached.
pub(super) fn judge(
    check: &'static str,
    floors: &[GroupFloor],
    groups: &[Group],
    must_be_measured: impl Fn(&str) -> bool,
) -> Outcome {
    let mut findings = 0;
    for GroupFloor { group, peer, ratio: floor } in floors {
        // The last of a name has the largest size.
        let of_name = groups.iter().rev().find(|measured| measured.name == group);
        let ratio = of_name.and_then(|measured| measured.ratio(peer));
        if ratio.is_none() && !must_be_measured(group) {
            continue;
        }
        let is_reached = ratio.is_some_and(|ratio| ratio >= *floor);
        findings += usize::from(!is_reached);
        let word = if is_reached { "floor" } else { "UNDER" };
        let found = ratio.map_or_else(|| "not measured".to_owned(), |ratio| format!("{ratio:.2}"));
        println!("{word}: {group} against {peer}: {found}, floor {floor:.2}");
    }
    if findings == 0 { Ok(()) } else { Err(Error::Findings { check, findings }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_different_amounts_of_work_are_compared() {
        let side = |program, seconds: &[f64], work| {
            let mut side = Side::new(program, Path::new("/bin/x"), "a  b").does(work);
            side.seconds = seconds.to_vec();
            side
        };
        let sides = vec![side("triage", &[2.0, 1.0, 3.0], 100), side("hfind", &[4.0], 4)];
        let group = Group { name: "n", words: String::new(), unit: "lookups", sides, work: 7 };
        assert_eq!(group.ratio("hfind"), Some(100.0));
        assert_eq!(group.ratio("hashdeep"), None);
        assert_eq!((group.sides[0].median(), group.sides[0].spread()), (2.0, 2.0));
        assert_eq!(group.sides[0].words(), "x a b");
    }
    #[test]
    fn a_floor_without_its_peer_is_not_reached() {
        let side = |program, seconds: f64| {
            let mut side = Side::new(program, Path::new("/bin/x"), "");
            side.seconds = vec![seconds];
            side
        };
        let sides = vec![side("triage", 1.0), side("fls", 2.0)];
        let measured = [Group { name: "walk", words: String::new(), unit: "f", sides, work: 7 }];
        let judged = |group: &str, peer: &str, ratio| {
            let floor = GroupFloor { group: group.to_owned(), peer: peer.to_owned(), ratio };
            judge("test", &[floor], &measured, |group| group != "left out").is_ok()
        };
        assert!(judged("walk", "fls", 2.0));
        assert!(!judged("walk", "fls", 2.1));
        assert!(!judged("walk", "fiwalk", 0.1), "the peer was not there");
        assert!(!judged("digests", "fls", 0.1), "the group was not there");
        assert!(judged("left out", "fls", 0.1));
    }
}
