//! Which vector lanes may be used, if not the widest: to measure what another machine would do.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::lanes::Engine;

/// Vector lanes, in which many streams are hashed side by side.
///
/// What one stream uses (SHA-NI, the paths of the BLAKE3 crate) is chosen by the crates and not
/// limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Sixteen for MD5, SHA-1 and SHA-256.
    Avx512,
    /// Eight for MD5.
    Avx2,
    /// None: one stream after the other.
    None,
}

/// Why lanes cannot be limited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadLanes {
    /// The name is not one of them.
    #[error("{0:?} names no lanes, expected avx512, avx2 or none")]
    Unknown(String),
    /// This machine does not have them.
    #[error("this processor has no {0}")]
    Missing(Lanes),
    /// They were limited before.
    #[error("the lanes were limited before, to {0}")]
    Limited(Lanes),
}

static LIMIT: OnceLock<Lanes> = OnceLock::new();

impl Lanes {
    /// Uses these lanes and no wider ones in this process. To be called before anything is hashed.
    ///
    /// # Errors
    /// [`BadLanes`] if this machine does not have them, or another limit was set.
    pub fn limit(self) -> Result<(), BadLanes> {
        if self != Self::None && !Engine::all().any(|engine| engine.lanes() == self) {
            return Err(BadLanes::Missing(self));
        }
        match LIMIT.get_or_init(|| self) {
            limit if *limit == self => Ok(()),
            limit => Err(BadLanes::Limited(*limit)),
        }
    }

    /// Returns the fastest engine that the limit allows.
    pub(crate) fn engine() -> Option<Engine> {
        let limit = LIMIT.get();
        Engine::all().find(|engine| limit.is_none_or(|limit| *limit == engine.lanes()))
    }
}

impl FromStr for Lanes {
    type Err = BadLanes;

    fn from_str(text: &str) -> Result<Self, BadLanes> {
        match text {
            "avx512" => Ok(Self::Avx512),
            "avx2" => Ok(Self::Avx2),
            "none" => Ok(Self::None),
            _ => Err(BadLanes::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::None => "none",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for lanes in [Lanes::Avx512, Lanes::Avx2, Lanes::None] {
            assert_eq!(lanes.to_string().parse(), Ok(lanes));
        }
        assert_eq!("sse".parse::<Lanes>(), Err(BadLanes::Unknown("sse".to_owned())));
    }
}
