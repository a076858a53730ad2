//! What a correlation leaves behind: JSON lines, a table, a page, an inventory, and words.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use serde_json::json;
use triage_case::{Glance, StoredManifest};
use triage_correlate::{
    Error, ExhibitRow, InventoryExhibit, InventoryHead, InventoryWriter, Page, Shared, SharedRow,
};
use triage_evidence::escape;
use triage_hash::Algorithm;
use triage_hashset::DigestKey;

use super::correlate::{Answer, CorrelateArgs, shared_json, time};
use super::correlate_read::{Found, Source, failure};
use super::many::{each_in_order, threads};
use crate::console::{Console, Results};
use crate::failure::Failure;
use crate::measure::{self, counted, noun};
use crate::write::{self, NewFile};
use crate::{exit, shown};

/// How many rare files the page lists.
const LIMIT_PAGE_ROWS: usize = 1_000;
/// How many rare files and pairs the terminal lists.
const LIMIT_TOLD: usize = 20;

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(exit::INCOMPLETE, "cannot write the result").at(shown::path(path)).caused_by(error)
}

fn begin_csv(to: &Path) -> Result<NewFile, Failure> {
    let failed = |error: &std::io::Error| cannot_write(to, error);
    let mut csv = NewFile::begin(to).map_err(|error| failed(&error))?;
    let head = "digest,size,exhibits,exhibit,owner,copies,owners,rare,alert,informational,\
                probable_alert,probable_informational,first_seen,last_seen,modified_first,\
                modified_last,path\r\n";
    csv.write_all(head.as_bytes()).map_err(|error| failed(&error))?;
    Ok(csv)
}

/// Begins an inventory of our own exhibits, which are the first ones.
fn begin_inventory(
    to: &Path,
    key: &str,
    label: &str,
    algorithm: Algorithm,
    found: &Found,
) -> Result<InventoryWriter<NewFile>, Failure> {
    let failed = found.packages.all_failed().len() as u64;
    let head = InventoryHead::new(label, key, algorithm, found.own, failed).map_err(failure)?;
    let exhibits = (1..=found.own).map(|number| {
        let exhibit = found.exhibit(number - 1);
        InventoryExhibit::new(number, &exhibit.counts, exhibit.gaps, exhibit.doubts)
    });
    NewFile::begin(to)
        .and_then(|file| InventoryWriter::new(file, &head, exhibits))
        .map_err(|error| cannot_write(to, &error))
}

/// Where shared files go.
pub(super) struct Outputs<'a> {
    args: &'a CorrelateArgs,
    found: &'a Found,
    console: Console,
    lines: Option<Results>,
    csv: Option<NewFile>,
    inventory: Option<InventoryWriter<NewFile>>,
    rows: Vec<SharedRow>,
}

impl<'a> Outputs<'a> {
    /// Begins what was asked for.
    pub(super) fn begin(
        args: &'a CorrelateArgs,
        found: &'a Found,
        key: Option<&DigestKey>,
        console: Console,
    ) -> Result<Self, Failure> {
        let csv = args.csv.as_deref().map(begin_csv).transpose()?;
        let inventory = match (&args.keyed.export, key, &args.keyed.label) {
            (Some(to), Some(key), Some(label)) => {
                Some(begin_inventory(to, &key.id(), label, args.algorithm, found)?)
            }
            _ => None,
        };
        let lines = console.json.then(Results::new);
        let mut outputs = Self { args, found, console, lines, csv, inventory, rows: Vec::new() };
        outputs.exhibits();
        Ok(outputs)
    }

    fn exhibits(&mut self) {
        let Some(lines) = &mut self.lines else { return };
        for exhibit in &self.found.exhibits {
            let counts = &exhibit.counts;
            let line = json!({
                "v": 1, "type": "exhibit", "exhibit": exhibit.label, "case": exhibit.case,
                "owner": exhibit.owner, "seals": exhibit.seals,
                "first_seen": exhibit.first_seen, "last_seen": exhibit.last_seen,
                "files": counts.files, "known_good": counts.known_good, "empty": counts.empty,
                "without_content": counts.without_content, "gaps": exhibit.gaps,
                "doubts": exhibit.doubts, "inventory": exhibit.is_foreign,
            });
            lines.line(line.to_string().as_bytes());
        }
    }

    /// Takes a file of any number of exhibits into the inventory.
    pub(super) fn inventory(&mut self, shared: &Shared) -> Result<(), Error> {
        if let Some(inventory) = &mut self.inventory {
            inventory.file(shared)?;
        }
        Ok(())
    }

    /// Takes a shared file.
    pub(super) fn shared(
        &mut self,
        shared: &Shared,
        is_rare: bool,
        names: &[String],
    ) -> Result<(), Error> {
        if let Some(lines) = &mut self.lines {
            let line = shared_json(shared, is_rare, names, self.found, self.args);
            lines.line(line.to_string().as_bytes());
        }
        if let Some(csv) = &mut self.csv {
            let digest = triage_evidence::hex(&shared.digest);
            for (place, on) in shared.on.iter().enumerate() {
                let exhibit = self.found.exhibit(on.exhibit);
                let name = names.get(place).map_or("", String::as_str);
                let modified = |seconds: Option<i64>| seconds.map(time).unwrap_or_default();
                let cells = [
                    digest.clone(),
                    shared.size_bytes.to_string(),
                    shared.on.len().to_string(),
                    cell(&exhibit.label),
                    cell(&exhibit.owner),
                    on.copies.to_string(),
                    shared.owners.to_string(),
                    is_rare.to_string(),
                    shared.listed.alert.to_string(),
                    shared.listed.informational.to_string(),
                    shared.listed.probable_alert.to_string(),
                    shared.listed.probable_informational.to_string(),
                    cell(&exhibit.first_seen),
                    cell(&exhibit.last_seen),
                    modified(on.modified.map(|(first, _)| first)),
                    modified(on.modified.map(|(_, last)| last)),
                    cell(name),
                ];
                write!(csv, "{}\r\n", cells.join(","))?;
            }
        }
        Ok(())
    }

    /// Takes the rare files, with their names if these were asked for: the rarest first.
    pub(super) fn rare(&mut self, answer: &Answer, found: &Found) -> Result<(), Failure> {
        let names = match self.args.names {
            true => names_of(self.args, answer, found)?,
            false => HashMap::new(),
        };
        let mut order: Vec<&Shared> = answer.held.iter().collect();
        order.sort_by(|a, b| {
            let key = |s: &Shared| (s.owners, std::cmp::Reverse(s.size_bytes));
            key(a).cmp(&key(b)).then_with(|| a.digest.cmp(&b.digest))
        });
        for shared in order {
            let of = |on: &triage_correlate::SharedOn| {
                names.get(&(shared.digest.clone(), on.exhibit)).cloned().unwrap_or_default()
            };
            let names: Vec<String> =
                if self.args.names { shared.on.iter().map(of).collect() } else { Vec::new() };
            self.shared(shared, true, &names).map_err(failure)?;
            if self.rows.len() < LIMIT_PAGE_ROWS {
                self.rows.push(SharedRow { shared: shared.clone(), names });
            }
        }
        Ok(())
    }

    /// Ends every file and says the sums.
    pub(super) fn end(mut self, answer: &Answer, found: &Found, code: u8) -> Result<(), Failure> {
        let inventory = self.inventory.take().map(InventoryWriter::end).transpose();
        let failed = |error: &std::io::Error| {
            let to = self.args.keyed.export.as_deref().unwrap_or(Path::new(""));
            cannot_write(to, error)
        };
        let inventory = inventory.map_err(|error| failed(&error))?;
        for file in [self.csv.take(), inventory].into_iter().flatten() {
            let to = file.path().to_path_buf();
            file.end().map_err(|error| cannot_write(&to, &error))?;
        }
        if let Some(path) = &self.args.html {
            let page = self.page(answer, found);
            let (rows, notes, words) = page;
            let page = Page {
                answer: &words,
                notes: &notes,
                exhibits: &rows,
                matrix: answer.matrix.as_ref(),
                rows: &self.rows,
            };
            write::new_file_from(path, &mut |out| page.render(out))
                .map_err(|error| cannot_write(path, &error))?;
        }
        if self.lines.is_none() {
            self.told(answer, found);
            return Ok(());
        }
        let pairs = answer.matrix.as_ref().map(triage_correlate::Matrix::pairs);
        for (a, b, files) in pairs.into_iter().flatten() {
            let (a, b) = (&found.exhibit(a).label, &found.exhibit(b).label);
            let line = json!({ "v": 1, "type": "pair", "a": a, "b": b, "rare_files": files });
            self.line(&line);
        }
        let mut summary = json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
            "exhibits": found.exhibits.len(), "packages": found.sources.len(),
            "complete": found.is_complete(),
            "files": answer.sightings, "shared": answer.shared, "rare": answer.rare,
            "shared_alerting": answer.alerting,
            "shared_probably_alerting": answer.probably_alerting,
            "rare_limit": self.args.rare, "matrix": answer.matrix.is_some(),
        });
        found.packages.sum_up(&mut summary);
        self.line(&summary);
        Ok(())
    }

    fn line(&mut self, value: &serde_json::Value) {
        if let Some(lines) = &mut self.lines {
            lines.line(value.to_string().as_bytes());
        }
    }

    fn page(&self, answer: &Answer, found: &Found) -> (Vec<ExhibitRow>, Vec<String>, String) {
        let rows = found.exhibits.iter().map(|exhibit| ExhibitRow {
            label: exhibit.label.clone(),
            owner: exhibit.owner.clone(),
            examined: match exhibit.first_seen == exhibit.last_seen {
                true => exhibit.first_seen.clone(),
                false => format!("{} to {}", exhibit.first_seen, exhibit.last_seen),
            },
            files: exhibit.counts.files,
            known_good: exhibit.counts.known_good,
            gaps: exhibit.gaps,
        });
        let mut notes = vec![format!(
            "Compared by {}{}: files that were read in full, without empty ones. Equal digests \
             mean equal content; nothing here says who put a file where it is. Each manifest was \
             compared with its seal.",
            self.args.algorithm,
            if self.args.keyed.key.is_some() { " under a key" } else { "" }
        )];
        if answer.held.len() > self.rows.len() {
            notes.push(format!(
                "{} of {} listed.",
                self.rows.len(),
                counted(answer.rare, "rare file is", "rare files are")
            ));
        }
        if answer.matrix.is_none() {
            notes.push("There are too many exhibits for a matrix.".to_owned());
        }
        notes.extend(
            found
                .packages
                .all_failed()
                .iter()
                .map(|(path, because)| format!("NOT COMPARED: {path}, because {because}")),
        );
        notes.extend(found.packages.doubts().iter().map(|doubt| format!("DOUBT: {doubt}")));
        (rows.collect(), notes, words(self.args, answer, found))
    }

    /// Lists on the terminal what two exhibits share, and the rarest files.
    fn told(&self, answer: &Answer, found: &Found) {
        let pairs = answer.matrix.as_ref().map(triage_correlate::Matrix::pairs).unwrap_or_default();
        for (a, b, files) in pairs.iter().take(LIMIT_TOLD) {
            let (a, b) = (&found.exhibit(*a).label, &found.exhibit(*b).label);
            let word = noun(u64::from(*files), "rare file ", "rare files");
            self.console.line(&format!("{files:>8} {word} on {a} and {b}"));
        }
        for row in self.rows.iter().take(LIMIT_TOLD) {
            let shared = &row.shared;
            let on = shared.on.iter().enumerate().map(|(place, on)| {
                let name = row.names.get(place).filter(|name| !name.is_empty());
                let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
                format!("{}{name}", found.exhibit(on.exhibit).label)
            });
            let alert = match (shared.listed.alert, shared.listed.probable_alert) {
                (true, _) => "  ALERT",
                (false, true) => "  PROBABLE ALERT (a bloom filter may be wrong)",
                (false, false) => "",
            };
            self.console.line(&format!(
                "{}  {}  on {}{alert}",
                triage_evidence::hex(&shared.digest),
                measure::bytes(shared.size_bytes),
                on.collect::<Vec<_>>().join(", ")
            ));
        }
    }
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']) {
        format!("t:{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Returns the answer in one sentence.
fn words(args: &CorrelateArgs, answer: &Answer, found: &Found) -> String {
    let state = if found.is_complete() { "complete" } else { "INCOMPLETE" };
    let probable = match answer.probably_alerting {
        0 => String::new(),
        some => format!(", {} PROBABLY in one (a bloom filter may be wrong)", measure::count(some)),
    };
    format!(
        "{state}: {} on several of {}, {} of them rare (at most {} owners), {} in an alerting \
         set{probable}",
        counted(answer.shared, "file is", "files are"),
        counted(found.exhibits.len() as u64, "exhibit", "exhibits"),
        measure::count(answer.rare),
        args.rare,
        measure::count(answer.alerting)
    )
}

/// Says the answer, the last line of all.
pub(super) fn tell(
    args: &CorrelateArgs,
    answer: &Answer,
    found: &Found,
    code: u8,
    console: Console,
) {
    for doubt in found.packages.doubts() {
        console.say(&format!("DOUBT: {doubt}"));
    }
    if answer.matrix.is_none() {
        console.say("note: there are too many exhibits for a matrix");
    }
    if answer.held.len() as u64 != answer.rare {
        console.say(&format!(
            "note: {} rare files are more than are held: names and page are of the first {}",
            measure::count(answer.rare),
            measure::count(answer.held.len() as u64)
        ));
    }
    console.line(&format!("{} (exit {code})", words(args, answer, found)));
}

/// Reads where the rare files were found first on each exhibit: a second look at the manifests.
fn names_of(
    args: &CorrelateArgs,
    answer: &Answer,
    found: &Found,
) -> Result<HashMap<(Vec<u8>, u32), String>, Failure> {
    let wanted: HashSet<&[u8]> =
        answer.held.iter().map(|shared| shared.digest.as_slice()).collect();
    let key = args.key()?;
    let sources: Vec<_> =
        found.sources.iter().filter(|source| found.is_kept(source.exhibit)).collect();
    let mut names = HashMap::new();
    let mut failed = None;
    each_in_order(
        &sources,
        threads(args.threads),
        &|source: &&Source| -> Result<BTreeMap<Vec<u8>, String>, triage_case::Error> {
            let mut first: BTreeMap<Vec<u8>, String> = BTreeMap::new();
            let stored = StoredManifest::open(&source.path)?;
            stored.for_each_line(&mut |line| {
                let glance = Glance::of(line);
                let digest = glance
                    .digest(args.algorithm)
                    .filter(|_| glance.status().is_some_and(triage_case::Status::is_whole));
                let Some(digest) = digest else { return Ok(()) };
                let digest = key.as_ref().and_then(|key| key.keyed(&digest)).unwrap_or(digest);
                let bytes = digest.as_bytes();
                if wanted.contains(bytes) && !first.contains_key(bytes) {
                    let path = triage_case::parse_line(line)
                        .map(|(record, _)| record.entry.location.to_text())
                        .unwrap_or_else(|error| escape(error.reason.as_bytes()));
                    first.insert(bytes.to_vec(), path);
                }
                Ok(())
            })?;
            Ok(first)
        },
        &mut |place, read| match (read, sources.get(place)) {
            (Ok(first), Some(source)) => {
                for (digest, name) in first {
                    names.entry((digest, source.exhibit)).or_insert(name);
                }
            }
            (Err(error), _) => failed = Some(error),
            _ => {}
        },
    );
    match failed {
        Some(error) => Err(Failure::from(error)),
        None => Ok(names),
    }
}
