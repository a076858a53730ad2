//! What one agency gives another to compare: keyed digests, and on which of its exhibits they are.
//!
//! A text file. The first line is JSON: a label, the name of the key, the algorithm, the number of
//! exhibits. Each further line is a keyed digest in hex, a space, and an exhibit's number from 1;
//! sorted, so that the same exhibits give the same bytes. No names, sizes or times: who does not
//! hold the key can neither read a digest nor test whether one is there. Who holds it can test.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use triage_hash::{Algorithm, Digest};

use crate::{Error, Listed, Sighting};

/// What the first line says it is.
const TYPE: &str = "triage-keyed-inventory";
/// The longest line: the first one, with a long label.
const LIMIT_LINE_BYTES: u64 = 1 << 16;
/// The longest label that is taken from another agency.
const LIMIT_LABEL_BYTES: usize = 256;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryHead {
    /// The digest that was keyed.
    pub algorithm: String,
    /// How many exhibits there are.
    pub exhibits: u32,
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
    /// Returns the head of an inventory.
    #[must_use]
    pub fn new(label: &str, key: &str, algorithm: Algorithm, exhibits: u32) -> Self {
        let (algorithm, key, label) =
            (algorithm.name().to_owned(), key.to_owned(), label.to_owned());
        Self { algorithm, exhibits, key, label, kind: TYPE.to_owned(), v: 1 }
    }
}

/// Writes the first line of an inventory; the others are those of
/// [`crate::Shared::write_inventory_lines`].
///
/// # Errors
/// The error of `out`.
pub fn write_inventory(head: &InventoryHead, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, head)?;
    out.write_all(b"\n")
}

/// An inventory that is read.
pub struct Inventory<R> {
    head: InventoryHead,
    lines: R,
    algorithm: Algorithm,
}

impl<R: BufRead> Inventory<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// [`Error::Inventory`] if it is none, or made with another key or algorithm.
    pub fn open(mut lines: R, key: &str, algorithm: Algorithm) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Inventory { reason };
        let mut first = Vec::new();
        (&mut lines).take(LIMIT_LINE_BYTES).read_until(b'\n', &mut first)?;
        let head: InventoryHead = serde_json::from_slice(&first)
            .map_err(|error| wrong(format!("its first line is not that of one: {error}")))?;
        if head.kind != TYPE || head.v != 1 || head.label.len() > LIMIT_LABEL_BYTES {
            return Err(wrong("it is of another type or version".to_owned()));
        }
        if head.key != key {
            let theirs = triage_evidence::escape(head.key.as_bytes());
            return Err(wrong(format!("it was made with the key {theirs}, this one is {key}")));
        }
        if head.algorithm != algorithm.name() {
            let theirs = triage_evidence::escape(head.algorithm.as_bytes());
            return Err(wrong(format!("it holds {theirs}, {algorithm} is compared")));
        }
        Ok(Self { head, lines, algorithm })
    }

    /// Returns the first line.
    #[must_use]
    pub const fn head(&self) -> &InventoryHead {
        &self.head
    }

    /// Hands on its sightings, as [`Sighting::put`] writes them, in pieces. Its first exhibit gets
    /// the number `first`.
    ///
    /// # Errors
    /// [`Error::Inventory`] with the line that is wrong, or the first error of `give`.
    pub fn read(
        mut self,
        first: u32,
        give: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut line = Vec::new();
        let mut piece = Vec::new();
        let mut before = Vec::new();
        let mut number = 1_u64;
        loop {
            line.clear();
            (&mut self.lines).take(LIMIT_LINE_BYTES).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                give(&piece)?;
                return Ok(number - 1);
            }
            number += 1;
            let wrong = |what: &str| Error::Inventory { reason: format!("line {number} {what}") };
            if line <= before {
                return Err(wrong("does not follow the line before"));
            }
            let (digest, exhibit) = self
                .parse(&line)
                .ok_or_else(|| wrong("is not a digest, a space and the number of an exhibit"))?;
            let exhibit = first.checked_add(exhibit - 1).ok_or_else(|| wrong("is out of range"))?;
            let (size_bytes, modified, listed) = (0, None, Listed::default());
            let digest = digest.as_bytes();
            Sighting { digest, exhibit, size_bytes, modified, listed }.put(&mut piece);
            if piece.len() > 1 << 20 {
                give(&piece)?;
                piece.clear();
            }
            std::mem::swap(&mut before, &mut line);
        }
    }

    fn parse(&self, line: &[u8]) -> Option<(Digest, u32)> {
        let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let (hex, number) = text.split_once(' ')?;
        let digest = Digest::from_hex(self.algorithm, hex.as_bytes()).ok()?;
        // One spelling only: ten digits, so that lines sort as numbers do.
        let exhibit: u32 = number.parse().ok()?;
        let is_spelt = format!("{exhibit:010}") == number && digest.to_string() == hex;
        (is_spelt && (1..=self.head.exhibits).contains(&exhibit)).then_some((digest, exhibit))
    }
}

impl crate::Shared {
    /// Writes the lines of an inventory for the exhibits whose numbers are below a bound.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn write_inventory_lines(&self, below: u32, out: &mut dyn Write) -> std::io::Result<()> {
        for on in self.on.iter().filter(|on| on.exhibit < below) {
            for byte in &self.digest {
                write!(out, "{byte:02x}")?;
            }
            writeln!(out, " {:010}", on.exhibit + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Shared, SharedOn};

    fn text() -> Vec<u8> {
        let head = InventoryHead::new("north", "k1", Algorithm::Md5, 12);
        let mut out = Vec::new();
        write_inventory(&head, &mut out).unwrap();
        let on = [0, 9, 50].map(|exhibit| SharedOn { exhibit, copies: 1, modified: None });
        for byte in [1, 2] {
            let shared = Shared { digest: vec![byte; 16], on: on.to_vec(), ..Shared::default() };
            shared.write_inventory_lines(12, &mut out).unwrap();
        }
        out
    }

    fn read(bytes: &[u8]) -> Result<(u64, Vec<u8>), Error> {
        let inventory = Inventory::open(bytes, "k1", Algorithm::Md5)?;
        let mut all = Vec::new();
        let lines = inventory.read(100, &mut |piece| {
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((lines, all))
    }

    #[test]
    fn what_is_written_is_read_back_under_other_numbers() {
        let (lines, all) = read(&text()).unwrap();
        assert_eq!(lines, 4);
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
            ("triage-keyed-inventory", "other"),
            ("0000000001\n", "1\n"),
            ("0000000010\n", "0000000013\n"),
            ("0000000010\n", "0000000000\n"),
            ("0101", "0201"),
            ("0101", "01AB"),
            ("0000000010\n02", "0000000010 02"),
        ] {
            assert!(good.contains(from));
            assert!(read(good.replacen(from, to, 1).as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(read(good.trim_end().as_bytes()).is_err(), "torn");
        assert!(read(b"").is_err());
    }
}
