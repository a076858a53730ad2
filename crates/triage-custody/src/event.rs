//! One event of the chain of custody: who did what with which exhibit, when, where and why.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A person who acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The role, such as examiner or witness.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub org: Option<String>,
    /// A badge or staff number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// A telephone number or address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contact: Option<String>,
}

/// A document that belongs to an event, such as a photograph of the bag. It is not in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// Its name, in display form.
    pub name: String,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// Its size; a string beyond 2^53-1.
    pub size: Value,
}

/// One event. `seq` and `prev` are set by the log that it is appended to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The version of this document.
    pub v: u32,
    /// The place in the log, from 0.
    pub seq: u64,
    /// When, RFC 3339 with an offset.
    pub time: String,
    /// What was done, such as `received`, `hashed`, `sealed`, `released`.
    pub action: String,
    /// The exhibit.
    pub exhibit: String,
    /// Who did it.
    pub by: Person,
    /// The SHA-256 of the line before, without its line end; 64 zeros for the first.
    pub prev: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Under which warrant, order or consent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authority: Option<String>,
    /// The number of the bag's seal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seal_no: Option<String>,
    /// From whom.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Person>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<Person>,
    /// What came of it, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<String>,
    /// The program that did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool: Option<Value>,
    /// What went in: particulars or digests.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input: Option<Value>,
    /// What came out: digests.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Value>,
    /// A note in free words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// In which condition the exhibit and its bag were.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub condition: Option<String>,
    /// Why the original had to be changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<String>,
    /// The number of the event that this one corrects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub corrects: Option<u64>,
    /// Documents that belong to it, by digest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attachments: Option<Vec<Attachment>>,
    /// What was compared with what: `left`, `right`, `result`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub compared: Option<Value>,
    /// How writing to the exhibit was prevented.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub write_protect: Option<Value>,
    /// What is known of the clocks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clock: Option<Value>,
    /// When it was written down, if that was not when it happened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recorded: Option<String>,
    /// The name of the computer that wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
}

impl Event {
    /// The version that this program writes and reads.
    pub const VERSION: u32 = 1;

    /// Returns an event with only the required fields.
    #[must_use]
    pub fn new(time: &str, action: &str, exhibit: &str, by: Person) -> Self {
        Self {
            v: Self::VERSION,
            seq: 0,
            time: time.to_owned(),
            action: action.to_owned(),
            exhibit: exhibit.to_owned(),
            by,
            prev: String::new(),
            location: None,
            reason: None,
            authority: None,
            seal_no: None,
            from: None,
            to: None,
            result: None,
            tool: None,
            input: None,
            output: None,
            note: None,
            condition: None,
            justification: None,
            corrects: None,
            attachments: None,
            compared: None,
            write_protect: None,
            clock: None,
            recorded: None,
            host: None,
        }
    }
}
