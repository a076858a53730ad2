//! `sets lookup`: digests asked one by one or by the million.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use triage_hash::{Algorithm, Algorithms, Digest, Digests};
use triage_hashset::{Match, Sets};

use crate::console::{Console, Results};
use crate::failure::Failure;
use crate::measure::{counted, noun};
use crate::set_args::{SetArgs, damaged};
use crate::{exit, shown};

/// Look digests up: exit 1 if any is found, 0 if none, 3 or 4 if no set could answer for some
///
/// A digest of an algorithm that no set holds is not answered, and says so.
#[derive(Args, Debug)]
pub(crate) struct LookupArgs {
    #[command(flatten)]
    sets: SetArgs,
    /// Digests in hex; `-` reads one a line from standard input
    #[arg(value_name = "DIGEST", required_unless_present = "from")]
    digests: Vec<String>,
    /// A file of digests, one a line; may be given several times
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
}

/// A match as JSON; the fields in the order of their names, as everywhere.
#[derive(Serialize)]
struct MatchLine<'a> {
    algorithm: &'static str,
    category: &'a Option<triage_hashset::Category>,
    digest: &'a str,
    disposition: triage_hashset::Disposition,
    #[serde(skip_serializing_if = "Option::is_none")]
    false_positives_per_billion: Option<u64>,
    provenance: &'a Value,
    set: &'a str,
    set_sha256: &'a str,
    r#type: &'static str,
    v: u32,
}

/// How many are looked up together. A lookup in a large set waits for main memory, and the
/// processor waits for many at once: a million misses in ten million rows took 0.20 s one by one,
/// 0.10 s so.
const QUESTIONS: usize = 256;

/// A digest of one algorithm.
struct Question {
    digests: Digests,
    /// Whether the one before it was of other digits: 64 may be of three algorithms.
    is_first: bool,
}

/// The digests that were asked for so far.
struct Lookup<'a> {
    sets: &'a Sets,
    /// What the sets hold.
    held: Algorithms,
    /// Who made each set and from what.
    provenance: Vec<Value>,
    json: bool,
    results: Results,
    line: Vec<u8>,
    /// What is not looked up yet.
    questions: Vec<Question>,
    asked: u64,
    found: u64,
    /// Those of them that no set holds for certain.
    probable: u64,
    /// Those of an algorithm that no set holds.
    unanswered: u64,
}

/// Runs the verb.
pub(crate) fn run(args: &LookupArgs, console: Console) -> Result<u8, Failure> {
    let opened = args.sets.open(Console { quiet: true, ..console })?;
    if opened.sets.is_empty() {
        return Err(Failure::usage("no hash set was named").hint("give --sets FILE"));
    }
    let (json, results) = (console.json, Results::new());
    let mut lookup = Lookup {
        sets: &opened.sets,
        held: opened.sets.algorithms(),
        provenance: opened.planned.iter().map(|set| json!(set.provenance)).collect(),
        json,
        results,
        line: Vec::new(),
        questions: Vec::with_capacity(QUESTIONS),
        asked: 0,
        found: 0,
        probable: 0,
        unanswered: 0,
    };
    let asked = lookup.all(args);
    lookup.answer();
    asked?;
    let Lookup { asked, found, probable, unanswered, held, results, .. } = lookup;
    drop(results);
    damaged(&opened.sets)?;
    let code = exit::of_answer(unanswered == 0, found > 0);
    let doubt = match probable {
        0 => String::new(),
        some => format!(", {some} of them PROBABLE ONLY"),
    };
    let word = noun(asked, "digest", "digests");
    console.say(&format!("{found} of {asked} {word} found{doubt}"));
    if unanswered > 0 {
        let of = counted(unanswered, "digest is", "digests are");
        console.say(&format!(
            "INCOMPLETE: {of} of no algorithm that a set holds; the sets hold {held}"
        ));
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "asked": asked, "found": found,
        "probable": probable, "unanswered": unanswered, "algorithms": held.to_string(),
    }));
    Ok(code)
}

/// The longest line that is read: a digest has at most 128 digits.
const MAX_LINE: u64 = 1 << 12;

impl Lookup<'_> {
    /// Takes all that the command line names.
    fn all(&mut self, args: &LookupArgs) -> Result<(), Failure> {
        for text in &args.digests {
            if text == "-" {
                self.all_of(&mut stdin().lock())?;
            } else {
                self.one(text.trim().as_bytes())?;
            }
        }
        for path in &args.from {
            let failed = |error: &std::io::Error| {
                Failure::usage("cannot read the digests").at(shown::path(path)).caused_by(error)
            };
            let file = File::open(path).map_err(|error| failed(&error))?;
            self.all_of(&mut BufReader::new(file))?;
        }
        Ok(())
    }

    /// Looks up one digest a line; blank lines are none.
    fn all_of(&mut self, input: &mut dyn BufRead) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = std::io::Read::take(&mut *input, MAX_LINE);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                self.one(text)?;
            }
        }
    }

    /// Takes one digest; it is answered with those after it.
    fn one(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.asked += 1;
        let algorithms: &[Algorithm] = match text.len() {
            32 => &[Algorithm::Md5],
            40 => &[Algorithm::Sha1],
            64 => &[Algorithm::Sha256, Algorithm::Sha3_256, Algorithm::Blake3],
            128 => &[Algorithm::Sha512],
            length => {
                return Err(Failure::usage("this is no digest")
                    .at(triage_evidence::escape(text))
                    .because(format!(
                        "it has {length} characters; digests have 32, 40, 64 or 128"
                    )));
            }
        };
        let mut is_first = true;
        for &algorithm in algorithms {
            let digest = Digest::from_hex(algorithm, text).map_err(|error| {
                Failure::usage("this is no digest")
                    .at(triage_evidence::escape(text))
                    .caused_by(&error)
            })?;
            if self.held.contains(algorithm) {
                self.questions
                    .push(Question { digests: std::iter::once(digest).collect(), is_first });
                is_first = false;
            }
        }
        if is_first {
            self.answer();
            self.unanswered += 1;
            self.tell_unanswered(text, algorithms);
        } else if self.questions.len() >= QUESTIONS {
            self.answer();
        }
        Ok(())
    }

    /// Looks up what was taken, in its order.
    fn answer(&mut self) {
        let questions = std::mem::take(&mut self.questions);
        let sets = self.sets;
        sets.fetch(&questions.iter().map(|question| &question.digests));
        let (mut found, mut certain) = (false, false);
        for Question { digests, is_first } in &questions {
            if *is_first {
                self.count(found, certain);
                (found, certain) = (false, false);
            }
            // No size is known: whether it fits the record is not asked.
            for matched in sets.lookup(digests, u64::MAX) {
                found = true;
                certain |= matched.certainty.is_exact();
                digests.iter().for_each(|digest| self.tell(digest, &matched));
            }
        }
        self.count(found, certain);
        self.questions = questions;
        self.questions.clear();
    }

    fn count(&mut self, found: bool, certain: bool) {
        self.found += u64::from(found);
        self.probable += u64::from(found && !certain);
    }

    /// Says that no set has digests of the kind that was asked for.
    fn tell_unanswered(&mut self, text: &[u8], algorithms: &[Algorithm]) {
        let digest = triage_evidence::escape(text).to_ascii_lowercase();
        let kind: Algorithms = algorithms.iter().copied().collect();
        let because = format!("no set holds {kind}; the sets hold {}", self.held);
        let line = match self.json {
            true => json!({ "v": 1, "type": "not_answered", "digest": digest, "because": because })
                .to_string(),
            false => format!("{digest}  NOT ANSWERED: {because}"),
        };
        self.results.line(line.as_bytes());
    }

    fn tell(&mut self, digest: &Digest, matched: &Match) {
        self.line.clear();
        if !self.json {
            digest.write_hex(&mut self.line);
            let set = triage_evidence::escape(matched.set.as_bytes());
            self.line.extend_from_slice(format!("  {}  {set}", matched.disposition).as_bytes());
            if let Some(category) = &matched.category {
                let number = category.number.map(|n| n.to_string()).unwrap_or_default();
                self.line.extend_from_slice(format!(" {} {number}", category.scheme).as_bytes());
            }
            if !matched.certainty.is_exact() {
                self.line.extend_from_slice(format!(" ({})", matched.certainty).as_bytes());
            }
            return self.results.line(&self.line);
        }
        let place = usize::try_from(matched.set_index).unwrap_or(usize::MAX);
        let Some(provenance) = self.provenance.get(place) else { return };
        let line = MatchLine {
            algorithm: digest.algorithm().name(),
            category: &matched.category,
            digest: &digest.to_string(),
            disposition: matched.disposition,
            false_positives_per_billion: matched.certainty.false_positives_per_billion(),
            provenance,
            set: &matched.set,
            set_sha256: &matched.set_sha256,
            r#type: "match",
            v: 1,
        };
        // Numbers and texts always have a JSON form, and memory takes every byte.
        if serde_json::to_writer(&mut self.line, &line).is_ok() {
            self.results.line(&self.line);
        }
    }
}
