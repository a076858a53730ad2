//! A disk that is stored in blocks of one size, each of which lies somewhere else or nowhere.

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{long, read_exact, short};

/// A container that finds blocks.
pub(crate) trait Blocks: Send + Sync {
    /// Returns the size of the disk in bytes.
    fn disk_bytes(&self) -> u64;

    /// Returns the size of a block in bytes; never 0.
    fn block_bytes(&self) -> u64;

    /// Fills `out` from a place within a block; it does not reach over the end of the block.
    ///
    /// # Errors
    /// A [`Problem`] if that part of the container is damaged or missing. Its offset counts from
    /// the start of `out`; without one, all of `out` is lost.
    fn read_block(&self, number: u64, within: u64, out: &mut [u8]) -> Result<(), Problem>;
}

/// Fills `out` from a place of the source that holds it as it is.
///
/// # Errors
/// A [`Problem`] that says from where in `out` on how much is lost.
pub(crate) fn read_stored(
    source: &dyn ByteSource,
    start: u64,
    out: &mut [u8],
) -> Result<(), Problem> {
    read_exact(source, start, out).map_err(|problem| counted_from(start, problem))
}

/// Returns a problem of a source with its offset counted from a place of it.
pub(crate) fn counted_from(start: u64, problem: Problem) -> Problem {
    let offset = problem.offset.and_then(|offset| offset.checked_sub(start));
    Problem { offset, ..problem }
}

/// Returns a problem of something that all of a block hangs on, such as a table.
pub(crate) fn of_all(problem: Problem) -> Problem {
    Problem { offset: None, lost_bytes: None, ..problem }
}

/// What is said of a table that tells the same place twice.
pub(crate) const DOUBLED: &str = "two blocks of the image lie in the same place: one is wrong";

/// Says whether two blocks of a length overlap, given where blocks begin.
pub(crate) fn is_doubled(starts: impl Iterator<Item = u64>, length: u64) -> bool {
    let mut starts: Vec<u64> = starts.collect();
    starts.sort_unstable();
    starts.windows(2).any(|pair| pair[1] - pair[0] < length)
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
                let before = problem.offset.filter(|&before| before < long(part)).unwrap_or(0);
                let rest = long(part).saturating_sub(before);
                let lost = match problem.offset {
                    Some(_) => problem.lost_bytes.unwrap_or(rest).clamp(1, rest),
                    None => rest,
                };
                Problem { kind, ..problem }.at(at.saturating_add(before)).losing(lost)
            })?;
            done += part;
        }
        Ok(length)
    }
}
