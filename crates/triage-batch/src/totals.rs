//! One answer for a whole batch: every exhibit in exactly one state, and the sums of all.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use triage_case::Status;

use crate::{BatchPlan, ItemState, State};

/// Where an exhibit stands: the least finished of its items decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExhibitState {
    /// The name of its results.
    pub id: String,
    /// The exhibit's number.
    pub exhibit: String,
    /// The name of the state.
    pub state: &'static str,
    /// How many of its items are sealed packages, of how many.
    pub items_done: (usize, usize),
    /// Entries met so far in sealed packages.
    pub entries: u64,
    /// Of these, how many were not examined in full.
    pub gaps: u64,
    /// Of these, how many have an alerting match.
    pub hits: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The exit code that a scan of it has, once all items are done.
    #[serde(skip)]
    pub code: Option<u8>,
}

/// The sums over all exhibits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many exhibits are in each state.
    pub states: BTreeMap<&'static str, u64>,
    /// Entries and bytes in each class of the coverage.
    pub classes: BTreeMap<String, (u64, u64)>,
    /// Entries with an alerting match.
    pub hits: u64,
    /// Entries that were not examined in full.
    pub gaps: u64,
    /// Whether every exhibit is examined as a whole.
    pub is_complete: bool,
}

/// A number of JSON, or a string of digits beyond what doubles hold.
fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

/// How many entries were not examined in full.
fn gaps(classes: &Value) -> u64 {
    let gaps = Status::ALL.into_iter().filter(|status| status.is_gap());
    gaps.map(|status| number(&classes[status.name()]["entries"])).sum()
}

impl ExhibitState {
    /// Sums the items of an exhibit.
    #[must_use]
    pub fn of(plan: &BatchPlan, id: &str, items: &[ItemState]) -> Self {
        let exhibit = plan.exhibit(id).map(|exhibit| exhibit.job.exhibit.clone());
        let mut sum = Self {
            id: id.to_owned(),
            exhibit: exhibit.unwrap_or_default(),
            state: "",
            items_done: (0, items.len()),
            entries: 0,
            gaps: 0,
            hits: 0,
            reason: None,
            code: None,
        };
        let mut code = 0_u8;
        let mut open: Option<State> = None;
        for item in items {
            sum.reason = sum.reason.take().or_else(|| item.reason.clone());
            match item.state {
                State::Done(done) => {
                    sum.items_done.0 += 1;
                    code = joined(code, done);
                }
                state if open.is_none_or(|open| rank(state) > rank(open)) => open = Some(state),
                _ => {}
            }
            if let Some(run) = &item.run {
                sum.entries += number(&run["coverage"]["seen"]["entries"]);
                sum.gaps += gaps(&run["coverage"]["classes"]);
                sum.hits += number(&run["coverage"]["hits"]);
            }
        }
        sum.code = open.is_none().then_some(code);
        sum.state = open.unwrap_or(State::Done(code)).name();
        sum
    }
}

/// What must be told first.
const fn rank(state: State) -> u8 {
    match state {
        State::Failed => 4,
        State::Interrupted => 3,
        State::Waiting => 2,
        State::Running => 1,
        State::Done(_) => 0,
    }
}

/// The exit code of two scans together: hits of any, incomplete if any.
fn joined(a: u8, b: u8) -> u8 {
    let hits = matches!(a, 1 | 4) || matches!(b, 1 | 4);
    let incomplete = !matches!(a, 0 | 1) || !matches!(b, 0 | 1);
    match (incomplete, hits) {
        (false, false) => 0,
        (false, true) => 1,
        (true, false) => 3,
        (true, true) => 4,
    }
}

impl Totals {
    /// Sums exhibits and the coverage of their packages.
    #[must_use]
    pub fn of<'a>(exhibits: &[ExhibitState], runs: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut totals = Self { is_complete: true, ..Self::default() };
        for exhibit in exhibits {
            *totals.states.entry(exhibit.state).or_default() += 1;
            totals.hits += exhibit.hits;
            totals.gaps += exhibit.gaps;
            totals.is_complete &= matches!(exhibit.code, Some(0 | 1));
        }
        for run in runs {
            for (class, share) in run["coverage"]["classes"].as_object().into_iter().flatten() {
                let sum = totals.classes.entry(class.clone()).or_default();
                sum.0 = sum.0.saturating_add(number(&share["entries"]));
                sum.1 = sum.1.saturating_add(number(&share["bytes"]));
            }
        }
        totals
    }

    /// Returns the exit code of the batch: as `scan`, and incomplete as long as anything is open.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match (self.is_complete, self.hits > 0) {
            (true, false) => 0,
            (true, true) => 1,
            (false, false) => 3,
            (false, true) => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_never_better_than_its_worst_exhibit() {
        assert_eq!([joined(0, 0), joined(0, 1), joined(3, 0), joined(3, 1)], [0, 1, 3, 4]);
        let exhibit = |state: &'static str, code| ExhibitState {
            id: "1".into(),
            exhibit: "A".into(),
            state,
            items_done: (1, 1),
            entries: 10,
            gaps: 0,
            hits: 0,
            reason: None,
            code,
        };
        let complete = exhibit("complete", Some(0));
        assert_eq!(Totals::of(std::slice::from_ref(&complete), []).code(), 0);
        let waiting = exhibit("waiting", None);
        assert_eq!(Totals::of(&[complete, waiting], []).code(), 3);
    }
}
