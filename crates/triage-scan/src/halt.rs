//! Why and when a run ends early: by its budget, its hit limit, or the operator.

use std::sync::atomic::{AtomicU8, Ordering};

use triage_evidence::{Problem, ProblemKind};

/// Why a run ends before the walk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The time budget is used up: what is left is recorded as not reached.
    Budget,
    /// Enough hits were found: what is left is recorded as not reached.
    Hits,
    /// The operator interrupted: the journal stays for a resume.
    Interrupt,
}

impl Halt {
    /// Returns the name used in the run's record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Hits => "stop-after",
            Self::Interrupt => "interrupt",
        }
    }

    /// Returns the problem of an entry that was not reached for this reason.
    pub(crate) fn problem(self) -> Problem {
        Problem::new(
            ProblemKind::LimitReached,
            match self {
                Self::Budget => "the time budget ended before this entry was read",
                Self::Hits => "the hit limit was reached before this entry was read",
                Self::Interrupt => "the run was interrupted before this entry was read",
            },
        )
    }
}

/// The one switch that ends a run early; safe to set from a signal handler's thread.
#[derive(Debug, Default)]
pub struct Halting(AtomicU8);

impl Halting {
    /// Returns a switch that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    /// Sets the switch. An interrupt overrides the other reasons; else the first reason stays.
    pub fn set(&self, halt: Halt) {
        let code = match halt {
            Halt::Budget => 1,
            Halt::Hits => 2,
            Halt::Interrupt => 3,
        };
        if halt == Halt::Interrupt {
            self.0.store(code, Ordering::SeqCst);
        } else {
            // A switch that is set already keeps its first reason: nothing is lost by a failure.
            let _kept = self.0.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
        }
    }

    /// Returns why the run ends, if it does.
    #[must_use]
    pub fn get(&self) -> Option<Halt> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Halt::Budget),
            2 => Some(Halt::Hits),
            3 => Some(Halt::Interrupt),
            _ => None,
        }
    }

    /// Says whether the operator interrupted.
    #[must_use]
    pub fn is_interrupt(&self) -> bool {
        self.get() == Some(Halt::Interrupt)
    }
}
