//! `report`: renders a closed package again.

use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use triage_case::CaseDir;
use triage_report::{Format, Redact, Report};

use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown, write};

/// What is left out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RedactArg {
    /// Names from the evidence
    Names,
}

/// Render the report of a package again: HTML, CSV or JSON
///
/// Writes to standard output, or to a new file. The package is not changed.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// html, csv (every entry) or json
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    format: String,
    /// Leave names from the evidence out, for a copy that is disclosed
    #[arg(long)]
    redact: Option<RedactArg>,
    /// A file that does not exist yet
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &ReportArgs, console: Console) -> Result<u8, Failure> {
    let format: Format = args.format.parse().map_err(|_| {
        Failure::usage("unknown report format").at(&args.format).hint("known are html, csv, json")
    })?;
    let redact = if args.redact.is_some() { Redact::Names } else { Redact::Nothing };
    let case = CaseDir::open(&args.package)?;
    let report = Report::of(&case)?;
    match &args.output {
        None => {
            let mut out = BufWriter::new(stdout().lock());
            report.render(&case, format, redact, &mut out)?;
            out.flush()?;
        }
        Some(path) => {
            let mut bytes = Vec::new();
            report.render(&case, format, redact, &mut bytes)?;
            write::new_file(path, 0o644, &bytes).map_err(|error| {
                let code = match error.kind() {
                    std::io::ErrorKind::AlreadyExists => exit::REFUSED,
                    _ => exit::INCOMPLETE,
                };
                Failure::new(code, "cannot write the report")
                    .at(shown::path(path))
                    .caused_by(&error)
            })?;
            console.say(&format!("written: {}", shown::path(path)));
        }
    }
    Ok(exit::COMPLETE)
}
