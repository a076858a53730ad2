//! The segment files of an image and the sections in them. Metz, "EWF", sections 2 and 3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use triage_evidence::{ByteSource, Problem};

use super::SIGNATURE;
use super::header;
use super::section::Section;
use super::table::{Table, checksum};
use super::volume::Geometry;
use crate::bytes::{damaged, long, read_vec, short, slice_at, u16_at, u32_at};
use crate::raw::RawFile;

/// The length of the head of a segment file.
const HEAD_BYTES: usize = 13;
/// Where the number of the segment stands in it.
const NUMBER: usize = 9;
/// The most segments: what the names can count, E01 to ZZZ.
const LIMIT_SEGMENTS: u32 = 99 + 22 * 26 * 26;
/// The most sections that are followed in one segment.
const LIMIT_SECTIONS: usize = 1024 * 1024;
/// The most that is read of a section other than tables and data.
const LIMIT_SECTION_BYTES: u64 = 16 * 1024 * 1024;
/// The most ranges of acquisition errors that are read.
const LIMIT_ERRORS: u32 = 1024 * 1024;
/// Where the entries of the section of errors begin.
const ERRORS: u64 = 520;

/// What the segments of an image told.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) segments: Vec<RawFile>,
    pub(super) tables: Vec<Table>,
    /// Before which of the tables others may be missing, because something there is damaged.
    breaks: Vec<usize>,
    pub(super) geometry: Option<Geometry>,
    geometry_is_sound: bool,
    pub(super) header: BTreeMap<String, String>,
    pub(super) md5: Option<Vec<u8>>,
    pub(super) sha1: Option<Vec<u8>>,
    /// First sector and count.
    pub(super) errors: Vec<(u32, u32)>,
    pub(super) notes: Vec<Problem>,
    is_done: bool,
}

impl Reading {
    /// Reads every segment, beginning with the first.
    ///
    /// # Errors
    /// A [`Problem`] if the file is not the first segment.
    pub(super) fn all(path: &Path, first: RawFile) -> Result<Self, Problem> {
        let number = number_of(&first)?;
        if number != 1 {
            let text = format!("this is segment {number} of an image: name the first one");
            return Err(damaged(text));
        }
        let mut reading = Self::default();
        reading.segment(first);
        for number in 2..=LIMIT_SEGMENTS {
            if reading.is_done {
                break;
            }
            let next = name_of(path, number).map(|path| RawFile::open_named(&path));
            let segment = match next {
                Some(Ok(segment)) => segment,
                Some(Err(problem)) if problem.code != "ENOENT" => {
                    reading.notes.push(problem);
                    break;
                }
                _ => break,
            };
            match number_of(&segment) {
                Ok(found) if u32::from(found) == number => reading.segment(segment),
                Ok(found) => {
                    let text = format!("the file of segment {number} is segment {found}");
                    reading.notes.push(damaged(text));
                    break;
                }
                Err(problem) => {
                    reading.notes.push(problem);
                    break;
                }
            }
        }
        if !reading.is_done {
            let count = reading.segments.len();
            let text = format!("the image ends after {count} segments without saying so");
            reading.notes.push(damaged(text));
        }
        Ok(reading)
    }

    /// Reads the sections of a segment.
    fn segment(&mut self, segment: RawFile) {
        let mut sections = Sections::default();
        let mut at = long(HEAD_BYTES);
        for _ in 0..LIMIT_SECTIONS {
            let section = match Section::read(&segment, at) {
                Ok(section) => section,
                Err(problem) => {
                    self.notes.push(problem);
                    sections.awaits_copy = true;
                    break;
                }
            };
            if let Err(problem) = self.section(&segment, &section, &mut sections) {
                self.notes.push(problem);
            }
            // `next` and `done` end a segment; a link backwards would never end it.
            self.is_done |= section.kind == "done";
            if matches!(&*section.kind, "next" | "done") || section.next <= at {
                break;
            }
            at = section.next;
        }
        self.close_break(&mut sections);
        self.segments.push(segment);
    }

    /// Notes that a table that was awaited has not come.
    fn close_break(&mut self, sections: &mut Sections) {
        if std::mem::take(&mut sections.awaits_copy) {
            self.breaks.push(self.tables.len());
        }
    }

    /// Puts the tables behind those that are missing where they belong, counted from the end of
    /// the medium; tables of which nobody knows where they belong are given up.
    pub(super) fn place_tables(&mut self, chunk_count: u64) {
        let held: u64 = self.tables.iter().map(Table::count).sum();
        let missing = chunk_count.saturating_sub(held);
        let (Some(&first), Some(&last)) = (self.breaks.first(), self.breaks.last()) else { return };
        if missing == 0 {
            return;
        }
        let behind = self.tables.split_off(last.min(self.tables.len()));
        self.tables.truncate(first);
        if self.is_done {
            let count: u64 = behind.iter().map(Table::count).sum();
            let mut next = chunk_count.saturating_sub(count);
            for mut table in behind {
                let count = table.count();
                table.first_chunk = next;
                self.tables.push(table);
                next = next.saturating_add(count);
            }
        }
    }

    fn section(
        &mut self,
        segment: &RawFile,
        section: &Section,
        sections: &mut Sections,
    ) -> Result<(), Problem> {
        let content = || {
            let length = short(section.size_bytes.min(LIMIT_SECTION_BYTES));
            read_vec(segment, section.start, length)
        };
        match &*section.kind {
            "header" | "header2" | "xheader" => {
                let (values, is_whole) = header::parse(&content()?);
                if !is_whole {
                    let text = "a header of the image is damaged: particulars may be missing";
                    self.notes.push(damaged(text));
                }
                for (name, value) in values {
                    // The second header has the same values in Unicode.
                    let is_better = section.kind == "header2";
                    let kept = self.header.entry(name).or_insert_with(|| value.clone());
                    if is_better {
                        *kept = value;
                    }
                }
            }
            "volume" | "disk" | "data" => self.volume(&content()?),
            "sectors" => {
                sections.data_end = Some(section.start.saturating_add(section.size_bytes));
            }
            "table" => self.table(segment, section, sections)?,
            "table2" => self.table_copy(segment, section, sections)?,
            "hash" => self.digests(&content()?, 32),
            "digest" => self.digests(&content()?, 76),
            "error2" => self.errors(segment, section)?,
            _ => {}
        }
        Ok(())
    }

    /// Takes the digests of a section whose checksum stands there: MD5, then SHA-1 in the longer
    /// one. One that does not fit is told, and kept if there is no other: a comparison with it
    /// fails, and does not pass for none.
    fn digests(&mut self, content: &[u8], sum_at: usize) {
        let sound = checked(content, sum_at, "a stored digest");
        let is_better = |kept: &Option<Vec<u8>>| sound.is_ok() || kept.is_none();
        let md5 = slice_at(content, 0, 16).map(<[u8]>::to_vec);
        if md5.is_some() && is_better(&self.md5) {
            self.md5 = md5;
        }
        let sha1 = slice_at(content, 16, 20).filter(|_| sum_at > 36);
        let sha1 = sha1.filter(|sha1| sha1.iter().any(|&byte| byte != 0)).map(<[u8]>::to_vec);
        if sha1.is_some() && is_better(&self.sha1) {
            self.sha1 = sha1;
        }
        self.notes.extend(sound.err());
    }

    /// Takes the size of the medium from the first section that fits its checksum, or else from
    /// the first that makes sense.
    fn volume(&mut self, content: &[u8]) {
        let sum_at = content.len().saturating_sub(4);
        let sound = checked(content, sum_at, "a section that tells the size of the medium");
        let is_sound = sound.is_ok();
        self.notes.extend(sound.err());
        let found = Geometry::parse(content);
        if self.geometry.is_none() || is_sound && !self.geometry_is_sound {
            self.geometry = found.or(self.geometry);
            self.geometry_is_sound = is_sound && found.is_some();
        } else if is_sound && found != self.geometry {
            self.notes.push(damaged("the image tells two sizes of the medium"));
        }
    }

    fn next_chunk(&self) -> u64 {
        self.tables.last().map_or(0, Table::end)
    }

    fn table(
        &mut self,
        segment: &RawFile,
        section: &Section,
        sections: &mut Sections,
    ) -> Result<(), Problem> {
        let place = self.segments.len();
        self.close_break(sections);
        let first = self.next_chunk();
        sections.awaits_copy = true;
        let table = Table::parse(segment, section, place, first, sections.data_end)?;
        sections.awaits_copy = false;
        self.tables.push(table);
        Ok(())
    }

    /// The copy stands in for a table whose head is damaged.
    fn table_copy(
        &mut self,
        segment: &RawFile,
        section: &Section,
        sections: &mut Sections,
    ) -> Result<(), Problem> {
        let place = self.segments.len();
        let first = self.next_chunk();
        let copy = Table::parse(segment, section, place, first, sections.data_end)?;
        if sections.awaits_copy {
            sections.awaits_copy = false;
            self.tables.push(copy);
        } else if let Some(table) = self.tables.last_mut().filter(|table| table.segment == place) {
            table.add_copy(&copy);
        }
        Ok(())
    }

    fn errors(&mut self, segment: &RawFile, section: &Section) -> Result<(), Problem> {
        let head = read_vec(segment, section.start, 4)?;
        let count = u32_at(&head, 0).unwrap_or(0);
        let room = section.size_bytes.saturating_sub(ERRORS) / 8;
        if count > LIMIT_ERRORS || u64::from(count) > room {
            return Err(damaged(format!("the image says {count} acquisition errors")));
        }
        let length = usize::try_from(count).unwrap_or(0).saturating_mul(8);
        let what = "the list of what the imager could not read";
        let head = read_vec(segment, section.start, short(ERRORS))?;
        let bytes = read_vec(segment, section.start.saturating_add(ERRORS), length)?;
        let sum_at = section.start.saturating_add(ERRORS).saturating_add(long(length));
        let sum = read_vec(segment, sum_at, 4)?;
        let is_sound = u32_at(&sum, 0) == Some(checksum(&bytes));
        self.notes.extend(checked(&head, short(ERRORS).saturating_sub(4), what).err());
        if !is_sound {
            self.notes.push(damaged(format!("{what} does not fit its checksum")));
        }
        for entry in bytes.chunks_exact(8) {
            if let (Some(first), Some(count)) = (u32_at(entry, 0), u32_at(entry, 4)) {
                self.errors.push((first, count));
            }
        }
        Ok(())
    }
}

/// What the sections of one segment said so far.
#[derive(Default)]
struct Sections {
    data_end: Option<u64>,
    awaits_copy: bool,
}

/// Compares the first bytes of a section with the checksum that follows them.
fn checked(content: &[u8], sum_at: usize, what: &str) -> Result<(), Problem> {
    let sum = content.get(..sum_at).map(checksum);
    match u32_at(content, sum_at) == sum && sum.is_some() {
        true => Ok(()),
        false => Err(damaged(format!("{what} does not fit its checksum"))),
    }
}

/// Returns the number of a segment.
fn number_of(segment: &dyn ByteSource) -> Result<u16, Problem> {
    let head = read_vec(segment, 0, HEAD_BYTES)?;
    if !head.starts_with(SIGNATURE) {
        return Err(damaged("a segment of the image does not begin as one"));
    }
    u16_at(&head, NUMBER).ok_or_else(|| damaged("a segment of the image is cut off"))
}

/// Returns the path of a segment, given that of the first: E01 to E99, EAA to EZZ, FAA to ZZZ.
fn name_of(first: &Path, number: u32) -> Option<PathBuf> {
    let extension = first.extension()?.to_str()?;
    let letter = extension.bytes().next().filter(u8::is_ascii_alphabetic)?;
    let is_upper = letter.is_ascii_uppercase();
    let next = if number <= 99 {
        format!("{}{number:02}", char::from(letter))
    } else {
        let place = number.checked_sub(100)?;
        let letter = |value: u32, from: u8| {
            let byte = u32::from(from).checked_add(value)?;
            char::from_u32(byte).filter(char::is_ascii_alphabetic)
        };
        let from = if is_upper { b'A' } else { b'a' };
        let second = letter((place / 26) % 26, from)?;
        let third = letter(place % 26, from)?;
        let head = letter(place / (26 * 26), first.extension()?.to_str()?.bytes().next()?)?;
        format!("{head}{second}{third}")
    };
    Some(first.with_extension(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_segments_count_on() {
        let name = |number| {
            let path = name_of(Path::new("a/disk.E01"), number).unwrap();
            path.extension().unwrap().to_str().unwrap().to_owned()
        };
        for (number, expected) in
            [(2, "E02"), (99, "E99"), (100, "EAA"), (125, "EAZ"), (126, "EBA"), (776, "FAA")]
        {
            assert_eq!(name(number), expected);
        }
        assert_eq!(name_of(Path::new("a.e01"), 100), Some(PathBuf::from("a.eaa")));
        assert_eq!(name_of(Path::new("a.E01"), 100_000), None);
    }
}
