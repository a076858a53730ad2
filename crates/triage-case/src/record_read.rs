//! Reads an ordinary line of the manifest without a parser of JSON.
//!
//! The fields are taken in the order and form in which `record_line.rs` writes them, and nothing
//! else is accepted: a line that is read here is canonical, and nobody has to write it again to
//! compare. Whatever is rare (a problem, a match, an escape in a name, a deleted entry) is not
//! read here at all. `record_parse.rs` reads it, and says what is wrong with a line.

use triage_custody::jcs::GREATEST_INTEGER;
use triage_evidence::{Device, Entry, FileId, Location, Ownership, Time, Times};
use triage_hash::{Algorithm, Digest, Digests};

use crate::{Record, Status};

/// Reads a line, without its line end, and returns the record and the exhibit's number. `None`
/// says only that this reader does not read it.
pub(crate) fn read_line(bytes: &[u8]) -> Option<(Record, &str)> {
    let mut line = Cursor { rest: bytes.strip_prefix(b"{")? };
    let allocated_bytes = line.member(b"\"allocated\":", Cursor::integer)?;
    line.take(b"\"exhibit\":")?;
    let exhibit = line.plain()?;
    line.take(b",")?;
    let id = line.member(b"\"fs_id\":", file_id)?;
    let group = line.member(b"\"gid\":", Cursor::integer)?;
    let digests = line.member(b"\"hashes\":", digests)?;
    let links = line.member(b"\"links\":", Cursor::integer)?;
    let mode = line.member(b"\"mode\":", mode)?;
    let name_times = line.member(b"\"name_times\":", times)?;
    line.take(b"\"path\":")?;
    let path = line.plain().filter(|path| !matches!(*path, "" | "."))?;
    line.take(b",\"seq\":")?;
    let seq = line.integer()?;
    line.take(b",")?;
    let size_bytes = line.member(b"\"size\":", Cursor::integer)?;
    line.take(b"\"status\":")?;
    // These two have a field of their own.
    let has_more = |status: &Status| matches!(status, Status::Partial | Status::Carried);
    let status = line.plain()?.parse().ok().filter(|status| !has_more(status))?;
    line.take(b",")?;
    let times = line.member(b"\"times\":", times)?;
    line.take(b"\"type\":")?;
    let kind = line.plain()?.parse().ok()?;
    line.take(b",")?;
    let user = line.member(b"\"uid\":", Cursor::integer)?;
    (line.rest == b"\"v\":1}").then_some(())?;

    let mut entry = Entry::unexamined(Location::from_path(path.as_bytes().to_vec()), kind);
    entry.size_bytes = size_bytes;
    entry.allocated_bytes = allocated_bytes;
    entry.times = times.unwrap_or_default();
    entry.name_times = name_times;
    entry.id = id;
    entry.links = links;
    entry.ownership = match (user, group, mode) {
        (None, None, None) => None,
        (Some(user), Some(group), Some(mode)) => {
            let (user, group) = (u32::try_from(user).ok()?, u32::try_from(group).ok()?);
            Some(Ownership { user, group, mode })
        }
        _ => return None,
    };
    let mut record = Record::unread(seq, entry, status);
    record.digests = digests.unwrap_or_default();
    record.bytes_read = if status == Status::Read { size_bytes.unwrap_or(0) } else { 0 };
    Some((record, exhibit))
}

/// The length of a time, down to the nanosecond: what [`Time::from_digits`] reads.
const TIME_BYTES: usize = "2026-11-20T10:00:00.123456789Z".len();

/// What is left of a line.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Takes exactly these bytes.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(bytes)?;
        Some(())
    }

    /// Takes a member with its comma if it is there. `None` if its value is of another form.
    #[expect(clippy::option_option, reason = "absent and not read here are two different things")]
    fn member<T>(
        &mut self,
        key: &[u8],
        value: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.take(key).is_none() {
            return Some(None);
        }
        let value = value(self)?;
        self.take(b",")?;
        Some(Some(value))
    }

    /// Takes digits as a number, without leading zeros.
    fn digits(&mut self) -> Option<u64> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at_checked(length)?;
        (digits == b"0" || digits.first().is_some_and(|&first| first != b'0')).then_some(())?;
        self.rest = rest;
        digits.iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
        })
    }

    /// Takes a number that is exact for every reader; greater ones are strings.
    fn integer(&mut self) -> Option<u64> {
        self.digits().filter(|number| *number <= GREATEST_INTEGER)
    }

    /// Takes a string of so many bytes, for whoever accepts none that would end or escape one.
    fn quoted(&mut self, length: usize) -> Option<&'a [u8]> {
        let inside = self.rest.strip_prefix(b"\"")?;
        let (text, rest) = inside.split_at_checked(length)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// Takes a string of printable ASCII in which nothing is escaped.
    fn plain(&mut self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix(b"\"")?;
        let length = memchr::memchr(b'"', inside)?;
        let (text, rest) = inside.split_at_checked(length)?;
        let is_plain = text.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\');
        is_plain.then_some(())?;
        self.rest = rest.strip_prefix(b"\"")?;
        str::from_utf8(text).ok()
    }
}

fn file_id(line: &mut Cursor<'_>) -> Option<FileId> {
    line.take(b"\"")?;
    let major = u32::try_from(line.digits()?).ok()?;
    line.take(b":")?;
    let minor = u32::try_from(line.digits()?).ok()?;
    line.take(b"-")?;
    let inode = line.digits()?;
    line.take(b"\"")?;
    Some(FileId { device: Device { major, minor }, inode })
}

/// Octal, at least four digits.
fn mode(line: &mut Cursor<'_>) -> Option<u32> {
    let text = line.plain()?.as_bytes();
    let is_octal = text.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let is_shortest = text.len() == 4 || (text.len() > 4 && !text.starts_with(b"0"));
    (is_octal && is_shortest && text.len() <= 10).then_some(())?;
    Some(text.iter().fold(0, |mode, digit| mode << 3 | u32::from(digit & 7)))
}

fn digests(line: &mut Cursor<'_>) -> Option<Digests> {
    const SORTED: [(&[u8], Algorithm); 6] = [
        (b"\"blake3\":", Algorithm::Blake3),
        (b"\"md5\":", Algorithm::Md5),
        (b"\"sha1\":", Algorithm::Sha1),
        (b"\"sha256\":", Algorithm::Sha256),
        (b"\"sha3-256\":", Algorithm::Sha3_256),
        (b"\"sha512\":", Algorithm::Sha512),
    ];
    let mut digests = Digests::new();
    object(line, SORTED.map(|(key, _)| key), |line, place| {
        let (_, algorithm) = *SORTED.get(place)?;
        let hex = line.quoted(2 * algorithm.len_bytes())?;
        // The reader of digests takes either case.
        (!hex.iter().any(u8::is_ascii_uppercase)).then_some(())?;
        digests.insert(Digest::from_hex(algorithm, hex).ok()?);
        Some(())
    })?;
    Some(digests)
}

fn times(line: &mut Cursor<'_>) -> Option<Times> {
    let mut times = Times::default();
    object(line, [b"\"a\":", b"\"b\":", b"\"c\":", b"\"m\":"], |line, place| {
        let time = Time::from_digits(line.quoted(TIME_BYTES)?)?;
        let field = match place {
            0 => &mut times.accessed,
            1 => &mut times.born,
            2 => &mut times.changed,
            _ => &mut times.modified,
        };
        *field = Some(time);
        Some(())
    })?;
    Some(times)
}

/// Takes an object with at least one of the keys, in their order; `value` takes each value.
fn object<const N: usize>(
    line: &mut Cursor<'_>,
    keys: [&[u8]; N],
    mut value: impl FnMut(&mut Cursor<'_>, usize) -> Option<()>,
) -> Option<()> {
    line.take(b"{")?;
    let mut is_first = true;
    for (place, key) in keys.into_iter().enumerate() {
        let at_key = if is_first { Some(line.rest) } else { line.rest.strip_prefix(b",") };
        if let Some(rest) = at_key.and_then(|rest| rest.strip_prefix(key)) {
            line.rest = rest;
            value(line, place)?;
            is_first = false;
        }
    }
    (!is_first).then_some(())?;
    line.take(b"}")
}
