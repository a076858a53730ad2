//! The content of one entry, read once from start to end.

use crate::Problem;

/// What one read gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// So many bytes were put at the start of the buffer; never 0.
    Data(usize),
    /// So many zero bytes follow that the disk does not hold; the buffer is untouched. Never 0.
    Hole(u64),
    /// The content has ended.
    End,
}

/// The content of an entry, opened for one pass. Dropping it closes it.
pub trait Stream: Send {
    /// Reads the next bytes into `buffer`, or tells of a hole or of the end.
    ///
    /// # Errors
    /// A [`Problem`] with its offset; the stream then stands at that offset, and [`Stream::skip`]
    /// moves behind the bad place.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem>;

    /// Moves forward over bytes that could not be read.
    fn skip(&mut self, bytes: u64);

    /// Compares the file with what it was when the walk met it.
    ///
    /// # Errors
    /// A [`Problem`] of kind `Changed` that says what differs, or why it could not be asked.
    fn check_unchanged(&mut self) -> Result<(), Problem>;

    /// Returns where the content begins on its volume, in bytes; `None` if that is not known or
    /// if the content lies among the metadata.
    ///
    /// It decides the order of reading where a head must move, and nothing else.
    fn begins_at(&self) -> Option<u64> {
        None
    }
}
