//! A file of the volume: its base record and the records that continue it.

use triage_evidence::{Problem, ProblemKind};

use super::attribute::{self, Attribute};
use super::attribute_list;
use super::bytes::damaged;
use super::file_name::FileName;
use super::index;
use super::mft::Mft;
use super::record::{Record, Reference, sequence_before};
use super::value::Value;
use super::volume::Volume;

/// The attributes of one file lie in no more records than this: a list of 256 KiB, the longest
/// that Windows makes, has no room for more entries.
const LIMIT_EXTENSIONS: usize = 8192;
/// How many records that belong to others a list may name before it is given up: a hostile list
/// must not cost a read for each of its entries.
const LIMIT_STRANGERS: usize = 16;

/// A file whose records were read.
pub(super) struct File {
    /// The base record with its sequence.
    pub(super) reference: Reference,
    /// Whether the base record is in use.
    pub(super) is_in_use: bool,
    /// Whether the file is a directory.
    pub(super) is_directory: bool,
    records: Vec<Vec<u8>>,
    /// Why attributes may be missing.
    pub(super) problem: Option<Problem>,
    /// Whether attributes of the base record are damaged: not what happens to deleted files.
    pub(super) is_broken: bool,
}

impl File {
    /// Reads a file by the number of its base record.
    ///
    /// # Errors
    /// A [`Problem`] if the record is damaged or is not the base of a file.
    pub(super) fn load(mft: &Mft, number: u64) -> Result<Self, Problem> {
        let bytes = mft.read(number)?;
        let record = Record::parse(&bytes).ok_or_else(|| damaged("a record has no header"))?;
        if record.is_extension() {
            return Err(damaged("the record continues another file"));
        }
        let mut file = Self {
            reference: Reference::new(number, record.sequence),
            is_in_use: record.is_in_use(),
            is_directory: record.is_directory(),
            records: Vec::new(),
            problem: None,
            is_broken: false,
        };
        let mut attributes = record.attributes();
        let (mut list, mut has_content, mut has_rest, mut has_index) = (None, false, false, false);
        for attribute in attributes.by_ref() {
            has_content |= attribute.is_content();
            has_index |= index::is_root(&attribute);
            has_rest |= attribute.kind == attribute::DATA && !attribute.is_first();
            if attribute.kind == attribute::ATTRIBUTE_LIST {
                list = list.or_else(|| Value::assemble(std::iter::once(attribute)));
            }
        }
        if attributes.is_damaged() {
            file.fail("an attribute of the record is damaged");
        }
        if has_rest && list.is_none() {
            file.fail("the record holds a piece of a content without its beginning");
        }
        if file.is_directory && has_content {
            file.is_directory = false;
            file.fail("the record is one of a directory and has the content of a file");
        } else if file.is_directory && !has_index && list.is_none() {
            file.fail("the record is one of a directory and has no index");
        }
        file.records.push(bytes);
        if let Some(list) = list
            && let Err(problem) = file.follow(mft, &list)
        {
            file.problem.get_or_insert(problem);
        }
        Ok(file)
    }

    fn fail(&mut self, text: &str) {
        self.problem.get_or_insert_with(|| damaged(text));
        self.is_broken = true;
    }

    /// Reads the records that the attribute list names.
    fn follow(&mut self, mft: &Mft, list: &Value) -> Result<(), Problem> {
        let list = list.read(mft.volume(), attribute_list::LIMIT_BYTES)?;
        if !attribute_list::is_whole(&list) {
            self.fail("the list of the attributes of the file breaks off");
        }
        let mut holders: Vec<_> = attribute_list::entries(&list)
            .map(|entry| entry.holder)
            .filter(|holder| holder.number() != self.reference.number())
            .collect();
        holders.sort_unstable();
        holders.dedup();
        let mut strangers = 0_usize;
        let mut problem = None;
        for holder in holders {
            if self.records.len() > LIMIT_EXTENSIONS || strangers > LIMIT_STRANGERS {
                let text = "the attribute list names more records than are read";
                return Err(Problem::new(ProblemKind::LimitReached, text));
            }
            match mft.read(holder.number()) {
                Ok(bytes) if self.is_continued_by(&bytes) => {
                    let mut attributes = Record::parse(&bytes).map(|record| record.attributes());
                    attributes.iter_mut().for_each(|all| all.by_ref().for_each(drop));
                    if attributes.is_none_or(|all| all.is_damaged()) {
                        self.fail("an attribute of the file is damaged");
                    }
                    self.records.push(bytes);
                }
                Ok(_) => {
                    strangers = strangers.saturating_add(1);
                    let text = "the attribute list names a record of another file";
                    problem.get_or_insert_with(|| damaged(text));
                }
                Err(found) => {
                    strangers = strangers.saturating_add(1);
                    problem.get_or_insert(found);
                }
            }
        }
        problem.map_or(Ok(()), Err)
    }

    /// Says whether a record continues this file. When a file is deleted, the sequences of its
    /// records are counted up, the references among them are not.
    fn is_continued_by(&self, bytes: &[u8]) -> bool {
        let Some(record) = Record::parse(bytes) else {
            return false;
        };
        let (own, named) = (self.reference.sequence(), record.base.sequence());
        let before = !self.is_in_use && named == sequence_before(own);
        record.base.number() == self.reference.number()
            && record.is_in_use() == self.is_in_use
            && (named == own || before)
            && record.is_extension()
    }

    /// Returns every attribute, base record first.
    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        let records = self.records.iter().filter_map(|bytes| Record::parse(bytes));
        records.flat_map(|record| record.attributes())
    }

    /// Returns the names, short ones that stand beside a long one left out.
    pub(super) fn names(&self) -> Vec<FileName<'_>> {
        let names = self.attributes().filter(|found| found.kind == attribute::FILE_NAME);
        let names: Vec<_> = names.filter_map(|found| FileName::parse(found.resident()?)).collect();
        let mut twins: Vec<_> =
            names.iter().filter(|name| !name.is_short()).map(|name| name.parent).collect();
        twins.sort_unstable();
        let is_kept =
            |name: &FileName<'_>| !name.is_short() || twins.binary_search(&name.parent).is_err();
        names.into_iter().filter(is_kept).collect()
    }

    /// Returns the value of an attribute by its type and name, the name in UTF-16.
    pub(super) fn value(&self, kind: u32, name: &[u8]) -> Option<Value> {
        Value::assemble(self.attributes().filter(|a| a.kind == kind && a.name == name))
    }

    /// Reads the whole value of a small attribute without a name.
    pub(super) fn small(&self, volume: &Volume, kind: u32, limit_bytes: u64) -> Option<Vec<u8>> {
        self.value(kind, &[])?.read(volume, limit_bytes).ok()
    }
}
