//! NTFS on a byte source: files, streams, deleted names and what can be recovered of them.
//!
//! Nothing is followed and nothing is repaired: the journal is not replayed, links are told.
//! Spec: [MS-FSCC] for meanings; there is no published layout, so each structure names what it was
//! checked against (libfsntfs documentation, the Linux kernel's `fs/ntfs3`).
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod attribute;
mod attribute_list;
mod bitmap;
mod boot_sector;
mod claims;
mod compression;
mod examine;
mod file;
mod file_name;
mod forest;
mod index;
mod listing;
mod mft;
mod opening;
mod orphans;
mod record;
mod recovery;
mod reparse;
mod run_list;
mod standard_information;
mod table;
mod value;
mod volume;
mod wof;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use triage_evidence::{
    ByteSource, FileSystem, Kind, Node, NodeId, NodeNames, Problem, Run, Stream, VolumeFacts,
};

use crate::bytes;
use bitmap::ClusterMap;
use bytes::damaged;
use file::File;
use mft::Mft;
use record::Reference;
use table::Table;
use volume::Volume;

/// A volume of NTFS. A [`NodeId`] is the number of a record and, from bit 48 on, its sequence.
pub struct Ntfs {
    mft: Mft,
    facts: VolumeFacts,
    root: Reference,
    clusters: Option<ClusterMap>,
    /// Made when the first directory is listed: a look at the volume stays quick.
    table: OnceLock<Table>,
    /// Which directory lists a damaged record; made when there is one.
    adopted: OnceLock<BTreeMap<u32, u32>>,
}

/// Opens a volume of NTFS.
///
/// # Errors
/// A [`Problem`] if there is no boot sector of NTFS at the beginning, nor its backup at the end,
/// or if the MFT cannot be found.
pub fn open_ntfs(source: Arc<dyn ByteSource>) -> Result<Ntfs, Problem> {
    opening::open(source)
}

impl std::fmt::Debug for Ntfs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ntfs").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Ntfs {
    const fn volume(&self) -> &Volume {
        self.mft.volume()
    }

    fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::read(&self.mft))
    }

    const fn clusters(&self) -> Option<&ClusterMap> {
        self.clusters.as_ref()
    }

    /// Loads a file if its record still has that sequence.
    fn load(&self, reference: Reference) -> Result<File, Problem> {
        let file = File::load(&self.mft, reference.number())?;
        if file.reference != reference {
            return Err(damaged("the record belongs to another file by now"));
        }
        Ok(file)
    }

    /// Says whether records name this directory as the one that holds them.
    fn has_children(&self, directory: Reference) -> bool {
        let number = u32::try_from(directory.number());
        number.is_ok_and(|number| !self.table().children(number).is_empty())
    }
}

impl FileSystem for Ntfs {
    fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    fn root(&self) -> NodeId {
        NodeId(self.root.0)
    }

    fn inode(&self, node: NodeId) -> u64 {
        Reference(node.0).number()
    }

    fn node_text(&self, node: NodeId) -> String {
        let reference = Reference(node.0);
        format!("{}-{}", reference.number(), reference.sequence())
    }

    fn list(&self, directory: NodeId) -> NodeNames {
        listing::list(self, Reference(directory.0))
    }

    fn orphans(&self) -> NodeNames {
        orphans::list(self)
    }

    fn examine(&self, node: NodeId) -> Result<Node, Problem> {
        let reference = Reference(node.0);
        match self.load(reference) {
            Ok(file) => Ok(examine::examine(self, &file)),
            // A directory whose record is damaged still has the files that name it.
            Err(problem) => match u32::try_from(reference.number()) {
                Ok(number)
                    if self.table().state(number).is_damaged() && self.has_children(reference) =>
                {
                    let unread = Some(problem);
                    Ok(Node { unread, ..Node::new(Kind::Directory) })
                }
                _ => Err(problem),
            },
        }
    }

    fn open(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Box<dyn Stream>, Problem> {
        let file = self.load(Reference(node.0))?;
        opening::stream(self, &file, stream)
    }

    fn runs(&self, node: NodeId, stream: Option<&[u8]>) -> Result<Vec<Run>, Problem> {
        let file = self.load(Reference(node.0))?;
        opening::runs(self, &file, stream)
    }

    fn unallocated_bytes(&self) -> Result<u64, Problem> {
        let map = self.clusters().ok_or_else(|| damaged("the map of clusters is missing"))?;
        let free = map.count_free(self.volume())?;
        Ok(free.saturating_mul(self.volume().boot.cluster_bytes))
    }
}
