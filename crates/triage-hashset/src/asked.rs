//! Which sets could not have matched the files that they were asked for: no hit says nothing then.

use std::fmt;

use triage_hash::Algorithms;

use crate::{Index, Sets};

/// What sets were asked for: how many files have digests of which algorithms. Files of one
/// examination have the same ones, so that this is a list of very few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked(Vec<(Algorithms, u64)>);

impl Asked {
    /// Counts a file with digests of these algorithms; one without any is not asked for.
    pub fn add(&mut self, algorithms: Algorithms) {
        if algorithms.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| *known == algorithms) {
            Some((_, files)) => *files += 1,
            None => self.0.push((algorithms, 1)),
        }
    }

    /// Returns the first set that could not match some of the files for want of a digest.
    #[must_use]
    pub fn unanswered<'a>(&self, sets: &'a Sets) -> Option<Unanswered<'a>> {
        let of = |(algorithms, files): &(Algorithms, u64)| {
            let index = sets.unmatchable(*algorithms).next()?;
            Some(Unanswered { index, algorithms: *algorithms, files: *files })
        };
        self.0.iter().find_map(of)
    }
}

/// A set that could not match files for want of a digest.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered<'a> {
    /// The set.
    pub index: &'a Index,
    /// The algorithms of the files' digests.
    pub algorithms: Algorithms,
    /// How many files have just these.
    pub files: u64,
}

impl fmt::Display for Unanswered<'_> {
    /// Writes it for a person. The name of the set is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, algorithms, files } = self;
        let files = if *files == 1 { "1 file".to_owned() } else { format!("{files} files") };
        write!(
            f,
            "NOT ANSWERED: the set {} holds {} and could never match the {files} with {algorithms} \
             alone",
            index.identity().name.escape_debug(),
            index.algorithms(),
        )
    }
}
