//! The lines of a list, one at a time, none longer than the limit.

use std::io::{self, BufRead, Read};

/// Longest line that is read, in bytes: the longest path of any system is 32 KiB, four times that
/// when escaped. A longer line is no row of a list.
pub(super) const MAX_LINE: usize = 1 << 20;

/// Reads lines without their ends (LF or CR LF).
pub(super) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    /// Bytes at the beginning of the input's buffer that the last line was.
    held: usize,
    line: Vec<u8>,
    number: u64,
}

/// One line of the text.
pub(super) struct Line<'a> {
    /// Its bytes without the line end; cut off at the limit if it is too long.
    pub(super) bytes: &'a [u8],
    /// Its number, from 1.
    pub(super) number: u64,
    /// Whether it is longer than the limit.
    pub(super) too_long: bool,
}

impl<'a> Lines<'a> {
    /// Returns the lines of a text.
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
        Self { input, held: 0, line: Vec::new(), number: 0 }
    }

    /// Returns the next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.input.consume(self.held);
        self.held = 0;
        // Nearly every line lies whole in the buffer and need not be copied.
        if let Some(end) = memchr::memchr(b'\n', self.input.fill_buf()?) {
            self.held = end.saturating_add(1);
            self.number = self.number.saturating_add(1);
            let bytes = self.input.fill_buf()?.get(..end).unwrap_or_default();
            let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            let too_long = bytes.len() > MAX_LINE;
            return Ok(Some(Line { bytes, number: self.number, too_long }));
        }
        self.line.clear();
        let limit = (MAX_LINE + 2) as u64;
        if (&mut *self.input).take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let ended = self.line.last() == Some(&b'\n');
        if !ended && self.line.len() as u64 == limit {
            self.input.skip_until(b'\n')?;
        }
        let bytes = trim_end(&self.line);
        Ok(Some(Line { bytes, number: self.number, too_long: bytes.len() > MAX_LINE }))
    }
}

impl Drop for Lines<'_> {
    /// Whoever reads on begins behind the last line.
    fn drop(&mut self) {
        self.input.consume(self.held);
    }
}

/// Passes over one line, however long it is.
pub(super) fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    input.skip_until(b'\n').map(|_| ())
}

/// Returns the line without its end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_at_the_limit_is_read_and_a_longer_one_is_skipped_whole() {
        for end in ["\n", "\r\n"] {
            let fits = "a".repeat(MAX_LINE);
            let long = "b".repeat(3 * MAX_LINE);
            let text = format!("{fits}{end}{long}{end}c");
            let mut input = text.as_bytes();
            let mut lines = Lines::new(&mut input);
            let first = lines.next().unwrap().unwrap();
            assert!(!first.too_long && first.bytes.len() == MAX_LINE);
            let second = lines.next().unwrap().unwrap();
            assert!(second.too_long && second.number == 2);
            let third = lines.next().unwrap().unwrap();
            assert_eq!((third.bytes, third.number, third.too_long), (&b"c"[..], 3, false));
            assert!(lines.next().unwrap().is_none());
        }
    }

    #[test]
    fn lines_are_whole_whatever_the_buffer_and_the_rest_can_be_read() {
        for capacity in 1..12 {
            let mut input = io::BufReader::with_capacity(capacity, &b"ab\n\ncdef\r\ng\nrest"[..]);
            let mut lines = Lines::new(&mut input);
            for expected in ["ab", "", "cdef", "g"] {
                assert_eq!(lines.next().unwrap().unwrap().bytes, expected.as_bytes());
            }
            drop(lines);
            let mut rest = String::new();
            input.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "rest", "{capacity}");
        }
    }
}
