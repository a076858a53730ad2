//! One row of a set: the digests of one file and what the set says of it.

use triage_hash::{Digest, Digests};

use crate::category::label as scheme_label;
use crate::{Category, Perceptual, PerceptualKind, Reason};

/// One listed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its digests, at least one.
    pub digests: Digests,
    /// Its size in bytes, if the list gives one. Lists write 0 for unknown, so that 0 is none.
    pub size_bytes: Option<u64>,
    /// Its category, if the list gives one.
    pub category: Option<RowCategory>,
    /// Its perceptual digests, which are kept and never matched.
    pub perceptual: Vec<Perceptual>,
    /// How many texts stood where perceptual digests should, and are none.
    pub no_perceptual: u32,
}

/// Most perceptual digests of one row: a film may have a few, nothing has many.
const MAX_PERCEPTUAL: usize = 64;

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

    /// Puts a perceptual digest in. What is none does not spoil the row: its exact digests matter.
    pub(crate) fn add_perceptual(&mut self, kind: PerceptualKind, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match Perceptual::from_text(kind, text).filter(|_| self.perceptual.len() < MAX_PERCEPTUAL) {
            Some(digest) => self.perceptual.push(digest),
            None => self.no_perceptual = self.no_perceptual.saturating_add(1),
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
        let label = Self::label_of(text).ok_or(text)?;
        Ok(Some(Self { number: None, label: Some(label) }))
    }

    /// Returns a label, unless it is too long for one or has control characters.
    pub(crate) fn label_of(text: &str) -> Option<String> {
        let is_good = text.len() <= MAX_LABEL && !text.chars().any(char::is_control);
        is_good.then(|| text.to_owned())
    }

    /// Returns what a list would have said to get this category. The label that its scheme gives to
    /// a number comes back by itself.
    pub(crate) fn of(category: Category) -> Self {
        let Category { scheme, number, label } = category;
        let comes_back = |text: &String| {
            number.is_some_and(|number| scheme_label(&scheme, number) == Some(text))
        };
        Self { number, label: label.filter(|text| !comes_back(text)) }
    }
}
