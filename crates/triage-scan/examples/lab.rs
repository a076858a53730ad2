//! A laboratory's program: scans, matches, seals and verifies, with the crates alone.
//!
//! `cargo run -p triage-scan --example lab -- EVIDENCE KNOWN.txt PACKAGE`
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program has a clock")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use triage_case::{Particulars, Trust, verify};
use triage_hashset::SetSource;
use triage_scan::{Circumstances, Examination, OpenSets};

/// Says whether everything was examined and the package is as it was sealed.
pub(crate) fn examine(
    evidence: &Path,
    known: PathBuf,
    package: &Path,
) -> Result<bool, Box<dyn Error>> {
    let particulars = Particulars { exhibit: "AB/1".to_owned(), ..Particulars::default() };
    let set = SetSource { path: known, ..SetSource::default() };
    let examination = Examination {
        sets: OpenSets::open(&[set])?,
        ..Examination::new(evidence, package, particulars)
    };
    let (started, mut salt_seed) = (Instant::now(), [0; 32]);
    getrandom::fill(&mut salt_seed)?;
    let examined = examination.run(&Circumstances {
        time: &|| jiff::Timestamp::now().to_string(),
        clock: Arc::new(move || started.elapsed()),
        salt_seed,
        threads: 4,
        facts: serde_json::Map::new(),
    })?;
    examined.case.for_each_record(&mut |record| {
        if record.is_hit() {
            println!("HIT {}", record.entry.location);
        }
        Ok(())
    })?;
    let verified = verify(&examined.case, Trust::default())?;
    Ok(examined.is_complete() && verified.findings.is_empty())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [evidence, known, package] = &args[..] else {
        return Err("give EVIDENCE, KNOWN and PACKAGE".into());
    };
    match examine(evidence, known.clone(), package)? {
        true => Ok(()),
        false => Err("INCOMPLETE: no hit means nothing here".into()),
    }
}
