//! Files that no directory lists: deleted ones whose directory is gone, ones that a damaged
//! directory lost, and records that cannot be read.

use std::collections::BTreeMap;

use triage_evidence::{Kind, NameState, NodeId, NodeName, NodeNames};

use super::Ntfs;
use super::attribute;
use super::bytes::{damaged, short};
use super::file::File;
use super::index::Index;
use super::listing::kind;
use super::record::Reference;
use super::table::ROOT;

/// How far a directory is followed upwards when a damaged one is put below it: deeper than any
/// path that Windows opens. A damaged record that is deeper is listed as an orphan.
const LIMIT_DEPTH: usize = 4096;
/// The most that is read of the map of records: 2^32 bits.
const LIMIT_MAP_BYTES: u64 = 512 * 1024 * 1024;

/// Lists what no directory lists.
pub(super) fn list(ntfs: &Ntfs) -> NodeNames {
    let mut found = NodeNames::default();
    for &number in &ntfs.table().loose {
        match File::load(&ntfs.mft, u64::from(number)) {
            Ok(file) => add(ntfs, number, &file, &mut found.names),
            Err(problem) => found.problem = Some(problem),
        }
    }
    damaged_records(ntfs, &mut found);
    found
}

/// Lists the names of a file that no directory holds.
fn add(ntfs: &Ntfs, number: u32, file: &File, found: &mut Vec<NodeName>) {
    let table = ntfs.table();
    let node = NodeId(file.reference.0);
    let state = if file.is_in_use { NameState::Allocated } else { NameState::Deleted };
    // A directory has one place: a further name of it leads nowhere.
    let mut has_place = file.is_directory && table.parent(number).is_some();
    let names = file.names();
    for name in &names {
        let parent = u32::try_from(name.parent.number());
        if parent.is_ok_and(|parent| table.holds(parent, number)) {
            continue;
        }
        let state = if has_place { NameState::Reallocated } else { state };
        has_place |= file.is_directory;
        let kind = kind(file, name.kind());
        found.push(NodeName { name: name.wtf8(), node, kind, state });
    }
    if names.is_empty() {
        let kind = if file.is_directory { Kind::Directory } else { Kind::File };
        found.push(NodeName { name: made_name(number), node, kind, state });
    }
}

fn made_name(number: u32) -> Vec<u8> {
    format!("record-{number}").into_bytes()
}

/// Lists the damaged records that no index names.
fn damaged_records(ntfs: &Ntfs, found: &mut NodeNames) {
    let table = ntfs.table();
    if table.damaged.is_empty() {
        return;
    }
    let map = File::load(&ntfs.mft, 0).ok();
    let map = map.and_then(|mft| mft.value(attribute::BITMAP, &[]));
    let map = map.and_then(|map| map.read(ntfs.volume(), LIMIT_MAP_BYTES).ok());
    for &number in &table.damaged {
        if number == ROOT || ntfs.adopter(number).is_some() {
            continue;
        }
        let state = table.state(number);
        let byte = map.as_ref().and_then(|map| map.get(short(u64::from(number >> 3)))).copied();
        let is_free = byte.is_some_and(|byte| byte >> (number & 7) & 1 == 0);
        if is_free && !state.is_directory() {
            let text = "a free record is damaged: the name of a deleted file may be missing";
            found.problem.get_or_insert_with(|| damaged(text));
            continue;
        }
        found.names.push(NodeName {
            name: made_name(number),
            node: NodeId(Reference::new(u64::from(number), state.sequence()).0),
            kind: if state.is_directory() { Kind::Directory } else { Kind::Unknown },
            state: NameState::Allocated,
        });
    }
}

impl Ntfs {
    /// Returns the directory whose index lists a damaged record.
    pub(super) fn adopter(&self, damaged: u32) -> Option<u32> {
        self.adopted.get_or_init(|| adopt(self)).get(&damaged).copied()
    }
}

/// Finds, for every damaged record, the first directory that names it.
fn adopt(ntfs: &Ntfs) -> BTreeMap<u32, u32> {
    let table = ntfs.table();
    let mut adopted = BTreeMap::new();
    if table.damaged.is_empty() {
        return adopted;
    }
    for number in 0..table.len() {
        let state = table.state(number);
        if !state.is_file() || !state.is_directory() {
            continue;
        }
        let Ok(file) = File::load(&ntfs.mft, u64::from(number)) else {
            continue;
        };
        for name in Index::read(ntfs.volume(), &file).names.iter().filter(|name| name.is_live) {
            let Ok(child) = u32::try_from(name.file.number()) else {
                continue;
            };
            let is_free = !adopted.contains_key(&child) && table.state(child).is_damaged();
            if is_free && !leads_to(ntfs, &adopted, number, child) {
                adopted.insert(child, number);
            }
        }
    }
    adopted
}

/// Says whether the way up from a directory passes another one, or is too long to tell.
fn leads_to(ntfs: &Ntfs, adopted: &BTreeMap<u32, u32>, from: u32, to: u32) -> bool {
    let table = ntfs.table();
    let mut next = Some(from);
    for _ in 0..LIMIT_DEPTH {
        let Some(here) = next else {
            return false;
        };
        if here == to {
            return true;
        }
        next = table.parent(here).or_else(|| adopted.get(&here).copied());
    }
    true
}
