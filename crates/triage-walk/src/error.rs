//! What can go wrong with what the operator asked for. Evidence trouble is a `Problem` instead.

use triage_evidence::Problem;

/// A mistake in the request of a walk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The evidence itself cannot be opened.
    #[error("{problem}")]
    Open {
        /// Why.
        problem: Problem,
    },
    /// The scope is no TOML, or holds a key that means nothing.
    #[error("the scope is not valid TOML: {reason}")]
    ScopeText {
        /// What the TOML reader says, with line and column.
        reason: String,
    },
    /// A pattern of the scope cannot be read.
    #[error("the scope's pattern {pattern:?} is not valid: {reason}")]
    ScopePattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A date of the scope cannot be read.
    #[error("the scope's date {date:?} is not valid: expected 2026-11-24 or RFC 3339")]
    ScopeDate {
        /// The text.
        date: String,
    },
    /// A location is written in no known form.
    #[error("the location {text:?} cannot be read: {reason}")]
    LocationText {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A location to read lies outside the evidence.
    #[error("the location {location} leads out of the evidence")]
    OutsideLocation {
        /// The location in display form.
        location: String,
    },
}
