//! A disk that is stored in blocks of one size, each of which lies somewhere else or nowhere.

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{long, short};

/// A container that finds blocks.
pub(crate) trait Blocks: Send + Sync {
    /// Returns the size of the disk in bytes.
    fn disk_bytes(&self) -> u64;

    /// Returns the size of a block in bytes; never 0.
    fn block_bytes(&self) -> u64;

    /// Fills `out` from a place within a block; it does not reach over the end of the block.
    ///
    /// # Errors
    /// A [`Problem`] if that part of the container is damaged or missing.
    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem>;
}

/// A container of blocks as a byte source.
pub(crate) struct Blocked<T>(pub(crate) T);

impl<T: Blocks> ByteSource for Blocked<T> {
    fn size_bytes(&self) -> u64 {
        self.0.disk_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let rest = short(self.0.disk_bytes().saturating_sub(offset));
        let length = rest.min(buffer.len());
        let block_bytes = self.0.block_bytes().max(1);
        let mut done = 0;
        while done < length {
            let at = offset.saturating_add(long(done));
            let within = at % block_bytes;
            let part = short(block_bytes - within).min(length - done);
            let out = &mut buffer[done..done + part];
            self.0.read_block(at / block_bytes, within, out).map_err(|problem| {
                // What a container holds no longer is not damage of what the disk holds.
                let kind = match problem.kind {
                    ProblemKind::Damaged => ProblemKind::Unreadable,
                    kind => kind,
                };
                Problem { kind, ..problem }.at(at).losing(long(part))
            })?;
            done += part;
        }
        Ok(length)
    }
}
