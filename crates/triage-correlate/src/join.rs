//! Sorts the sightings of all exhibits and hands out each file that several of them have.

use std::path::Path;

use triage_hashset::{Scratch, Sorter};

use crate::Error;
use crate::sighting::{Listed, Sighting, width};

/// Whose each exhibit is, as a number, by the number of the exhibit.
#[derive(Clone, Debug, Default)]
pub struct Owners(Vec<u32>);

impl Owners {
    /// Takes the owner's number of each exhibit.
    #[must_use]
    pub fn new(of_exhibits: Vec<u32>) -> Self {
        Self(of_exhibits)
    }

    /// Returns the owner of an exhibit; one that nobody named has an owner of its own.
    #[must_use]
    pub fn of(&self, exhibit: u32) -> u32 {
        let place = usize::try_from(exhibit).unwrap_or(usize::MAX);
        self.0.get(place).copied().unwrap_or(exhibit)
    }
}

/// What one exhibit has of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedOn {
    /// The exhibit's number.
    pub exhibit: u32,
    /// How many copies it has.
    pub copies: u64,
    /// The earliest and the latest time of modification of a copy, in seconds since 1970.
    pub modified: Option<(i64, i64)>,
}

/// A file on several exhibits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Its digest, keyed or not.
    pub digest: Vec<u8>,
    /// Its size in bytes; 0 if nobody tells it.
    pub size_bytes: u64,
    /// What lists say of it.
    pub listed: Listed,
    /// The exhibits that have it, in the order of their numbers.
    pub on: Vec<SharedOn>,
    /// How many owners these have.
    pub owners: usize,
}

/// Takes sightings and joins them.
pub struct Join {
    sorter: Sorter,
    digest_bytes: usize,
    sightings: u64,
}

impl Join {
    /// Joins digests of that length in about that much memory. What does not fit goes into files
    /// without a name in the folder.
    #[must_use]
    pub fn new(digest_bytes: usize, folder: &Path, memory_bytes: usize) -> Self {
        let scratch = Scratch::in_folder(folder, memory_bytes);
        Self { sorter: Sorter::new(&scratch, width(digest_bytes)), digest_bytes, sightings: 0 }
    }

    /// Takes sightings as [`Sighting::put`] writes them.
    ///
    /// # Errors
    /// [`Error::Sort`] if a scratch file cannot be written.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        for record in piece.chunks_exact(width(self.digest_bytes)) {
            self.sorter.push(record)?;
            self.sightings += 1;
        }
        Ok(())
    }

    /// Returns how many sightings were taken.
    #[must_use]
    pub const fn sightings(&self) -> u64 {
        self.sightings
    }

    /// Hands out every file, in the order of the digests, those that one exhibit alone has too:
    /// `keep` says which exhibits count.
    ///
    /// # Errors
    /// [`Error::Sort`] if a scratch file cannot be read, or the first error of `each`.
    pub fn finish(
        self,
        keep: &dyn Fn(u32) -> bool,
        owners: &Owners,
        each: &mut dyn FnMut(&Shared) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut sorted = self.sorter.finish();
        let mut group = Shared::default();
        while let Some(record) = sorted.next_record()? {
            let Some(sighting) = Sighting::read(record, self.digest_bytes) else { continue };
            if !keep(sighting.exhibit) {
                continue;
            }
            if group.digest != sighting.digest {
                hand_out(&mut group, owners, each)?;
                group.digest.extend_from_slice(sighting.digest);
            }
            group.add(&sighting);
        }
        hand_out(&mut group, owners, each)
    }
}

fn hand_out(
    group: &mut Shared,
    owners: &Owners,
    each: &mut dyn FnMut(&Shared) -> Result<(), Error>,
) -> Result<(), Error> {
    if !group.on.is_empty() {
        let mut of: Vec<u32> = group.on.iter().map(|on| owners.of(on.exhibit)).collect();
        of.sort_unstable();
        of.dedup();
        group.owners = of.len();
        each(group)?;
    }
    group.digest.clear();
    group.on.clear();
    (group.size_bytes, group.listed, group.owners) = (0, Listed::default(), 0);
    Ok(())
}

impl Shared {
    fn add(&mut self, sighting: &Sighting<'_>) {
        self.size_bytes = self.size_bytes.max(sighting.size_bytes);
        self.listed = self.listed.or(sighting.listed);
        let modified = sighting.modified.map(|time| (time, time));
        match self.on.last_mut().filter(|on| on.exhibit == sighting.exhibit) {
            None => {
                self.on.push(SharedOn { exhibit: sighting.exhibit, copies: 1, modified });
            }
            Some(on) => {
                on.copies += 1;
                on.modified = match (on.modified, modified) {
                    (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                    (known, None) | (None, known) => known,
                };
            }
        }
    }

    /// Returns the earliest and latest time of modification on all exhibits.
    #[must_use]
    pub fn modified(&self) -> Option<(i64, i64)> {
        let times = || self.on.iter().filter_map(|on| on.modified);
        Some((times().map(|(first, _)| first).min()?, times().map(|(_, last)| last).max()?))
    }

    /// Returns how many copies there are.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.on.iter().map(|on| on.copies).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sightings(all: &[(u8, u32, i64)]) -> Vec<u8> {
        let mut out = Vec::new();
        for &(digest, exhibit, time) in all {
            let digest = [digest; 16];
            let (size_bytes, modified) = (5, Some(time));
            let listed = Listed { alert: exhibit == 2, ..Listed::default() };
            Sighting { digest: &digest, exhibit, size_bytes, modified, listed }.put(&mut out);
        }
        out
    }

    #[test]
    fn copies_exhibits_and_owners_are_counted_whatever_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = vec![(1, 0, 10), (1, 2, 5), (1, 0, -3), (2, 1, 0), (3, 0, 1), (3, 3, 2)];
        seen.extend((0..50_000).map(|number| (9, number % 4, i64::from(number))));
        for memory in [1, 1 << 30] {
            let mut join = Join::new(16, folder.path(), memory);
            join.take(&sightings(&seen)).unwrap();
            assert_eq!(join.sightings(), 50_006);
            let owners = Owners::new(vec![0, 1, 0, 0]);
            let mut found = Vec::new();
            let keep = |exhibit| exhibit != 3;
            join.finish(&keep, &owners, &mut |shared| {
                found.push(shared.clone());
                Ok(())
            })
            .unwrap();
            let told: Vec<_> =
                found.iter().map(|s| (s.digest[0], s.on.len(), s.owners, s.copies())).collect();
            let expected = [(1, 2, 1, 3), (2, 1, 1, 1), (3, 1, 1, 1), (9, 3, 2, 37_500)];
            assert_eq!(told, expected, "memory {memory}");
            assert_eq!(found[0].modified(), Some((-3, 10)));
            assert_eq!(found[0].on[0].copies, 2);
            assert!(found[0].listed.alert && !found[1].listed.alert);
        }
    }
}
