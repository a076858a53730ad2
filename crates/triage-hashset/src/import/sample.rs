//! The beginning of a list, decoded, for finding out its format.

use std::io::Read;

use super::source::decode;

/// How many lines vote on the format.
const MAX_VOTES: usize = 1000;

/// The beginning of a list.
pub(super) struct Sample {
    text: Vec<u8>,
    looks_like: Option<&'static str>,
}

/// Beginnings of files that are no text, for the error message.
const BINARY: &[(&[u8], &str)] = &[
    (b"SQLite format 3\0", "an SQLite database"),
    (b"HASH\r\n\xff\0", "an EnCase hash set"),
    (b"\x1f\x8b", "compressed with gzip, twice"),
    (b"PK\x03\x04", "a zip archive in another"),
    (b"\xfd7zXZ\0", "compressed with xz, twice"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd, twice"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"\x01\0\0\0\0\0\0\0", "a DCSO bloom filter whose head makes no sense"),
];

impl Sample {
    /// Decodes the head of a file.
    pub(super) fn new(head: &[u8]) -> Self {
        let mut text = Vec::new();
        // Reading from memory cannot fail.
        let _ = decode(head, std::io::empty()).read_to_end(&mut text);
        let binary = BINARY.iter().find(|(magic, _)| head.starts_with(magic));
        let looks_like = binary.map(|(_, name)| *name);
        let looks_like = looks_like.or_else(|| match memchr::memchr(0, &text) {
            Some(0) if text.iter().all(|byte| *byte == 0) => Some("zero bytes and nothing else"),
            Some(_) => Some("binary: it has NUL bytes, which no text has"),
            None => None,
        });
        Self { text, looks_like }
    }

    /// Returns the decoded text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Says whether it is no text; then no grammar of lines fits.
    pub(super) fn is_binary(&self) -> bool {
        self.looks_like.is_some()
    }

    /// Returns what it looks like, in words.
    pub(super) fn looks_like(&self) -> &'static str {
        match (self.looks_like, self.text.trim_ascii_start().first()) {
            (Some(words), _) => words,
            (None, None) => "empty",
            (None, Some(b'{' | b'[')) => "JSON",
            (None, Some(b'<')) => "XML",
            (None, Some(_)) => "text",
        }
    }

    /// Returns the lines that are neither blank nor comments, without their ends.
    pub(super) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.text.split(|byte| *byte == b'\n').map(super::lines::trim_end);
        lines.filter(|line| !is_comment(line)).take(MAX_VOTES)
    }

    /// Says whether more than half of the lines fit a grammar. Grammars of lines exclude each
    /// other, so that at most one can win.
    pub(super) fn vote(&self, fits: impl Fn(&[u8]) -> bool) -> bool {
        let (mut yes, mut all) = (0_usize, 0_usize);
        for line in self.lines() {
            all += 1;
            yes += usize::from(fits(line));
        }
        !self.is_binary() && yes > all / 2
    }
}

/// Says whether a line is blank or a comment.
pub(super) fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [] | [b'#', ..])
}
