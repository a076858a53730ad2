//! The records of a delimited file: fields between delimiters, quoted as in RFC 4180.
//!
//! Stricter than a usual CSV reader on purpose: a stray quote would make it swallow the rows up to
//! the next quote into one field, and their digests would be missing without a word. Here such a
//! line is rejected alone and reading goes on with the next one.

use std::collections::VecDeque;
use std::io;

use super::lines::{Lines, MAX_LINE};
use super::text::is_line_end;
use crate::Reason;

/// Most lines of one record: names with line ends are rare, with many of them unheard of.
const MAX_JOINED: usize = 16;

/// The fields of one record; reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    /// For each field its start in the record as written and its end in `text`.
    places: Vec<(usize, usize)>,
}

impl Fields {
    /// Returns a field without white space around it.
    pub(super) fn get(&self, place: usize) -> Option<&[u8]> {
        let (_, end) = *self.places.get(place)?;
        let before = place.checked_sub(1).and_then(|before| self.places.get(before));
        let start = before.map_or(0, |(_, end)| *end);
        self.text.get(start..end).map(<[u8]>::trim_ascii)
    }

    /// Returns where a field starts in the record, from 0.
    pub(super) fn start(&self, place: usize) -> usize {
        self.places.get(place).map_or(0, |(start, _)| *start)
    }

    /// Returns how many fields there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }
}

/// What became of an attempt to split a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// Every field is complete.
    Done,
    /// The text ends inside quotes.
    Open,
    /// A quote ends inside a field, or a CR or NUL stands outside quotes, at that byte.
    Stray(usize),
}

/// Splits a record into its fields.
pub(super) fn split(record: &[u8], delimiter: u8, fields: &mut Fields) -> Split {
    fields.text.clear();
    fields.places.clear();
    let mut at = 0;
    loop {
        let start = at;
        let rest = record.get(at..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        if rest.get(spaces) == Some(&b'"') {
            match quoted(record, at + spaces + 1, &mut fields.text) {
                None => return Split::Open,
                Some(end) => at = end,
            }
            while record.get(at) == Some(&b' ') {
                at += 1;
            }
            if record.get(at).is_some_and(|byte| *byte != delimiter) {
                return Split::Stray(at);
            }
        } else {
            let len = memchr::memchr(delimiter, rest).unwrap_or(rest.len());
            let text = rest.get(..len).unwrap_or_default();
            // Behind it may stand another row, which would be missing without a word.
            if let Some(bare) = memchr::memchr2(b'\r', 0, text)
                && !is_line_end(rest.get(bare..))
            {
                return Split::Stray(at + bare);
            }
            fields.text.extend_from_slice(text);
            at += len;
        }
        fields.places.push((start, fields.text.len()));
        if at >= record.len() {
            return Split::Done;
        }
        at += 1;
    }
}

/// Appends what is inside quotes from `at` and returns where they end, if they do.
fn quoted(record: &[u8], mut at: usize, text: &mut Vec<u8>) -> Option<usize> {
    loop {
        let rest = record.get(at..)?;
        let len = rest.iter().position(|byte| *byte == b'"')?;
        text.extend_from_slice(rest.get(..len)?);
        at += len + 1;
        if record.get(at) != Some(&b'"') {
            return Some(at);
        }
        text.push(b'"');
        at += 1;
    }
}

/// Reads the records of a file.
pub(super) struct Records<'a> {
    lines: Lines<'a>,
    delimiter: u8,
    /// Lines that were read in vain while looking for the end of quotes.
    waiting: VecDeque<(u64, Vec<u8>)>,
}

/// What is wrong with a line, and at which byte, from 0.
pub(super) struct BadLine {
    /// The reason.
    pub(super) reason: Reason,
    /// The byte.
    pub(super) at: usize,
}

impl<'a> Records<'a> {
    /// Returns the records of a text.
    pub(super) fn new(lines: Lines<'a>, delimiter: u8) -> Self {
        Self { lines, delimiter, waiting: VecDeque::new() }
    }

    /// Reads the next record that is not blank into `fields` and returns the number of its line.
    pub(super) fn next(
        &mut self,
        fields: &mut Fields,
    ) -> io::Result<Option<(u64, Result<(), BadLine>)>> {
        loop {
            let (number, line) = if let Some((number, line)) = self.waiting.pop_front() {
                (number, Some(line))
            } else {
                let Some(line) = self.lines.next()? else { return Ok(None) };
                // Nearly every line: no quotes, and so nothing to wait for.
                if !line.too_long && memchr::memchr3(b'"', b'\r', 0, line.bytes).is_none() {
                    if line.bytes.trim_ascii().is_empty() {
                        continue;
                    }
                    split(line.bytes, self.delimiter, fields);
                    return Ok(Some((line.number, Ok(()))));
                }
                (line.number, (!line.too_long).then(|| line.bytes.to_vec()))
            };
            let Some(line) = line else {
                return Ok(Some((number, Err(BadLine { reason: Reason::LineTooLong, at: 0 }))));
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let verdict = match split(&line, self.delimiter, fields) {
                Split::Done => Ok(()),
                Split::Stray(at) => Err(at),
                Split::Open => self.join(&line, fields)?,
            };
            let verdict = verdict.map_err(|at| BadLine { reason: Reason::BadQuoting, at });
            return Ok(Some((number, verdict)));
        }
    }

    /// Adds lines until the quotes close. If they do not, the lines wait to be read alone, and
    /// the place of the trouble is returned.
    fn join(&mut self, first: &[u8], fields: &mut Fields) -> io::Result<Result<(), usize>> {
        let mut record = first.to_vec();
        let mut taken: Vec<(u64, Vec<u8>)> = Vec::new();
        while taken.len() < MAX_JOINED && record.len() < MAX_LINE {
            let Some((number, Some(line))) = self.take()? else { break };
            record.push(b'\n');
            record.extend_from_slice(&line);
            taken.push((number, line));
            match split(&record, self.delimiter, fields) {
                Split::Done => return Ok(Ok(())),
                Split::Stray(_) => break,
                Split::Open => {}
            }
        }
        for line in taken.into_iter().rev() {
            self.waiting.push_front(line);
        }
        Ok(Err(first.iter().position(|byte| *byte == b'"').unwrap_or(0)))
    }

    /// Returns the next line with its number, `None` for its bytes if it is too long.
    fn take(&mut self) -> io::Result<Option<(u64, Option<Vec<u8>>)>> {
        if let Some((number, line)) = self.waiting.pop_front() {
            return Ok(Some((number, Some(line))));
        }
        let line = self.lines.next()?;
        Ok(line.map(|line| (line.number, (!line.too_long).then(|| line.bytes.to_vec()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(u64, Option<Vec<String>>)> {
        let mut input = text.as_bytes();
        let mut records = Records::new(Lines::new(&mut input), b',');
        let mut fields = Fields::default();
        let mut out = Vec::new();
        while let Some((number, verdict)) = records.next(&mut fields).unwrap() {
            let all = (0..fields.len()).filter_map(|i| fields.get(i));
            let all = all.map(|field| String::from_utf8(field.to_vec()).unwrap()).collect();
            out.push((number, verdict.is_ok().then_some(all)));
        }
        out
    }

    fn good(number: u64, fields: &[&str]) -> (u64, Option<Vec<String>>) {
        (number, Some(fields.iter().map(|field| (*field).to_owned()).collect()))
    }

    #[test]
    fn quotes_are_read_as_in_rfc_4180() {
        let text = "a,\"b,\"\"c\"\"\", d\r\n\r\n\"x\ny\",z,\n";
        let expected = [good(1, &["a", "b,\"c\"", "d"]), good(3, &["x\ny", "z", ""])];
        assert_eq!(records(text), expected);
    }

    #[test]
    fn a_stray_quote_costs_its_own_line_only() {
        let text = "\"a,1\nb,2\n\"c\",3\n";
        assert_eq!(records(text), [(1, None), good(2, &["b", "2"]), good(3, &["c", "3"])]);
        let long = format!("\"a,1\n{}", "b,2\n".repeat(40));
        assert_eq!(records(&long).iter().filter(|(_, fields)| fields.is_some()).count(), 40);
    }

    #[test]
    fn quotes_that_never_close_take_bounded_time() {
        let text = "\"a\n".repeat(20_000);
        assert_eq!(records(&text).len(), 20_000);
    }
}
