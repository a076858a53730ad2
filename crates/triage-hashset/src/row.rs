//! One row of a set: the digests of one file and what the set says of it.

use triage_hash::{Digest, Digests};

use crate::Reason;

/// One listed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its digests, at least one.
    pub digests: Digests,
    /// Its size in bytes, if the list gives one. Lists write 0 for unknown, so that 0 is none.
    pub size_bytes: Option<u64>,
    /// Its category, if the list gives one.
    pub category: Option<RowCategory>,
}

impl Row {
    /// Puts a digest in.
    ///
    /// # Errors
    /// [`Reason::Contradiction`] if there is another one of the same algorithm: which of the two
    /// is the file's cannot be told, and neither may be dropped in silence.
    pub(crate) fn add(&mut self, digest: Digest) -> Result<(), Reason> {
        match self.digests.get(digest.algorithm()) {
            Some(earlier) if earlier != digest => Err(Reason::Contradiction),
            _ => {
                self.digests.insert(digest);
                Ok(())
            }
        }
    }

    /// Sets the size.
    ///
    /// # Errors
    /// [`Reason::Contradiction`] if there is another one.
    pub(crate) fn set_size(&mut self, size_bytes: u64) -> Result<(), Reason> {
        match self.size_bytes.replace(size_bytes) {
            Some(earlier) if earlier != size_bytes => Err(Reason::Contradiction),
            _ => Ok(()),
        }
    }
}

/// A category as a list writes it; the scheme is that of the whole set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowCategory {
    /// The number.
    pub number: Option<i32>,
    /// The label, where the list writes words.
    pub label: Option<String>,
}

/// Longest label kept, in bytes; a label is a few words.
const MAX_LABEL: usize = 256;

impl RowCategory {
    /// Reads the text of a category column: a whole number, or else a label. Empty text is none.
    ///
    /// # Errors
    /// The text itself is given back if it is too long for a label or has control characters.
    pub(crate) fn from_text(text: &str) -> Result<Option<Self>, &str> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if let Ok(number) = text.parse() {
            return Ok(Some(Self { number: Some(number), label: None }));
        }
        if text.len() > MAX_LABEL || text.chars().any(char::is_control) {
            return Err(text);
        }
        Ok(Some(Self { number: None, label: Some(text.to_owned()) }))
    }
}
