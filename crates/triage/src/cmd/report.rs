//! `report`: renders a closed package again, or drafts a certificate from it.

use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use triage_case::CaseDir;
use triage_report::{Certificate, Draft, Format, Redact, Report};

use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, shown, write};

/// How much is gathered before it goes to standard output.
const BUFFER_BYTES: usize = 1 << 20;

/// What is left out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RedactArg {
    /// Names from the evidence: a token stands for each, the same for the same name
    Names,
    /// Locations: an entry is called by its number in the manifest
    Paths,
    /// Locations, digests, sizes and times: number, status, set and category stay
    All,
}

impl RedactArg {
    const fn level(arg: Option<Self>) -> Redact {
        match arg {
            None => Redact::Nothing,
            Some(Self::Names) => Redact::Names,
            Some(Self::Paths) => Redact::Paths,
            Some(Self::All) => Redact::All,
        }
    }
}

/// Render the report of a package again, or draft a certificate from it
///
/// Writes to standard output, to a new file, or several forms into a new folder. The package is not
/// changed. Forms: html (full), pdf (short, PDF/A-2b), json, csv (every entry), hits-csv,
/// not-read-csv, dfxml, case (CASE/UCO 1.5.0: hits and problems), vics (VICS 2.0: hits), hashdeep,
/// parquet. Certificates are drafts, in html, pdf or text: a person checks, completes and signs
/// them.
///
/// Examples:
///   triage report CASE-42 --out report.html
///   triage report CASE-42 --format pdf,html,csv --out for-court
///   triage report CASE-42 --format pdf --redact names --out disclosed.pdf
///   triage report CASE-42 --certificate fre902-14 --format pdf --out draft.pdf
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReportArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// The forms, separated by commas
    #[arg(long, short, value_name = "FORMS", value_delimiter = ',', default_value = "html")]
    format: Vec<String>,
    /// Leave out what a copy that is disclosed must not show
    #[arg(long, value_name = "WHAT", conflicts_with = "certificate")]
    redact: Option<RedactArg>,
    /// Draft a certificate: fre902-14, uk-s9 or iso27037
    #[arg(long, value_name = "NAME")]
    certificate: Option<String>,
    /// A file that does not exist yet, `-` for standard output; for several forms a new folder
    #[arg(long, short, alias = "output", value_name = "PATH")]
    out: Option<PathBuf>,
}

/// One thing to write.
enum Wanted {
    Report(Format, Redact),
    Certificate(Certificate, Draft),
}

impl Wanted {
    /// Returns the name of the file in a folder of several.
    fn file_name(&self) -> String {
        match self {
            Self::Report(format, _) => format.file_name().to_owned(),
            Self::Certificate(certificate, draft) => {
                let ending = match draft {
                    Draft::Html => "html",
                    Draft::Text => "txt",
                    Draft::Pdf => "pdf",
                };
                format!("draft-{certificate}.{ending}")
            }
        }
    }

    fn render(&self, report: &Report, case: &CaseDir, out: &mut dyn Write) -> std::io::Result<()> {
        match self {
            Self::Report(format, redact) => report.render(case, *format, *redact, out),
            Self::Certificate(certificate, draft) => {
                report.render_certificate(case, *certificate, *draft, out)
            }
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: &ReportArgs, console: Console) -> Result<u8, Failure> {
    let wanted = wanted(args)?;
    let out = args.out.as_deref().filter(|path| *path != Path::new("-"));
    if out.is_none() && (wanted.len() > 1 || console.json) {
        return Err(Failure::usage("several forms, or --json, need a place to write to")
            .hint("name a new folder or file with --out"));
    }
    let case = CaseDir::open(&args.package)?;
    let report = Report::of(&case)?.naming_the_seal(&case).map_err(|error| {
        Failure::new(exit::VERIFY_FAILED, "the seal cannot be read").caused_by(&error)
    })?;
    let mut written = Vec::new();
    match (out, wanted.as_slice()) {
        (None, [one]) => to_stdout(one, &report, &case)?,
        (None, _) => {}
        (Some(path), [one]) => to_file(one, &report, &case, path, &mut written)?,
        (Some(folder), several) => {
            write::new_folder(folder).map_err(|error| cannot_write(folder, &error))?;
            for one in several {
                let path = folder.join(one.file_name());
                to_file(one, &report, &case, &path, &mut written)?;
            }
        }
    }
    for path in &written {
        console.say(&format!("written: {path}"));
    }
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "written": written,
    }));
    Ok(exit::COMPLETE)
}

/// Reads what is asked for.
fn wanted(args: &ReportArgs) -> Result<Vec<Wanted>, Failure> {
    if let Some(name) = &args.certificate {
        let certificate: Certificate = name.parse().map_err(|()| {
            let known = Certificate::ALL.map(Certificate::name).join(", ");
            Failure::usage("unknown certificate").at(name).hint(format!("known are {known}"))
        })?;
        return args
            .format
            .iter()
            .map(|name| match name.as_str() {
                "html" => Ok(Wanted::Certificate(certificate, Draft::Html)),
                "text" => Ok(Wanted::Certificate(certificate, Draft::Text)),
                "pdf" => Ok(Wanted::Certificate(certificate, Draft::Pdf)),
                _ => Err(Failure::usage("unknown form of a certificate")
                    .at(name)
                    .hint("known are html, text, pdf")),
            })
            .collect();
    }
    let redact = RedactArg::level(args.redact);
    let mut wanted = Vec::new();
    for format in formats(&args.format)? {
        wanted.push(Wanted::Report(format, redact));
    }
    Ok(wanted)
}

/// Reads the names of forms, each once.
pub(crate) fn formats(names: &[String]) -> Result<Vec<Format>, Failure> {
    let mut formats = Vec::new();
    for name in names {
        let format: Format = name.trim().parse().map_err(|()| {
            Failure::usage("unknown report format")
                .at(name)
                .hint(format!("known are {}", Format::names()))
        })?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    Ok(formats)
}

fn to_stdout(wanted: &Wanted, report: &Report, case: &CaseDir) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, stdout().lock());
    wanted.render(report, case, &mut out).and_then(|()| out.flush()).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::InvalidInput => unsuitable(&error),
            _ => Failure::new(exit::INCOMPLETE, "cannot write the report").caused_by(&error),
        }
    })
}

fn to_file(
    wanted: &Wanted,
    report: &Report,
    case: &CaseDir,
    path: &Path,
    written: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut render = |out: &mut dyn Write| wanted.render(report, case, out);
    write::new_file_from(path, &mut render).map_err(|error| cannot_write(path, &error))?;
    written.push(shown::path(path));
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::InvalidInput => unsuitable(error),
        std::io::ErrorKind::AlreadyExists => {
            Failure::new(exit::REFUSED, "refused to write over existing output")
                .at(shown::path(path))
                .hint("name a file or folder that does not exist yet")
        }
        _ => Failure::new(exit::INCOMPLETE, "cannot write the report")
            .at(shown::path(path))
            .caused_by(error),
    }
}

fn unsuitable(error: &std::io::Error) -> Failure {
    Failure::usage("this package cannot be written in that form").caused_by(error)
}
