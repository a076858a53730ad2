//! The master boot record with its chain of extended boot records.
//!
//! Layout: four entries of 16 bytes at 446 (flag, CHS, type, CHS, first sector, sector count,
//! little-endian), 55 AA at 510. An extended partition holds a chain of such records with one
//! logical volume and one link each; links count from the start of the extended partition.

use std::collections::HashSet;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{has, read, u8_at, u32_at};
use crate::map::{Found, Volume};
use crate::type_name;

/// The length of a record.
const RECORD_BYTES: usize = 512;
/// Where the four entries begin.
const ENTRIES: usize = 446;
/// The length of an entry.
const ENTRY_BYTES: usize = 16;
/// The first number of a logical volume.
const FIRST_LOGICAL: u32 = 5;
/// The most logical volumes that are followed: Linux stops at 255.
const LIMIT_LOGICAL: u32 = 256;
/// The type of the entry that protects a GPT.
const PROTECTIVE: u8 = 0xee;

/// One entry of a record.
#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: u8,
    first: u64,
    count: u64,
}

impl Slot {
    fn is_extended(self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85)
    }
}

/// The four entries of a record, if it is one.
fn slots(record: &[u8]) -> Option<[Option<Slot>; 4]> {
    if !has(record, 510, &[0x55, 0xaa]) {
        return None;
    }
    let mut slots = [None; 4];
    for (place, slot) in slots.iter_mut().enumerate() {
        let at = ENTRIES.checked_add(place.checked_mul(ENTRY_BYTES)?)?;
        if !matches!(u8_at(record, at)?, 0x00 | 0x80) {
            return None;
        }
        let kind = u8_at(record, at.checked_add(4)?)?;
        let first = u64::from(u32_at(record, at.checked_add(8)?)?);
        let count = u64::from(u32_at(record, at.checked_add(12)?)?);
        // An entry without a length was a volume once, if it says where that begins.
        *slot = (kind != 0 && first.max(count) > 0).then_some(Slot { kind, first, count });
    }
    Some(slots)
}

/// Says whether the disk begins with a record that protects a GPT.
pub(crate) fn is_protective(source: &dyn ByteSource) -> bool {
    let slots = slots(&read(source, 0, RECORD_BYTES));
    slots.is_some_and(|slots| slots.into_iter().flatten().any(|slot| slot.kind == PROTECTIVE))
}

/// Reads the table of a disk; `None` if there is none that makes sense.
pub(crate) fn read_table(source: &dyn ByteSource) -> Option<Found> {
    let slots = slots(&read(source, 0, RECORD_BYTES))?;
    let sector = u64::from(source.sector_bytes());
    let disk = source.size_bytes();
    let starts_inside = |slot: &Slot| slot.first > 0 && slot.first.saturating_mul(sector) < disk;
    if !slots.iter().flatten().any(starts_inside) {
        return None;
    }
    let mut found = Found::default();
    for (number, slot) in (1_u32..).zip(slots) {
        match slot {
            Some(slot) if slot.is_extended() => chain(source, slot, sector, &mut found),
            Some(slot) => found.volumes.push(volume(number, slot, slot.first, sector)),
            None => {}
        }
    }
    Some(found)
}

fn volume(number: u32, slot: Slot, first: u64, sector: u64) -> Volume {
    let text = "the table gives the volume no length";
    let problem = (slot.count == 0).then(|| Problem::new(ProblemKind::Damaged, text));
    Volume {
        number,
        problems: problem.into_iter().collect(),
        start: first.saturating_mul(sector),
        size_bytes: slot.count.saturating_mul(sector),
        type_name: type_name::of_mbr(slot.kind),
        ..Volume::default()
    }
}

/// Follows the chain of an extended partition.
fn chain(source: &dyn ByteSource, extended: Slot, sector: u64, found: &mut Found) {
    let logical = found.volumes.iter().map(|volume| volume.number).max().unwrap_or(0);
    let mut number = FIRST_LOGICAL.max(logical.saturating_add(1));
    let mut at = extended.first;
    let mut seen = HashSet::new();
    let end = at.saturating_add(extended.count).saturating_mul(sector);
    if end > source.size_bytes() {
        let text = "the extended partition goes on behind the end of the disk";
        let lost = end.saturating_sub(source.size_bytes());
        let problem = Problem::new(ProblemKind::Damaged, text).losing(lost);
        found.notes.push(problem.at(source.size_bytes()));
    }
    loop {
        if !seen.insert(at) || number > LIMIT_LOGICAL {
            let text = "the chain of logical volumes goes in circles";
            found.note(undescribed(text, extended, at, sector), at, sector);
            return;
        }
        let record = read(source, at.saturating_mul(sector), RECORD_BYTES);
        let Some(slots) = slots(&record) else {
            let text = "a record of the chain of logical volumes is damaged";
            found.note(undescribed(text, extended, at, sector), at, sector);
            return;
        };
        let mut next = None;
        for slot in slots.into_iter().flatten() {
            if slot.is_extended() {
                next = next.or(Some(extended.first.saturating_add(slot.first)));
            } else {
                let first = at.saturating_add(slot.first);
                found.volumes.push(volume(number, slot, first, sector));
                number = number.saturating_add(1);
            }
        }
        match next {
            Some(link) => at = link,
            None => return,
        }
    }
}

/// What lies behind a record that cannot be followed is described by nothing.
fn undescribed(text: &str, extended: Slot, at: u64, sector: u64) -> Problem {
    let end = extended.first.saturating_add(extended.count);
    let sectors = end.saturating_sub(at).max(1);
    Problem::new(ProblemKind::Damaged, text).losing(sectors.saturating_mul(sector))
}
