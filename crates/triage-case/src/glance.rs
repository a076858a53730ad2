//! What of a manifest's line can be told without reading it as JSON: digests, size, status, time.
//!
//! For work on many stored manifests, of whose lines few are of interest. It trusts the canonical
//! form: a line was compared with a seal, or parsed once, before what is told here counts. On other
//! bytes it tells something or nothing, and never fails. In canonical JSON a quote inside a text is
//! escaped, so that the bytes of a quoted key stand nowhere in a text.

use memchr::memmem;
use triage_evidence::Time;
use triage_hash::{Algorithm, Algorithms, Digest, Digests};

use crate::Status;

/// A look at one line.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    line: &'a [u8],
    /// Behind `"seq":`, where only few keys follow.
    tail: &'a [u8],
}

impl<'a> Glance<'a> {
    /// Takes a line, with or without its line end.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        let key = b",\"seq\":";
        let tail = memmem::rfind(line, key).and_then(|at| line.get(at + key.len()..));
        Self { line, tail: tail.unwrap_or_default() }
    }

    /// Returns the line.
    #[must_use]
    pub const fn line(&self) -> &'a [u8] {
        self.line
    }

    /// Returns the digest of one algorithm.
    #[must_use]
    pub fn digest(&self, algorithm: Algorithm) -> Option<Digest> {
        let hashes = between(self.line, b"\"hashes\":{", b"}")?;
        digest_in(hashes, algorithm)
    }

    /// Returns all digests.
    #[must_use]
    pub fn digests(&self) -> Digests {
        let Some(hashes) = between(self.line, b"\"hashes\":{", b"}") else {
            return Digests::new();
        };
        Algorithm::ALL.into_iter().filter_map(|algorithm| digest_in(hashes, algorithm)).collect()
    }

    /// Returns the algorithms of all digests.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        let hashes = between(self.line, b"\"hashes\":{", b"}").unwrap_or_default();
        let names = members(hashes).map(|(name, _)| name);
        names.filter_map(|name| std::str::from_utf8(name).ok()?.parse::<Algorithm>().ok()).collect()
    }

    /// Says whether there is a digest.
    #[must_use]
    pub fn has_digests(&self) -> bool {
        memmem::find(self.line, b"\"hashes\":{").is_some()
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        let at = self.tail.iter().position(|byte| !byte.is_ascii_digit())?;
        let rest = self.tail.get(at..)?.strip_prefix(b",\"size\":")?;
        // Beyond 2^53-1 it is a string.
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
    }

    /// Returns what became of the entry.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let name = between(self.tail, b"\"status\":\"", b"\"")?;
        std::str::from_utf8(name).ok()?.parse().ok()
    }

    /// Returns when the content was last modified.
    #[must_use]
    pub fn modified(&self) -> Option<Time> {
        let times = between(self.tail, b"\"times\":{", b"}")?;
        let text = between(times, b"\"m\":\"", b"\"")?;
        Time::from_text(std::str::from_utf8(text).ok()?)
    }
}

fn between<'a>(bytes: &'a [u8], before: &[u8], after: &[u8]) -> Option<&'a [u8]> {
    let start = memmem::find(bytes, before)?.checked_add(before.len())?;
    let rest = bytes.get(start..)?;
    rest.get(..memmem::find(rest, after)?)
}

fn digest_in(hashes: &[u8], algorithm: Algorithm) -> Option<Digest> {
    let name = algorithm.name().as_bytes();
    let (_, value) = members(hashes).find(|(known, _)| *known == name)?;
    Digest::from_hex(algorithm, value).ok()
}

/// Iterates over names and values of `"name":"hex"`, separated by commas: names and digits only.
fn members(hashes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = hashes;
    std::iter::from_fn(move || {
        let member = rest.strip_prefix(b"\"")?;
        let end = member.iter().position(|&byte| byte == b'"')?;
        let value = member.get(end..)?.strip_prefix(b"\":\"")?;
        let length = value.iter().position(|&byte| byte == b'"')?;
        let behind = value.get(length..)?;
        rest = behind.strip_prefix(b"\",").unwrap_or_default();
        Some((member.get(..end)?, value.get(..length)?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use triage_evidence::{Entry, Facts, Kind, Location};
    use triage_hash::hash_bytes;

    use super::*;
    use crate::{Record, write_line};

    fn record(path: &[u8]) -> Record {
        let mut entry = Entry::unexamined(Location::from_path(path.to_vec()), Kind::File);
        entry.size_bytes = Some(1 << 60);
        entry.times.modified = Time::from_text("2026-11-20T10:00:00.123456789Z");
        entry.times.accessed = Time::from_text("2001-01-01T00:00:00.000000000Z");
        entry.name_times = Some(triage_evidence::Times {
            modified: Time::from_text("1999-01-01T00:00:00.000000000Z"),
            ..entry.times
        });
        let mut record = Record::unread(7, entry, Status::Read);
        record.digests = hash_bytes(Algorithm::ALL.into_iter().collect(), b"harmless");
        record
    }

    #[test]
    fn it_tells_what_the_line_says_whatever_the_names() {
        for path in [
            &b"plain"[..],
            b"\"hashes\":{\"md5\":\"00\"},\"seq\":9,\"size\":5,\"status\":\"lost\"",
            b"a\\\",\"seq\":1,\"size\":2",
            b"\xff\"times\":{\"m\":\"x\"}",
        ] {
            let mut record = record(path);
            record.entry.target = Some(path.to_vec());
            record.entry.facts = Some(Box::new(Facts {
                pairs: BTreeMap::from([("size".to_owned(), "12".to_owned())]),
                notes: Vec::new(),
            }));
            let mut line = Vec::new();
            write_line(&record, "A\"hashes\":{/1", &mut line);
            let glance = Glance::of(&line);
            assert_eq!(glance.digests(), record.digests);
            assert_eq!(glance.algorithms(), record.digests.algorithms());
            assert_eq!(glance.digest(Algorithm::Sha1), record.digests.get(Algorithm::Sha1));
            assert_eq!(glance.size_bytes(), record.entry.size_bytes);
            assert_eq!(glance.status(), Some(Status::Read));
            assert_eq!(glance.modified(), record.entry.times.modified);
        }
    }

    #[test]
    fn what_is_not_there_is_not_told_and_cut_lines_do_no_harm() {
        let mut line = Vec::new();
        let entry = Entry::unexamined(Location::from_path(b"d".to_vec()), Kind::Directory);
        write_line(&Record::unread(0, entry, Status::NotRegular), "A", &mut line);
        let glance = Glance::of(&line);
        assert!(glance.digests().is_empty() && glance.size_bytes().is_none());
        assert_eq!((glance.status(), glance.modified()), (Some(Status::NotRegular), None));
        let mut whole = Vec::new();
        write_line(&record(b"x"), "A", &mut whole);
        for end in 0..whole.len() {
            let glance = Glance::of(&whole[..end]);
            let _told = (glance.digests(), glance.size_bytes(), glance.status(), glance.modified());
        }
    }
}
