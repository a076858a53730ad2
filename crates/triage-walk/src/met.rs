//! What a walk hands out.

use std::sync::Arc;

use triage_evidence::{Directory, Entry, Problem};

/// What is to be done with an entry, decided before anything of it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A regular file in scope: its content is to be read.
    Content,
    /// It has no content: a directory that was listed in full, a link, a pipe, a socket, a node.
    NotRegular,
    /// A rule leaves it out.
    Excluded {
        /// The name of the rule.
        rule: String,
    },
    /// It is larger than the plan's limit.
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// The walk was stopped before its turn. It was not examined.
    NotReached,
    /// It is deleted and nothing of it is left to read, for that reason if one is known.
    Lost(Option<Problem>),
    /// Bytes that belong to no file: counted, not read.
    Unallocated,
    /// It could not be examined or listed.
    Unreadable(Problem),
    /// A directory that could be listed only in part.
    Partial(Problem),
}

/// One entry met.
#[derive(Clone, Debug)]
pub struct Met {
    /// Its place in the walk, from 0.
    pub seq: u64,
    /// The entry.
    pub entry: Entry,
    /// What is to be done with it.
    pub verdict: Verdict,
}

/// Entries of one directory that were met one after the other.
pub struct Batch {
    /// The directory that opens them.
    pub directory: Arc<dyn Directory>,
    /// The entries, in the order of the walk; never empty.
    pub met: Vec<Met>,
}

/// How a walk goes on after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// As planned.
    Continue,
    /// Names that are known already are handed out as not reached; nothing more is listed.
    Stop,
    /// At once nothing more.
    Abort,
}

/// The walk's own count of what it handed out, kept apart from the manifest's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries handed out.
    pub entries: u64,
    /// The sizes of the files, unread volumes and free spaces among them, in bytes.
    pub bytes: u64,
    /// Entries that may have content but whose size is not known.
    pub unsized_entries: u64,
    /// Directories that an earlier run has met and that could not be listed again: what is below
    /// them is missing from this walk.
    pub lost_directories: u64,
}
