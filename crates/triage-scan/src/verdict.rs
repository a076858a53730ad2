//! What an examination as a whole comes to. There is no word for "clean" in it.

use triage_case::Coverage;

/// Whether everything in scope was examined, and whether something alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything in scope was examined, and nothing alerts.
    Complete,
    /// Everything in scope was examined, and something alerts.
    Hit,
    /// Not everything in scope was examined, and nothing alerts so far.
    Incomplete,
    /// Not everything in scope was examined, and something alerts.
    IncompleteHit,
}

impl Verdict {
    /// Returns what that coverage comes to, for a run that noted doubts or none.
    #[must_use]
    pub fn of(coverage: &Coverage, doubts: bool) -> Self {
        Self::of_answer(coverage.is_complete() && !doubts, coverage.hits() > 0)
    }

    /// Returns what an answer comes to: whether it covers all that was asked, and whether something
    /// was found.
    #[must_use]
    pub const fn of_answer(is_complete: bool, is_found: bool) -> Self {
        match (is_complete, is_found) {
            (true, false) => Self::Complete,
            (true, true) => Self::Hit,
            (false, false) => Self::Incomplete,
            (false, true) => Self::IncompleteHit,
        }
    }

    /// Returns the exit code of `triage`, which `run.json` states too.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Hit => 1,
            Self::Incomplete => 3,
            Self::IncompleteHit => 4,
        }
    }

    /// Returns its name, as `run.json` states it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Hit => "hit",
            Self::Incomplete => "incomplete",
            Self::IncompleteHit => "incomplete-hit",
        }
    }
}
