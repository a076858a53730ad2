//! Two copies of one custody log: which holds more, or where they part.

use crate::CustodyLog;

/// How one copy of a log stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Both hold the same events.
    Same,
    /// The second goes on where the first ends; it has that many events more.
    SecondHasMore(u64),
    /// The first goes on where the second ends; it has that many events more.
    FirstHasMore(u64),
    /// They differ from the event with that number on, so that neither continues the other.
    Diverged(u64),
}

impl Relation {
    /// Compares two logs. Both are chains, so that equal heads mean equal events before them.
    #[must_use]
    pub fn of(first: &CustodyLog, second: &CustodyLog) -> Self {
        let shared = first.len().min(second.len());
        let differs = |&event: &u64| first.head_at(event + 1) != second.head_at(event + 1);
        if let Some(event) = (0..shared).find(differs) {
            return Self::Diverged(event);
        }
        match (first.len() - shared, second.len() - shared) {
            (0, 0) => Self::Same,
            (0, more) => Self::SecondHasMore(more),
            (more, _) => Self::FirstHasMore(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Person};

    fn log(actions: &[&str]) -> CustodyLog {
        let mut log = CustodyLog::default();
        for action in actions {
            let by = Person { name: "Ana".to_owned(), ..Person::default() };
            log.append(Event::new("2026-11-24T05:02:11+01:00", action, "AB/1", by)).unwrap();
        }
        log
    }

    #[test]
    fn the_first_differing_event_is_named() {
        let relation = |a: &[&str], b: &[&str]| Relation::of(&log(a), &log(b));
        assert_eq!(relation(&["a", "b"], &["a", "b"]), Relation::Same);
        assert_eq!(relation(&["a"], &["a", "b", "c"]), Relation::SecondHasMore(2));
        assert_eq!(relation(&["a", "b"], &["a"]), Relation::FirstHasMore(1));
        assert_eq!(relation(&[], &["a"]), Relation::SecondHasMore(1));
        assert_eq!(relation(&["a", "b", "c"], &["a", "x", "c"]), Relation::Diverged(1));
        // An equal event after a different one is another event: its `prev` differs.
        assert_eq!(relation(&["x", "b"], &["a", "b"]), Relation::Diverged(0));
    }
}
