//! `match --changed-from`: what another release of a set changes in stored manifests.
//!
//! The two releases are compared first. Of the lines of a manifest only those are looked up of
//! which a digest was added, removed, or given another category or size; all others have the same
//! matches. If the releases have different dispositions, no line has the same matches.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use triage_case::{Glance, Record, Status, StoredManifest, parse_line};
use triage_hash::{Algorithms, Digests};
use triage_hashset::{Asked, Difference, Disposition, Match, Sets, diff};

use super::many::{Packages, doubts, each_in_order, threads};
use super::rematch::{MatchArgs, lookup};
use crate::console::{Console, Results};
use crate::exit;
use crate::failure::Failure;
use crate::measure::{self, counted};
use crate::set_args::{OpenSets, damaged};
use crate::shown::{self, hit_line, record_json};

/// How many digests of a change are held, 8 bytes each; with more, every line is looked up.
const LIMIT_HELD: usize = 1 << 26;
/// Bits of the table for each digest that is held: one in sixteen others passes by chance.
const BITS_EACH: usize = 16;

/// The digests that differ between two releases, as far as a quick look needs.
struct Changed {
    /// One bit for each value of the first bits of a digest that some digest has.
    bits: Vec<u64>,
    shift: u32,
    /// The first eight bytes of each, sorted; `None` if every line is looked up: they are too many
    /// to be held, or every match differs.
    prefixes: Option<Vec<u64>>,
    /// The digests that the releases hold.
    algorithms: Algorithms,
    added: u64,
    removed: u64,
    recategorised: u64,
    resized: u64,
    /// The dispositions before and after, if they differ.
    dispositions: Option<(Disposition, Disposition)>,
}

impl Changed {
    fn new(before: &Sets, after: &Sets) -> Result<Self, Failure> {
        let (Some(old), Some(new)) = (before.iter().next(), after.iter().next()) else {
            return Err(Failure::usage("no hash set was named"));
        };
        let mut changed = Self {
            bits: Vec::new(),
            shift: 0,
            prefixes: Some(Vec::new()),
            algorithms: new.algorithms(),
            added: 0,
            removed: 0,
            recategorised: 0,
            resized: 0,
            dispositions: Some((old.identity().disposition, new.identity().disposition))
                .filter(|(then, now)| then != now),
        };
        diff(old, new, &mut |difference| {
            let digests = match &difference {
                Difference::Added(record) => {
                    changed.added += 1;
                    &record.digests
                }
                Difference::Removed(record) => {
                    changed.removed += 1;
                    &record.digests
                }
                Difference::Recategorised { digests, .. } => {
                    changed.recategorised += 1;
                    digests
                }
                Difference::Resized { digests, .. } => {
                    changed.resized += 1;
                    digests
                }
            };
            changed.hold(digests);
            Ok(())
        })?;
        if changed.dispositions.is_some() {
            changed.prefixes = None;
        }
        changed.index();
        Ok(changed)
    }

    /// Says what differs between the releases.
    fn tell(&self, console: Console) {
        console.say(&format!(
            "between the releases: {} added, {} removed, {} recategorised, {} of another size",
            measure::count(self.added),
            measure::count(self.removed),
            measure::count(self.recategorised),
            measure::count(self.resized)
        ));
        if let Some((then, now)) = self.dispositions {
            console
                .say(&format!("the set was {then} and is {now}: every entry is looked up again"));
        }
    }

    fn hold(&mut self, digests: &Digests) {
        let Some(prefixes) = &mut self.prefixes else { return };
        prefixes.extend(digests.iter().map(|digest| prefix(digest.as_bytes())));
        if prefixes.len() > LIMIT_HELD {
            self.prefixes = None;
        }
    }

    fn index(&mut self) {
        let Some(prefixes) = &mut self.prefixes else { return };
        prefixes.sort_unstable();
        prefixes.dedup();
        let bits = (prefixes.len() * BITS_EACH).next_power_of_two().max(64);
        self.shift = u64::BITS - bits.trailing_zeros();
        self.bits = vec![0; bits / 64];
        for prefix in prefixes.iter() {
            let (word, bit) = place(*prefix, self.shift);
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Says whether a digest of a line may be among those that differ.
    fn concerns(&self, glance: &Glance<'_>) -> bool {
        let Some(prefixes) = &self.prefixes else { return glance.has_digests() };
        self.algorithms.iter().any(|algorithm| {
            let Some(digest) = glance.digest(algorithm) else { return false };
            let prefix = prefix(digest.as_bytes());
            let (word, bit) = place(prefix, self.shift);
            self.bits.get(word).is_some_and(|word| word & bit != 0)
                && prefixes.binary_search(&prefix).is_ok()
        })
    }
}

fn prefix(digest: &[u8]) -> u64 {
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Returns the word and the bit of the table that stand for a prefix.
fn place(prefix: u64, shift: u32) -> (usize, u64) {
    let number = prefix >> shift;
    (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
}

/// What a match means to a person, without where it comes from: releases differ in that always.
type Meaning = (Disposition, Option<(String, Option<i32>, Option<String>)>, bool);

fn meanings(matches: &[Match]) -> Vec<Meaning> {
    let mut meanings: Vec<Meaning> = matches
        .iter()
        .map(|found| {
            let category = found.category.as_ref();
            let category = category.map(|c| (c.scheme.clone(), c.number, c.label.clone()));
            (found.disposition, category, found.inconsistent)
        })
        .collect();
    meanings.sort_unstable();
    meanings.dedup();
    meanings
}

/// One record whose matches differ.
struct Change {
    word: &'static str,
    record: Record,
    exhibit: String,
    before: Vec<Match>,
}

/// What one manifest gives.
struct Looked {
    changes: Vec<Change>,
    lines: u64,
    looked_up: u64,
    gaps: u64,
    sealed: bool,
    doubts: Vec<String>,
    /// Why not all of it has an answer.
    unanswered: Option<String>,
}

/// Runs the verb.
pub(super) fn run(
    args: &MatchArgs,
    before: &Path,
    paths: &[PathBuf],
    after: &OpenSets,
    console: Console,
) -> Result<u8, Failure> {
    if after.sets.len() != 1 {
        return Err(Failure::usage("--changed-from needs exactly one set")
            .hint("give the new release with --sets, and the earlier one with --changed-from"));
    }
    let mut earlier = args.sets.clone();
    earlier.sets = vec![before.to_path_buf()];
    let earlier = earlier.open(console)?;
    let (old, new) = (&earlier.sets, &after.sets);
    let changed = Changed::new(old, new)?;
    changed.tell(console);
    let mut sum = Sum::default();
    let mut results = Results::new();
    let work = |path: &PathBuf| look(path, &changed, old, new);
    each_in_order(paths, threads(args.threads), &work, &mut |place, done| {
        if let Some(path) = paths.get(place) {
            sum.take(&shown::path(path), done, &mut results, console);
        }
        if (place + 1) % 100 == 0 {
            let of = measure::count(paths.len() as u64);
            console.say(&format!("{} of {of} manifests", measure::count(place as u64 + 1)));
        }
    });
    drop(results);
    damaged(old)?;
    damaged(new)?;
    Ok(sum.end(&changed, console))
}

/// Looks up what concerns the change.
fn look(path: &Path, changed: &Changed, old: &Sets, new: &Sets) -> Result<Looked, Failure> {
    let stored = StoredManifest::open(path)?;
    let mut looked = Looked {
        changes: Vec::new(),
        lines: 0,
        looked_up: 0,
        gaps: 0,
        sealed: stored.seal().is_some(),
        doubts: doubts(&stored)?,
        unanswered: None,
    };
    let mut asked = Asked::default();
    stored.for_each_line(&mut |line| {
        let glance = Glance::of(line);
        looked.lines += 1;
        looked.gaps += u64::from(glance.status().is_none_or(Status::is_gap));
        asked.add(glance.algorithms());
        if !changed.concerns(&glance) {
            return Ok(());
        }
        looked.looked_up += 1;
        let (mut record, exhibit) = parse_line(line).map_err(|error| {
            let document = format!("line {} of the manifest", looked.lines);
            triage_case::Error::Damaged { document, reason: error.reason }
        })?;
        let before = lookup(old, &record);
        record.matches = lookup(new, &record);
        let (then, now) = (meanings(&before), meanings(&record.matches));
        let word = match (then.is_empty(), now.is_empty()) {
            _ if then == now => return Ok(()),
            (true, _) => "new",
            (_, true) => "gone",
            (false, false) => "recategorised",
        };
        looked.changes.push(Change { word, record, exhibit, before });
        Ok(())
    })?;
    // Both releases hold digests of the same algorithms.
    looked.unanswered = asked.unanswered(new).map(|unanswered| unanswered.to_string());
    Ok(looked)
}

/// The sums over all manifests.
#[derive(Default)]
struct Sum {
    packages: Packages,
    lines: u64,
    looked_up: u64,
    gaps: u64,
    new: u64,
    gone: u64,
    recategorised: u64,
}

impl Sum {
    fn take(
        &mut self,
        path: &str,
        done: Result<Looked, Failure>,
        results: &mut Results,
        console: Console,
    ) {
        let looked = match done {
            Ok(looked) => looked,
            Err(error) => {
                results.flush();
                return self.packages.unusable(path, error, console);
            }
        };
        self.packages.used(path, looked.sealed, &looked.doubts);
        self.lines += looked.lines;
        self.looked_up += looked.looked_up;
        self.gaps += looked.gaps;
        for change in &looked.changes {
            match change.word {
                "new" => self.new += 1,
                "gone" => self.gone += 1,
                _ => self.recategorised += 1,
            }
            let line = match console.json {
                true => json_of(change, path).to_string(),
                false => words_of(change, path),
            };
            results.line(line.as_bytes());
        }
        if let Some(because) = looked.unanswered {
            results.flush();
            self.packages.failed(path, because, console);
        }
    }

    fn end(self, changed: &Changed, console: Console) -> u8 {
        self.packages.tell_unsealed(console);
        let changes = self.new + self.gone + self.recategorised;
        let is_complete = self.gaps == 0 && self.packages.are_complete();
        let code = self.packages.code(self.gaps == 0, changes > 0);
        console.say(&format!(
            "{} new, {} gone, {} recategorised among {} of {}{}",
            measure::count(self.new),
            measure::count(self.gone),
            measure::count(self.recategorised),
            counted(self.lines, "entry", "entries"),
            counted(self.packages.complete(), "manifest", "manifests"),
            if is_complete { "" } else { "; the manifests are INCOMPLETE" }
        ));
        let mut summary = json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
            "new": self.new, "gone": self.gone, "recategorised": self.recategorised,
            "entries": self.lines, "looked_up": self.looked_up, "gaps": self.gaps,
            "set_added": changed.added, "set_removed": changed.removed,
            "set_recategorised": changed.recategorised, "set_resized": changed.resized,
        });
        if let Some((then, now)) = changed.dispositions {
            summary["set_disposition"] = json!({ "before": then.name(), "after": now.name() });
        }
        self.packages.sum_up(&mut summary);
        console.record(&summary);
        code
    }
}

fn json_of(change: &Change, path: &str) -> Value {
    let mut before = change.record.clone();
    before.matches.clone_from(&change.before);
    let before = record_json("", &before, &change.exhibit);
    let mut line = record_json("match_change", &change.record, &change.exhibit);
    line["change"] = json!(change.word);
    line["package"] = json!(path);
    line["before"] = match &before["entry"]["match"] {
        Value::Null => json!([]),
        matches => matches.clone(),
    };
    line
}

/// The line for people: that of the release in which there is a hit, and what the file is in both
/// if the disposition differs.
fn words_of(change: &Change, path: &str) -> String {
    let mut shown = change.record.clone();
    if !shown.is_hit() {
        shown.matches.clone_from(&change.before);
    }
    let line = hit_line(&shown);
    let line = line.strip_prefix("HIT  ").unwrap_or(&line);
    let exhibit = triage_evidence::escape(change.exhibit.as_bytes());
    let disposition = |matches: &[Match]| matches.iter().map(|found| found.disposition).max();
    let turned = match (disposition(&change.before), disposition(&change.record.matches)) {
        (Some(then), Some(now)) if then != now => format!("  ({then} -> {now})"),
        _ => String::new(),
    };
    format!("{:<13}  {path}  {exhibit}  {line}{turned}", change.word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_every_digest_that_differs_and_few_others() {
        let digests = |number: u32| {
            triage_hash::hash_bytes("sha256,md5".parse().unwrap(), &number.to_le_bytes())
        };
        let mut changed = Changed {
            bits: Vec::new(),
            shift: 0,
            prefixes: Some(Vec::new()),
            algorithms: "sha256,md5".parse().unwrap(),
            added: 0,
            removed: 0,
            recategorised: 0,
            resized: 0,
            dispositions: None,
        };
        (0..1000).for_each(|number| changed.hold(&digests(number)));
        changed.index();
        let line = |number: u32| {
            let location = triage_evidence::Location::from_path(b"x".to_vec());
            let entry = triage_evidence::Entry::unexamined(location, triage_evidence::Kind::File);
            let mut record = Record::unread(0, entry, Status::Read);
            record.digests = digests(number);
            let mut line = Vec::new();
            triage_case::write_line(&record, "A", &mut line);
            line
        };
        for number in 0..2000 {
            let line = line(number);
            assert_eq!(changed.concerns(&Glance::of(&line)), number < 1000, "{number}");
        }
        changed.prefixes = None;
        assert!(changed.concerns(&Glance::of(&line(5000))), "too many: everything is looked up");
    }
}
