//! `custody prove`: a small file that shows one thing of a sealed package and nothing else.

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use triage_case::{CaseDir, ProvedEntry, Value, prove_absence, prove_inclusion};
use triage_custody::{Claim, Proof, ValueKind};
use triage_evidence::Location;
use triage_hash::{Algorithm, Digest};

use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown, write};

/// Prove that one line stands in the sealed manifest, or that no line has a path or digest
///
/// The proof is one small JSON file that carries the seal. `triage verify-proof` checks it, and so
/// does data/verify-proof.sh of the package with stock tools. A proof of a line shows that line;
/// with --redact it shows the line without names. A proof of absence shows no name and no digest of
/// anything else, but two hashed keys (docs/formats/proof.md says what can be learnt from them).
///
/// Examples:
///   triage custody prove CASE-42 'Users/ana/a.jpg' -o a.proof.json
///   triage custody prove CASE-42 --number 17 --redact -o line17.proof.json
///   triage custody prove CASE-42 --absent sha256:9f86...0f00 -o absent.proof.json
///   triage custody prove CASE-42 --absent path:Users/ana/Tor -o absent.proof.json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ProveArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// The entry whose line is proved: its path in display form, as reports print it
    #[arg(value_name = "ENTRY", required_unless_present_any = ["number", "absent"])]
    entry: Option<String>,
    /// The number of the line instead of a path, as redacted reports print it
    #[arg(long, value_name = "N", conflicts_with = "entry")]
    number: Option<u64>,
    /// Leave the names out: path, target of a link, labels of a volume
    #[arg(long, conflicts_with = "absent")]
    redact: bool,
    /// Prove that no line has this: a digest in hex, `ALGORITHM:HEX`, or `path:PATH`
    #[arg(long, value_name = "VALUE", conflicts_with_all = ["entry", "number"])]
    absent: Option<String>,
    /// A file that does not exist yet; else standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &ProveArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    let proof = if let Some(text) = &args.absent {
        let value = value(&case, text)?;
        let Some(proof) = prove_absence(&case, &value)? else {
            return Ok(present(text, console));
        };
        proof
    } else {
        let entry = entry(args)?;
        prove_inclusion(&case, &entry, args.redact)?.ok_or_else(|| {
            Failure::usage("there is no such line in the manifest")
                .at(args.entry.clone().unwrap_or_default())
                .hint("`triage report --format csv` lists every path and number")
        })?
    };
    put(&proof, args, console)
}

/// The value is there: nothing can be proved, and a script must not take that for a proof.
fn present(text: &str, console: Console) -> u8 {
    console.line(&format!("PRESENT: a line of the manifest has {text}; no proof was made"));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::HIT, "exit_name": exit::name(exit::HIT),
        "present": true,
    }));
    exit::HIT
}

fn put(proof: &Proof, args: &ProveArgs, console: Console) -> Result<u8, Failure> {
    let bytes = proof.to_bytes()?;
    match &args.output {
        None => stdout().lock().write_all(&bytes)?,
        Some(path) => {
            write::new_file(path, 0o644, &bytes).map_err(|error| {
                let code = match error.kind() {
                    std::io::ErrorKind::AlreadyExists => exit::REFUSED,
                    _ => exit::INCOMPLETE,
                };
                Failure::new(code, "cannot write the proof").at(shown::path(path)).caused_by(&error)
            })?;
            console.say(&format!("written: {}", shown::path(path)));
        }
    }
    let shows = match &proof.claim {
        Claim::Inclusion(claim) if claim.redacted => "one line without its names",
        Claim::Inclusion(_) => "one line",
        Claim::Absence(_) => "the hashed keys of two neighbours",
    };
    console.say(&format!("this proof shows {shows} and the seal; note to whom it is given"));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "shows": shows,
        "exit_name": exit::name(exit::COMPLETE),
        "proof_sha256": triage_custody::sha256_hex(&bytes),
    }));
    Ok(exit::COMPLETE)
}

fn entry(args: &ProveArgs) -> Result<ProvedEntry, Failure> {
    if let Some(number) = args.number {
        return Ok(ProvedEntry::Number(number));
    }
    location(args.entry.as_deref().unwrap_or_default()).map(ProvedEntry::At)
}

fn location(text: &str) -> Result<Location, Failure> {
    Location::from_text(text).map_err(|error| {
        Failure::usage("cannot read the path")
            .at(text)
            .caused_by(&error)
            .hint("write it as the report prints it: a backslash as \\\\, a line feed as \\x0a")
    })
}

/// Reads what is to be absent: with its kind in front, or a digest that its length tells.
fn value(case: &CaseDir, text: &str) -> Result<Value, Failure> {
    let run = case.document("data/run.json")?;
    let planned = run["plan"]["algorithms"].as_str().unwrap_or_default();
    let computed = |algorithm: &Algorithm| planned.split(',').any(|name| name == algorithm.name());
    if let Some((kind, rest)) = text.split_once(':')
        && let Ok(kind) = kind.parse::<ValueKind>()
    {
        let bytes = match kind {
            ValueKind::Path => location(rest)?.path().to_vec(),
            ValueKind::Digest(algorithm) if computed(&algorithm) => {
                let digest = Digest::from_hex(algorithm, rest.as_bytes()).map_err(|error| {
                    Failure::usage("cannot read the digest").at(rest).caused_by(&error)
                })?;
                digest.as_bytes().to_vec()
            }
            ValueKind::Digest(algorithm) => return Err(never_computed(algorithm.name(), planned)),
        };
        return Ok(Value { kind, bytes });
    }
    let read = |algorithm: &Algorithm| Digest::from_hex(*algorithm, text.as_bytes()).ok();
    let fitting: Vec<Digest> = Algorithm::ALL.iter().filter_map(read).collect();
    let computed: Vec<&Digest> =
        fitting.iter().filter(|digest| computed(&digest.algorithm())).collect();
    match (computed.as_slice(), fitting.as_slice()) {
        ([digest], _) => Ok(Value {
            kind: ValueKind::Digest(digest.algorithm()),
            bytes: digest.as_bytes().to_vec(),
        }),
        ([], [first, ..]) => Err(never_computed(first.algorithm().name(), planned)),
        ([], []) => Err(Failure::usage("cannot tell what is to be absent")
            .at(text)
            .hint("write `path:` before a path, or a digest in hex")),
        (_, _) => Err(Failure::usage("several digests have this length")
            .at(text)
            .hint("write the algorithm before it, such as `sha256:`")),
    }
}

fn never_computed(name: &str, planned: &str) -> Failure {
    Failure::usage("the absence of this digest would show nothing")
        .because(format!("{name} was not computed; the scan computed {planned}"))
}
