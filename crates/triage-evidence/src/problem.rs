//! Why something in the evidence could not be read. Evidence trouble is data, not an error.

use std::fmt;
use std::str::FromStr;

/// What went wrong, in the words of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The device or the operating system refused to give the bytes.
    Unreadable,
    /// The bytes contradict the format that they claim to be in.
    Damaged,
    /// The format or feature is known and not read by this program.
    Unsupported,
    /// The content is encrypted and no key was given.
    Encrypted,
    /// A limit of the plan or of this program was reached.
    LimitReached,
    /// The deadline of a single read passed.
    TimedOut,
    /// The entry changed while it was read.
    Changed,
    /// This program failed on the entry; the scan went on.
    Internal,
}

impl ProblemKind {
    /// Every kind, in order.
    pub const ALL: [Self; 8] = [
        Self::Unreadable,
        Self::Damaged,
        Self::Unsupported,
        Self::Encrypted,
        Self::LimitReached,
        Self::TimedOut,
        Self::Changed,
        Self::Internal,
    ];

    /// Returns the name used in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
            Self::Encrypted => "encrypted",
            Self::LimitReached => "limit_reached",
            Self::TimedOut => "timed_out",
            Self::Changed => "changed",
            Self::Internal => "internal",
        }
    }
}

impl FromStr for ProblemKind {
    type Err = ();

    /// Reads the name used in the manifest.
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}

/// A range of a content that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// Where it begins, in bytes from the start of the content.
    pub offset: u64,
    /// How long it is, in bytes.
    pub size_bytes: u64,
}

/// Why an entry, or a part of it, could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub kind: ProblemKind,
    /// The operating system's name for it, such as `EIO`; empty when it was not asked.
    pub code: String,
    /// One sentence without a full stop; never holds a name from the evidence.
    pub text: String,
    /// Where in the content, in bytes from its start.
    pub offset: Option<u64>,
    /// How many bytes could not be read, where that is known.
    pub lost_bytes: Option<u64>,
    /// Which bytes, if they lie in more than one range: sorted and apart.
    pub ranges: Vec<LostRange>,
}

impl Problem {
    /// Returns a problem without a code or a place.
    #[must_use]
    pub fn new(kind: ProblemKind, text: impl Into<String>) -> Self {
        let (code, text) = (String::new(), text.into());
        Self { kind, code, text, offset: None, lost_bytes: None, ranges: Vec::new() }
    }

    /// Returns this problem with the operating system's code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// Returns this problem with its place in the content.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Returns this problem with the number of bytes that were lost.
    #[must_use]
    pub fn losing(mut self, lost_bytes: u64) -> Self {
        self.lost_bytes = Some(lost_bytes);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if !self.code.is_empty() {
            write!(f, " ({})", self.code)?;
        }
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        if self.ranges.len() > 1 {
            write!(f, " and in {} more ranges", self.ranges.len() - 1)?;
        }
        Ok(())
    }
}
