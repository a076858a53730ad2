//! A reader of the one JSON dialect that the manifest uses, over text known to be UTF-8.
//!
//! It accepts a little more than the canonical form (any escape, any order of known keys); the
//! caller compares with the canonical line. It never recurses deeper than a record does.

use std::borrow::Cow;
use std::str::FromStr;

use super::LineError;

/// A place in a line.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the error of something else standing here.
    pub(super) const fn expected(&self, expected: &'static str) -> LineError {
        LineError::Syntax { position: self.at, expected }
    }

    /// Returns the error of a value that was read and is of the wrong kind.
    pub(super) fn wrong(&self, expected: &'static str, actual: &str) -> LineError {
        LineError::Value { position: self.at, expected, actual: actual.to_owned() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a literal piece of text.
    pub(super) fn literal(
        &mut self,
        literal: &str,
        expected: &'static str,
    ) -> Result<(), LineError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(self.expected(expected));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Takes one byte if it stands here.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let stands = self.peek() == Some(byte);
        self.at += usize::from(stands);
        stands
    }

    /// Fails unless everything was read.
    pub(super) fn end(&self) -> Result<(), LineError> {
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Reads an object. `member` reads the value of a key, or returns `false` if it knows none.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<bool, LineError>,
    ) -> Result<(), LineError> {
        self.literal("{", "an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let position = self.at;
            let key = self.string()?;
            self.literal(":", "a colon")?;
            if !member(self, &key)? {
                return Err(LineError::UnknownKey { position, key: key.into_owned() });
            }
            if !self.take(b',') {
                return self.literal("}", "a comma or the end of an object");
            }
        }
    }

    /// Reads a string.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, LineError> {
        self.literal("\"", "a string")?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let stop = rest
            .iter()
            .position(|&byte| byte == b'"' || byte == b'\\')
            .ok_or_else(|| self.expected("the end of a string"))?;
        self.at += stop;
        let plain = self.text.get(start..self.at).unwrap_or_default();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped_string(plain.to_owned()).map(Cow::Owned)
    }

    fn escaped_string(&mut self, mut out: String) -> Result<String, LineError> {
        loop {
            let start = self.at;
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            let stop = rest
                .iter()
                .position(|&byte| byte == b'"' || byte == b'\\')
                .ok_or_else(|| self.expected("the end of a string"))?;
            self.at += stop;
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            if self.take(b'"') {
                return Ok(out);
            }
            self.at += 1;
            out.push(self.escape()?);
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, LineError> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'b') => '\u{8}',
            Some(b't') => '\t',
            Some(b'n') => '\n',
            Some(b'f') => '\u{c}',
            Some(b'r') => '\r',
            Some(b'u') => {
                // The canonical form knows \u00xx of control characters only.
                let code = self
                    .text
                    .get(self.at + 1..self.at + 5)
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| self.expected("four hex digits of a control character"))?;
                self.at += 4;
                char::from(code)
            }
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads a string that names one of a closed set of things.
    pub(super) fn named<T: FromStr>(&mut self, expected: &'static str) -> Result<T, LineError> {
        let text = self.string()?;
        text.parse().map_err(|_| self.wrong(expected, &text))
    }

    /// Reads the characters of a number.
    fn digits(&mut self) -> &'a str {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-')) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Reads an unsigned integer: a number, or a decimal string.
    pub(super) fn number(&mut self) -> Result<u64, LineError> {
        let text = match self.peek() {
            Some(b'"') => self.string()?,
            _ => Cow::Borrowed(self.digits()),
        };
        text.parse().map_err(|_| self.wrong("an unsigned integer", &text))
    }

    /// Reads an unsigned integer of 32 bits.
    pub(super) fn small_number(&mut self) -> Result<u32, LineError> {
        let text = self.digits();
        text.parse().map_err(|_| self.wrong("an unsigned integer of 32 bits", text))
    }

    /// Reads an integer of 32 bits.
    pub(super) fn signed_number(&mut self) -> Result<i32, LineError> {
        let text = self.digits();
        text.parse().map_err(|_| self.wrong("an integer of 32 bits", text))
    }
}
