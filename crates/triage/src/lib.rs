//! The one binary: parses what was typed, resolves it to values, runs, and speaks.
//!
//! One verb is one file in `cmd`. What the libraries find comes back as values; this crate alone
//! writes to the terminal, reads the clock and chooses the exit code.

mod agent;
mod cli;
mod clock;
mod cmd;
mod console;
pub mod exit;
mod facts;
mod failure;
mod known_from;
mod measure;
mod profile;
mod progress;
mod schema;
mod set_args;
mod shown;
mod signing;
mod trust;
mod write;
mod write_attack;

pub use cli::{command, main};
pub use schema::schemas;
