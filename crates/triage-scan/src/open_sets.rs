//! Sets that are open, with what a plan says of each, so that a resumed run opens the same.

use std::sync::Arc;

use triage_hashset::{ImportOptions, Index, SetSource, Sets};

use crate::{Error, PlannedSet, SetReading};

/// The sets of a run.
#[derive(Clone, Debug, Default)]
pub struct OpenSets {
    /// The sets.
    pub sets: Arc<Sets>,
    /// What the plan says of them, in the same order.
    pub planned: Vec<PlannedSet>,
}

impl OpenSets {
    /// Opens every set and checks it.
    ///
    /// # Errors
    /// [`Error::Sets`] of the first set that cannot be used.
    pub fn open(sources: &[SetSource]) -> Result<Self, Error> {
        // What cannot be resolved cannot be opened either, and that error names the file.
        let absolute = |source: &SetSource| SetSource {
            path: source.path.canonicalize().unwrap_or_else(|_| source.path.clone()),
            ..source.clone()
        };
        let sources: Vec<SetSource> = sources.iter().map(absolute).collect();
        Ok(Self::of(open_sets(&sources)?))
    }

    /// Takes sets that are open already.
    #[must_use]
    pub fn of(opened: Vec<(Index, PlannedSet)>) -> Self {
        let (indexes, planned) = opened.into_iter().unzip();
        Self { sets: Arc::new(Sets::from_indexes(indexes)), planned }
    }
}

/// Opens sets and checks them. A large index is checked page by page as it is used: if a page is
/// damaged, the run is incomplete. The plan names a set by the path of its source, which should be
/// absolute.
///
/// # Errors
/// The first [`triage_hashset::Error`] of a set that cannot be read or is damaged.
pub fn open_sets(sources: &[SetSource]) -> Result<Vec<(Index, PlannedSet)>, triage_hashset::Error> {
    // Nothing that looks files up uses perceptual digests.
    let plain = |source: &SetSource| SetSource {
        options: ImportOptions { drop_perceptual: true, ..source.options.clone() },
        ..source.clone()
    };
    let sets = Sets::open(&sources.iter().map(plain).collect::<Vec<_>>())?;
    // Flipped bits in an index would be silent misses.
    sets.verify_now_or_in_use()?;
    let planned = |(index, source): (Index, &SetSource)| {
        let path = triage_evidence::escape(source.path.as_os_str().as_encoded_bytes());
        let planned = PlannedSet::of(&index, path, SetReading::of(&source.options));
        (index, planned)
    };
    Ok(sets.into_indexes().into_iter().zip(sources).map(planned).collect())
}
