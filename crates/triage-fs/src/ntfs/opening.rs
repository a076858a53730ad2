//! Opening a volume, and opening the content of its files.

use std::sync::{Arc, OnceLock};

use triage_evidence::{ByteSource, Problem, ProblemKind, Recovery, Run, Stream, VolumeFacts};

use super::attribute;
use super::bitmap::ClusterMap;
use super::boot_sector::{BOOT_BYTES, BootSector};
use super::bytes::{damaged, long, slice_at, u16_at};
use super::file::File;
use super::mft::Mft;
use super::record::Reference;
use super::value::Value;
use super::volume::Volume;
use super::{Ntfs, compression, examine, recovery, wof};
use crate::run_stream::RunStream;
use crate::wtf8::wtf8;

/// The record of the volume's name and state.
const VOLUME_RECORD: u64 = 3;
/// The record of the root directory, which always has the same sequence as its number.
const ROOT: u64 = 5;
const ROOT_SEQUENCE: u16 = 5;
/// The record of the map of clusters.
const BITMAP_RECORD: u64 = 6;
/// The last two bytes of a boot sector of any system, 55 AA.
const BOOTABLE: u16 = 0xaa55;
/// The volume was not unmounted cleanly.
const DIRTY: u16 = 1;

/// Opens a volume.
///
/// # Errors
/// A [`Problem`] if it is not NTFS or if the MFT cannot be found.
pub(super) fn open(source: Arc<dyn ByteSource>) -> Result<Ntfs, Problem> {
    let (boot, from_backup) = match boot_sector(&source, 0) {
        Ok(boot) => (boot, None),
        Err(problem) => {
            let boot = backup(&source).ok_or(problem)?;
            (boot, Some(damaged("the boot sector is damaged: its backup was read")))
        }
    };
    let held = source.size_bytes();
    let mft = Mft::open(Volume { source, boot })?;
    let mut facts = VolumeFacts {
        file_system: "ntfs",
        identifier: Some(format!("{:016X}", boot.serial)),
        cluster_bytes: boot.cluster_bytes,
        size_bytes: boot.size_bytes(),
        problems: from_backup.into_iter().chain(mft.problems.iter().cloned()).collect(),
        ..VolumeFacts::default()
    };
    if held < boot.size_bytes() {
        let text = "the image ends before the volume does";
        let lost = boot.size_bytes().saturating_sub(held);
        facts.problems.push(damaged(text).at(held).losing(lost));
    }
    describe(&mft, &mut facts);
    let root = File::load(&mft, ROOT).map(|root| root.reference);
    let map = File::load(&mft, BITMAP_RECORD);
    let map = map.ok().and_then(|file| file.value(attribute::DATA, &[]));
    Ok(Ntfs {
        mft,
        facts,
        root: root.unwrap_or(Reference::new(ROOT, ROOT_SEQUENCE)),
        clusters: map.map(ClusterMap::new),
        table: OnceLock::new(),
        adopted: OnceLock::new(),
    })
}

fn boot_sector(source: &dyn ByteSource, offset: u64) -> Result<BootSector, Problem> {
    let mut sector = [0; BOOT_BYTES];
    let read = source.read_at(offset, &mut sector)?;
    BootSector::parse(sector.get(..read).unwrap_or_default())
}

/// Reads the backup of a boot sector that was lost. What was formatted anew often still has an old
/// backup at its end: a boot sector of anything else is not a lost one.
fn backup(source: &dyn ByteSource) -> Option<BootSector> {
    let mut first = [0; BOOT_BYTES];
    let is_other = source.read_at(0, &mut first).is_ok()
        && slice_at(&first, 3, 4) != Some(b"NTFS")
        && u16_at(&first, BOOT_BYTES.saturating_sub(2)) == Some(BOOTABLE);
    let last = source.size_bytes().checked_sub(u64::from(source.sector_bytes()))?;
    let boot = boot_sector(source, last).ok().filter(|_| !is_other)?;
    (boot.size_bytes() == last).then_some(boot)
}

/// Reads the label and the state of the volume.
fn describe(mft: &Mft, facts: &mut VolumeFacts) {
    let file = match File::load(mft, VOLUME_RECORD) {
        Ok(file) => file,
        Err(problem) => {
            facts.problems.push(problem);
            return;
        }
    };
    for attribute in file.attributes() {
        let value = attribute.resident().unwrap_or_default();
        match attribute.kind {
            attribute::VOLUME_NAME if !value.is_empty() => facts.label = Some(wtf8(value)),
            attribute::VOLUME_INFORMATION
                if u16_at(value, 10).is_some_and(|flags| flags & DIRTY != 0) =>
            {
                let text = "the volume was not unmounted cleanly: its journal is not replayed";
                facts.problems.push(damaged(text));
            }
            _ => {}
        }
    }
}

/// Finds the content of a file, or a stream beside it.
fn find(file: &File, stream: Option<&[u8]>) -> Result<Value, Problem> {
    let Some(stream) = stream else {
        if file.is_directory {
            return Err(Problem::new(ProblemKind::Unsupported, "a directory has no content"));
        }
        return match file.value(attribute::DATA, &[]) {
            Some(value) => Ok(value),
            None => match &file.problem {
                Some(problem) => Err(problem.clone()),
                None if !file.is_in_use => Err(lost()),
                // A file of the file system itself may have no content at all.
                None => Ok(Value::default()),
            },
        };
    };
    let is_asked = |found: &attribute::Attribute<'_>| {
        found.kind == attribute::DATA && !found.name.is_empty() && wtf8(found.name) == stream
    };
    let value = Value::assemble(file.attributes().filter(is_asked));
    value.ok_or_else(|| damaged("the file has no stream of that name"))
}

fn lost() -> Problem {
    damaged("nothing says where the content of the deleted file was")
}

/// Opens the content of a file, or a stream beside it.
///
/// # Errors
/// A [`Problem`] if there is none or if it is not read.
pub(super) fn stream(
    ntfs: &Ntfs,
    file: &File,
    stream: Option<&[u8]>,
) -> Result<Box<dyn Stream>, Problem> {
    let value = find(file, stream)?;
    let volume = ntfs.volume();
    let sizes = value.sizes;
    if stream.is_none()
        && let Some(method) = examine::overlay(ntfs, file, sizes)?
    {
        if let Some(packed) = file.value(attribute::DATA, wof::STREAM) {
            refuse_lost(ntfs, file, &packed)?;
            return wof::open(volume, packed, method, sizes.size_bytes);
        }
        if sizes.allocated_bytes < sizes.size_bytes {
            return Err(wof::missing());
        }
    }
    refuse_lost(ntfs, file, &value)?;
    if value.is_encrypted {
        return Err(examine::encrypted());
    }
    if let Some(bytes) = value.resident {
        let runs = vec![Run { start: Some(0), size_bytes: long(bytes.len()) }];
        let size = sizes.size_bytes;
        return Ok(Box::new(RunStream::new(Arc::new(bytes), runs, size, size)));
    }
    if value.is_compressed && sizes.unit_shift > 0 {
        return compression::open(volume, value);
    }
    let source = Arc::clone(&volume.source);
    let runs = volume.runs(&value.extents);
    Ok(Box::new(RunStream::new(source, runs, sizes.size_bytes, sizes.valid_bytes)))
}

/// Refuses content that belongs to other files by now.
fn refuse_lost(ntfs: &Ntfs, file: &File, value: &Value) -> Result<(), Problem> {
    if file.is_in_use || recovery::of_value(ntfs, value) != Recovery::Lost {
        return Ok(());
    }
    if value.extents.is_empty() {
        return Err(lost());
    }
    Err(damaged("every cluster of the deleted file belongs to another file by now"))
}

/// Returns where the content of a file lies, or a stream beside it.
///
/// # Errors
/// A [`Problem`] if there is none.
pub(super) fn runs(ntfs: &Ntfs, file: &File, stream: Option<&[u8]>) -> Result<Vec<Run>, Problem> {
    let mut value = find(file, stream)?;
    let volume = ntfs.volume();
    if stream.is_none()
        && matches!(examine::overlay(ntfs, file, value.sizes), Ok(Some(_)))
        && let Some(packed) = file.value(attribute::DATA, wof::STREAM)
    {
        value = packed;
    }
    let mut runs = volume.runs(&value.extents);
    // The last cluster is not filled; units that are compressed end in holes of their own.
    let mut left = value.sizes.size_bytes;
    if !value.is_compressed {
        for run in &mut runs {
            run.size_bytes = run.size_bytes.min(left);
            left = left.saturating_sub(run.size_bytes);
        }
        runs.retain(|run| run.size_bytes > 0);
    }
    Ok(runs)
}
