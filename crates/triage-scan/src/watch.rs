//! The operator's eye on a running scan.

use triage_case::Record;

/// Is told what happens while it happens, from any thread; it must be quick.
pub trait Watch: Send + Sync {
    /// A record has at least one alerting match. Called at once, before the record is written.
    fn hit(&self, record: &Record);

    /// A record is finished, whatever became of the entry.
    fn recorded(&self, record: &Record);

    /// So many more bytes of content were read.
    fn read(&self, bytes: u64);
}

/// Nobody watches.
impl Watch for () {
    fn hit(&self, _: &Record) {}

    fn recorded(&self, _: &Record) {}

    fn read(&self, _: u64) {}
}
