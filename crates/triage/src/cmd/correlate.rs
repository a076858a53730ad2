//! `correlate`: the same files on several exhibits.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use triage_correlate::{InventoryHead, Join, Matrix, Owners, Shared};
use triage_hash::Algorithm;
use triage_hashset::DigestKey;

use super::correlate_output::{Outputs, tell};
use super::correlate_read::{Found, failure, read_all};
use super::sets::LEAST_MEMORY_BYTES;
use crate::console::Console;
use crate::failure::Failure;
use crate::set_args::{SetArgs, damaged, read_secret};
use crate::{exit, measure, shown};

/// Find files that several exhibits share, in stored packages; no disk needed
///
/// CASES are packages. Only digests are compared: of files that were read in full, without empty
/// ones and without what --known-good lists. Two packages of one exhibit count as one exhibit. Each
/// manifest is compared with its seal; `verify` checks the rest. Exits with 1 if anything is
/// shared, with 3 or 4 if a package could not be used or has gaps, or a set could not match its
/// files, with 5 if a package or an inventory is not as it was written.
///
/// Examples:
///   triage correlate CASE-*/ --known-good nsrl.thx --html shared.html
///   triage correlate CASE-*/ --owners owners.csv --rare 3 --names --csv shared.csv
///   triage correlate CASE-*/ --key shared.key --label north --export north.inventory
///   triage correlate CASE-*/ --key shared.key --with south.inventory
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct CorrelateArgs {
    /// The packages
    #[arg(value_name = "CASES", required_unless_present = "packages_from")]
    pub(super) cases: Vec<PathBuf>,
    /// More packages, one a line (`-`: standard input)
    #[arg(long, alias = "cases-from", value_name = "FILE")]
    pub(super) packages_from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) sets: SetArgs,
    /// A CSV file of exhibit and owner, one a line; else each exhibit has an owner of its own
    #[arg(long, value_name = "FILE")]
    pub(super) owners: Option<PathBuf>,
    /// A file that so many owners have at most is rare; only rare ones are in the matrix
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..))]
    pub(super) rare: u32,
    /// The digest that is compared
    #[arg(long, value_name = "NAME", default_value = "sha256")]
    pub(super) algorithm: Algorithm,
    /// Show where each rare file was found first on each exhibit; else no name is shown
    #[arg(long)]
    pub(super) names: bool,
    #[command(flatten)]
    pub(super) keyed: KeyedArgs,
    /// Write every shared file as a row of this CSV file; must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Write a page with the matrix of exhibits; must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Threads that read packages; else one for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), env = "TRIAGE_THREADS")]
    pub(super) threads: Option<u16>,
    /// How much memory to sort in: 512M, 2G
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = measure::size)]
    pub(super) memory: u64,
    /// The folder for scratch files, which have no name: about 53 bytes a file
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) scratch: PathBuf,
}

/// Comparing with another agency.
#[derive(Args, Debug, Default)]
pub(crate) struct KeyedArgs {
    /// Compare digests under the key in this file, which both agencies hold (`sets encrypt
    /// --new-digest-key` makes one)
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Write the keyed digests of these exhibits for another agency; must not exist
    #[arg(long, value_name = "FILE", requires_all = ["key", "label"])]
    pub(super) export: Option<PathBuf>,
    /// What the other agency shall call the exhibits: LABEL/1, LABEL/2
    #[arg(long, value_name = "NAME")]
    pub(super) label: Option<String>,
    /// Compare with what another agency has exported; may be given several times
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) with: Vec<PathBuf>,
}

/// How many exhibits are listed for one file in a line of JSON; a file on hundreds belongs to a
/// system, and these would be most of the output. All are counted, and all stand in the table.
const LIMIT_LISTED: usize = 50;
/// How many files are held to be shown with names, or on the page.
const LIMIT_HELD: usize = 1_000_000;

/// What came of the comparison.
pub(super) struct Answer {
    /// Files on more than one exhibit.
    pub(super) shared: u64,
    /// Those of at least two owners that are rare.
    pub(super) rare: u64,
    /// Those on more than one exhibit that an alerting set lists.
    pub(super) alerting: u64,
    /// Those of which an alerting bloom filter alone says that it probably lists them.
    pub(super) probably_alerting: u64,
    /// What each two exhibits share.
    pub(super) matrix: Option<Matrix>,
    /// The rare files, as many as are held.
    pub(super) held: Vec<Shared>,
    /// Files that take part, copies included.
    pub(super) sightings: u64,
}

impl CorrelateArgs {
    /// Returns the key under which digests are compared.
    pub(super) fn key(&self) -> Result<Option<DigestKey>, Failure> {
        let Some(path) = &self.keyed.key else { return Ok(None) };
        let bad = || Failure::usage("cannot use the key").at(shown::path(path));
        let mut keys = triage_hashset::SetKeys::default();
        keys.add_file(&read_secret(path)?).map_err(|error| bad().caused_by(&error))?;
        match keys.digest_keys() {
            [key] => Ok(Some(key.clone())),
            _ => Err(bad()
                .because("it must hold exactly one digest key")
                .hint("`triage sets encrypt --new-digest-key` makes one")),
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: &CorrelateArgs, console: Console) -> Result<u8, Failure> {
    let key = args.key()?;
    let opened = args.sets.open(console)?;
    if key.is_some() && args.names {
        console.say("note: names are those of these exhibits; the inventories hold none");
    }
    if let Some(label) = &args.keyed.label {
        InventoryHead::new(label, "", args.algorithm, 0, 0).map_err(failure)?;
    }
    for path in [&args.csv, &args.html, &args.keyed.export].into_iter().flatten() {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::new(exit::REFUSED, "refused to write over existing output")
                .at(shown::path(path))
                .hint("name a file that does not exist yet"));
        }
    }
    let memory = usize::try_from(args.memory).unwrap_or(usize::MAX).max(LEAST_MEMORY_BYTES);
    let digest_bytes = args.algorithm.len_bytes();
    let mut join = Join::new(digest_bytes, &args.scratch, memory);
    let found = read_all(args, key.as_ref(), &opened.sets, &mut join, console)?;
    damaged(&opened.sets)?;
    let mut outputs = Outputs::begin(args, &found, key.as_ref(), console)?;
    let answer = compare(args, join, &found, &mut outputs)?;
    outputs.rare(&answer, &found)?;
    let code = found.packages.code(found.are_examined(), answer.shared > 0);
    outputs.end(&answer, &found, code)?;
    tell(args, &answer, &found, code, console);
    Ok(code)
}

/// Hands every shared file to where it belongs.
fn compare(
    args: &CorrelateArgs,
    join: Join,
    found: &Found,
    outputs: &mut Outputs<'_>,
) -> Result<Answer, Failure> {
    let mut answer = Answer {
        shared: 0,
        rare: 0,
        alerting: 0,
        probably_alerting: 0,
        matrix: Matrix::new(found.exhibits.len()),
        held: Vec::new(),
        sightings: join.sightings(),
    };
    let owners = owners(args, found)?;
    let most = usize::try_from(args.rare).unwrap_or(usize::MAX);
    let keep = |exhibit| found.is_kept(exhibit);
    join.finish(&keep, &owners, &mut |shared| {
        outputs.inventory(shared)?;
        if shared.on.len() < 2 {
            return Ok(());
        }
        answer.shared += 1;
        answer.alerting += u64::from(shared.listed.alert);
        answer.probably_alerting += u64::from(shared.listed.is_only_probable_alert());
        let is_rare = (2..=most).contains(&shared.owners);
        if is_rare {
            answer.rare += 1;
            if let Some(matrix) = &mut answer.matrix {
                matrix.add(shared);
            }
            if answer.held.len() < LIMIT_HELD {
                answer.held.push(shared.clone());
                return Ok(());
            }
        }
        outputs.shared(shared, is_rare, &[])
    })
    .map_err(failure)?;
    Ok(answer)
}

/// Reads whose each exhibit is.
fn owners(args: &CorrelateArgs, found: &Found) -> Result<Owners, Failure> {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let of = found.exhibits.iter().zip(0..).map(|(exhibit, number): (_, u32)| {
        if args.owners.is_none() || exhibit.owner.is_empty() {
            return number;
        }
        *numbers.entry(exhibit.owner.as_str()).or_insert(number)
    });
    Ok(Owners::new(of.collect()))
}

/// Returns a time in seconds as text.
pub(super) fn time(seconds: i64) -> String {
    triage_evidence::Time { seconds, nanoseconds: 0 }.to_string()
}

/// Returns a shared file as a JSON line.
pub(super) fn shared_json(
    shared: &Shared,
    is_rare: bool,
    names: &[String],
    found: &Found,
    args: &CorrelateArgs,
) -> Value {
    let on: Vec<Value> = shared
        .on
        .iter()
        .enumerate()
        .take(LIMIT_LISTED)
        .map(|(place, on)| {
            let exhibit = found.exhibit(on.exhibit);
            let mut value = json!({
                "exhibit": exhibit.label, "copies": on.copies,
                "first_seen": exhibit.first_seen, "last_seen": exhibit.last_seen,
                "modified_first": on.modified.map(|(first, _)| time(first)),
                "modified_last": on.modified.map(|(_, last)| time(last)),
            });
            if let Some(name) = names.get(place).filter(|name| !name.is_empty()) {
                value["path"] = json!(name);
            }
            value
        })
        .collect();
    let seen = found.seen(shared);
    json!({
        "v": 1, "type": "shared",
        "digest": triage_evidence::hex(&shared.digest),
        "algorithm": args.algorithm.name(),
        "keyed": args.keyed.key.is_some(),
        "size": shown::exact(shared.size_bytes),
        "exhibits": on, "exhibit_count": shared.on.len(), "owners": shared.owners,
        "copies": shared.copies(), "rare": is_rare,
        "alert": shared.listed.alert, "informational": shared.listed.informational,
        "probable_alert": shared.listed.probable_alert,
        "probable_informational": shared.listed.probable_informational,
        "first_seen": seen.0, "last_seen": seen.1,
    })
}
