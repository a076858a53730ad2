//! `hash`: digests of files, folders or standard input, in the forms of the stock tools.

use std::io::{Read, Write, stdin, stdout};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;
use triage_case::{Coverage, Record, Status};
use triage_evidence::{Entry, Kind, Location};
use triage_hash::{Algorithms, Hasher};
use triage_scan::{Halting, Ledger, Scanned, run as run_pipeline};
use triage_walk::{Evidence, OpenAs, WalkPlan};

use super::hash_check::check;
use super::scan_args::ExecutionArgs;
use crate::clock::RunClock;
use crate::console::{Console, complain};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{exit, shown};

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As sha256sum, md5sum, b3sum write it; one algorithm
    Gnu,
    /// As `sha256sum --tag` writes it
    Bsd,
    /// As hashdeep writes it
    Hashdeep,
}

/// Compute digests as the stock tools do, or check a list of them
///
/// Reads files, folders with -r, or standard input (`-`). What could not be read is said on
/// standard error, and the exit code is 3, never 0. With --json every file is a JSON line.
#[derive(Args, Debug)]
pub(crate) struct HashArgs {
    /// Files, folders (with -r) or `-`
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Walk folders
    #[arg(short, long)]
    recursive: bool,
    /// The digests to compute; else sha256, or md5,sha256 for hashdeep
    #[arg(long, short, value_name = "LIST")]
    algorithms: Option<String>,
    /// The form of the output
    #[arg(long, value_name = "FORM", default_value = "gnu")]
    format: Form,
    /// Read the paths as lists of digests (GNU or BSD form) and check the files that they name
    #[arg(long, short, conflicts_with_all = ["recursive", "format"])]
    check: bool,
    #[command(flatten)]
    execution: ExecutionArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &HashArgs, console: Console) -> Result<u8, Failure> {
    if args.check {
        let algorithm = args.algorithms.as_deref().map(str::parse).transpose();
        let algorithm = algorithm
            .map_err(|error| Failure::usage("cannot use --algorithms").caused_by(&error))?;
        return check(&args.paths, algorithm, console);
    }
    let default = if args.format == Form::Hashdeep { "md5,sha256" } else { "sha256" };
    let algorithms: Algorithms = args
        .algorithms
        .as_deref()
        .unwrap_or(default)
        .parse()
        .map_err(|error| Failure::usage("cannot use --algorithms").caused_by(&error))?;
    if args.format == Form::Gnu && algorithms.len() > 1 && !console.json {
        return Err(Failure::usage("the form of GNU holds one algorithm a line")
            .hint("use --format bsd, --format hashdeep or --json"));
    }
    let writer = Writer { form: args.format, algorithms, json: console.json, prefix: Vec::new() };
    if args.format == Form::Hashdeep && !console.json {
        put(writer.header().as_bytes())?;
    }
    let mut coverage = Coverage::default();
    for path in &args.paths {
        if path == Path::new("-") {
            coverage.add(&standard_input(&writer)?);
        } else {
            coverage.merge(&one_path(path, args, &writer, console)?);
        }
    }
    let code = exit::of_coverage(&coverage, false);
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "coverage": shown::coverage_json(&coverage),
    }));
    Ok(code)
}

fn put(bytes: &[u8]) -> Result<(), Failure> {
    Ok(stdout().lock().write_all(bytes)?)
}

fn standard_input(writer: &Writer) -> Result<Record, Failure> {
    let mut hasher = Hasher::new(writer.algorithms);
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    let mut input = stdin().lock();
    loop {
        match input.read(&mut buffer)? {
            0 => break,
            length => {
                hasher.update(&buffer[..length]);
                size += length as u64;
            }
        }
    }
    let mut entry = Entry::unexamined(Location::from_path(b"-".to_vec()), Kind::File);
    entry.size_bytes = Some(size);
    let mut record = Record::unread(0, entry, Status::Read);
    record.digests = hasher.finish();
    record.bytes_read = size;
    put(&writer.lines(&record))?;
    Ok(record)
}

/// Hashes a file or a folder.
fn one_path(
    path: &Path,
    args: &HashArgs,
    writer: &Writer,
    console: Console,
) -> Result<Coverage, Failure> {
    let evidence = Evidence::open(path, OpenAs::Files).map_err(|error| {
        Failure::new(exit::INCOMPLETE, "cannot hash").at(shown::path(path)).caused_by(&error)
    })?;
    let is_folder = path.is_dir();
    if is_folder && !args.recursive {
        return Err(Failure::usage("this is a folder")
            .at(shown::path(path))
            .hint("add -r to walk it"));
    }
    let mut prefix = path.as_os_str().as_bytes().to_vec();
    if !is_folder {
        let name = path.file_name().map_or(0, |name| name.as_bytes().len());
        prefix.truncate(prefix.len() - name);
    } else if !prefix.ends_with(b"/") {
        prefix.push(b'/');
    }
    let clock = Arc::new(RunClock::start());
    let quiet = Console { quiet: true, ..console };
    let (progress, display) = Progress::start(quiet, "", Arc::clone(&clock), false);
    let evidence = Arc::new(evidence);
    let scanned = Scanned {
        execution: args.execution.resolve(&evidence),
        evidence,
        walk: WalkPlan::default(),
        algorithms: writer.algorithms,
        sets: None,
        size_filter: false,
        carry: None,
        watch: Arc::clone(&progress) as Arc<_>,
        clock: clock as Arc<_>,
        halting: Arc::new(Halting::new()),
    };
    let mut coverage = Coverage::default();
    let ledger = Writer { prefix, ..writer.clone() };
    let result = run_pipeline(scanned, ledger, &mut |(record, lines)| {
        coverage.add(&record);
        if record.status.is_gap() {
            let problem = record.problem.as_ref().map(ToString::to_string).unwrap_or_default();
            complain(&format!("not read: {}: {problem}", record.entry.location));
        }
        put(&lines)
    });
    progress.finish(display);
    result?;
    Ok(coverage)
}

/// Writes lines in one form.
#[derive(Clone)]
struct Writer {
    form: Form,
    algorithms: Algorithms,
    json: bool,
    prefix: Vec<u8>,
}

impl Ledger for Writer {
    type Line = (Record, Vec<u8>);

    fn prepare(&self, records: Vec<Record>) -> Vec<(Record, Vec<u8>)> {
        let prepare = |record| {
            let lines = self.lines(&record);
            (record, lines)
        };
        records.into_iter().map(prepare).collect()
    }

    fn weight(line: &(Record, Vec<u8>)) -> usize {
        1024 + line.1.capacity()
    }
}

impl Writer {
    fn header(&self) -> String {
        let names: Vec<&str> = self.algorithms.iter().map(|algorithm| algorithm.name()).collect();
        format!(
            "%%%% HASHDEEP-1.0\n%%%% size,{},filename\n## made by triage\n##\n",
            names.join(",")
        )
    }

    fn lines(&self, record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        if record.digests.is_empty() || record.status == Status::Changed {
            return out;
        }
        let mut path = self.prefix.clone();
        path.extend_from_slice(record.entry.location.path());
        if self.json {
            let digests: serde_json::Map<_, _> = record
                .digests
                .iter()
                .map(|digest| (digest.algorithm().name().to_owned(), json!(digest.to_string())))
                .collect();
            let size = shown::exact(record.bytes_read);
            let path = triage_evidence::escape(&path);
            let line =
                json!({ "v": 1, "type": "digest", "path": path, "size": size, "hashes": digests });
            out.extend_from_slice(line.to_string().as_bytes());
            out.push(b'\n');
            return out;
        }
        match self.form {
            Form::Gnu | Form::Bsd => self.check_lines(record, &path, &mut out),
            Form::Hashdeep => {
                out.extend_from_slice(record.bytes_read.to_string().as_bytes());
                for digest in record.digests.iter() {
                    out.push(b',');
                    digest.write_hex(&mut out);
                }
                out.push(b',');
                out.extend_from_slice(&path);
                out.push(b'\n');
            }
        }
        out
    }

    /// Writes lines of check files: names with `\`, LF or CR are escaped as coreutils does it.
    fn check_lines(&self, record: &Record, path: &[u8], out: &mut Vec<u8>) {
        let escapes = path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
        let mut name = Vec::with_capacity(path.len());
        for &byte in path {
            match byte {
                b'\\' => name.extend_from_slice(b"\\\\"),
                b'\n' => name.extend_from_slice(b"\\n"),
                b'\r' => name.extend_from_slice(b"\\r"),
                byte => name.push(byte),
            }
        }
        for digest in record.digests.iter() {
            if escapes {
                out.push(b'\\');
            }
            if self.form == Form::Gnu {
                digest.write_hex(out);
                out.extend_from_slice(b"  ");
                out.extend_from_slice(&name);
            } else {
                out.extend_from_slice(digest.algorithm().tag().as_bytes());
                out.extend_from_slice(b" (");
                out.extend_from_slice(&name);
                out.extend_from_slice(b") = ");
                digest.write_hex(out);
            }
            out.push(b'\n');
        }
    }
}
