//! An error as a person reads it: what was attempted, where, why, and what to do.

use std::error::Error as StdError;

use triage_case::{CaseDir, CaseState};

use crate::exit;

/// A failure of a verb, printed once.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// What was attempted.
    pub(crate) what: String,
    /// Where.
    pub(crate) at: Option<String>,
    /// Why it failed.
    pub(crate) because: Option<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: u8, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), at: None, because: None, hint: None }
    }

    /// A request that cannot be carried out.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(exit::USAGE, what)
    }

    /// A document from elsewhere that was not taken into a package; the package is as it was.
    pub(crate) fn refused_document(error: triage_case::Error, what: &str) -> Self {
        let refused = matches!(&error, triage_case::Error::Custody(_));
        let failure = Self::from(error);
        if refused { Self { what: what.to_owned(), ..failure } } else { failure }
    }

    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.at = Some(place.into());
        self
    }

    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        self.because = Some(reason.into());
        self
    }

    /// Takes an error and what caused it as the reason.
    pub(crate) fn caused_by(self, error: &dyn StdError) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            source = cause.source();
        }
        self.because(reason)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the lines to print.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.what);
        for (label, value) in [("  at:      ", &self.at), ("  because: ", &self.because)] {
            if let Some(value) = value {
                text.push_str(&format!("{label}{}\n", value.trim_end()));
            }
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text
    }
}

impl From<triage_case::Error> for Failure {
    fn from(error: triage_case::Error) -> Self {
        use triage_case::Error as E;
        let failure = |code, what: &str| Self::new(code, what).caused_by(&error);
        if error.is_disk_full() {
            return failure(exit::INCOMPLETE, "the case drive is full").hint(
                "nothing that was written is lost: make room and go on with `scan --resume --case DIR`",
            );
        }
        match &error {
            E::Exists { .. } => failure(exit::REFUSED, "refused to write over existing output")
                .hint("give a folder that does not exist yet, or `--resume` an interrupted scan"),
            E::State { path, .. } => {
                let failure = failure(exit::USAGE, "this folder cannot be used for that");
                match CaseDir::state(path) {
                    CaseState::Finished => failure.hint(
                        "the package is closed: `triage verify` checks it, `triage report` renders it",
                    ),
                    CaseState::Unfinished => failure.hint(
                        "the scan was interrupted: go on with `triage scan --resume --case DIR`",
                    ),
                    _ => failure.hint("name the folder that `triage scan --case` has made"),
                }
            }
            E::Locked { .. } => failure(exit::REFUSED, "another run is writing to this case"),
            E::Damaged { .. } => failure(exit::VERIFY_FAILED, "the package is damaged"),
            E::Custody(triage_custody::Error::Torn { .. }) => {
                failure(exit::VERIFY_FAILED, "the custody log is torn").hint(
                    "a write was interrupted: `triage custody repair PACKAGE --by NAME` ends it, \
                     and records that",
                )
            }
            E::Event { .. } => failure(exit::USAGE, "the event does not say what it must"),
            E::Custody(_) => failure(exit::VERIFY_FAILED, "the custody of the package is broken"),
            E::Order { .. } => failure(exit::INTERNAL, "the records came out of order"),
            _ => failure(exit::INCOMPLETE, "cannot use the case folder"),
        }
    }
}

impl From<triage_scan::Error> for Failure {
    fn from(error: triage_scan::Error) -> Self {
        use triage_scan::Error as E;
        match error {
            E::Case(error) => error.into(),
            E::Evidence(error) => error.into(),
            E::Sets(error) => error.into(),
            E::Stored { reason } => {
                Self::new(exit::VERIFY_FAILED, "the stored plan cannot be read")
                    .because(reason)
                    .hint("nothing of the package was changed: keep it, and begin a new scan")
            }
            _ => Self::usage("cannot examine").caused_by(&error),
        }
    }
}

impl From<triage_custody::Error> for Failure {
    fn from(error: triage_custody::Error) -> Self {
        Self::usage("cannot use the key or document").caused_by(&error)
    }
}

impl From<triage_walk::Error> for Failure {
    fn from(error: triage_walk::Error) -> Self {
        Self::usage("cannot walk the evidence").caused_by(&error)
    }
}

impl From<triage_hashset::Error> for Failure {
    fn from(error: triage_hashset::Error) -> Self {
        use triage_hashset::Error as E;
        let code = if matches!(error, E::Exists { .. }) { exit::REFUSED } else { exit::USAGE };
        let hint = match &error {
            E::Locked { .. } => Some(
                "give --set-key FILE or --set-passphrase FILE; a damaged copy has to be copied again",
            ),
            E::AlgorithmNeeded { .. } => {
                Some("name it with --set-algorithm: sha1 for the filters of CIRCL's hashlookup")
            }
            E::ProbableKnownGood { .. } => Some("give it as --informational"),
            E::SchemeNeeded { .. } => Some("name the scheme of the categories with --scheme"),
            E::Ambiguous { .. } | E::Unrecognised { .. } => {
                Some("name the format with --set-format")
            }
            _ => None,
        };
        let failure = Self::new(code, "cannot use the hash set").caused_by(&error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::usage("cannot read or write").caused_by(&error)
    }
}
