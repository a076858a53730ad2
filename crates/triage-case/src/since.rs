//! `data/since.ndjson`: what differs from the examination that a scan was compared with.
//!
//! One line for every difference, in canonical JSON, and a summary as the last one. The earlier
//! package may not be at hand when this one is read, so that the comparison is kept and sealed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};

use crate::error::failed;
use crate::{CaseDir, Change, Compared, Difference, Error, StoredManifest, diff};

/// Where the comparison stands in a package.
pub(crate) const SINCE: &str = "data/since.ndjson";
/// The longest line: two paths of 1 MiB, every byte of them escaped.
const LIMIT_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// One difference, as a line of `data/since.ndjson` and of `diff --json` states it. The order of
/// the fields is that of canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifferenceLine {
    /// `added`, `removed`, `changed`, `moved`, `metadata` or `unknown`.
    pub difference: String,
    /// Where the content was before, in display form, if it moved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// Whether it is a hit.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub hit: bool,
    /// The location, in display form.
    pub path: String,
    /// The number of the record: in the earlier manifest for `removed`, and for what the later one
    /// did not list, else in the later one.
    pub seq: u64,
    /// Always `difference`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of this line.
    pub v: u32,
    /// What differs, in words; empty if `difference` says it all.
    pub what: String,
}

/// The last line: sums, and what was compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifferenceSums {
    /// Entries that only the later manifest has.
    pub added: u64,
    /// Entries whose kind, size, content or reading differs.
    pub changed: u64,
    /// Entries of which only times, owner or mode differ.
    pub metadata: u64,
    /// Files whose content was at another location.
    pub moved: u64,
    /// Whether more files were to be paired than are held: some that moved stand as removed and
    /// added.
    pub moves_cut: bool,
    /// Entries that only the earlier manifest has.
    pub removed: u64,
    /// Entries that are the same.
    pub same: u64,
    /// The SHA-256 of the seal of the earlier package.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub since_seal_sha256: String,
    /// Always `summary`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Entries of which it is not known whether they differ: the other manifest did not list what
    /// is there, neither read the content, or they have no digest of the same algorithm.
    pub unknown: u64,
    /// The version of this line.
    pub v: u32,
}

impl DifferenceLine {
    /// States a difference.
    #[must_use]
    pub fn of(found: &Difference) -> Self {
        let (difference, what) = match &found.change {
            Change::Added => ("added", ""),
            Change::Removed => ("removed", ""),
            Change::Changed(what) => ("changed", *what),
            Change::Metadata(what) => ("metadata", *what),
            Change::Moved(_) => ("moved", ""),
            Change::Unknown(reason) => ("unknown", reason.words()),
        };
        let from = match &found.change {
            Change::Moved(from) => Some(from.entry.location.to_text()),
            _ => None,
        };
        Self {
            difference: difference.to_owned(),
            from,
            hit: found.record.is_hit(),
            path: found.record.entry.location.to_text(),
            seq: found.record.seq,
            kind: "difference".to_owned(),
            v: 1,
            what: what.to_owned(),
        }
    }
}

impl DifferenceSums {
    /// Counts a difference.
    pub fn add(&mut self, change: &Change) {
        let sum = match change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Changed(_) => &mut self.changed,
            Change::Metadata(_) => &mut self.metadata,
            Change::Moved(_) => &mut self.moved,
            Change::Unknown(_) => &mut self.unknown,
        };
        *sum += 1;
    }

    /// Takes over what the comparison says at its end.
    pub fn end(&mut self, compared: Compared) {
        "summary".clone_into(&mut self.kind);
        (self.v, self.same, self.moves_cut) = (1, compared.same, compared.moves_cut);
    }
}

impl CaseDir {
    /// Compares the finished manifest with an earlier one and keeps what differs, before the
    /// package is closed.
    ///
    /// # Errors
    /// [`Error`] if the earlier manifest is not the sealed one, or nothing can be written.
    pub fn put_since(&self, before: StoredManifest) -> Result<DifferenceSums, Error> {
        let mut sums = DifferenceSums {
            since_seal_sha256: before.seal_sha256().unwrap_or_default().to_owned(),
            ..DifferenceSums::default()
        };
        // The folder has its seal later: the manifest is compared as the file that it is now.
        let after = StoredManifest::open(&self.path("data/manifest.ndjson"))?;
        let (mut before, mut refused) = (Some(before), None);
        let put = self.put(SINCE, &mut |out| {
            let Some(before) = before.take() else { return Ok(()) };
            let path = self.path(SINCE);
            let compared = diff(before, &after, &mut |found| {
                sums.add(&found.change);
                line(out, &DifferenceLine::of(&found)).map_err(failed("write", &path))
            });
            match compared {
                Ok(compared) => sums.end(compared),
                Err(error) => {
                    refused = Some(error);
                    return Err(io::Error::other("the comparison failed"));
                }
            }
            line(out, &sums)
        });
        match refused {
            Some(error) => Err(error),
            None => put.map(|()| sums),
        }
    }

    /// Reads what [`CaseDir::put_since`] kept.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read or is not well-formed, or the first error of `take`.
    pub fn read_since(
        &self,
        take: &mut dyn FnMut(DifferenceLine) -> Result<(), Error>,
    ) -> Result<DifferenceSums, Error> {
        let path = self.path(SINCE);
        let file = File::open(&path).map_err(failed("open", &path))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut text = Vec::new();
        loop {
            text.clear();
            let mut limited = (&mut reader).take(LIMIT_LINE_BYTES);
            limited.read_until(b'\n', &mut text).map_err(failed("read", &path))?;
            let damaged = |reason: String| Error::Damaged { document: SINCE.to_owned(), reason };
            if !text.ends_with(b"\n") {
                return Err(damaged("it has no summary as its last line".to_owned()));
            }
            match serde_json::from_slice::<DifferenceLine>(&text) {
                Ok(line) => take(line)?,
                Err(_) => {
                    let sums = serde_json::from_slice(&text)
                        .map_err(|error| damaged(error.to_string()))?;
                    let rest = reader.fill_buf().map_err(failed("read", &path))?;
                    return match rest.is_empty() {
                        true => Ok(sums),
                        false => Err(damaged("lines follow its summary".to_owned())),
                    };
                }
            }
        }
    }
}

/// Writes a line.
fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}
