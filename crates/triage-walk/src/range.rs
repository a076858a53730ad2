//! A part of an exhibit: the entries between two locations, in the order of the manifest.
//!
//! Because a walk can be taken up behind any location, a range needs no list of its entries: the
//! ranges of an exhibit, one after the other, give the lines of the whole walk.

use triage_evidence::Location;

use crate::WalkPlan;

/// The entries behind one location up to another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocationRange {
    /// The last location before the range; `None` if it begins with the root.
    pub after: Option<Location>,
    /// The last location of the range; `None` if it ends with the exhibit.
    pub until: Option<Location>,
}

impl LocationRange {
    /// Says whether the location lies behind the end of the range.
    #[must_use]
    pub fn ends_before(&self, location: &Location) -> bool {
        self.until.as_ref().is_some_and(|until| location > until)
    }

    /// Says whether this is the whole exhibit.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.after.is_none() && self.until.is_none()
    }
}

impl WalkPlan {
    /// Returns the last location that is not to be handed out, because it lies before the range or
    /// an earlier run has handed it out.
    pub(crate) fn done(&self) -> Option<&Location> {
        let resumed = self.resume.as_ref().map(|(last, _)| last);
        resumed.max(self.range.after.as_ref())
    }

    /// Says whether that location is to be handed out in this run.
    pub(crate) fn hands_out(&self, location: &Location) -> bool {
        !self.is_done(location) && !self.range.ends_before(location)
    }

    /// Says whether that location lies before what is to be handed out.
    pub(crate) fn is_done(&self, location: &Location) -> bool {
        self.done().is_some_and(|last| location <= last)
    }
}
