//! Where records go: prepared side by side, kept one after the other.

use triage_case::Record;

/// Turns records into what a writer keeps. Runs in every worker thread at once, so that the one
/// thread that keeps the order has nothing left to do but append.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// What is handed to the writer, in the order of the walk.
    type Line: Send + 'static;

    /// Prepares records, in order, one line each. They come many at once, because digests of many
    /// lines side by side cost less than one after the other.
    fn prepare(&self, records: Vec<Record>) -> Vec<Self::Line>;

    /// Returns about how many bytes of memory a line takes, for the bound on waiting lines.
    fn weight(line: &Self::Line) -> usize;
}
