//! Reads the packages and inventories that are correlated, side by side.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use triage_case::{Status, StoredManifest};
use triage_correlate::{Inventory, Join, Reading, Shared, SourceCounts, read_manifest};
use triage_hashset::{DigestKey, Sets};

use super::correlate::CorrelateArgs;
use super::many::{doubts, each_in_order, packages, threads};
use super::scan_args::read_text;
use crate::console::Console;
use crate::failure::Failure;
use crate::{measure, shown};

/// One exhibit.
#[derive(Clone, Debug, Default)]
pub(super) struct Exhibit {
    /// What it is called, in display form.
    pub(super) label: String,
    /// Its number, as the package says.
    pub(super) number: String,
    /// Its case.
    pub(super) case: String,
    /// Whose it is; empty if nobody says.
    pub(super) owner: String,
    /// When it was examined first and last, RFC 3339; empty if that is not told.
    pub(super) first_seen: String,
    pub(super) last_seen: String,
    /// The seals of its packages.
    pub(super) seals: Vec<String>,
    /// What was met.
    pub(super) counts: SourceCounts,
    /// Entries that were not examined in full.
    pub(super) gaps: u64,
    /// Whether it comes from another agency's inventory.
    pub(super) is_foreign: bool,
}

/// A package that takes part.
pub(super) struct Source {
    /// Its path.
    pub(super) path: PathBuf,
    /// The number of its exhibit.
    pub(super) exhibit: u32,
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Found {
    /// The exhibits by their numbers.
    pub(super) exhibits: Vec<Exhibit>,
    /// The packages.
    pub(super) sources: Vec<Source>,
    /// How many of the exhibits are our own: the first ones.
    pub(super) own: u32,
    /// Packages that could not be used, with the reason.
    pub(super) failed: Vec<(String, String)>,
    /// Exhibits of packages that could not be used to the end.
    dropped: Vec<u32>,
    /// Whether the scan of a package ended early or noted a doubt.
    has_doubts: bool,
}

impl Found {
    /// Says whether everything that was named has been compared, and was examined in full.
    pub(super) fn is_complete(&self) -> bool {
        let gaps = self.exhibits.iter().any(|exhibit| exhibit.gaps > 0);
        self.failed.is_empty() && !gaps && !self.has_doubts
    }

    /// Says whether the sightings of an exhibit count.
    pub(super) fn is_kept(&self, exhibit: u32) -> bool {
        !self.dropped.contains(&exhibit)
    }

    /// Returns an exhibit by its number.
    pub(super) fn exhibit(&self, number: u32) -> &Exhibit {
        static NONE: std::sync::OnceLock<Exhibit> = std::sync::OnceLock::new();
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        self.exhibits.get(place).unwrap_or_else(|| NONE.get_or_init(Exhibit::default))
    }

    /// Returns when a file was seen first and last: the examinations of the exhibits that have it.
    pub(super) fn seen(&self, shared: &Shared) -> (Option<&str>, Option<&str>) {
        let on = || shared.on.iter().map(|on| self.exhibit(on.exhibit));
        let first = on().map(|exhibit| exhibit.first_seen.as_str()).filter(|time| !time.is_empty());
        let last = on().map(|exhibit| exhibit.last_seen.as_str()).filter(|time| !time.is_empty());
        (first.min_by_key(|time| moment(time)), last.max_by_key(|time| moment(time)))
    }
}

/// Orders times with different offsets.
fn moment(text: &str) -> (i64, u32) {
    let time = triage_evidence::Time::from_text(text);
    time.map_or((i64::MAX, 0), |time| (time.seconds, time.nanoseconds))
}

/// Reads every package and inventory into the join.
pub(super) fn read_all(
    args: &CorrelateArgs,
    key: Option<&DigestKey>,
    sets: &Sets,
    join: &mut Join,
    console: Console,
) -> Result<Found, Failure> {
    let paths = packages(&args.cases, args.cases_from.as_deref())?;
    let mut found = Found::default();
    let mut opened = Vec::new();
    open_all(&paths, &mut found, &mut opened)?;
    put_owners(args, &mut found)?;
    found.own = u32::try_from(found.exhibits.len()).unwrap_or(u32::MAX);
    let reading = Reading { algorithm: args.algorithm, key, sets };
    read_packages(args, &opened, &reading, join, &mut found, console)?;
    for path in &args.keyed.with {
        read_inventory(path, args, key, join, &mut found, console)?;
    }
    for (path, because) in &found.failed {
        console.line(&format!("FAILED {path}: {because}"));
    }
    Ok(found)
}

/// Opens every package and gives each exhibit a number, in the order in which they were named.
fn open_all(
    paths: &[PathBuf],
    found: &mut Found,
    opened: &mut Vec<StoredManifest>,
) -> Result<(), Failure> {
    let mut numbers: HashMap<(String, String), u32> = HashMap::new();
    let mut manifests: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let shown = shown::path(path);
        let stored = match StoredManifest::open(path) {
            Ok(stored) => stored,
            Err(error) => {
                found.failed.push((shown, Failure::from(error).because.unwrap_or_default()));
                continue;
            }
        };
        match doubts(&stored) {
            Ok(doubts) => found.has_doubts |= doubts,
            Err(error) => {
                found.failed.push((shown, error.because.unwrap_or_default()));
                continue;
            }
        }
        let Some(seal) = stored.seal() else {
            let because = "a manifest alone does not say what it belongs to: name the package";
            found.failed.push((shown, because.to_owned()));
            continue;
        };
        if let Some(other) =
            manifests.insert(stored.seal_sha256().unwrap_or_default().to_owned(), shown.clone())
        {
            return Err(Failure::usage("a package was named twice")
                .at(shown)
                .because(format!("it has the seal of {other}")));
        }
        let next = u32::try_from(found.exhibits.len()).unwrap_or(u32::MAX);
        let number = *numbers.entry((seal.case.clone(), seal.exhibit.clone())).or_insert(next);
        if number == next {
            let (case, number) = (seal.case.clone(), seal.exhibit.clone());
            found.exhibits.push(Exhibit { case, number, ..Exhibit::default() });
        }
        let gaps = Status::ALL.into_iter().filter(|status| status.is_gap());
        let gaps = gaps.map(|status| seal.counts[status.name()].as_u64().unwrap_or(0)).sum::<u64>();
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(exhibit) = found.exhibits.get_mut(place) {
            exhibit.see(&seal.time);
            exhibit.gaps += gaps;
            exhibit.seals.extend(stored.seal_sha256().map(str::to_owned));
        }
        found.sources.push(Source { path: path.clone(), exhibit: number });
        opened.push(stored);
    }
    let mut named: HashMap<String, usize> = HashMap::new();
    for exhibit in &found.exhibits {
        *named.entry(exhibit.number.clone()).or_default() += 1;
    }
    for exhibit in &mut found.exhibits {
        let alone = named.get(&exhibit.number) == Some(&1) || exhibit.case.is_empty();
        let label = match alone {
            true => exhibit.number.clone(),
            false => format!("{}: {}", exhibit.case, exhibit.number),
        };
        exhibit.label = triage_evidence::escape(label.as_bytes());
    }
    Ok(())
}

impl Exhibit {
    fn see(&mut self, time: &str) {
        if self.first_seen.is_empty() || moment(time) < moment(&self.first_seen) {
            time.clone_into(&mut self.first_seen);
        }
        if self.last_seen.is_empty() || moment(time) > moment(&self.last_seen) {
            time.clone_into(&mut self.last_seen);
        }
    }
}

/// Reads whose the exhibits are.
fn put_owners(args: &CorrelateArgs, found: &mut Found) -> Result<(), Failure> {
    let Some(path) = &args.owners else { return Ok(()) };
    let wrong = |line: usize| {
        Failure::usage("cannot read the owners")
            .at(format!("{} line {line}", shown::path(path)))
            .because("a line is an exhibit, a comma and its owner")
    };
    let mut owners = HashMap::new();
    for (place, line) in read_text(path, "the owners")?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let (exhibit, owner) = line.rsplit_once(',').ok_or_else(|| wrong(place + 1))?;
        let bare = |text: &str| text.trim().trim_matches('"').to_owned();
        owners.insert(bare(exhibit), triage_evidence::escape(bare(owner).as_bytes()));
    }
    for exhibit in &mut found.exhibits {
        let owner = owners.get(&exhibit.label).or_else(|| owners.get(&exhibit.number));
        exhibit.owner = owner.cloned().unwrap_or_default();
    }
    match found.exhibits.iter().find(|exhibit| exhibit.owner.is_empty()) {
        None => Ok(()),
        Some(exhibit) => Err(Failure::usage("an exhibit has no owner")
            .at(exhibit.label.clone())
            .hint(format!("add it to {}, exhibit and owner with a comma", shown::path(path)))),
    }
}

/// Reads the manifests, several at once; their pieces come in any order and are sorted anyway.
fn read_packages(
    args: &CorrelateArgs,
    opened: &[StoredManifest],
    reading: &Reading<'_>,
    join: &mut Join,
    found: &mut Found,
    console: Console,
) -> Result<(), Failure> {
    let (to, pieces) = std::sync::mpsc::sync_channel::<Vec<u8>>(64);
    let sources = &found.sources;
    let mut results = Vec::new();
    let sorted = std::thread::scope(|scope| {
        let readers = scope.spawn(move || {
            let jobs: Vec<_> = opened.iter().zip(sources).collect();
            each_in_order(
                &jobs,
                threads(args.threads),
                &|(stored, source)| {
                    read_manifest(stored, source.exhibit, reading, &mut |piece| {
                        // Sorting failed, and says so itself.
                        let _over = to.send(piece);
                    })
                },
                &mut |place, result| {
                    if (place + 1) % 100 == 0 {
                        console.say(&format!(
                            "{} of {} packages read",
                            measure::count(place as u64 + 1),
                            measure::count(jobs.len() as u64)
                        ));
                    }
                    results.push(result);
                },
            );
            results
        });
        // The receiver goes away with an error, so that no reader waits for ever.
        let sorted = pieces.into_iter().try_for_each(|piece| join.take(&piece));
        (sorted, readers.join())
    });
    let (sorted, results) = sorted;
    sorted.map_err(failure)?;
    let results = results.map_err(|_| Failure::new(crate::exit::INTERNAL, "a reader failed"))?;
    for (place, result) in results.into_iter().enumerate() {
        let Some(source) = found.sources.get(place) else { continue };
        let number = usize::try_from(source.exhibit).unwrap_or(usize::MAX);
        match result {
            Ok(counts) => {
                if let Some(exhibit) = found.exhibits.get_mut(number) {
                    add(&mut exhibit.counts, &counts);
                }
            }
            Err(error) => {
                let reason = failure(error).because.unwrap_or_default();
                found.failed.push((shown::path(&source.path), reason));
                found.dropped.push(source.exhibit);
            }
        }
    }
    Ok(())
}

fn add(sum: &mut SourceCounts, more: &SourceCounts) {
    sum.files += more.files;
    sum.known_good += more.known_good;
    sum.empty += more.empty;
    sum.without_content += more.without_content;
    sum.without_digest += more.without_digest;
}

/// Reads what another agency has exported.
fn read_inventory(
    path: &Path,
    args: &CorrelateArgs,
    key: Option<&DigestKey>,
    join: &mut Join,
    found: &mut Found,
    console: Console,
) -> Result<(), Failure> {
    let at = |failure: Failure| failure.at(shown::path(path));
    let file = File::open(path)
        .map_err(|error| at(Failure::usage("cannot open the inventory").caused_by(&error)))?;
    let id = key.map(DigestKey::id).unwrap_or_default();
    let lines = BufReader::with_capacity(1 << 20, file);
    let inventory =
        Inventory::open(lines, &id, args.algorithm).map_err(|error| at(failure(error)))?;
    let head = inventory.head().clone();
    let first = u32::try_from(found.exhibits.len()).unwrap_or(u32::MAX);
    if head.exhibits > 1 << 20 {
        let reason = "it names more than a million exhibits";
        return Err(at(Failure::usage("cannot use the inventory").because(reason)));
    }
    let label = triage_evidence::escape(head.label.as_bytes());
    found.exhibits.extend((1..=head.exhibits).map(|number| Exhibit {
        label: format!("{label}/{number}"),
        owner: format!("{label}/{number}"),
        is_foreign: true,
        ..Exhibit::default()
    }));
    let read = inventory.read(first, &mut |piece| join.take(piece));
    let lines = read.map_err(|error| at(failure(error)))?;
    console.say(&format!(
        "inventory {label}: {} digests of {} exhibits",
        measure::count(lines),
        head.exhibits
    ));
    Ok(())
}

/// Returns an error of the join as a failure.
pub(super) fn failure(error: triage_correlate::Error) -> Failure {
    use triage_correlate::Error as E;
    match error {
        E::Case(error) => Failure::from(error),
        E::Sort(error) => Failure::from(error),
        other => Failure::usage("cannot correlate").caused_by(&other),
    }
}
