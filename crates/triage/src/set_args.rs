//! The options that name hash sets, and the sets that they open.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_hash::{Algorithm, Algorithms};
use triage_hashset::{
    Certainty, ColumnMap, Description, Disposition, Format, ImportOptions, Index, SetKeys,
    SetSource, Sets,
};
pub(crate) use triage_scan::OpenSets;
use triage_scan::{PlannedSet, open_sets};

use crate::console::Console;
use crate::failure::Failure;
use crate::{known_from, measure, shown};

/// Which hash sets to look digests up in.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SetArgs {
    /// A hash set whose matches alert: a compiled index or a list; may be given several times
    #[arg(long = "sets", value_name = "FILE", env = "TRIAGE_SETS", value_delimiter = ':')]
    pub(crate) sets: Vec<PathBuf>,
    /// A hash set of files known to be good; an alerting set wins over it
    #[arg(long, value_name = "FILE")]
    pub(crate) known_good: Vec<PathBuf>,
    /// A hash set whose matches are only noted
    #[arg(long, value_name = "FILE")]
    pub(crate) informational: Vec<PathBuf>,
    /// Note files whose digests this package has: what was examined already, on another exhibit or
    /// at another visit
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) known_from: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// How lists are read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReadingArgs {
    /// Read lists as this format instead of telling it by content
    #[arg(long, value_name = "FORMAT")]
    pub(crate) set_format: Option<String>,
    /// The columns of delimited lists, such as `md5=2,category=5`, from 1 or by header name
    #[arg(long, value_name = "MAP")]
    pub(crate) map: Option<String>,
    /// The scheme that the lists' category numbers belong to, such as `vics-us`
    #[arg(long, value_name = "NAME")]
    pub(crate) scheme: Option<String>,
    /// The algorithm of digests that come without a name
    #[arg(long, value_name = "NAME")]
    pub(crate) set_algorithm: Option<Algorithm>,
    /// Refuse a list with any unusable row
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// What opens encrypted sets and sets with keyed digests.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct KeyArgs {
    /// A file of age identities or digest keys that opens a set; may be given several times
    #[arg(long, value_name = "FILE", env = "TRIAGE_SET_KEY", value_delimiter = ':')]
    pub(crate) set_key: Vec<PathBuf>,
    /// A file whose first line is the passphrase of a set; `/dev/fd/3` is a descriptor
    #[arg(long, value_name = "FILE", env = "TRIAGE_SET_PASSPHRASE_FILE")]
    pub(crate) set_passphrase: Option<PathBuf>,
}

impl KeyArgs {
    /// Reads the keys.
    pub(crate) fn read(&self) -> Result<SetKeys, Failure> {
        let mut keys = SetKeys::default();
        let bad = |path: &Path, error: &dyn std::error::Error| {
            Failure::usage("cannot use the key of a set").at(shown::path(path)).caused_by(error)
        };
        for path in &self.set_key {
            let text = read_secret(path)?;
            keys.add_file(&text).map_err(|error| bad(path, &error))?;
        }
        if let Some(path) = &self.set_passphrase {
            let text = read_secret(path)?;
            keys.add_passphrase(&text).map_err(|error| bad(path, &error))?;
        }
        Ok(keys)
    }
}

/// Reads a small text file of keys or a passphrase.
pub(crate) fn read_secret(path: &Path) -> Result<String, Failure> {
    /// Key files are a few lines.
    const MOST_BYTES: u64 = 64 << 10;
    let failed = |error: &dyn std::error::Error| {
        Failure::usage("cannot read the key of a set").at(shown::path(path)).caused_by(error)
    };
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, MOST_BYTES), &mut text)
        .map_err(|error| failed(&error))?;
    Ok(text)
}

impl ReadingArgs {
    /// Returns how to read a list with that description.
    pub(crate) fn options(&self, description: Description) -> Result<ImportOptions, Failure> {
        let named = |error: &dyn std::error::Error, option: &str| {
            Failure::usage(format!("cannot use {option}")).caused_by(error)
        };
        let format = self.set_format.as_deref().map(str::parse::<Format>).transpose();
        let columns = self.map.as_deref().map(str::parse::<ColumnMap>).transpose();
        Ok(ImportOptions {
            description,
            format: format.map_err(|error| {
                let known: Vec<_> = Format::all().iter().map(|format| format.name()).collect();
                named(&error, "--set-format").hint(format!("known are {}", known.join(", ")))
            })?,
            algorithm: self.set_algorithm,
            columns: columns.map_err(|error| named(&error, "--map"))?,
            scheme: self.scheme.clone(),
            strict: self.strict,
            drop_perceptual: false,
        })
    }
}

impl SetArgs {
    /// Opens every set, checks it whole, and says what was in it.
    pub(crate) fn open(&self, console: Console) -> Result<OpenSets, Failure> {
        let keys = self.reading.keys.read()?;
        let mut opened = Vec::new();
        for (paths, disposition) in [
            (&self.sets, Disposition::Alert),
            (&self.known_good, Disposition::KnownGood),
            (&self.informational, Disposition::Informational),
        ] {
            for path in paths {
                let description =
                    Description { disposition: Some(disposition), ..Description::default() };
                let options = self.reading.options(description)?;
                let path = path.canonicalize().map_err(|error| {
                    Failure::usage("cannot open the hash set")
                        .at(shown::path(path))
                        .caused_by(&error)
                })?;
                let source = SetSource { path, options, keys: keys.clone() };
                let place = shown::path(&source.path);
                let sets = open_sets(std::slice::from_ref(&source));
                for (index, planned) in sets.map_err(|error| Failure::from(error).at(&place))? {
                    tell(&index, console);
                    let says = index.identity().disposition;
                    if says != disposition && disposition != Disposition::Alert {
                        return Err(Failure::usage("the compiled set has another disposition")
                            .at(place)
                            .because(format!("it says {says}")));
                    }
                    opened.push((index, planned));
                }
            }
        }
        for path in &self.known_from {
            let (index, planned) = known_from::open(path)?;
            tell(&index, console);
            opened.push((index, planned));
        }
        Ok(OpenSets::of(opened))
    }

    /// Returns the options that open the sets of a plan again.
    pub(crate) fn of_plan(planned: &[PlannedSet]) -> Result<Self, Failure> {
        let mut args = Self::default();
        for set in planned {
            let path = triage_evidence::unescape(&set.path).map_err(|error| {
                Failure::usage("the plan names a set in no known form").caused_by(&error)
            })?;
            let path = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(path);
            let path = PathBuf::from(path);
            match set.options.typed.as_str() {
                "known-good" => args.known_good.push(path),
                "informational" => args.informational.push(path),
                known_from::TYPED => {
                    args.known_from.push(path);
                    // It has no options of reading.
                    continue;
                }
                _ => args.sets.push(path),
            }
            args.reading.set_format.clone_from(&set.options.format);
            args.reading.map.clone_from(&set.options.map);
            args.reading.scheme.clone_from(&set.options.scheme);
            args.reading.set_algorithm =
                set.options.algorithm.as_deref().and_then(|name| name.parse().ok());
        }
        Ok(args)
    }
}

/// Returns the failure of lookups in a set of which a damaged page was used.
pub(crate) fn damaged(sets: &Sets) -> Result<(), Failure> {
    let Some((index, place)) = sets.damage() else { return Ok(()) };
    let name = triage_evidence::escape(index.identity().name.as_bytes());
    Err(Failure::usage(
        "a hash set is damaged: what was found stands, what was not found may be in it",
    )
    .at(name)
    .because(format!("the page at byte {place} is not as it was written"))
    .hint("`triage sets verify` checks all of it; import or copy the set again"))
}

/// Says which sets are asked in part only, by digests of these algorithms. Of a set that cannot be
/// asked at all somebody else speaks.
pub(crate) fn tell_partly(sets: &Sets, algorithms: Algorithms, console: Console) {
    let none = |index: &Index| !index.algorithms().iter().any(|a| algorithms.contains(a));
    for index in sets.partly_matchable(algorithms).filter(|index| !none(index)) {
        let name = triage_evidence::escape(index.identity().name.as_bytes());
        console.say(&format!(
            "note: set {name} also holds digests that are not looked up: it has {}, the files have \
             {algorithms}",
            index.algorithms()
        ));
    }
}

/// Says what a list held, above all what of it was not used. What only its import had to guess is
/// not repeated for a compiled set.
pub(crate) fn tell(index: &Index, console: Console) {
    let (identity, report) = (index.identity(), index.report());
    let name = triage_evidence::escape(identity.name.as_bytes());
    let count = index.entry_count();
    let held = match index.probable() {
        Some(_) => measure::counted(count, "entry of a bloom filter", "entries of a bloom filter"),
        None => measure::counted(count, "record", "records"),
    };
    console.say(&format!("set {name}: {held} ({}), {}", index.algorithms(), identity.disposition));
    if let Some(probable) = index.probable() {
        let rate = Certainty::Probable {
            false_positives_per_billion: probable.false_positives_per_billion,
        };
        console.say(&format!("note: set {name}: its matches are {rate}"));
    }
    if report.rejects() > 0 {
        console.say(&format!(
            "warning: set {name}: {} of {} rows could not be used (`triage sets info` names them)",
            report.rejects(),
            report.rows
        ));
    }
    if report.exclusions() > 0 {
        let count = report.exclusions();
        console.say(&format!(
            "note: set {name}: {count} rows of empty files or placeholders left out"
        ));
    }
    if report.algorithm_by_length && !index.is_compiled_file() {
        console.say(&format!("note: set {name}: the algorithm was told from the digests' length"));
    }
}

/// Returns the account of an import as JSON.
pub(crate) fn index_json(kind: &str, index: &Index) -> Value {
    json!({
        "v": 1,
        "type": kind,
        "identity": index.identity(),
        "report": index.report(),
        "records": index.record_count(),
        "entries": index.entry_count(),
        "algorithms": index.algorithms().to_string(),
        "keyed_by": index.keyed_by(),
        "index_blake3": triage_evidence::hex(&index.digest()),
    })
}
