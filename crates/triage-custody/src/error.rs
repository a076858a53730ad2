//! What can be wrong with a document of the custody, in words for a report.

/// What is wrong with a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no JSON at all.
    #[error("not valid JSON: {reason}")]
    NotJson {
        /// What the JSON reader says.
        reason: String,
    },
    /// The bytes are JSON, but not in the one canonical form.
    #[error("not canonical JSON (RFC 8785): {reason}")]
    NotCanonical {
        /// What differs.
        reason: String,
    },
    /// A number cannot be written exactly by every reader.
    #[error("the number {number} is not exact in canonical JSON; it must be written as a string")]
    Number {
        /// The number.
        number: String,
    },
    /// A document lacks a field, or has one too many, or one of the wrong type.
    #[error("{document} does not have its fields: {reason}")]
    Fields {
        /// Which document.
        document: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A line of the log does not follow from the line before it.
    #[error("custody event {event}: {what} is {actual}, expected {expected}")]
    Chain {
        /// The number of the event, from 0.
        event: u64,
        /// Which field.
        what: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// The log ends in the middle of a line, as after a loss of power.
    #[error(
        "custody event {event} is torn: {length} bytes without a line end from byte {offset} on"
    )]
    Torn {
        /// The number that the event would have, from 0.
        event: u64,
        /// Where it begins in the log.
        offset: usize,
        /// How many bytes of it there are.
        length: usize,
    },
    /// Something is larger than it can honestly be.
    #[error("{what} has {actual} bytes, at most {limit} are read")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// The most that is read.
        limit: usize,
        /// How long it is.
        actual: usize,
    },
    /// A file list has a line that `sha256sum` would not write, or not here.
    #[error("line {line} of the file list: {reason}")]
    FileList {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A key cannot be read or used.
    #[error("the key cannot be used: {reason}")]
    Key {
        /// Why.
        reason: String,
    },
    /// A file of allowed signers has a line that cannot be read.
    #[error("line {line} of the allowed signers: {reason}")]
    AllowedSigners {
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A signature is not one of that key over those bytes.
    #[error("the signature is not valid: {reason}")]
    Signature {
        /// Why.
        reason: String,
    },
    /// A certificate cannot be believed, or cannot be read.
    #[error("certificate {reason}")]
    Certificate {
        /// Whose, and why.
        reason: String,
    },
    /// A CMS signature is not one over those bytes.
    #[error("the CMS signature is not valid: {reason}")]
    Cms {
        /// Why.
        reason: String,
    },
    /// A time-stamp is not one of those bytes.
    #[error("the time-stamp is not valid: {reason}")]
    Stamp {
        /// Why.
        reason: String,
    },
    /// A proof does not show what it says.
    #[error("the proof does not hold: {what} is {actual}, expected {expected}")]
    Proof {
        /// Which part.
        what: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
}
