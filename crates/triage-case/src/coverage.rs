//! What was looked at and what was not, in entries and in bytes. The sums must hold.

use triage_evidence::Kind;

use crate::{Record, Status};

/// The part of the exhibit that has one status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many entries.
    pub entries: u64,
    /// The logical sizes of the regular files, volumes and spaces among them, in bytes.
    pub bytes: u64,
}

/// Every entry met, by status. Bytes count what holds bytes: files, unread volumes, free space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    shares: [Share; Status::ALL.len()],
    /// Bytes that were read of files that could be read in part only.
    partial_bytes_read: u64,
    /// Entries that may have content but whose size the file system would not tell.
    unsized_entries: u64,
    /// Directories of which not every name is known, so that more may be missing than is counted.
    unlisted_directories: u64,
    /// Entries with at least one alerting match.
    hits: u64,
    /// Those of them whose alerting matches are all probable only.
    probable_hits: u64,
    /// Deleted entries: they stand in the shares too, and their bytes are not free of doubles.
    deleted: Share,
}

impl Coverage {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        let share = &mut self.shares[record.status as usize];
        share.entries += 1;
        if let (true, Some(size)) = (record.entry.kind.holds_bytes(), record.entry.size_bytes) {
            share.bytes = share.bytes.saturating_add(size);
            if record.entry.recovery.is_some() {
                self.deleted.bytes = self.deleted.bytes.saturating_add(size);
            }
        }
        self.deleted.entries += u64::from(record.entry.recovery.is_some());
        self.unsized_entries += u64::from(record.entry.lacks_size());
        if record.status == Status::Partial && record.entry.kind == Kind::File {
            self.partial_bytes_read = self.partial_bytes_read.saturating_add(record.bytes_read);
        }
        if record.entry.kind == Kind::Directory && record.status.is_gap() {
            self.unlisted_directories += 1;
        }
        if record.is_hit() {
            self.hits += 1;
        }
        self.probable_hits += u64::from(record.is_only_probable_hit());
    }

    /// Adds another coverage, of other entries.
    pub fn merge(&mut self, other: &Self) {
        for (share, more) in self.shares.iter_mut().zip(&other.shares) {
            share.entries += more.entries;
            share.bytes = share.bytes.saturating_add(more.bytes);
        }
        self.partial_bytes_read = self.partial_bytes_read.saturating_add(other.partial_bytes_read);
        self.unsized_entries += other.unsized_entries;
        self.unlisted_directories += other.unlisted_directories;
        self.hits += other.hits;
        self.probable_hits += other.probable_hits;
        self.deleted.entries += other.deleted.entries;
        self.deleted.bytes = self.deleted.bytes.saturating_add(other.deleted.bytes);
    }

    /// Returns the part with that status.
    #[must_use]
    pub const fn share(&self, status: Status) -> Share {
        self.shares[status as usize]
    }

    /// Returns everything met.
    #[must_use]
    pub fn seen(&self) -> Share {
        self.shares.iter().fold(Share::default(), |sum, share| Share {
            entries: sum.entries + share.entries,
            bytes: sum.bytes.saturating_add(share.bytes),
        })
    }

    /// Returns the bytes whose content was read: whole files, changed files and parts.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.share(Status::Read)
            .bytes
            .saturating_add(self.share(Status::Changed).bytes)
            .saturating_add(self.partial_bytes_read)
    }

    /// Returns the bytes that were read of files that could be read in part only.
    #[must_use]
    pub const fn partial_bytes_read(&self) -> u64 {
        self.partial_bytes_read
    }

    /// Returns how many entries may have content but have no known size.
    #[must_use]
    pub const fn unsized_entries(&self) -> u64 {
        self.unsized_entries
    }

    /// Returns how many directories were not listed in full.
    #[must_use]
    pub const fn unlisted_directories(&self) -> u64 {
        self.unlisted_directories
    }

    /// Returns how many entries have at least one alerting match.
    #[must_use]
    pub const fn hits(&self) -> u64 {
        self.hits
    }

    /// Returns how many of the hits rest on bloom filters alone, which may be wrong.
    #[must_use]
    pub const fn probable_hits(&self) -> u64 {
        self.probable_hits
    }

    /// Returns the deleted entries among everything met.
    #[must_use]
    pub const fn deleted(&self) -> Share {
        self.deleted
    }

    /// Returns how many entries leave the requested scope incompletely examined.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        Status::ALL.into_iter().filter(|s| s.is_gap()).map(|s| self.share(s).entries).sum()
    }

    /// Says whether everything in the requested scope was examined.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps() == 0
    }
}
