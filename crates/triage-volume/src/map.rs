//! The volumes of a disk and the gaps between them: together every byte of it.

use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::content::{Content, identify};
use crate::lost::Lost;
use crate::{gpt, lost, mbr};

/// The number of the first volume that no table names: no table counts that far.
const FIRST_LOST: u32 = 0x0001_0000;
/// How often volumes are looked for that no table names, in gaps and behind such volumes: a disk
/// has few of both.
const LIMIT_SEARCHED: u32 = 64;

/// How a disk is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// By a GUID partition table.
    Gpt,
    /// By a master boot record.
    Mbr,
    /// Not at all: one volume, number 0, takes the whole disk.
    Whole,
}

impl Scheme {
    /// Returns the name used in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpt => "gpt",
            Self::Mbr => "mbr",
            Self::Whole => "none",
        }
    }
}

/// A volume, as the table of the disk describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Its number as Linux counts: MBR 1 to 4 and logical ones from 5, GPT by entry, whole disk 0;
    /// 65,536 and more for those that no table names.
    pub number: u32,
    /// Where it begins, in bytes.
    pub start: u64,
    /// How long it is, in bytes, as far as the disk holds it.
    pub size_bytes: u64,
    /// What the table says that it is.
    pub type_name: String,
    /// The name in the table.
    pub label: Option<Vec<u8>>,
    /// The identifier in the table.
    pub identifier: Option<String>,
    /// What is wrong with it: beyond the end of the disk, or overlapping another.
    pub problems: Vec<Problem>,
    /// Whether no table names it: it was found by its signature, and its end is a guess.
    pub is_lost: bool,
}

/// A range of the disk that belongs to no volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where it begins, in bytes.
    pub start: u64,
    /// How long it is, in bytes.
    pub size_bytes: u64,
}

/// How a disk is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeMap {
    /// By what.
    pub scheme: Scheme,
    /// The identifier of the table.
    pub identifier: Option<String>,
    /// The volumes in the order of their numbers.
    pub volumes: Vec<Volume>,
    /// What belongs to none of them, the tables themselves included, in the order of the disk.
    pub gaps: Vec<Gap>,
    /// What is wrong with the table.
    pub problems: Vec<Problem>,
}

/// What a table says before it is compared with the disk.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) identifier: Option<String>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) notes: Vec<Problem>,
}

impl Found {
    /// Notes a problem at a sector.
    pub(crate) fn note(&mut self, problem: Problem, at: u64, sector: u64) {
        self.notes.push(problem.at(at.saturating_mul(sector)));
    }
}

/// Finds the volumes of a disk. A disk without a table that makes sense is one volume.
#[must_use]
pub fn read_volumes(source: &Arc<dyn ByteSource>) -> VolumeMap {
    let disk = source.as_ref();
    if let Some(found) = gpt::read_table(disk).filter(|_| is_divided(disk)) {
        return map(Scheme::Gpt, found, disk);
    }
    if is_divided(disk)
        && let Some(mut found) = mbr::read_table(disk)
    {
        if mbr::is_protective(disk) || gpt::is_signed(disk) {
            let text = "the partition table (GPT) and its copy are damaged";
            found.notes.push(Problem::new(ProblemKind::Damaged, text));
        }
        return map(Scheme::Mbr, found, disk);
    }
    let size_bytes = disk.size_bytes();
    let type_name = "not divided".to_owned();
    let volume = Volume { size_bytes, type_name, ..Volume::default() };
    map(Scheme::Whole, Found { volumes: vec![volume], ..Found::default() }, disk)
}

/// Says whether a file holds a disk: a partition table, or something with a signature.
#[must_use]
pub fn holds_disk(source: &dyn ByteSource) -> bool {
    !matches!(
        identify(source),
        Content::Blank | Content::Random | Content::Unknown | Content::Unreadable
    ) || gpt::read_table(source).is_some()
        || mbr::read_table(source).is_some()
}

/// A boot sector of FAT, exFAT, NTFS or BitLocker ends in 55 AA as a table does, and has code where
/// a table has its entries.
fn is_divided(disk: &dyn ByteSource) -> bool {
    !matches!(
        identify(disk),
        Content::FileSystem("ntfs" | "exfat" | "fat12" | "fat16" | "fat32")
            | Content::Encrypted("BitLocker" | "BitLocker To Go")
    )
}

fn map(scheme: Scheme, found: Found, disk: &dyn ByteSource) -> VolumeMap {
    let size_bytes = disk.size_bytes();
    let mut volumes = found.volumes;
    volumes.sort_by_key(|volume| volume.number);
    for volume in &mut volumes {
        clip(volume, size_bytes);
    }
    let mut by_start: Vec<usize> = (0..volumes.len()).collect();
    by_start.sort_by_key(|&place| volumes.get(place).map(|volume| (volume.start, place)));
    let mut gaps = Vec::new();
    let mut covered = 0_u64;
    for place in by_start {
        let Some(volume) = volumes.get_mut(place) else { continue };
        let end = volume.start.saturating_add(volume.size_bytes);
        if volume.start > covered {
            gaps.push(Gap { start: covered, size_bytes: volume.start.saturating_sub(covered) });
        } else if volume.start < covered && volume.size_bytes > 0 {
            let text = "the volume overlaps another one";
            volume.problems.push(Problem::new(ProblemKind::Damaged, text));
        }
        covered = covered.max(end);
    }
    if covered < size_bytes {
        gaps.push(Gap { start: covered, size_bytes: size_bytes.saturating_sub(covered) });
    }
    let (identifier, mut problems) = (found.identifier, found.notes);
    let gaps = search(disk, gaps, &mut volumes, &mut problems);
    VolumeMap { scheme, identifier, volumes, gaps, problems }
}

/// Looks for volumes in the gaps; returns what they leave of these.
fn search(
    disk: &dyn ByteSource,
    gaps: Vec<Gap>,
    volumes: &mut Vec<Volume>,
    problems: &mut Vec<Problem>,
) -> Vec<Gap> {
    let (mut left, mut unsearched) = (Vec::new(), None);
    let (mut searched, mut number) = (0_u32, FIRST_LOST);
    for gap in gaps {
        let mut rest = gap;
        while rest.size_bytes > 0 {
            if searched >= LIMIT_SEARCHED {
                unsearched = unsearched.or(Some(rest));
                break;
            }
            searched = searched.saturating_add(1);
            let look = lost::find(disk, rest);
            if let Some(place) = look.unread {
                let text = "a place where a lost volume may begin cannot be read";
                problems.push(Problem::new(ProblemKind::Unreadable, text).at(place).losing(512));
            }
            let Some(lost) = look.found else { break };
            let volume = lost_volume(number, &lost, rest);
            number = number.saturating_add(1);
            let before = lost.start.saturating_sub(rest.start);
            left.push(Gap { size_bytes: before, ..rest });
            let end = volume.start.saturating_add(volume.size_bytes);
            let taken = end.saturating_sub(rest.start);
            rest = Gap { start: end, size_bytes: rest.size_bytes.saturating_sub(taken) };
            volumes.push(volume);
        }
        left.push(rest);
    }
    if let Some(gap) = unsearched {
        let text = "not all space between volumes was searched for lost ones";
        let limit = Problem::new(ProblemKind::LimitReached, text);
        problems.push(limit.at(gap.start).losing(gap.size_bytes));
    }
    left.retain(|gap| gap.size_bytes > 0);
    left
}

/// Describes a volume that was found in a gap: it takes as much of the rest as it says that it has,
/// or all of it if it does not say.
fn lost_volume(number: u32, lost: &Lost, gap: Gap) -> Volume {
    let text = "no partition table names this volume: it was found by its signature";
    let end = gap.start.saturating_add(gap.size_bytes);
    let rest = end.saturating_sub(lost.start);
    Volume {
        number,
        start: lost.start,
        size_bytes: lost.stated_bytes.unwrap_or(rest).min(rest),
        type_name: "in no table".to_owned(),
        problems: vec![Problem::new(ProblemKind::Damaged, text).at(lost.start)],
        is_lost: true,
        ..Volume::default()
    }
}

/// Cuts a volume at the end of the disk.
fn clip(volume: &mut Volume, size_bytes: u64) {
    let end = volume.start.saturating_add(volume.size_bytes);
    if end <= size_bytes {
        return;
    }
    let held = size_bytes.saturating_sub(volume.start);
    let lost = volume.size_bytes.saturating_sub(held);
    let text = "the volume goes on behind the end of the disk";
    let problem = Problem::new(ProblemKind::Damaged, text).at(held).losing(lost);
    volume.problems.push(problem);
    volume.start = volume.start.min(size_bytes);
    volume.size_bytes = held;
}
