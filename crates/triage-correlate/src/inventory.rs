//! What one agency gives another to compare: keyed digests, and on which of its exhibits they are.
//!
//! A text file, see `docs/formats/inventory.md`. The first line is JSON: a label, the name of the
//! key, the algorithm, the number of exhibits. A line of JSON for each exhibit says what of it was
//! compared and what was not. Each further line is a keyed digest in hex, a space, and an exhibit's
//! number from 1; sorted, so that the same exhibits give the same bytes. The last line is JSON: how
//! many lines stand before it, and their SHA-256, so that a part is never taken for the whole. No
//! names, sizes or times: who does not hold the key can neither read a digest nor test whether one
//! is there. Who holds it can test.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use triage_hash::{Algorithm, Digest};

use crate::{Error, Listed, Shared, Sighting, SourceCounts};

/// What the first line says it is.
const TYPE: &str = "triage-keyed-inventory";
/// What the last line says it is.
const END: &str = "triage-keyed-inventory-end";
/// The version of the file. Files of version 1 said nothing of what they lack.
const VERSION: u32 = 2;
/// The longest line: the first one, with a long label.
const LIMIT_LINE_BYTES: u64 = 1 << 16;
/// The longest label.
const LIMIT_LABEL_BYTES: usize = 256;
/// The most exhibits that are taken from another agency: each is held.
const LIMIT_EXHIBITS: u32 = 1 << 20;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryHead {
    /// The digest that was keyed.
    pub algorithm: String,
    /// How many exhibits there are.
    pub exhibits: u32,
    /// How many packages could not be used: nothing of them is here.
    pub failed: u64,
    /// The name of the key: tells nothing of it.
    pub key: String,
    /// What the agency calls the inventory.
    pub label: String,
    /// Always `triage-keyed-inventory`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of this file.
    pub v: u32,
}

impl InventoryHead {
    /// Returns the head of an inventory. `failed` packages could not be used.
    ///
    /// # Errors
    /// [`Error::Inventory`] if no other agency would take it: the label is empty or too long, or
    /// there are too many exhibits.
    pub fn new(
        label: &str,
        key: &str,
        algorithm: Algorithm,
        exhibits: u32,
        failed: u64,
    ) -> Result<Self, Error> {
        let (algorithm, key, label) =
            (algorithm.name().to_owned(), key.to_owned(), label.to_owned());
        let kind = TYPE.to_owned();
        let head = Self { algorithm, exhibits, failed, key, label, kind, v: VERSION };
        head.check().map(|()| head)
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |reason: String| Err(Error::Inventory { reason });
        if self.kind != TYPE || self.v != VERSION {
            return wrong(format!("it is of another type or version than {TYPE} {VERSION}"));
        }
        if self.label.is_empty() || self.label.len() > LIMIT_LABEL_BYTES {
            return wrong(format!("its label must have 1 to {LIMIT_LABEL_BYTES} bytes"));
        }
        if self.exhibits > LIMIT_EXHIBITS {
            return wrong(format!("it names more than {LIMIT_EXHIBITS} exhibits"));
        }
        Ok(())
    }
}

/// What of one exhibit was compared, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryExhibit {
    /// Whether a scan of it ended early or noted a doubt against itself.
    pub doubts: bool,
    /// Files that take part, copies included.
    pub files: u64,
    /// Entries that were not examined in full.
    pub gaps: u64,
    /// Files that were left out because a known-good set lists them.
    pub known_good: u64,
    /// Its number, from 1.
    pub number: u32,
}

impl InventoryExhibit {
    /// Returns what is said of an exhibit.
    #[must_use]
    pub const fn new(number: u32, counts: &SourceCounts, gaps: u64, doubts: bool) -> Self {
        Self { doubts, files: counts.files, gaps, known_good: counts.known_good, number }
    }
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InventoryEnd {
    /// How many lines stand before it.
    lines: u64,
    /// The SHA-256 of these, line ends included.
    sha256: String,
    #[serde(rename = "type")]
    kind: String,
}

impl InventoryEnd {
    fn of(lines: u64, sha256: Sha256) -> Self {
        let sha256 = triage_evidence::hex(&sha256.finalize());
        Self { lines, sha256, kind: END.to_owned() }
    }
}

/// Writes an inventory.
pub struct InventoryWriter<W> {
    out: W,
    sha256: Sha256,
    lines: u64,
    exhibits: u32,
}

impl<W: Write> InventoryWriter<W> {
    /// Writes the first line and that of each exhibit.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn new(
        out: W,
        head: &InventoryHead,
        exhibits: impl Iterator<Item = InventoryExhibit>,
    ) -> std::io::Result<Self> {
        let mut writer = Self { out, sha256: Sha256::new(), lines: 0, exhibits: head.exhibits };
        writer.line(&serde_json::to_vec(head)?)?;
        for exhibit in exhibits {
            writer.line(&serde_json::to_vec(&exhibit)?)?;
        }
        Ok(writer)
    }

    /// Writes on which of these exhibits a file is. Files come in the order of their digests.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn file(&mut self, shared: &Shared) -> std::io::Result<()> {
        let mut line = Vec::new();
        let (digest, below) = (&shared.digest, self.exhibits);
        for on in shared.on.iter().filter(|on| on.exhibit < below) {
            line.clear();
            digest.iter().try_for_each(|byte| write!(line, "{byte:02x}"))?;
            write!(line, " {:010}", on.exhibit + 1)?;
            self.line(&line)?;
        }
        Ok(())
    }

    /// Writes the last line and gives the writer back.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn end(mut self) -> std::io::Result<W> {
        let end = InventoryEnd::of(self.lines, self.sha256);
        serde_json::to_writer(&mut self.out, &end)?;
        self.out.write_all(b"\n")?;
        Ok(self.out)
    }

    fn line(&mut self, line: &[u8]) -> std::io::Result<()> {
        for bytes in [line, b"\n"] {
            self.sha256.update(bytes);
            self.out.write_all(bytes)?;
        }
        self.lines += 1;
        Ok(())
    }
}

/// An inventory that is read.
pub struct Inventory<R> {
    head: InventoryHead,
    exhibits: Vec<InventoryExhibit>,
    lines: Lines<R>,
    algorithm: Algorithm,
}

/// The lines of an inventory, counted and hashed.
struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    sha256: Sha256,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line, with its line end, which is neither counted nor hashed before
    /// [`Lines::keep`]. At the end of the file it is empty.
    fn read(&mut self) -> Result<&[u8], Error> {
        self.line.clear();
        (&mut self.input).take(LIMIT_LINE_BYTES).read_until(b'\n', &mut self.line)?;
        Ok(&self.line)
    }

    fn keep(&mut self) {
        self.sha256.update(&self.line);
        self.number += 1;
    }

    fn wrong(&self, what: &str) -> Error {
        Error::TornInventory { reason: format!("line {} {what}", self.number + 1) }
    }
}

impl<R: BufRead> Inventory<R> {
    /// Reads the first line and those of the exhibits.
    ///
    /// # Errors
    /// [`Error::Inventory`] if it is none, or made with another key, algorithm or version,
    /// [`Error::TornInventory`] if an exhibit is missing.
    pub fn open(input: R, key: &str, algorithm: Algorithm) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Inventory { reason };
        let mut lines = Lines { input, line: Vec::new(), number: 0, sha256: Sha256::new() };
        // The version is asked first: a file of another one has other fields.
        let first = lines.read()?;
        let told: serde_json::Value = serde_json::from_slice(first)
            .map_err(|error| wrong(format!("its first line is not that of one: {error}")))?;
        if told["type"] != TYPE || told["v"] != VERSION {
            return Err(wrong(format!(
                "it is no {TYPE} of version {VERSION}: it may not say what it lacks; have it \
                 exported again"
            )));
        }
        let head: InventoryHead = serde_json::from_slice(first)
            .map_err(|error| wrong(format!("its first line is not that of one: {error}")))?;
        head.check()?;
        if head.key != key {
            let theirs = triage_evidence::escape(head.key.as_bytes());
            return Err(wrong(format!("it was made with the key {theirs}, this one is {key}")));
        }
        if head.algorithm != algorithm.name() {
            let theirs = triage_evidence::escape(head.algorithm.as_bytes());
            return Err(wrong(format!("it holds {theirs}, {algorithm} is compared")));
        }
        lines.keep();
        let mut exhibits = Vec::new();
        for number in 1..=head.exhibits {
            let told: Option<InventoryExhibit> = serde_json::from_slice(lines.read()?).ok();
            match told.filter(|exhibit| exhibit.number == number) {
                Some(exhibit) => exhibits.push(exhibit),
                None => return Err(lines.wrong(&format!("is not that of exhibit {number}"))),
            }
            lines.keep();
        }
        Ok(Self { head, exhibits, lines, algorithm })
    }

    /// Returns the first line.
    #[must_use]
    pub const fn head(&self) -> &InventoryHead {
        &self.head
    }

    /// Returns what is said of the exhibits.
    #[must_use]
    pub fn exhibits(&self) -> &[InventoryExhibit] {
        &self.exhibits
    }

    /// Hands on its sightings, as [`Sighting::put`] writes them, in pieces. Its first exhibit gets
    /// the number `first`. What was handed on counts only if this ends well. Returns how many there
    /// were.
    ///
    /// # Errors
    /// [`Error::TornInventory`] with the line that is wrong, also if the end is missing or names
    /// other lines, or the first error of `give`.
    pub fn read(
        mut self,
        first: u32,
        give: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut piece = Vec::new();
        let mut before = Vec::new();
        let ahead = self.lines.number;
        loop {
            let line = self.lines.read()?;
            if line.is_empty() {
                return Err(self.lines.wrong("is missing: the end has been cut off"));
            }
            if line.starts_with(b"{") {
                give(&piece)?;
                let sightings = self.lines.number - ahead;
                return self.end().map(|()| sightings);
            }
            if *line <= *before {
                return Err(self.lines.wrong("does not follow the line before"));
            }
            let Some((digest, exhibit)) = parse(line, self.algorithm, self.head.exhibits) else {
                let what = "is not a digest, a space and the number of an exhibit";
                return Err(self.lines.wrong(what));
            };
            let Some(exhibit) = first.checked_add(exhibit - 1) else {
                return Err(self.lines.wrong("is out of range"));
            };
            let (size_bytes, modified, listed) = (0, None, Listed::default());
            let digest = digest.as_bytes();
            Sighting { digest, exhibit, size_bytes, modified, listed }.put(&mut piece);
            if piece.len() > 1 << 20 {
                give(&piece)?;
                piece.clear();
            }
            before.clear();
            before.extend_from_slice(line);
            self.lines.keep();
        }
    }

    /// Compares the last line with what was read, and looks for more.
    fn end(mut self) -> Result<(), Error> {
        let told: Option<InventoryEnd> = self.lines.line.strip_suffix(b"\n").and_then(|line| {
            serde_json::from_slice(line).ok().filter(|end: &InventoryEnd| end.kind == END)
        });
        let told = told.ok_or_else(|| self.lines.wrong("is not its end"))?;
        let found = InventoryEnd::of(self.lines.number, self.lines.sha256.clone());
        let torn = |reason: String| Err(Error::TornInventory { reason });
        if told.lines != found.lines {
            let (is, says) = (found.lines, told.lines);
            return torn(format!("it has {is} lines before its end, which says {says}"));
        }
        if told.sha256 != found.sha256 {
            return torn(format!("its SHA-256 is {}, its end says {}", found.sha256, told.sha256));
        }
        match self.lines.read()?.is_empty() {
            true => Ok(()),
            false => torn("there is something behind its end".to_owned()),
        }
    }
}

fn parse(line: &[u8], algorithm: Algorithm, exhibits: u32) -> Option<(Digest, u32)> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (hex, number) = text.split_once(' ')?;
    let digest = Digest::from_hex(algorithm, hex.as_bytes()).ok()?;
    // One spelling only: ten digits, so that lines sort as numbers do.
    let exhibit: u32 = number.parse().ok()?;
    let is_spelt = format!("{exhibit:010}") == number && digest.to_string() == hex;
    (is_spelt && (1..=exhibits).contains(&exhibit)).then_some((digest, exhibit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedOn;

    fn text() -> Vec<u8> {
        let head = InventoryHead::new("north", "k1", Algorithm::Md5, 12, 3).unwrap();
        let exhibits = (1..=12).map(|number| {
            let counts = SourceCounts { files: 2, known_good: 7, ..SourceCounts::default() };
            InventoryExhibit::new(number, &counts, u64::from(number == 5), number == 6)
        });
        let mut writer = InventoryWriter::new(Vec::new(), &head, exhibits).unwrap();
        let on = [0, 9, 50].map(|exhibit| SharedOn { exhibit, copies: 1, modified: None });
        for byte in [1, 2] {
            let shared = Shared { digest: vec![byte; 16], on: on.to_vec(), ..Shared::default() };
            writer.file(&shared).unwrap();
        }
        writer.end().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(u64, Vec<u8>), Error> {
        let inventory = Inventory::open(bytes, "k1", Algorithm::Md5)?;
        let mut all = Vec::new();
        let sightings = inventory.read(100, &mut |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((sightings, all))
    }

    #[test]
    fn what_is_written_is_read_back_under_other_numbers() {
        let text = text();
        let inventory = Inventory::open(text.as_slice(), "k1", Algorithm::Md5).unwrap();
        assert_eq!(inventory.head().failed, 3);
        let of = |number: usize| inventory.exhibits()[number - 1];
        assert_eq!((of(5).gaps, of(5).doubts, of(6).gaps, of(6).doubts), (1, false, 0, true));
        assert_eq!((of(1).files, of(1).known_good), (2, 7));
        let (sightings, all) = read(&text).unwrap();
        assert_eq!(sightings, 4);
        let width = crate::sighting::width(16);
        let exhibits: Vec<u32> =
            all.chunks(width).map(|bytes| Sighting::read(bytes, 16).unwrap().exhibit).collect();
        assert_eq!(exhibits, [100, 109, 100, 109]);
    }

    #[test]
    fn what_is_not_exactly_that_is_refused() {
        let good = String::from_utf8(text()).unwrap();
        for (from, to) in [
            ("\"k1\"", "\"k2\""),
            ("md5", "sha1"),
            ("triage-keyed-inventory\"", "other\""),
            ("\"v\":2", "\"v\":1"),
            ("\"north\"", "\"\""),
            ("0000000001\n", "1\n"),
            ("0000000010\n", "0000000013\n"),
            ("0000000010\n", "0000000000\n"),
            ("0101", "0201"),
            ("0101", "01AB"),
            ("0000000010\n02", "0000000010 02"),
            ("\"lines\":17", "\"lines\":16"),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(read(good.replacen(from, to, 1).as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(read(b"").is_err());
        assert!(read(format!("{good}x").as_bytes()).is_err(), "more behind its end");
    }

    #[test]
    fn a_part_of_an_inventory_is_never_taken_for_the_whole() {
        let good = text();
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err(), "cut after {length} bytes");
        }
        let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
        for left_out in 0..lines.len() {
            let all = lines.iter().enumerate().filter(|(number, _)| *number != left_out);
            let part: Vec<u8> = all.flat_map(|(_, line)| line.iter().copied()).collect();
            assert!(read(&part).is_err(), "without line {left_out}");
        }
        for place in 0..good.len() {
            let mut flipped = good.clone();
            flipped[place] ^= 1;
            assert!(read(&flipped).is_err(), "flipped at {place}");
        }
    }

    #[test]
    fn what_nobody_would_take_is_not_begun() {
        let head =
            |label: &str, exhibits| InventoryHead::new(label, "k", Algorithm::Md5, exhibits, 0);
        assert!(head("n", 1).is_ok());
        assert!(head("", 1).is_err() && head(&"n".repeat(257), 1).is_err());
        assert!(head("n", LIMIT_EXHIBITS + 1).is_err());
    }
}
