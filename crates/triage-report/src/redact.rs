//! What is left out of a report that is disclosed, and what stands in its place.
//!
//! Every row keeps its number in the manifest and gains the hash of its leaf in the Merkle tree
//! that the seal names: whoever holds the package can show later that the row is the sealed line,
//! and nobody can guess the line from the hash, because the leaf is salted.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use triage_case::{Record, write_line};
use triage_custody::{Salter, line_leaf};
use triage_evidence::{Location, Time, Times, escape};
use triage_hash::Digests;

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Redact {
    /// Nothing.
    Nothing,
    /// Names from the evidence: each stands as a token, the same for the same name, so that the
    /// order of folders stays visible.
    Names,
    /// Locations: an entry is called by its number in the manifest.
    Paths,
    /// Locations, digests, sizes, times and whatever else tells one entry from another: number,
    /// status, set and category stay.
    All,
}

/// How many hex digits a token has: among a million names two fall together once in a million
/// reports.
const TOKEN_DIGITS: usize = 16;

/// The facts of a volume that say nothing about a person.
const IMPERSONAL: [&str; 7] =
    ["container", "content", "file_system", "partition_table", "size", "start", "time_zone"];

/// The keys of `run.json` that hold names of this side, paths of the evidence, or what undoes the
/// salt.
const REVEALING: [&str; 5] = ["salt_seed", "argv", "plan", "doubts", "host"];

/// Leaves out of each record what is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Redaction {
    level: Redact,
    /// The seed of the salts; zeros if the run noted none, and then there are no leaves.
    seed: Option<[u8; 32]>,
    exhibit: String,
}

impl Redaction {
    /// Takes the seed and the exhibit from `run.json`.
    pub(crate) fn new(level: Redact, run: &Value) -> Self {
        let seed = run["salt_seed"].as_str().and_then(|hex| {
            let digest =
                triage_hash::Digest::from_hex(triage_hash::Algorithm::Sha256, hex.as_bytes());
            digest.ok()?.as_bytes().try_into().ok()
        });
        let exhibit = run["plan"]["exhibit"].as_str().unwrap_or_default().to_owned();
        Self { level, seed, exhibit }
    }

    /// Says whether names from the evidence are left out.
    pub(crate) fn hides_names(&self) -> bool {
        self.level > Redact::Nothing
    }

    /// Says whether digests, sizes and times are left out too.
    pub(crate) fn hides_all(&self) -> bool {
        self.level == Redact::All
    }

    /// Returns what an entry is called, in display form.
    pub(crate) fn path(&self, record: &Record) -> String {
        match self.level {
            Redact::Nothing => record.entry.location.to_text(),
            Redact::Names => self.tokens(&record.entry.location, record.seq),
            Redact::Paths | Redact::All => format!("entry {}", record.seq),
        }
    }

    /// Returns the raw bytes of what an entry is called.
    pub(crate) fn raw_path(&self, record: &Record) -> Vec<u8> {
        match self.level {
            Redact::Nothing => record.entry.location.path().to_vec(),
            _ => self.path(record).into_bytes(),
        }
    }

    /// Returns what a location is called that a derived document names, in display form.
    pub(crate) fn location(&self, text: &str, seq: u64) -> String {
        match (self.level, Location::from_text(text)) {
            (Redact::Nothing, _) => text.to_owned(),
            (Redact::Names, Ok(location)) => self.tokens(&location, seq),
            _ => format!("entry {seq}"),
        }
    }

    fn tokens(&self, location: &Location, seq: u64) -> String {
        let Some(seed) = self.seed.filter(|_| !location.is_root()) else {
            return if location.is_root() { ".".to_owned() } else { format!("entry {seq}") };
        };
        let token = |name: &[u8]| {
            let mut hash = Sha256::new();
            hash.update(b"triage name");
            hash.update(seed);
            hash.update(name);
            let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("~{}", &hex[..TOKEN_DIGITS])
        };
        let names: Vec<String> = location.path().split(|&byte| byte == b'/').map(token).collect();
        names.join("/")
    }

    /// Returns what a link leads to, in display form.
    pub(crate) fn target(&self, record: &Record) -> String {
        match (self.hides_names(), &record.entry.target) {
            (false, Some(target)) => escape(target),
            (true, Some(_)) => "left out".to_owned(),
            (_, None) => String::new(),
        }
    }

    /// Returns the digests that are shown.
    pub(crate) fn digests(&self, record: &Record) -> Digests {
        if self.hides_all() { Digests::new() } else { record.digests.clone() }
    }

    /// Returns the size that is shown.
    pub(crate) fn size(&self, record: &Record) -> Option<u64> {
        record.entry.size_bytes.filter(|_| !self.hides_all())
    }

    /// Returns the times that are shown.
    pub(crate) fn times(&self, record: &Record) -> Times {
        if self.hides_all() { Times::default() } else { record.entry.times }
    }

    /// Returns the time of modification in text; empty if it is unknown or left out.
    pub(crate) fn modified(&self, record: &Record) -> String {
        self.times(record).modified.map(|time: Time| time.to_string()).unwrap_or_default()
    }

    /// Returns the leaf of the record's line in the sealed tree, for a report with gaps.
    pub(crate) fn leaf(&self, record: &Record) -> Option<String> {
        let seed = self.seed.filter(|_| self.hides_names())?;
        let mut line = Vec::new();
        write_line(record, &self.exhibit, &mut line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let leaf = line_leaf(&Salter::new(&seed).line(record.seq), line);
        Some(leaf.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Says whether a fact of a volume is shown.
    pub(crate) fn shows_fact(&self, name: &str) -> bool {
        !self.hides_names() || IMPERSONAL.contains(&name)
    }

    /// Returns a rule of the scope, which may hold names, by its text or by its place.
    pub(crate) fn rule(&self, place: usize, text: &str) -> String {
        if self.hides_names() {
            format!("rule {} (its text is left out)", place + 1)
        } else {
            escape(text.as_bytes()).replace("\\\\", "\\")
        }
    }

    /// Returns a doubt of the run, which may name the last location met.
    pub(crate) fn doubt(&self, text: &str) -> String {
        if self.hides_names() {
            "the run noted a doubt about itself; its text is left out of this copy".to_owned()
        } else {
            escape(text.as_bytes()).replace("\\\\", "\\")
        }
    }

    /// Returns `run.json` without what gives names away or undoes the salt.
    pub(crate) fn run(&self, run: &Value) -> Value {
        let mut run = run.clone();
        if let (true, Some(run)) = (self.hides_names(), run.as_object_mut()) {
            REVEALING.iter().for_each(|key| {
                run.remove(*key);
            });
        }
        run
    }

    /// Returns the typed-in particulars, without free texts where names may stand.
    pub(crate) fn particulars(&self, particulars: &Value) -> Value {
        let mut particulars = particulars.clone();
        if let (true, Some(object)) = (self.hides_names(), particulars.as_object_mut()) {
            for key in ["description", "notes", "request"] {
                if object.contains_key(key) {
                    object.insert(key.to_owned(), json!("left out"));
                }
            }
        }
        particulars
    }

    /// Says what is left out; empty for nothing.
    pub(crate) const fn notice(&self) -> &'static str {
        match self.level {
            Redact::Nothing => "",
            Redact::Names => {
                "Names from the evidence are left out of this copy: each stands as a token, the \
                 same for the same name. Numbers are those of the sealed manifest."
            }
            Redact::Paths => {
                "Locations are left out of this copy: an entry is called by its number in the \
                 sealed manifest."
            }
            Redact::All => {
                "Locations, digests, sizes and times are left out of this copy: an entry is \
                 called by its number in the sealed manifest."
            }
        }
    }
}
