//! Profiles: rules that a scan keeps to, by name. The name stands in the plan and in `run.json`, so
//! that a reader knows what the operator could not have asked for.
//!
//! A profile changes no default and asks for nothing by itself: it refuses. What is computed, and
//! where it goes, is said by options and their environment twins.

use std::fmt;

use clap::ValueEnum;
use triage_hash::{Algorithm, Algorithms};

use crate::exit;
use crate::failure::Failure;

/// The rules of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Nothing is refused: a quick answer, with every shortcut counted and named
    Onscene,
    /// Refuses to end early (--budget, --stop-after)
    Lab,
    /// Also refuses what leaves content unread (--since, --size-filter, --max-size), digests
    /// without a strong one, and a seal that nobody signs
    Court,
}

/// What a scan was asked for, as far as a profile looks at it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// The digests.
    pub(crate) algorithms: Algorithms,
    /// Whether digests are carried (`--since`).
    pub(crate) carries: bool,
    /// Whether files of a size that no set lists are left out (`--size-filter`).
    pub(crate) size_filter: bool,
    /// Whether large files are left out (`--max-size`).
    pub(crate) max_size: bool,
    /// Whether the time is limited (`--budget`).
    pub(crate) budget: bool,
    /// Whether the hits are limited (`--stop-after`).
    pub(crate) stop_after: bool,
    /// Whether the seal is signed.
    pub(crate) signed: bool,
}

impl Profile {
    /// Returns the profile of a stored plan, if it has one.
    ///
    /// # Errors
    /// A [`Failure`] if this version does not know it: what it refuses is not known either.
    pub(crate) fn of_plan(name: Option<&str>) -> Result<Option<Self>, Failure> {
        let Some(name) = name else { return Ok(None) };
        Self::from_str(name, false).map(Some).map_err(|_| {
            let name = triage_evidence::escape(name.as_bytes());
            Failure::usage("the scan began under a profile that this version does not know")
                .because(format!("it is called {name}"))
                .hint("go on with the version that began it")
        })
    }

    /// Refuses what the profile does not allow.
    pub(crate) fn check(self, asked: &Asked) -> Result<(), Failure> {
        if self == Self::Onscene {
            return Ok(());
        }
        self.refuse_if(asked.budget, "--budget", "the scan could end before everything was read")?;
        self.refuse_if(asked.stop_after, "--stop-after", "the scan could end at a hit")?;
        if self == Self::Lab {
            return Ok(());
        }
        self.refuse_if(
            asked.carries,
            "--since",
            "digests of an earlier examination would stand for content that was not read",
        )?;
        self.refuse_if(asked.size_filter, "--size-filter", "files would be left unread")?;
        self.refuse_if(asked.max_size, "--max-size", "files would be left unread")?;
        let strong = |algorithm| !matches!(algorithm, Algorithm::Md5 | Algorithm::Sha1);
        if !asked.algorithms.iter().any(strong) {
            return Err(self
                .refusal("these digests")
                .because("two files with the same MD5 or SHA-1 can be made on purpose")
                .hint("add sha256 to --algorithms"));
        }
        if !asked.signed {
            return Err(self
                .refusal("a seal that nobody signs")
                .because("it shows damage, not exchange")
                .hint("give --sign-key FILE, --sign-agent KEY or --cms-key FILE"));
        }
        Ok(())
    }

    fn refuse_if(self, asked: bool, option: &str, reason: &str) -> Result<(), Failure> {
        let hint = format!("leave {option} out, or scan without --profile {self}");
        let refusal = || self.refusal(option).because(reason).hint(hint);
        if asked { Err(refusal()) } else { Ok(()) }
    }

    fn refusal(self, what: &str) -> Failure {
        Failure::new(exit::REFUSED, format!("the profile {self} does not allow {what}"))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Onscene => "onscene",
            Self::Lab => "lab",
            Self::Court => "court",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_refuses_each_thing_that_it_forbids_and_nothing_else() {
        let sound = Asked { algorithms: Algorithms::DEFAULT, signed: true, ..Asked::default() };
        let weak = [
            (Asked { budget: true, ..sound }, [true, false, false]),
            (Asked { stop_after: true, ..sound }, [true, false, false]),
            (Asked { carries: true, ..sound }, [true, true, false]),
            (Asked { size_filter: true, ..sound }, [true, true, false]),
            (Asked { max_size: true, ..sound }, [true, true, false]),
            (Asked { signed: false, ..sound }, [true, true, false]),
            (Asked { algorithms: "md5,sha1".parse().unwrap(), ..sound }, [true, true, false]),
            (sound, [true, true, true]),
        ];
        for (asked, allowed) in weak {
            let checked = [Profile::Onscene, Profile::Lab, Profile::Court]
                .map(|profile| profile.check(&asked).is_ok());
            assert_eq!(checked, allowed, "{asked:?}");
        }
        assert_eq!(Profile::of_plan(Some("court")).unwrap(), Some(Profile::Court));
        assert_eq!(Profile::of_plan(None).unwrap(), None);
        assert_eq!(Profile::of_plan(Some("stricter")).unwrap_err().code, exit::USAGE);
    }
}
