//! What changed between two releases of a set.
//!
//! Both indexes are sorted alike, so that one pass over both is enough, whatever their size.

use std::cmp::Ordering;

use triage_hash::{Algorithm, Digests};

use crate::{Category, Error, Index, Record};

/// One difference between two releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Digests that only the second release has.
    Added(Record),
    /// Digests that only the first release has.
    Removed(Record),
    /// Digests of both releases with other categories.
    Recategorised {
        /// The digests.
        digests: Digests,
        /// The categories in the first release, in order.
        before: Vec<Option<Category>>,
        /// The categories in the second release, in order.
        after: Vec<Option<Category>>,
    },
    /// Digests of both releases with the same categories and other sizes.
    Resized {
        /// The digests.
        digests: Digests,
        /// The sizes in bytes in the first release, in order, `None` for a row without one.
        before: Vec<Option<u64>>,
        /// The sizes in bytes in the second release.
        after: Vec<Option<u64>>,
    },
}

/// Hands out every difference, in the order of the digests. Returns how many digests are in both
/// releases with the same categories and sizes.
///
/// # Errors
/// [`Error::Unfit`] if the sets do not have digests of the same algorithms, [`Error::BadIndex`] if
/// one is damaged, and the first error of `each`.
pub fn diff(
    before: &Index,
    after: &Index,
    each: &mut dyn FnMut(Difference) -> Result<(), Error>,
) -> Result<u64, Error> {
    for set in [before, after] {
        set.refuse_bloom()?;
        set.refuse_keyed("holds keyed digests: those of the list are not in it")?;
    }
    if before.algorithms() != after.algorithms() {
        let set = after.identity().name.clone();
        let (now, then) = (after.algorithms(), before.algorithms());
        let reason = format!("has digests of {now}, the other one of {then}: import both alike");
        return Err(Error::Unfit { set, reason });
    }
    let (mut old, mut new) = (Groups::new(before)?, Groups::new(after)?);
    let mut same = 0;
    loop {
        let order = match (&old.next, &new.next) {
            (None, None) => return Ok(same),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => compare(&a.digests, &b.digests),
        };
        match order {
            Ordering::Less => {
                old.group()?
                    .into_iter()
                    .try_for_each(|record| each(Difference::Removed(record)))?;
            }
            Ordering::Greater => {
                new.group()?.into_iter().try_for_each(|record| each(Difference::Added(record)))?;
            }
            Ordering::Equal => {
                let (a, b) = (old.group()?, new.group()?);
                let digests = a.first().map(|record| record.digests.clone()).unwrap_or_default();
                let sizes = (sizes(&a), sizes(&b));
                let (before, after) = (categories(a), categories(b));
                if before != after {
                    each(Difference::Recategorised { digests, before, after })?;
                } else if sizes.0 != sizes.1 {
                    each(Difference::Resized { digests, before: sizes.0, after: sizes.1 })?;
                } else {
                    same += 1;
                }
            }
        }
    }
}

/// The rows of an index in groups with the same digests.
struct Groups<'a> {
    index: &'a Index,
    next: Option<Record>,
}

impl<'a> Groups<'a> {
    fn new(index: &'a Index) -> Result<Self, Error> {
        let next = if index.record_count() > 0 { Some(index.record(0)?) } else { None };
        Ok(Self { index, next })
    }

    /// Takes the next group.
    fn group(&mut self) -> Result<Vec<Record>, Error> {
        let mut group: Vec<Record> = Vec::new();
        while let Some(record) = self.next.take() {
            if group.first().is_some_and(|first| first.digests != record.digests) {
                self.next = Some(record);
                break;
            }
            let number = record.number.saturating_add(1);
            if u64::from(number) < self.index.record_count() {
                self.next = Some(self.index.record(number)?);
            }
            group.push(record);
        }
        Ok(group)
    }
}

fn sizes(group: &[Record]) -> Vec<Option<u64>> {
    let mut sizes: Vec<_> = group.iter().map(|record| record.size_bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn categories(group: Vec<Record>) -> Vec<Option<Category>> {
    let mut categories: Vec<_> = group.into_iter().map(|record| record.category).collect();
    categories.sort_by(|a, b| {
        let key = |c: &Option<Category>| {
            c.as_ref().map(|c| (c.scheme.clone(), c.number, c.label.clone()))
        };
        key(a).cmp(&key(b))
    });
    categories.dedup();
    categories
}

/// Compares rows as indexes sort them: by the digests of each algorithm in turn, and a row
/// without a digest of it comes after all that have one.
fn compare(a: &Digests, b: &Digests) -> Ordering {
    for algorithm in Algorithm::ALL {
        match (a.get(algorithm), b.get(algorithm)) {
            (None, None) => {}
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (Some(a), Some(b)) => match a.as_bytes().cmp(b.as_bytes()) {
                Ordering::Equal => {}
                different => return different,
            },
        }
    }
    Ordering::Equal
}
