//! Floors: ratios that must not be lost, read from `xtask/bench-floors.toml`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::contender::Threads;
use super::measure::{Ratio, Table};
use crate::error::{Error, Outcome, at};

/// One floor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Floor {
    /// The corpus: small, medium, large, disk.
    corpus: String,
    /// The digests, as on the command line.
    digests: String,
    /// Our threads; the peer may use as many.
    threads: Threads,
    /// A peer by name, or "fastest".
    peer: String,
    /// The threads of the peer, if not as many as ours: "one" for it as it is, without xargs.
    peer_threads: Option<Threads>,
    /// At least this many times as fast.
    ratio: f64,
    /// The lanes that ours may use; all that the machine has if it is not said.
    lanes: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    floor: Vec<Floor>,
    /// Those of `bench sets`.
    #[serde(default)]
    sets: Vec<GroupFloor>,
    /// Those of `bench image`.
    #[serde(default)]
    image: Vec<GroupFloor>,
}

/// A floor of `bench sets` or `bench image`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupFloor {
    /// The group.
    pub(super) group: String,
    /// The peer.
    pub(super) peer: String,
    /// At least this many times as fast.
    pub(super) ratio: f64,
}

/// What became of a floor.
pub(super) struct Verdict {
    /// Whether it was reached; a noisy measurement reaches nothing.
    pub(super) reached: bool,
    /// One line.
    pub(super) words: String,
}

/// Reads the floors.
///
/// # Errors
/// The file is missing or is no table of floors.
pub(super) fn read(path: &Path) -> Outcome<Vec<Floor>> {
    read_file(path).map(|file| file.floor)
}

/// Reads the floors of `bench sets`.
///
/// # Errors
/// The file is missing or is no table of floors.
pub(super) fn read_sets(path: &Path) -> Outcome<Vec<GroupFloor>> {
    read_file(path).map(|file| file.sets)
}

/// Reads the floors of `bench image`.
///
/// # Errors
/// The file is missing or is no table of floors.
pub(super) fn read_image(path: &Path) -> Outcome<Vec<GroupFloor>> {
    read_file(path).map(|file| file.image)
}

fn read_file(path: &Path) -> Outcome<File> {
    let text = fs::read_to_string(path).map_err(at("read", path))?;
    let file: Result<File, _> = toml::from_str(&text);
    let wrap = |source| Error::Floors { path: path.to_path_buf(), source: Box::new(source) };
    file.map_err(wrap)
}

impl Floor {
    /// Judges the floor, if its corpus was measured in this run, with ours in these lanes.
    pub(super) fn judge(&self, tables: &[Table], lanes: Option<&str>) -> Option<Verdict> {
        if self.lanes.as_deref() != lanes {
            return None;
        }
        let is_mine = |t: &&Table| t.corpus == self.corpus && t.algorithms.name() == self.digests;
        let table = tables.iter().find(is_mine)?;
        let Floor { corpus, digests, threads, peer, ratio: floor, .. } = self;
        let peer_threads = self.peer_threads.unwrap_or(*threads);
        let what = format!(
            "{corpus}, {digests}, {threads:?} thread(s) against {peer}, {peer_threads:?} thread(s)"
        );
        let sides = table.ours(*threads).zip(table.peer(peer, peer_threads));
        let verdict = |reached, found: String| Verdict {
            reached,
            words: format!("{what}: {found}, floor {floor:.2}"),
        };
        Some(match sides.map(|(ours, peer)| table.ratio(ours, peer)) {
            Some(Ratio::Times(ratio)) => verdict(ratio >= *floor, format!("{ratio:.2}")),
            Some(Ratio::Noisy) => verdict(false, "noisy, not shown".to_owned()),
            None => verdict(false, "the peer was not measured".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::contender::OURS;
    use super::super::measure::tests::{row, table};
    use super::*;

    fn floor(text: &str) -> Floor {
        toml::from_str(text).unwrap()
    }

    const LARGE: &str = "corpus = \"large\"\ndigests = \"md5,sha1,sha256\"\nthreads = \"all\"\n\
                         peer = \"fastest\"\nratio = 1.0\n";

    #[test]
    fn a_floor_is_reached_missed_or_not_shown() {
        let judge = |ours: &[f64]| {
            let rows = vec![row(OURS, Threads::All, ours), row("rhash", Threads::All, &[2.0, 2.1])];
            floor(LARGE).judge(&[table(rows)], None).unwrap().reached
        };
        assert!(judge(&[2.0, 2.0]));
        assert!(!judge(&[2.1, 2.2]));
        assert!(!judge(&[1.0, 1.5]), "a noisy side reaches nothing");
        assert!(floor(LARGE).judge(&[], None).is_none());
    }

    #[test]
    fn a_peer_may_be_taken_as_it_is() {
        let rows = vec![
            row(OURS, Threads::All, &[1.0, 1.0]),
            row("rhash", Threads::One, &[2.0, 2.0]),
            row("rhash", Threads::All, &[1.0, 1.0]),
        ];
        let text = LARGE.replace("\"fastest\"\nratio = 1.0", "\"rhash\"\nratio = 1.5");
        let tables = [table(rows)];
        assert!(!floor(&text).judge(&tables, None).unwrap().reached);
        let alone = format!("{text}peer_threads = \"one\"\n");
        assert!(floor(&alone).judge(&tables, None).unwrap().reached);
    }

    #[test]
    fn the_floors_of_the_project_are_readable() {
        let path = crate::workspace::root().join("xtask/bench-floors.toml");
        assert!(!read(&path).unwrap().is_empty());
        assert!(!read_sets(&path).unwrap().is_empty());
        assert!(!read_image(&path).unwrap().is_empty());
    }
}
