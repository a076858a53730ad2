//! Reads a list of the field into an index: finds out its format by content, streams it, accounts
//! for every row.
//!
//! A new format is one file here, one line in [`FORMATS`], one sample and one golden test. File
//! names and extensions are never looked at.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

mod bsd_reversed;
mod bsd_tag;
mod columns;
mod delimited;
mod detect;
mod gnu;
mod hashdeep;
mod json;
mod lines;
mod md5deep_size;
mod openssl;
mod plain;
mod quoted;
mod sample;
mod sink;
mod source;
mod text;
mod vics;

use std::fmt;
use std::fs::File;
use std::io::BufRead;
use std::path::Path;
use std::str::FromStr;

use triage_hash::Algorithm;

pub use self::columns::{BadMap, ColumnMap};
use self::sample::Sample;
use self::sink::Sink;
use self::source::Tap;
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
];

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
}

/// Reads a list and compiles it in memory.
///
/// # Errors
/// [`Error::Unrecognised`] or [`Error::Ambiguous`] if the format cannot be told by content,
/// [`Error::Damaged`] if the file breaks off, [`Error::NoDigests`] if nothing of it can be used,
/// [`Error::Strict`], [`Error::SchemeNeeded`], [`Error::CategorisedKnownGood`], [`Error::Limit`],
/// [`Error::BadMap`] as they say, and [`Error::Io`].
pub fn import(path: &Path, options: &ImportOptions) -> Result<Index, Error> {
    let io =
        |action: &'static str| move |source| Error::Io { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(io("open"))?;
    if file.metadata().map_err(io("examine"))?.is_dir() {
        return Err(io("read")(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut tap = Tap::new(file);
    let head = tap.read_head().map_err(io("read"))?;
    let sample = Sample::new(&head);
    let format = match options.format {
        Some(format) => format,
        None => detect::detect(path, &sample, options)?,
    };
    let mut sink = Sink::new(path, options);
    {
        let mut input = source::decode(&head, &mut tap);
        (format.0.read)(&mut *input, &sample, &mut sink)?;
    }
    let (size_bytes, sha256) = tap.finish().map_err(io("read"))?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_str().map_or_else(|| format!("{name:?}"), str::to_owned);
    let format = format.name().to_owned();
    sink.finish(Source { name, size_bytes, sha256, format })
}
