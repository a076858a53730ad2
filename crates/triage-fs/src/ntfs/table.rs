//! A compact table of every record of the MFT: what it is and which directory holds its names.
//!
//! It is made in one pass over the MFT in large blocks and holds 4 bytes a record and 12 bytes a
//! name; names themselves are read again when they are asked for. Directories form a forest in
//! it: a walk along its links ends, whatever the records claim.

use super::attribute::{self, Attribute, Body};
use super::bytes::{short, slice_at, u16_at};
use super::claims::Claims;
use super::file_name::FileName;
use super::mft::{Mft, repair};
use super::record::{Record, Reference};
use super::run_list;
use super::{forest, forest::Forest};

/// How much of the MFT is read at once.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Record numbers that are kept have 32 bits, as Windows has them.
const LIMIT_RECORDS: u64 = 1 << 32;
/// The root directory.
pub(super) const ROOT: u32 = 5;
/// The records below are the file system's own; some have no name.
const FIRST_USER_RECORD: u32 = 24;

/// What is known of a record: its sequence in the upper half, flags in the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State(u32);

impl State {
    const PRESENT: u32 = 1;
    const IN_USE: u32 = 2;
    const DIRECTORY: u32 = 4;
    const DAMAGED: u32 = 8;
    const EXTENSION: u32 = 16;
    const HAS_CONTENT: u32 = 32;
    const HAS_NAME: u32 = 64;

    const fn is(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    const fn set(&mut self, flag: u32) {
        self.0 |= flag;
    }

    const fn clear(&mut self, flag: u32) {
        self.0 &= !flag;
    }

    fn set_sequence(&mut self, sequence: u16) {
        self.0 = (self.0 & 0xffff) | (u32::from(sequence) << 16);
    }

    /// Returns the sequence of the record.
    pub(super) fn sequence(self) -> u16 {
        u16::try_from(self.0 >> 16).unwrap_or(0)
    }

    /// Says whether the record is in use, as far as it can be read.
    pub(super) const fn is_in_use(self) -> bool {
        self.is(Self::IN_USE)
    }

    /// Says whether the record is of a directory.
    pub(super) const fn is_directory(self) -> bool {
        self.is(Self::DIRECTORY)
    }

    /// Says whether the record cannot be understood.
    pub(super) const fn is_damaged(self) -> bool {
        self.is(Self::DAMAGED)
    }

    /// Says whether the record is the base of a file, in use or not.
    pub(super) const fn is_base(self) -> bool {
        self.is(Self::PRESENT) && !self.is(Self::EXTENSION)
    }

    /// Says whether the record is in use and the base of a file.
    pub(super) const fn is_file(self) -> bool {
        self.is_base() && self.is_in_use()
    }
}

/// One name of a file, without the name: which directory holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    /// The record of the directory.
    pub(super) parent: u32,
    /// The record of the file.
    pub(super) child: u32,
    /// The sequence that the directory must have.
    pub(super) parent_sequence: u16,
    /// The sequence that the file must have; 0 if the name lies in its base record.
    child_sequence: u16,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Table {
    states: Vec<State>,
    forest: Forest,
    /// The records that cannot be understood.
    pub(super) damaged: Vec<u32>,
    /// The records of files that at least one of their directories does not hold.
    pub(super) loose: Vec<u32>,
    /// The clusters that more than one deleted file claims.
    pub(super) claims: Claims,
}

impl Table {
    /// Reads the MFT once.
    pub(super) fn read(mft: &Mft) -> Self {
        let mut table = Self::default();
        let mut links = Vec::new();
        let record_bytes = mft.record_bytes().max(1);
        let per_block = BLOCK_BYTES.checked_div(record_bytes).unwrap_or(1).max(1);
        let mut block = vec![0; per_block.saturating_mul(record_bytes)];
        let records = mft.records.min(LIMIT_RECORDS);
        let mut first = 0_u64;
        while first < records {
            let count = short(records.saturating_sub(first)).min(per_block);
            let length = count.saturating_mul(record_bytes);
            let bytes = block.get_mut(..length).unwrap_or_default();
            let is_read = mft.read_raw(first, bytes).is_ok();
            let numbers = u32::try_from(first).unwrap_or(u32::MAX)..=u32::MAX;
            for (number, record) in numbers.zip(bytes.chunks_exact_mut(record_bytes)) {
                // A bad sector costs the records that it holds, not the block.
                let is_read = is_read || mft.read_raw(u64::from(number), record).is_ok();
                table.take(number, record, is_read, &mut links);
            }
            first = first.saturating_add(super::bytes::long(count));
        }
        table.claims.settle();
        table.settle(links);
        table
    }

    /// Takes one record in.
    fn take(&mut self, number: u32, bytes: &mut [u8], is_read: bool, links: &mut Vec<Link>) {
        let mut state = State::default();
        if is_read && slice_at(bytes, 0, 4) == Some(&[0; 4]) {
            self.states.push(state);
            return;
        }
        let is_whole = is_read && repair(bytes).is_ok();
        let Some(record) = Record::parse(bytes).filter(|_| is_whole) else {
            state.set(State::DAMAGED);
            // What the first sector says is not certain, but all there is.
            if is_read && slice_at(bytes, 0, 4) == Some(b"FILE") {
                state.set_sequence(u16_at(bytes, 0x10).unwrap_or(0));
                state.set(u32::from(u16_at(bytes, 0x16).unwrap_or(0) & 1) << 1);
            }
            self.states.push(state);
            self.damaged.push(number);
            return;
        };
        state.set_sequence(record.sequence);
        state.set(State::PRESENT);
        for (flag, is_set) in [
            (State::IN_USE, record.is_in_use()),
            (State::DIRECTORY, record.is_directory()),
            (State::EXTENSION, record.is_extension()),
        ] {
            if is_set {
                state.set(flag);
            }
        }
        let from = links.len();
        let mut attributes = record.attributes();
        for attribute in attributes.by_ref() {
            match attribute.kind {
                attribute::FILE_NAME => push_link(number, &record, &attribute, links),
                attribute::DATA => {
                    if attribute.size_bytes() > 0 {
                        state.set(State::HAS_CONTENT);
                    }
                    // A directory has no content of its own, whatever its flags say.
                    if attribute.is_content() {
                        state.clear(State::DIRECTORY);
                    }
                }
                _ => {}
            }
            if !record.is_in_use()
                && let Body::Clusters(piece) = attribute.body
            {
                self.claims.add(run_list::decode(piece.runs, piece.first));
            } else if record.is_in_use() && attribute.kind > attribute::DATA {
                break;
            }
        }
        // What cannot be read may have been content: such a record is not left out.
        if attributes.is_damaged() {
            state.set(State::HAS_CONTENT);
        }
        if links.len() > from {
            state.set(State::HAS_NAME);
        }
        self.states.push(state);
    }

    /// Sorts out which links hold.
    fn settle(&mut self, mut links: Vec<Link>) {
        for link in &mut links {
            // A name in a continuing record belongs to the base record if that still is the same.
            if link.child_sequence != 0 && link.child_sequence != self.state(link.child).sequence()
            {
                link.child = ROOT;
                link.parent = ROOT;
            } else if let Some(state) = self.states.get_mut(short(u64::from(link.child))) {
                state.set(State::HAS_NAME);
            }
        }
        // The root holds itself.
        links.retain(|link| link.child != ROOT);
        links.sort_unstable();
        let states = &self.states;
        let state = |number: u32| states.get(short(u64::from(number))).copied().unwrap_or_default();
        let (forest, mut loose) = forest::grow(links, state);
        self.forest = forest;
        for (number, state) in (0..=u32::MAX).zip(&self.states) {
            let is_free = !state.is_in_use() || number < FIRST_USER_RECORD;
            let is_nothing = is_free && !state.is_directory() && !state.is(State::HAS_CONTENT);
            if state.is_base() && !state.is(State::HAS_NAME) && !is_nothing {
                loose.push(number);
            }
        }
        loose.retain(|&number| number != ROOT && self.state(number).is_base());
        loose.sort_unstable();
        loose.dedup();
        self.loose = loose;
        for number in self.forest.parents_of_damaged(&self.damaged) {
            if let Some(state) = self.states.get_mut(short(u64::from(number))) {
                state.set(State::DIRECTORY);
            }
        }
    }

    /// Returns what is known of a record.
    pub(super) fn state(&self, number: u32) -> State {
        self.states.get(short(u64::from(number))).copied().unwrap_or_default()
    }

    /// Returns how many records there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.states.len()).unwrap_or(u32::MAX)
    }

    /// Returns the links that hold of a directory, sorted by child.
    pub(super) fn children(&self, parent: u32) -> &[Link] {
        self.forest.children(parent)
    }

    /// Says whether a directory holds a file.
    pub(super) fn holds(&self, parent: u32, child: u32) -> bool {
        let children = self.children(parent);
        children.binary_search_by_key(&child, |link| link.child).is_ok()
    }

    /// Returns the directory that holds a directory.
    pub(super) fn parent(&self, directory: u32) -> Option<u32> {
        self.forest.parent(directory)
    }
}

/// Notes the directory of a name; a short name only if no long one has the same directory.
fn push_link(number: u32, record: &Record<'_>, attribute: &Attribute<'_>, links: &mut Vec<Link>) {
    let Some(name) = attribute.resident().and_then(FileName::parse) else {
        return;
    };
    // A number that no record can have leads nowhere.
    let parent = u32::try_from(name.parent.number()).unwrap_or(u32::MAX);
    let parent_sequence = name.parent.sequence();
    if name.is_short() && has_long_name(record, name.parent) {
        return;
    }
    let (child, child_sequence) = match record.is_extension() {
        true => match u32::try_from(record.base.number()) {
            Ok(base) => (base, record.base.sequence().max(1)),
            Err(_) => return,
        },
        false => (number, 0),
    };
    links.push(Link { parent, child, parent_sequence, child_sequence });
}

fn has_long_name(record: &Record<'_>, parent: Reference) -> bool {
    let mut names = record.attributes().filter(|found| found.kind == attribute::FILE_NAME);
    names.any(|found| {
        let name = found.resident().and_then(FileName::parse);
        name.is_some_and(|name| !name.is_short() && name.parent == parent)
    })
}
