//! The custody log: canonical JSON lines, each holding the digest of the line before.

use sha2::{Digest, Sha256};

use crate::{Error, Event, jcs};

/// What stands in the place of a digest where nothing came before.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest log: an event has about a kilobyte, and no exhibit sees 65,536 of them.
const LIMIT_LOG_BYTES: usize = 64 * 1024 * 1024;
/// The longest line of a log.
const LIMIT_LINE_BYTES: usize = 1024 * 1024;

/// Returns the SHA-256 of bytes as lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A log of events whose chain holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustodyLog {
    events: Vec<Event>,
    heads: Vec<String>,
}

impl CustodyLog {
    /// Reads a log and checks every line: its form, its number, and the digest of the line before.
    ///
    /// # Errors
    /// The first [`Error`], with the number of its event; [`Error::Torn`] if only the end of the
    /// last line is missing.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (log, torn) = Self::parse_whole_lines(bytes)?;
        match torn {
            [] => Ok(log),
            torn => Err(Error::Torn {
                event: log.len(),
                offset: bytes.len().saturating_sub(torn.len()),
                length: torn.len(),
            }),
        }
    }

    /// Reads the whole lines of a log, and returns what follows the last line end: nothing, or an
    /// event that was torn while it was written.
    ///
    /// # Errors
    /// The first [`Error`] in a whole line.
    pub fn parse_whole_lines(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        if bytes.len() > LIMIT_LOG_BYTES {
            let (what, actual) = ("a custody log", bytes.len());
            return Err(Error::TooLong { what, limit: LIMIT_LOG_BYTES, actual });
        }
        let mut log = Self::default();
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        let (lines, torn) = match end.and_then(|end| bytes.split_at_checked(end + 1)) {
            Some((lines, torn)) => (lines, torn),
            None => return Ok((log, bytes)),
        };
        for line in lines.strip_suffix(b"\n").unwrap_or(lines).split(|&byte| byte == b'\n') {
            log.take(line)?;
        }
        Ok((log, torn))
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Error> {
        let number = self.len();
        if line.len() > LIMIT_LINE_BYTES {
            let (what, actual) = ("a custody event", line.len());
            return Err(Error::TooLong { what, limit: LIMIT_LINE_BYTES, actual });
        }
        let value = jcs::parse_strict(line)?;
        let event: Event = serde_json::from_value(value).map_err(|error| Error::Fields {
            document: "custody event",
            reason: error.to_string(),
        })?;
        let broken = |what, expected: String, actual: String| {
            Err(Error::Chain { event: number, what, expected, actual })
        };
        if event.v != Event::VERSION {
            return broken("v", Event::VERSION.to_string(), event.v.to_string());
        }
        if event.seq != number {
            return broken("seq", number.to_string(), event.seq.to_string());
        }
        if event.prev != self.head() {
            return broken("prev", self.head().to_owned(), event.prev);
        }
        self.events.push(event);
        self.heads.push(sha256_hex(line));
        Ok(())
    }

    /// Adds an event and returns its line with the line end.
    ///
    /// # Errors
    /// [`Error::Number`] if a free field holds a number that is not exact.
    pub fn append(&mut self, mut event: Event) -> Result<Vec<u8>, Error> {
        event.seq = self.len();
        event.prev = self.head().to_owned();
        let value = serde_json::to_value(&event).map_err(|error| Error::Fields {
            document: "custody event",
            reason: error.to_string(),
        })?;
        let mut line = jcs::to_vec(&value)?;
        self.take(&line)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Returns the events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns how many events there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.events.len() as u64
    }

    /// Says whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns the digest of the last line; 64 zeros for an empty log.
    #[must_use]
    pub fn head(&self) -> &str {
        self.heads.last().map_or(NO_PREVIOUS, String::as_str)
    }

    /// Returns the digest of the line at which the log had that many events.
    #[must_use]
    pub fn head_at(&self, events: u64) -> Option<&str> {
        match events.checked_sub(1) {
            None => Some(NO_PREVIOUS),
            Some(last) => self.heads.get(usize::try_from(last).ok()?).map(String::as_str),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Person;

    fn log() -> (CustodyLog, Vec<u8>) {
        let mut log = CustodyLog::default();
        let mut bytes = Vec::new();
        for action in ["received", "hashed", "released"] {
            let by = Person { name: "Ana Kovač".to_owned(), ..Person::default() };
            let event = Event::new("2026-11-24T05:02:11+01:00", action, "AB/1", by);
            bytes.extend(log.append(event).unwrap());
        }
        (log, bytes)
    }

    #[test]
    fn a_log_is_read_back_with_its_heads() {
        let (log, bytes) = log();
        assert_eq!(CustodyLog::parse(&bytes).unwrap(), log);
        let first = bytes.split(|&byte| byte == b'\n').next().unwrap();
        assert_eq!(log.events()[1].prev, sha256_hex(first));
        assert_eq!(log.head_at(1), Some(sha256_hex(first).as_str()));
        assert_eq!(log.head_at(0), Some(NO_PREVIOUS));
        assert_eq!(log.head_at(4), None);
    }

    #[test]
    fn a_log_cut_anywhere_is_whole_or_torn_and_never_another_log() {
        let (log, bytes) = log();
        for cut in 0..bytes.len() {
            let (read, torn) = CustodyLog::parse_whole_lines(&bytes[..cut]).unwrap();
            assert_eq!(log.head_at(read.len()), Some(read.head()));
            match CustodyLog::parse(&bytes[..cut]) {
                Ok(_) => assert!(torn.is_empty()),
                Err(Error::Torn { event, offset, length }) => {
                    assert_eq!((event, offset + length, length), (read.len(), cut, torn.len()));
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn every_changed_byte_before_the_last_line_breaks_the_chain() {
        let (log, bytes) = log();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let read = CustodyLog::parse(&changed);
            assert!(read.is_err() || read.unwrap().head() != log.head(), "byte {place}");
        }
    }
}
