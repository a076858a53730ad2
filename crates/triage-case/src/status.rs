//! What became of an entry: the classes of the coverage. Every record has exactly one.

use std::fmt;
use std::str::FromStr;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The whole content was read, once, and did not change meanwhile.
    Read,
    /// It was not read: its digests are those of an earlier examination, since everything that the
    /// file system says of its content is as it was then, and the plan asks for that.
    Carried,
    /// A part of the content could not be read; there is no digest of the whole.
    Partial,
    /// Nothing of the content, or of the listing, could be read.
    Unreadable,
    /// The content changed while it was read; digests are of the bytes that were read.
    Changed,
    /// The content is encrypted and no key was given.
    Encrypted,
    /// A rule of the scope left it out, before it was opened.
    Excluded,
    /// It has no content to read: a directory, a link, a pipe, a socket, a device node.
    NotRegular,
    /// It is larger than the limit of the plan, and was not opened.
    TooLarge,
    /// It is of a kind that this program does not read, such as a volume of another system.
    Unsupported,
    /// A deleted entry of which nothing is left to read.
    Lost,
    /// Bytes of the disk that belong to no file. They are counted, not searched.
    Unallocated,
    /// No set lists a file of its size, and the plan asks to leave such files unread.
    SizeNotListed,
    /// The run ended by its budget, its hit limit or the operator before it was its turn.
    NotReached,
}

impl Status {
    /// Every status, in the order of reports.
    pub const ALL: [Self; 14] = [
        Self::Read,
        Self::Carried,
        Self::Partial,
        Self::Unreadable,
        Self::Changed,
        Self::Encrypted,
        Self::Excluded,
        Self::NotRegular,
        Self::TooLarge,
        Self::Unsupported,
        Self::Lost,
        Self::Unallocated,
        Self::SizeNotListed,
        Self::NotReached,
    ];

    /// Returns the name used in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Carried => "carried",
            Self::Partial => "partial",
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::Encrypted => "encrypted",
            Self::Excluded => "excluded",
            Self::NotRegular => "not_regular",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::Lost => "lost",
            Self::Unallocated => "unallocated",
            Self::SizeNotListed => "size_not_listed",
            Self::NotReached => "not_reached",
        }
    }

    /// Returns the words used in reports.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Read => "read in full",
            Self::Carried => "not read now: digests carried from an earlier examination",
            Self::Partial => "read in part",
            Self::Unreadable => "could not be read",
            Self::Changed => "changed while being read",
            Self::Encrypted => "encrypted",
            Self::Excluded => "outside the scope",
            Self::NotRegular => "no content (directory, link, pipe, socket, device)",
            Self::TooLarge => "larger than the size limit",
            Self::Unsupported => "of a kind that is not read",
            Self::Lost => "deleted, nothing left to read",
            Self::Unallocated => "space that belongs to no file",
            Self::SizeNotListed => "not read: no set lists a file of that size",
            Self::NotReached => "not reached before the run ended",
        }
    }

    /// Says whether the digests are those of the whole content, read now or at an earlier visit.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Read | Self::Carried)
    }

    /// Says whether an entry with this status leaves the requested scope incompletely examined.
    #[must_use]
    pub const fn is_gap(self) -> bool {
        !matches!(
            self,
            Self::Read
                | Self::Carried
                | Self::Excluded
                | Self::NotRegular
                | Self::Lost
                | Self::Unallocated
                | Self::SizeNotListed
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = ();

    /// Reads the name used in the manifest.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(())
    }
}
