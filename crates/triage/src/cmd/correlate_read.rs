//! Reads the packages and inventories that are correlated, side by side.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use triage_case::{Status, StoredManifest};
use triage_correlate::{Inventory, Join, Reading, Shared, SourceCounts, read_manifest};
use triage_hashset::{DigestKey, Sets};

use super::correlate::CorrelateArgs;
use super::many::{Packages, doubts, each_in_order, packages, threads};
use super::scan_args::read_text;
use crate::console::Console;
use crate::failure::Failure;
use crate::measure::{self, counted};
use crate::{exit, shown};

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
    /// Whether a scan of it ended early or noted a doubt against itself, or a package of it could
    /// not be used.
    pub(super) doubts: bool,
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
    /// What became of the packages.
    pub(super) packages: Packages,
    /// The labels of inventories.
    inventories: HashSet<String>,
    /// Exhibits of packages that could not be used to the end.
    dropped: HashSet<u32>,
}

impl Found {
    /// Says whether everything that was named has been compared, and was examined in full.
    pub(super) fn is_complete(&self) -> bool {
        self.are_examined() && self.packages.are_complete()
    }

    /// Says whether every exhibit was examined in full.
    pub(super) fn are_examined(&self) -> bool {
        !self.exhibits.iter().any(|exhibit| exhibit.gaps > 0 || exhibit.doubts)
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
    let paths = packages(&args.cases, args.packages_from.as_deref())?;
    let mut found = Found::default();
    let mut opened = Vec::new();
    open_all(&paths, &mut found, &mut opened, console)?;
    put_owners(args, &mut found)?;
    found.own = u32::try_from(found.exhibits.len()).unwrap_or(u32::MAX);
    let reading = Reading { algorithm: args.algorithm, key, sets };
    read_packages(args, &opened, &reading, join, &mut found, console)?;
    for path in &args.keyed.with {
        read_inventory(path, args, key, join, &mut found, console)?;
    }
    let mut labels = HashSet::new();
    if let Some(twice) = found.exhibits.iter().find(|exhibit| !labels.insert(&exhibit.label)) {
        return Err(Failure::usage("two exhibits have the same label")
            .at(twice.label.clone())
            .hint("compare one inventory of each agency, with a label of its own"));
    }
    Ok(found)
}

/// Opens every package and gives each exhibit a number, in the order in which they were named.
fn open_all(
    paths: &[PathBuf],
    found: &mut Found,
    opened: &mut Vec<StoredManifest>,
    console: Console,
) -> Result<(), Failure> {
    let mut numbers: HashMap<(String, String), u32> = HashMap::new();
    let mut manifests: BTreeMap<String, String> = BTreeMap::new();
    for path in paths {
        let shown = shown::path(path);
        let stored = match StoredManifest::open(path) {
            Ok(stored) => stored,
            Err(error) => {
                found.packages.unusable(&shown, Failure::from(error), console);
                continue;
            }
        };
        let doubts = match doubts(&stored) {
            Ok(doubts) => doubts,
            Err(error) => {
                found.packages.unusable(&shown, error, console);
                continue;
            }
        };
        let Some(seal) = stored.seal() else {
            let because = "a manifest alone does not say what it belongs to: name the package";
            found.packages.unusable(&shown, Failure::usage(because), console);
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
            exhibit.doubts |= !doubts.is_empty();
            exhibit.seals.extend(stored.seal_sha256().map(str::to_owned));
        }
        found.packages.used(&shown, true, &doubts);
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
                            "{} of {} read",
                            measure::count(place as u64 + 1),
                            counted(jobs.len() as u64, "package", "packages")
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
    let results = results.map_err(|_| Failure::new(exit::INTERNAL, "a reader failed"))?;
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
                found.packages.broke_off(&shown::path(&source.path), failure(error), console);
                found.dropped.insert(source.exhibit);
                if let Some(exhibit) = found.exhibits.get_mut(number) {
                    exhibit.doubts = true;
                }
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
    let label = triage_evidence::escape(head.label.as_bytes());
    if args.keyed.label.as_ref() == Some(&head.label) || !found.inventories.insert(head.label) {
        return Err(at(Failure::usage("the label of the inventory stands for another one too"))
            .because(format!("it is {label}"))
            .hint("have it exported again with a label of its own"));
    }
    found.exhibits.extend(inventory.exhibits().iter().map(|told| Exhibit {
        label: format!("{label}/{}", told.number),
        owner: format!("{label}/{}", told.number),
        counts: SourceCounts {
            files: told.files,
            known_good: told.known_good,
            ..SourceCounts::default()
        },
        gaps: told.gaps,
        doubts: told.doubts,
        is_foreign: true,
        ..Exhibit::default()
    }));
    for told in inventory.exhibits().iter().filter(|told| told.doubts) {
        let number = told.number;
        found.packages.doubt(format!("{label}/{number}: whoever exported it had a doubt about it"));
    }
    let read = inventory.read(first, &mut |piece| join.take(piece));
    let lines = read.map_err(|error| at(failure(error)))?;
    console.say(&format!(
        "inventory {label}: {} of {}",
        counted(lines, "digest", "digests"),
        counted(u64::from(head.exhibits), "exhibit", "exhibits")
    ));
    if head.failed > 0 {
        let because = counted(head.failed, "package of it was", "packages of it were");
        let because = format!("{because} not used by whoever exported it");
        found.packages.failed(&shown::path(path), because, console);
    }
    Ok(())
}

/// Returns an error of the join as a failure.
pub(super) fn failure(error: triage_correlate::Error) -> Failure {
    use triage_correlate::Error as E;
    match error {
        E::Case(error) => Failure::from(error),
        E::Sort(error) => Failure::from(error),
        E::TornInventory { .. } => {
            Failure::new(exit::VERIFY_FAILED, "the inventory is damaged").caused_by(&error)
        }
        other => Failure::usage("cannot correlate").caused_by(&other),
    }
}
