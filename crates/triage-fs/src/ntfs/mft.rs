//! The master file table: where its records lie, and reading them.
//!
//! Spec: libfsntfs documentation, "The master file table"; the bootstrap of a table whose own
//! attributes are split is `ntfs_mft_load` in ntfs-3g and `ntfs_read_mft` in the Linux kernel.

use triage_evidence::Problem;

use super::attribute::{self, Body};
use super::attribute_list;
use super::bytes::{damaged, long};
use super::record::{Record, apply_fixups};
use super::run_list;
use super::value::Value;
use super::volume::Volume;

/// The signature of a record.
const SIGNATURE: [u8; 4] = *b"FILE";

/// The master file table.
pub(super) struct Mft {
    volume: Volume,
    data: Value,
    /// How many records it has.
    pub(super) records: u64,
    /// What is wrong with the table itself.
    pub(super) problems: Vec<Problem>,
}

impl Mft {
    /// Finds the table: by its first record or, if that is damaged, by the copy of it.
    ///
    /// # Errors
    /// A [`Problem`] if neither can be read.
    pub(super) fn open(volume: Volume) -> Result<Self, Problem> {
        let boot = volume.boot;
        let mut problems = Vec::new();
        let first = match first_record(&volume, boot.mft_cluster) {
            Ok(bytes) => bytes,
            Err(problem) => {
                problems.push(problem);
                let copy = first_record(&volume, boot.mirror_cluster);
                copy.map_err(|_| damaged("the first record of the MFT and its copy are damaged"))?
            }
        };
        let mut mft = Self { volume, data: Value::default(), records: 0, problems };
        mft.bootstrap(&first)?;
        Ok(mft)
    }

    /// Learns from the first record where the others lie.
    fn bootstrap(&mut self, first: &[u8]) -> Result<(), Problem> {
        let nothing = || damaged("the first record of the MFT does not say where it lies");
        let record = Record::parse(first).ok_or_else(nothing)?;
        let attributes = || record.attributes();
        let is_data = |found: &attribute::Attribute<'_>| {
            found.kind == attribute::DATA && found.name.is_empty()
        };
        self.data = Value::assemble(attributes().filter(is_data)).ok_or_else(nothing)?;
        if self.data.extents.is_empty() {
            return Err(nothing());
        }
        self.count();
        let list = attributes().find(|found| found.kind == attribute::ATTRIBUTE_LIST);
        if let Some(list) = list.and_then(|list| Value::assemble(std::iter::once(list))) {
            self.extend(&list);
        }
        if let Some(problem) = self.data.problem.take() {
            self.problems.push(problem);
        }
        self.count();
        Ok(())
    }

    /// Follows the attribute list of the table. Each piece lies in a record that the pieces before
    /// it hold, so the list is followed in the order of the clusters.
    fn extend(&mut self, list: &Value) {
        let list = match list.read(&self.volume, attribute_list::LIMIT_BYTES) {
            Ok(list) => list,
            Err(problem) => {
                self.problems.push(problem);
                return;
            }
        };
        if !attribute_list::is_whole(&list) {
            self.problems.push(damaged("the list of the attributes of the MFT breaks off"));
        }
        let mut pieces: Vec<_> = attribute_list::entries(&list)
            .filter(|entry| entry.kind == attribute::DATA && entry.first > 0)
            .collect();
        pieces.sort_by_key(|entry| entry.first);
        for entry in pieces {
            let end = self.data.extents.last().map_or(0, run_list::Extent::end);
            if entry.first != end || !self.append(entry.holder.number(), end) {
                let text = "a piece of the MFT cannot be found: its records from there are lost";
                self.problems.push(damaged(text));
                return;
            }
            self.count();
        }
    }

    fn append(&mut self, holder: u64, first: u64) -> bool {
        let Ok(bytes) = self.read(holder) else {
            return false;
        };
        let Some(record) = Record::parse(&bytes) else {
            return false;
        };
        let mut runs = record.attributes().filter_map(|found| match found.body {
            Body::Clusters(piece) if found.kind == attribute::DATA && found.name.is_empty() => {
                (piece.first == first).then_some(piece.runs)
            }
            _ => None,
        });
        let Some(runs) = runs.next() else {
            return false;
        };
        self.data.extents.extend(run_list::decode(runs, first));
        true
    }

    /// Counts the records: no more than the size says, than the known clusters hold and than
    /// there is room for on the volume, so that a hostile size reserves no memory.
    fn count(&mut self) {
        let cluster_bytes = self.volume.boot.cluster_bytes;
        let mut left = self.volume.held_clusters();
        let mut end = 0;
        for extent in &self.data.extents {
            // Holes and clusters that are used twice hold no records of their own.
            if extent.cluster.is_none() || extent.count > left {
                let text = "the runs of the MFT are impossible: its records from there are lost";
                self.problems.push(damaged(text));
                break;
            }
            left = left.saturating_sub(extent.count);
            end = extent.end();
        }
        self.data.extents.retain(|extent| extent.end() <= end);
        let sizes = &self.data.sizes;
        let bytes = end.saturating_mul(cluster_bytes).min(sizes.size_bytes).min(sizes.valid_bytes);
        self.records = bytes.checked_div(long(self.volume.boot.record_bytes)).unwrap_or(0);
    }

    /// Returns the volume.
    pub(super) const fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Returns the size of a record in bytes.
    pub(super) const fn record_bytes(&self) -> usize {
        self.volume.boot.record_bytes
    }

    /// Reads the bytes of records as they lie on the disk, fixups not applied.
    ///
    /// # Errors
    /// A [`Problem`] if one of them cannot be read.
    pub(super) fn read_raw(&self, first: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let offset = first.saturating_mul(long(self.record_bytes()));
        self.volume.fill(&self.data.extents, offset, buffer)
    }

    /// Reads one record and applies its fixups.
    ///
    /// # Errors
    /// A [`Problem`] if there is no such record, or if it cannot be read or is damaged.
    pub(super) fn read(&self, number: u64) -> Result<Vec<u8>, Problem> {
        if number >= self.records {
            return Err(damaged("there is no record of that number"));
        }
        let mut bytes = vec![0; self.record_bytes()];
        // The offset would be one of the volume, not of the content that is asked for.
        let elsewhere = |problem| Problem { offset: None, ..problem };
        self.read_raw(number, &mut bytes).map_err(elsewhere)?;
        repair(&mut bytes)?;
        Ok(bytes)
    }
}

/// Applies the fixups of a record.
///
/// # Errors
/// A [`Problem`] if they do not fit.
pub(super) fn repair(bytes: &mut [u8]) -> Result<(), Problem> {
    apply_fixups(bytes, SIGNATURE).map_err(|problem| Problem { offset: None, ..problem })
}

fn first_record(volume: &Volume, cluster: u64) -> Result<Vec<u8>, Problem> {
    let start = cluster.saturating_mul(volume.boot.cluster_bytes);
    let mut bytes = vec![0; volume.boot.record_bytes];
    volume.read_exact(start, &mut bytes)?;
    repair(&mut bytes)?;
    Ok(bytes)
}
