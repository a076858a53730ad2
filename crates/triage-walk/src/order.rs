//! The order of a walk: the raw bytes of the locations.
//!
//! In a directory, a child directory `a` takes two turns: its own, at `a`, and that of everything
//! below it, at `a/`. Sorted together, `a`, `a-b`, `a.b`, `a/x` come out as their bytes order them.

use std::cmp::Ordering;

use triage_evidence::{Kind, Names};

/// One turn in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The entry with that place in the names is met.
    Meet(u32),
    /// Everything below it is walked, if it is a directory.
    Descend(u32),
}

/// Returns the turns of a directory in order. A name of unknown kind may be a directory.
pub(crate) fn turns(names: &Names) -> Vec<Turn> {
    let mut turns = Vec::with_capacity(names.len());
    for (place, (_, kind)) in (0_u32..).zip(names.iter()) {
        turns.push(Turn::Meet(place));
        if matches!(kind, Kind::Directory | Kind::Unknown) {
            turns.push(Turn::Descend(place));
        }
    }
    turns.sort_unstable_by(|a, b| compare(key(names, *a), key(names, *b)));
    turns
}

/// Returns the name of a turn and whether a `/` follows it.
pub(crate) fn key(names: &Names, turn: Turn) -> (&[u8], bool) {
    let (place, below) = match turn {
        Turn::Meet(place) => (place, false),
        Turn::Descend(place) => (place, true),
    };
    (names.get(place as usize).map_or(&[], |(name, _)| name), below)
}

/// Compares names as if a `/` stood behind those that ask for it.
pub(crate) fn compare((a, a_below): (&[u8], bool), (b, b_below): (&[u8], bool)) -> Ordering {
    let shared = a.len().min(b.len());
    match a[..shared].cmp(&b[..shared]) {
        Ordering::Equal => {}
        different => return different,
    }
    let next = |name: &[u8], below| match name.get(shared) {
        Some(&byte) => u16::from(byte) + 1,
        None if below => u16::from(b'/') + 1,
        None => 0,
    };
    next(a, a_below).cmp(&next(b, b_below)).then(a.len().cmp(&b.len()))
}
