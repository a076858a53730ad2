//! Reads the parts of an index file, each checked against the file: nothing of it is trusted.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::ops::Range;
use std::path::Path;

use triage_hash::Algorithm;

use super::assembly::head_digest;
use super::checks::Checks;
use super::filter::Filter;
use super::layout::{
    EARLIER_FILTER, ENTRY_LEN, HEAD_DIGEST_AT, HEADER_LEN, Kind, MAJOR, MAJOR_FILTER, MAJOR_KEYED,
    MAX_JSON, MAX_SECTIONS, Meta, Section, algorithm_number, fan_bits, read_u32, read_u64,
};
use super::open::{BY_STRENGTH, Bloom, Table, is_index};
use crate::bloom::{HEADER_LEN as HEAD_OF_BLOOM, Header};
use crate::builder::MAX_ROWS;
use crate::map::Bytes;
use crate::{DigestKey, Error, ProbableReport, SetKeys};

/// The section entries of one algorithm.
pub(super) struct TableSections<'a> {
    pub(super) keys: &'a Section,
    pub(super) fan: &'a Section,
    pub(super) links: Option<&'a Section>,
    pub(super) filter: &'a Section,
    pub(super) lists: Option<&'a Section>,
}

/// Reads the parts of an index, each checked against the file.
pub(super) struct Parser<'a> {
    pub(super) bytes: &'a Bytes,
    pub(super) path: &'a Path,
}

impl Parser<'_> {
    pub(super) fn bad_at(
        path: &Path,
        section: &'static str,
        expected: &dyn ToString,
        actual: &dyn ToString,
    ) -> Error {
        let (expected, actual) = (expected.to_string(), actual.to_string());
        Error::BadIndex { path: path.to_owned(), section, expected, actual }
    }

    pub(super) fn bad(
        &self,
        section: &'static str,
        expected: &dyn ToString,
        actual: &dyn ToString,
    ) -> Error {
        Self::bad_at(self.path, section, expected, actual)
    }

    /// The error of an index without a filter of this version.
    pub(super) fn no_filter(&self, sections: &[Section]) -> Error {
        let is_earlier = sections.iter().any(|section| section.kind == EARLIER_FILTER);
        let earlier = "one of an earlier version: compile the list again";
        let found = if is_earlier { earlier } else { "none" };
        self.bad(Kind::Filter.name(), &"a filter of this version", &found)
    }

    /// Checks the header and reads the section table.
    pub(super) fn head(&self) -> Result<(Vec<Section>, [u8; 32]), Error> {
        let header = self.bytes.get(..HEADER_LEN);
        let header = header.ok_or_else(|| self.bad("header", &HEADER_LEN, &self.bytes.len()))?;
        if !is_index(header) {
            return Err(self.bad("magic", &"TRIAGEHX", &"other bytes"));
        }
        let version = read_u32(header, 8).unwrap_or_default();
        if ![MAJOR, MAJOR_KEYED, MAJOR_FILTER].map(u32::from).contains(&(version & 0xffff)) {
            return Err(self.bad("version", &MAJOR, &(version & 0xffff)));
        }
        let len = read_u64(header, 16).unwrap_or_default();
        if len != self.bytes.len() as u64 {
            return Err(self.bad("file length", &len, &self.bytes.len()));
        }
        let count = read_u32(header, 24).unwrap_or_default() as usize;
        let head = self.bytes.get(..HEADER_LEN + count.min(MAX_SECTIONS + 1) * ENTRY_LEN);
        let head = head.filter(|_| count <= MAX_SECTIONS);
        let head = head.ok_or_else(|| self.bad("section table", &"fewer sections", &count))?;
        let digest = head_digest(head);
        if header.get(HEAD_DIGEST_AT..) != Some(&digest) {
            return Err(self.bad("head", &"its BLAKE3", &"another"));
        }
        let entries = head.get(HEADER_LEN..).unwrap_or_default().chunks_exact(ENTRY_LEN);
        let sections: Vec<Section> = entries.filter_map(Section::read).collect();
        for section in &sections {
            self.range(section, "section bounds")?;
        }
        Ok((sections, digest))
    }

    /// Returns where a section lies, inside the file.
    pub(super) fn range(
        &self,
        section: &Section,
        name: &'static str,
    ) -> Result<Range<usize>, Error> {
        let range = || {
            let start = usize::try_from(section.offset).ok()?;
            let end = start.checked_add(usize::try_from(section.len).ok()?)?;
            (end <= self.bytes.len()).then_some(start..end)
        };
        range().ok_or_else(|| {
            let found = format!("{} bytes at {}", section.len, section.offset);
            self.bad(name, &format!("within {}", self.bytes.len()), &found)
        })
    }

    /// Returns where a section of `count` elements of `size` bytes lies.
    pub(super) fn column(
        &self,
        section: &Section,
        kind: Kind,
        count: u64,
        size: u64,
    ) -> Result<Range<usize>, Error> {
        let expected = count.checked_mul(size);
        if section.count != count || expected != Some(section.len) {
            let found = format!("{} elements, {} bytes", section.count, section.len);
            return Err(self.bad(kind.name(), &format!("{count} elements of {size}"), &found));
        }
        self.range(section, kind.name())
    }

    /// Reads the page checks of a mapped file. What is in memory cannot be damaged.
    pub(super) fn checks(&self, sections: &[Section]) -> Result<Option<Checks>, Error> {
        let Some(section) = sections.iter().find(|s| s.kind == Kind::Checks as u32) else {
            return Ok(None);
        };
        if matches!(self.bytes, Bytes::Owned(_)) {
            return Ok(None);
        }
        let name = Kind::Checks.name();
        self.check_digest(section, name)?;
        let sums = self.column(section, Kind::Checks, section.count, 4)?;
        let first = sections.first().and_then(|first| usize::try_from(first.offset).ok());
        let checks = first.and_then(|first| Checks::new(first, sums));
        let found = format!("{} at {}", section.count, section.offset);
        checks.map(Some).ok_or_else(|| self.bad(name, &"one for each page before", &found))
    }

    /// Returns the key of keyed digests.
    pub(super) fn key(&self, meta: &Meta, keys: &SetKeys) -> Result<Option<DigestKey>, Error> {
        let Some(id) = &meta.keyed else { return Ok(None) };
        let key = keys.digest_keys().iter().find(|key| key.id() == *id);
        key.map(|key| Some(key.clone())).ok_or_else(|| {
            let id = id.escape_default();
            let reason = format!("its digests are keyed, and the digest key {id} was not given");
            Error::Locked { path: self.path.to_owned(), reason }
        })
    }

    pub(super) fn check_digest(&self, section: &Section, name: &'static str) -> Result<(), Error> {
        let range = self.range(section, name)?;
        let actual = blake3::hash(self.bytes.get(range).unwrap_or_default());
        if *actual.as_bytes() == section.digest {
            return Ok(());
        }
        let expected = blake3::Hash::from_bytes(section.digest);
        let place = format!("{} (kind {} at {})", actual, section.kind, section.offset);
        Err(self.bad(name, &format!("BLAKE3 {expected}"), &place))
    }

    pub(super) fn check_zeros(&self, range: Range<usize>) -> Result<(), Error> {
        let between = self.bytes.get(range);
        let between = between.ok_or_else(|| self.bad("order", &"sections in order", &"overlap"))?;
        match between.iter().find(|byte| **byte != 0) {
            None => Ok(()),
            Some(byte) => Err(self.bad("padding", &0, byte)),
        }
    }

    /// Reads a JSON section, whose digest is checked first.
    pub(super) fn json<T: serde::de::DeserializeOwned>(
        &self,
        section: &Section,
        name: &'static str,
    ) -> Result<T, Error> {
        let range = self.range(section, name)?;
        if range.len() > MAX_JSON {
            return Err(self.bad(name, &format!("at most {MAX_JSON} bytes"), &range.len()));
        }
        self.check_digest(section, name)?;
        let bytes = self.bytes.get(range).unwrap_or_default();
        serde_json::from_slice(bytes).map_err(|error| self.bad(name, &"JSON", &error))
    }

    /// Reads the bloom filter, if there is one.
    pub(super) fn bloom(
        &self,
        sections: &[Section],
        report: Option<ProbableReport>,
    ) -> Result<Option<Bloom>, Error> {
        let name = Kind::Bloom.name();
        let section = sections.iter().find(|s| s.kind == Kind::Bloom as u32);
        let (section, report) = match (section, report) {
            (None, None) => return Ok(None),
            (Some(section), Some(report)) => (section, report),
            (section, _) => {
                let found = if section.is_some() { "no description" } else { "no section" };
                return Err(self.bad(name, &"section and description", &found));
            }
        };
        let range = self.range(section, name)?;
        let header = Header::read(self.bytes.get(range.clone()).unwrap_or_default());
        let algorithm = BY_STRENGTH.into_iter().find(|a| algorithm_number(*a) == section.algorithm);
        let (Some(header), Some(algorithm)) = (header, algorithm) else {
            return Err(self.bad(name, &"a filter of an algorithm", &"none"));
        };
        let bits = range.start.saturating_add(HEAD_OF_BLOOM)..range.end;
        if header.bits_bytes() != bits.len() as u64 || header.bits != section.count {
            return Err(self.bad(name, &header.bits_bytes(), &bits.len()));
        }
        let false_positives_per_billion = report.false_positives_per_billion;
        Ok(Some(Bloom { algorithm, header, bits, false_positives_per_billion }))
    }

    pub(super) fn table(
        &self,
        algorithm: Algorithm,
        sections: &TableSections<'_>,
        key_of_row: Option<Range<usize>>,
    ) -> Result<Table, Error> {
        let count = sections.keys.count;
        if count > MAX_ROWS {
            return Err(self.bad(Kind::Keys.name(), &format!("at most {MAX_ROWS}"), &count));
        }
        let bits = fan_bits(count);
        let width = algorithm.len_bytes() as u64 - u64::from(bits / 8);
        let filter_section = self.range(sections.filter, Kind::Filter.name())?;
        let filter = Filter::read(filter_section.len());
        let filter =
            filter.ok_or_else(|| self.bad(Kind::Filter.name(), &"lines", &filter_section.len()))?;
        let lists = sections.lists.map(|s| self.column(s, Kind::Lists, s.count, 4)).transpose()?;
        let links = sections.links.map(|s| self.column(s, Kind::Links, count, 4)).transpose()?;
        Ok(Table {
            algorithm,
            count: u32::try_from(count).unwrap_or_default(),
            bits,
            fan: self.column(sections.fan, Kind::Fan, (1 << bits) + 1, 4)?,
            keys: self.column(sections.keys, Kind::Keys, count, width)?,
            links,
            lists: lists.unwrap_or_default(),
            key_of_row,
            filter_section,
            filter,
        })
    }
}
