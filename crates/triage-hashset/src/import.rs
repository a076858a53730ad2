//! Reads a list of the field into an index: finds out its format by content, streams it, accounts
//! for every row.
//!
//! A new format is one file here, one line in [`FORMATS`], one sample and one golden test. File
//! names and extensions are never looked at.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

mod bloom;
mod bsd_reversed;
mod bsd_tag;
mod columns;
mod database;
mod delimited;
mod detect;
mod dfxml;
mod encase;
mod gnu;
mod hashdeep;
mod hashkeeper;
mod hashlookup;
mod headed;
mod icse;
mod ilook;
mod json;
mod lines;
mod malwarebazaar;
mod md5deep_size;
mod misp;
mod ncmec;
mod nps_hashdb;
mod nsrl_delta;
mod nsrl_text;
mod openssl;
mod plain;
mod quoted;
mod sample;
mod sink;
mod source;
mod stix;
mod text;
mod tsk_index;
mod unpack;
mod vics;
mod xml;
mod xways;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;
use std::str::FromStr;

use triage_hash::Algorithm;

pub use self::columns::{BadMap, ColumnMap};
use self::sample::Sample;
use self::sink::Sink;
use self::source::Tap;
use self::unpack::Packing;
use crate::{Description, Error, Index, Source};

/// Every format, in the order in which they are named to people.
static FORMATS: &[Format] = &[
    Format(&plain::FORMAT),
    Format(&gnu::GNU),
    Format(&gnu::B3SUM),
    Format(&bsd_tag::FORMAT),
    Format(&bsd_reversed::FORMAT),
    Format(&openssl::FORMAT),
    Format(&hashdeep::FORMAT),
    Format(&md5deep_size::FORMAT),
    Format(&delimited::FORMAT),
    Format(&vics::FORMAT),
    Format(&icse::FORMAT),
    Format(&ncmec::FORMAT),
    Format(&database::NSRL),
    Format(&nsrl_delta::FORMAT),
    Format(&nsrl_text::FORMAT),
    Format(&hashlookup::FORMAT),
    Format(&database::TSK),
    Format(&tsk_index::FORMAT),
    Format(&database::IPED),
    Format(&encase::FORMAT),
    Format(&hashkeeper::FORMAT),
    Format(&ilook::FORMAT),
    Format(&xways::FORMAT),
    Format(&misp::FORMAT),
    Format(&stix::FORMAT),
    Format(&malwarebazaar::FORMAT),
    Format(&dfxml::FORMAT),
    Format(&nps_hashdb::FORMAT),
    Format(&bloom::FORMAT),
];

/// The beginning of a file, for what is wrong with all of it.
const TOP: sink::Place = sink::Place { line: 1, column: 1 };

/// A format that lists come in.
#[derive(Clone, Copy)]
pub struct Format(&'static Grammar);

/// What one file of this folder says about its format.
struct Grammar {
    /// The name in options and records.
    name: &'static str,
    /// One line for people.
    about: &'static str,
    /// Says whether the beginning of a file has this format.
    fits: fn(&Sample, &ImportOptions) -> bool,
    /// Reads the whole file into the sink.
    read: fn(&mut dyn BufRead, &Sample, &mut Sink<'_>) -> Result<(), Error>,
}

impl Format {
    /// Returns every format.
    #[must_use]
    pub fn all() -> &'static [Self] {
        FORMATS
    }

    /// Returns the name in options and records, such as `gnu`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns one line for people about the format.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

/// The text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown set format {name:?}")]
pub struct UnknownFormat {
    /// The text that was given.
    pub name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let format = FORMATS.iter().find(|format| format.name() == text);
        format.copied().ok_or_else(|| UnknownFormat { name: text.to_owned() })
    }
}

/// How to read a list.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// What the person says about the set.
    pub description: Description,
    /// The format; without one it is found out by content.
    pub format: Option<Format>,
    /// The algorithm of digests that come without a name. Without one, the length decides: 32 hex
    /// digits are MD5, 40 SHA-1, 64 SHA-256, 128 SHA-512. A list of b3sum looks exactly like one
    /// of sha256sum: it must be given as `blake3` here, or as format `b3sum`.
    pub algorithm: Option<Algorithm>,
    /// The columns of a delimited file; without them its header names them.
    pub columns: Option<ColumnMap>,
    /// The scheme of the categories; without one, that which the file names.
    pub scheme: Option<String>,
    /// Whether the first unusable row ends the import.
    pub strict: bool,
    /// Whether perceptual digests are left out: from a PhotoDNA a picture can be guessed.
    pub drop_perceptual: bool,
}

/// Reads a list and compiles it in memory.
///
/// # Errors
/// [`Error::Unrecognised`] or [`Error::Ambiguous`] if the format cannot be told by content,
/// [`Error::Damaged`] if the file breaks off, [`Error::NoDigests`] if nothing of it can be used,
/// [`Error::Strict`], [`Error::SchemeNeeded`], [`Error::CategorisedKnownGood`], [`Error::Limit`],
/// [`Error::BadMap`], [`Error::AlgorithmNeeded`], [`Error::ProbableKnownGood`] as they say, and
/// [`Error::Io`].
pub fn import(path: &Path, options: &ImportOptions) -> Result<Index, Error> {
    import_into(Sink::new(path, options), path, None)
}

/// Reads a list and compiles it into an index file, in about `memory_bytes` of memory: what does
/// not fit is sorted in scratch files beside the index, which have no name and are gone when the
/// process ends, however it ends. The file must not exist; nothing is left behind on an error.
///
/// # Errors
/// As [`import`], [`Error::Exists`] if there is a file of that name, and [`Error::Io`] if the disk
/// refuses or is full.
pub fn import_to(
    path: &Path,
    options: &ImportOptions,
    output: &Path,
    memory_bytes: usize,
) -> Result<Index, Error> {
    if std::fs::symlink_metadata(output).is_ok() {
        return Err(Error::Exists { path: output.to_owned() });
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let builder = crate::Builder::spilling(folder, memory_bytes);
    import_into(Sink::with(path, options, builder), path, Some(output))
}

fn import_into(mut sink: Sink<'_>, path: &Path, output: Option<&Path>) -> Result<Index, Error> {
    let io =
        |action: &'static str| move |source| Error::Io { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(io("open"))?;
    let metadata = file.metadata().map_err(io("examine"))?;
    if metadata.is_dir() {
        return Err(io("read")(std::io::ErrorKind::IsADirectory.into()));
    }
    let packed_bytes = metadata.len();
    let mut tap = Tap::new(file);
    let head = tap.read_head().map_err(io("read"))?;
    let is_jumped_in = head.starts_with(database::MAGIC) || head.starts_with(unpack::ZIP);
    if is_jumped_in && !metadata.is_file() {
        let why = "a database or zip archive from a pipe: write it into a file first";
        return Err(sink.damaged(&why, TOP));
    }
    let format = match unpack::packing(&head) {
        None => read_list(&head, &mut tap, false, &mut sink)?,
        Some(Packing::Zip) => read_archive(&mut sink)?,
        Some(packing) => {
            let packed = head.chain(&mut tap);
            let mut unpacked = unpack::stream(packing, packed, packed_bytes);
            let head = source::head_of(&mut unpacked).map_err(io("unpack"))?;
            read_list(&head, &mut unpacked, true, &mut sink)?
        }
    };
    let (size_bytes, sha256) = tap.finish().map_err(io("read"))?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_str().map_or_else(|| format!("{name:?}"), str::to_owned);
    let format = format.name().to_owned();
    sink.finish(Source { name, size_bytes, sha256, format }, output)
}

/// Reads a list whose beginning is known already.
fn read_list(
    head: &[u8],
    rest: &mut dyn Read,
    is_packed: bool,
    sink: &mut Sink<'_>,
) -> Result<Format, Error> {
    let sample = Sample::new(head);
    let format = match sink.options().format {
        Some(format) => format,
        None => detect::detect(sink.path(), &sample, sink.options())?,
    };
    if is_packed && head.starts_with(database::MAGIC) {
        sink.spool(&mut head.chain(rest))?;
        (format.0.read)(&mut std::io::empty(), &sample, sink)?;
        return Ok(format);
    }
    let mut input = source::decode(head, rest);
    (format.0.read)(&mut *input, &sample, sink)?;
    Ok(format)
}

/// Reads the one list in a zip archive; what else is in it (a readme, a schema) fits no format.
fn read_archive(sink: &mut Sink<'_>) -> Result<Format, Error> {
    let io = |sink: &Sink<'_>, error| sink.io(error);
    let file = File::open(sink.path()).map_err(|error| io(sink, error))?;
    let mut archive = unpack::Archive::open(file).map_err(|error| io(sink, error))?;
    let members = archive.members().map_err(|error| io(sink, error))?;
    let mut lists = Vec::new();
    for (place, name) in &members {
        let mut member = archive.member(*place).map_err(|error| io(sink, error))?;
        let head = source::head_of(&mut member).map_err(|error| io(sink, error))?;
        let sample = Sample::new(&head);
        if members.len() == 1 || detect::detect(sink.path(), &sample, sink.options()).is_ok() {
            lists.push((*place, name));
        }
    }
    let [(place, _)] = lists.as_slice() else {
        let all = if lists.is_empty() {
            members.iter().map(|(_, name)| name.as_str()).collect()
        } else {
            lists.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>()
        };
        let count = lists.len();
        let why = format!(
            "the archive holds {count} lists, expected 1; unpack it and import one: {}",
            all.join(", ")
        );
        return Err(sink.damaged(&why, TOP));
    };
    let mut member = archive.member(*place).map_err(|error| io(sink, error))?;
    let head = source::head_of(&mut member).map_err(|error| io(sink, error))?;
    read_list(&head, &mut member, true, sink)
}
