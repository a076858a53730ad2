//! What can be done with an exhibit, and what an event of each kind must say.
//!
//! A reader accepts other words too: a log may be older or younger than this program.

use crate::{Error, Event};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Taken over from somebody.
    Received,
    /// Given to somebody, whose own `received` follows.
    Released,
    /// Handed from one person to another, recorded by a third or by either.
    Transferred,
    /// Given back to whom it belongs.
    Returned,
    /// Brought to another place.
    Moved,
    /// Put into a store.
    Stored,
    /// Its bag was opened.
    Opened,
    /// Its bag was closed with a new seal.
    Resealed,
    /// A forensic image was made.
    Imaged,
    /// Its files were hashed.
    Hashed,
    /// Digests were compared.
    Verified,
    /// It was examined.
    Examined,
    /// Data was written out of it.
    Exported,
    /// A copy was given to another party.
    Disclosed,
    /// Another person checked the work.
    Reviewed,
    /// The original was changed, which must be justified.
    Altered,
    /// An earlier event is wrong; it stays, and this one says what is right.
    Corrected,
    /// It was destroyed.
    Destroyed,
    /// Something worth knowing.
    Noted,
    /// A seal over the package was made.
    Sealed,
    /// A torn end of this log was removed or completed.
    Repaired,
}

/// The fields that an action may require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    From,
    To,
    Location,
    Reason,
    Authority,
    SealNo,
    Justification,
    Corrects,
    Note,
    Result,
}

impl Action {
    /// Every action, in the order of the handbook: custody, work, record.
    pub const ALL: [Self; 21] = [
        Self::Received,
        Self::Released,
        Self::Transferred,
        Self::Returned,
        Self::Moved,
        Self::Stored,
        Self::Opened,
        Self::Resealed,
        Self::Imaged,
        Self::Hashed,
        Self::Verified,
        Self::Examined,
        Self::Exported,
        Self::Disclosed,
        Self::Reviewed,
        Self::Altered,
        Self::Corrected,
        Self::Destroyed,
        Self::Noted,
        Self::Sealed,
        Self::Repaired,
    ];

    /// Returns the word that stands in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Released => "released",
            Self::Transferred => "transferred",
            Self::Returned => "returned",
            Self::Moved => "moved",
            Self::Stored => "stored",
            Self::Opened => "opened",
            Self::Resealed => "resealed",
            Self::Imaged => "imaged",
            Self::Hashed => "hashed",
            Self::Verified => "verified",
            Self::Examined => "examined",
            Self::Exported => "exported",
            Self::Disclosed => "disclosed",
            Self::Reviewed => "reviewed",
            Self::Altered => "altered",
            Self::Corrected => "corrected",
            Self::Destroyed => "destroyed",
            Self::Noted => "noted",
            Self::Sealed => "sealed",
            Self::Repaired => "repaired",
        }
    }

    /// Finds an action by its word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    fn required(self) -> &'static [Field] {
        match self {
            Self::Received => &[Field::From],
            Self::Released | Self::Returned | Self::Disclosed => &[Field::To],
            Self::Transferred => &[Field::From, Field::To],
            Self::Moved | Self::Stored => &[Field::Location],
            Self::Opened | Self::Examined => &[Field::Reason],
            Self::Resealed => &[Field::SealNo],
            Self::Verified | Self::Reviewed => &[Field::Result],
            Self::Altered => &[Field::Justification],
            Self::Corrected => &[Field::Corrects, Field::Note],
            Self::Destroyed => &[Field::Reason, Field::Authority],
            Self::Noted => &[Field::Note],
            Self::Imaged | Self::Hashed | Self::Exported | Self::Sealed | Self::Repaired => &[],
        }
    }

    /// Checks that an event says what its action must say, and that no text of it is empty.
    ///
    /// # Errors
    /// [`Error::Fields`] with the first field that is missing or empty.
    pub fn check(event: &Event) -> Result<(), Error> {
        let lacks = |reason: String| Err(Error::Fields { document: "custody event", reason });
        let Some(action) = Self::from_name(&event.action) else {
            return lacks(format!("{:?} is no action", event.action));
        };
        if event.by.name.trim().is_empty() {
            return lacks("it needs `by`: the name of who did it".to_owned());
        }
        for &field in action.required() {
            let (name, present) = field.of(event);
            if !present {
                return lacks(format!("{} needs `{name}`", action.name()));
            }
        }
        Ok(())
    }
}

impl Field {
    /// Returns the name of the field, and whether the event has it.
    fn of(self, event: &Event) -> (&'static str, bool) {
        let text =
            |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        let person = |person: &Option<crate::Person>| {
            person.as_ref().is_some_and(|person| !person.name.trim().is_empty())
        };
        match self {
            Self::From => ("from", person(&event.from)),
            Self::To => ("to", person(&event.to)),
            Self::Location => ("location", text(&event.location)),
            Self::Reason => ("reason", text(&event.reason)),
            Self::Authority => ("authority", text(&event.authority)),
            Self::SealNo => ("seal_no", text(&event.seal_no)),
            Self::Justification => ("justification", text(&event.justification)),
            Self::Corrects => ("corrects", event.corrects.is_some()),
            Self::Note => ("note", text(&event.note)),
            Self::Result => ("result", text(&event.result)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Person;

    #[test]
    fn every_action_is_found_by_its_word_and_asks_for_its_fields() {
        let person = |name: &str| Person { name: name.to_owned(), ..Person::default() };
        let text = || Some("x".to_owned());
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(action));
            let mut event =
                Event::new("2026-11-24T05:02:11+01:00", action.name(), "AB/1", person("Ana"));
            assert_eq!(Action::check(&event).is_ok(), action.required().is_empty(), "{action:?}");
            event.from = Some(person("a"));
            event.to = Some(person("b"));
            event.location = text();
            event.reason = text();
            event.authority = text();
            event.seal_no = text();
            event.justification = text();
            event.corrects = Some(0);
            event.note = text();
            event.result = text();
            Action::check(&event).unwrap();
            event.by = person(" ");
            assert!(Action::check(&event).is_err());
        }
        assert!(Action::check(&Event::new("", "eaten", "", person("Ana"))).is_err());
    }
}
