//! An `allowed_signers` file: which key may sign for whom, and when. It is read as ssh-keygen reads
//! it (ssh-keygen(1), ALLOWED SIGNERS; sshsig.c, match.c and misc.c of OpenSSH 9.2).
//!
//! Stricter in three ways, each an error instead of a surprise: every line is read, not only those
//! of one name up to the first match; a date must exist; certificates of OpenSSH are not read, so
//! that lines with `cert-authority` are checked and passed over.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::time::utc_text;
use crate::{Error, NAMESPACE, PublicKey};

/// The longest file that is read; a laboratory has tens of keys.
const LIMIT_FILE_BYTES: usize = 1024 * 1024;
/// The longest name that is looked up, and the longest pattern: that of `match_pattern_list`.
const LIMIT_NAME_BYTES: usize = 1022;
/// What stands between the words of a line.
const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// A line that lets a key sign seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// The patterns of names, as written.
    pub principals: String,
    /// The key.
    pub key: PublicKey,
    /// When it may be used.
    pub validity: Validity,
}

/// From when until when a key may be used, both included, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// The first second; always if none.
    pub after: Option<i64>,
    /// The last second; for ever if none.
    pub before: Option<i64>,
}

/// The lines of a file, as far as they are for seals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSigners(Vec<AllowedSigner>);

/// Why a signature is not one by an allowed signer.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The signature does not hold with the key in it.
    #[error(transparent)]
    Signature(#[from] Error),
    /// No line gives that key to that name.
    #[error("no key for {principal} among the allowed signers is {fingerprint}")]
    Unknown {
        /// The name.
        principal: String,
        /// The fingerprint of the key that signed.
        fingerprint: String,
    },
    /// Lines give the key to the name, but not for that time.
    #[error("key {fingerprint} may be used {validity}, and not at {at}")]
    NotThen {
        /// The fingerprint of the key that signed.
        fingerprint: String,
        /// When the last of these lines lets it be used.
        validity: Validity,
        /// The time of the signature.
        at: String,
    },
}

impl AllowedSigners {
    /// Reads a file; comments, empty lines and keys for other namespaces are passed over. Times
    /// without `Z` or `UTC` are those of `zone`, without daylight saving, as ssh-keygen has it.
    ///
    /// # Errors
    /// [`Error::AllowedSigners`] with the number of the first line that cannot be read.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, Error> {
        if text.len() > LIMIT_FILE_BYTES {
            let (what, actual) = ("the allowed signers", text.len());
            return Err(Error::TooLong { what, limit: LIMIT_FILE_BYTES, actual });
        }
        let mut signers = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim_start_matches(BLANKS);
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            signers.extend(
                read_line(text, zone).map_err(|reason| Error::AllowedSigners { line, reason })?,
            );
        }
        Ok(Self(signers))
    }

    /// Checks a signature of somebody over bytes, made at a time in seconds since 1970: it must
    /// hold with the key in it, and a line must give that key to that name at that time. A time
    /// that is not known is within no bounds.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub fn check(
        &self,
        principal: &str,
        message: &[u8],
        signature: &[u8],
        at: Option<i64>,
    ) -> Result<&AllowedSigner, Refused> {
        let key = PublicKey::of_signature(signature)?;
        key.verify(message, signature)?;
        self.find(principal, &key, at)
    }

    /// Finds the line that gives a key to a name at a time in seconds since 1970.
    ///
    /// # Errors
    /// [`Refused`] if there is none.
    pub fn find(
        &self,
        principal: &str,
        key: &PublicKey,
        at: Option<i64>,
    ) -> Result<&AllowedSigner, Refused> {
        let fingerprint = key.fingerprint();
        let mut refused =
            Refused::Unknown { principal: principal.to_owned(), fingerprint: fingerprint.clone() };
        for line in self.0.iter().filter(|line| line.key.is(key) && line.is_for(principal)) {
            if line.validity.holds_at(at) {
                return Ok(line);
            }
            let at = at.map_or_else(|| "an unknown time".to_owned(), utc_text);
            let (fingerprint, validity) = (fingerprint.clone(), line.validity);
            refused = Refused::NotThen { fingerprint, validity, at };
        }
        Err(refused)
    }

    /// Returns the lines.
    #[must_use]
    pub fn all(&self) -> &[AllowedSigner] {
        &self.0
    }
}

impl AllowedSigner {
    /// Says whether the line is for that name.
    fn is_for(&self, principal: &str) -> bool {
        matches_list(principal, &self.principals)
    }

    /// Returns the line for a key that may sign seals, with its line end.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be written.
    pub fn line(principal: &str, key: &PublicKey) -> Result<String, Error> {
        let line = key.to_line()?;
        let mut words = line.split(' ');
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(Error::Key { reason: "the key has no text form".to_owned() });
        };
        Ok(format!("{principal} namespaces=\"{NAMESPACE}\" {kind} {base64}\n"))
    }
}

impl Validity {
    /// Says whether a key may be used at a time; one that is not known is within no bounds.
    #[must_use]
    pub fn holds_at(&self, at: Option<i64>) -> bool {
        match at {
            Some(at) => {
                self.after.is_none_or(|after| after <= at)
                    && self.before.is_none_or(|before| at <= before)
            }
            None => *self == Self::default(),
        }
    }
}

impl std::fmt::Display for Validity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.after.map(utc_text), self.before.map(utc_text)) {
            (None, None) => write!(f, "at any time"),
            (Some(after), None) => write!(f, "from {after} on"),
            (None, Some(before)) => write!(f, "until {before}"),
            (Some(after), Some(before)) => write!(f, "from {after} until {before}"),
        }
    }
}

/// Reads a line: names, options if there are any, and a key. `None` if it is not for seals.
fn read_line(text: &str, zone: &TimeZone) -> Result<Option<AllowedSigner>, String> {
    let (principals, rest) = first_word(text).ok_or("it has no key")?;
    let (options, key) = match read_key(rest) {
        Some(key) => ("", Some(key)),
        None => {
            let end = options_end(rest).ok_or("a quotation mark is missing")?;
            let (options, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (options, read_key(rest))
        }
    };
    let options = Options::read(options, zone)?;
    let key = key.ok_or("its key is missing or cannot be read")?;
    let elsewhere = options.namespaces.is_some_and(|list| !matches_list(NAMESPACE, &list));
    if elsewhere || options.is_authority {
        return Ok(None);
    }
    let validity = Validity { after: options.after, before: options.before };
    Ok(Some(AllowedSigner { principals, key, validity }))
}

/// Returns the first word, and what follows it: `strdelimw` of misc.c. A quotation mark begins text
/// up to the next one.
fn first_word(text: &str) -> Option<(String, &str)> {
    let end = text.find([' ', '\t', '\r', '"'])?;
    let (head, rest) = text.split_at_checked(end)?;
    let (word, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (inside, rest) = quoted.split_once('"')?;
            (format!("{head}{inside}"), rest)
        }
        None => (head.to_owned(), rest),
    };
    Some((word, rest.trim_start_matches(BLANKS)))
}

/// Reads the kind of a key and the key; a comment may follow.
fn read_key(text: &str) -> Option<PublicKey> {
    let mut words = text.split(BLANKS).filter(|word| !word.is_empty());
    let (kind, base64) = (words.next()?, words.next()?);
    PublicKey::from_line(&format!("{kind} {base64}")).ok()
}

/// Returns where the options end: at the first blank that is not within quotation marks.
fn options_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (place, letter) in text.char_indices() {
        match letter {
            '"' if escaped => {}
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Some(place),
            _ => {}
        }
        escaped = letter == '\\';
    }
    (!quoted).then_some(text.len())
}

/// The options of a line.
#[derive(Default)]
struct Options {
    is_authority: bool,
    namespaces: Option<String>,
    after: Option<i64>,
    before: Option<i64>,
}

impl Options {
    fn read(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            rest = options.take(rest, zone)?;
            rest = match rest.strip_prefix(',') {
                _ if rest.is_empty() => break,
                Some("") => return Err("an option is missing behind a comma".to_owned()),
                Some(more) => more,
                None => return Err("an option is not known".to_owned()),
            };
        }
        match (options.after, options.before) {
            (Some(after), Some(before)) if before <= after => {
                Err("valid-before is not later than valid-after".to_owned())
            }
            _ => Ok(options),
        }
    }

    /// Takes one option and returns what follows it.
    fn take<'a>(&mut self, text: &'a str, zone: &TimeZone) -> Result<&'a str, String> {
        if let Some(rest) = after_name(text, "cert-authority") {
            self.is_authority = true;
            return Ok(rest);
        }
        if let Some(rest) = after_name(text, "namespaces=") {
            let (value, rest) = unquoted(rest)?;
            return once(&mut self.namespaces, value, "namespaces").map(|()| rest);
        }
        let bounds =
            [("valid-after", &mut self.after), ("valid-before", &mut self.before)].into_iter();
        for (name, bound) in bounds {
            let Some(rest) = after_name(text, name).and_then(|rest| rest.strip_prefix('=')) else {
                continue;
            };
            let (value, rest) = unquoted(rest)?;
            let seconds = read_time(&value, zone).ok_or_else(|| {
                format!("{name} is not a time such as 20260131 or 20260131235959Z")
            })?;
            return once(bound, seconds, name).map(|()| rest);
        }
        Err("an option is not known".to_owned())
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} stands twice")),
    }
}

/// Returns what follows a name, whatever the case of its letters.
fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then_some(rest)
}

/// Returns text within quotation marks and what follows: `opt_dequote` of misc.c.
fn unquoted(text: &str) -> Result<(String, &str), String> {
    let inside = text.strip_prefix('"').ok_or("a quotation mark is missing")?;
    let mut value = String::new();
    let mut letters = inside.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '\\' if letters.peek().is_some_and(|(_, next)| *next == '"') => {
                letters.next();
                value.push('"');
            }
            '"' => {
                let rest = inside.get(place..).and_then(|rest| rest.strip_prefix('"'));
                return Ok((value, rest.unwrap_or_default()));
            }
            other => value.push(other),
        }
    }
    Err("a quotation mark is missing".to_owned())
}

/// Reads `YYYYMMDD`, with `HHMM` or `HHMMSS`, and `Z` or `UTC`: `parse_absolute_time` of misc.c.
fn read_time(text: &str, zone: &TimeZone) -> Option<i64> {
    let cut = |end: usize| {
        let (digits, suffix) = text.split_at_checked(text.len().checked_sub(end)?)?;
        let known = if end == 1 { "z" } else { "utc" };
        suffix.eq_ignore_ascii_case(known).then_some(digits)
    };
    let utc = cut(1).or_else(|| cut(3));
    let digits = utc.unwrap_or(text);
    if ![8, 12, 14].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = format!("{digits:0<14}");
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<i8>().ok();
    let time = DateTime::new(
        whole.get(0..4)?.parse().ok()?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        0,
    )
    .ok()?;
    let offset = if utc.is_some() { Offset::UTC } else { standard_offset(zone, time)? };
    let seconds = offset.to_timestamp(time).ok()?.as_second();
    (seconds > 0).then_some(seconds)
}

/// Returns the zone's offset without daylight saving: ssh-keygen tells `mktime` that there is none.
fn standard_offset(zone: &TimeZone, time: DateTime) -> Option<Offset> {
    let then = zone.to_ambiguous_timestamp(time).compatible().ok()?;
    let near = |days: i64| -> Option<Timestamp> {
        then.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()
    };
    // Half a year away, in either direction, no zone saves daylight.
    let mut all = [0, 182, -182].into_iter().filter_map(near).map(|at| zone.to_offset_info(at));
    let standard = all.find(|info| !info.dst().is_dst()).map(|info| info.offset());
    Some(standard.unwrap_or_else(|| zone.to_offset(then)))
}

/// Says whether a name matches a list of patterns and none of those that begin with `!`:
/// `match_pattern_list` of match.c.
fn matches_list(name: &str, list: &str) -> bool {
    let is_long = |text: &str| text.len() > LIMIT_NAME_BYTES;
    let mut found = false;
    for pattern in list.trim_end_matches(',').split(',') {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern),
        };
        if is_long(name) || is_long(pattern) {
            return false;
        }
        if matches(name.as_bytes(), pattern.as_bytes()) {
            if negated {
                return false;
            }
            found = true;
        }
    }
    found
}

/// Says whether a name matches a pattern with `*` and `?`. A star that does not fit is tried again
/// one byte further, and no star before it: the work is at most name times pattern.
fn matches(name: &[u8], pattern: &[u8]) -> bool {
    let (mut rest, mut wanted) = (name, pattern);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (wanted.split_first(), rest.split_first()) {
            (Some((b'*', more)), _) => {
                star = Some((rest, more));
                wanted = more;
            }
            (Some((letter, more)), Some((byte, left))) if *letter == b'?' || letter == byte => {
                (rest, wanted) = (left, more);
            }
            (None, None) => return true,
            _ => {
                let Some((from, behind)) = star else { return false };
                let Some((_, further)) = from.split_first() else { return false };
                star = Some((further, behind));
                (rest, wanted) = (further, behind);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn a_line_that_cannot_be_read_is_an_error_with_its_number() {
        let key = SigningKey::from_seed(&[7; 32], "").unwrap().public().to_line().unwrap();
        let parse = |line: &str| AllowedSigners::parse(&format!("# a\n\n{line}"), &TimeZone::UTC);
        for (line, reason) in [
            ("x".to_owned(), "it has no key"),
            ("x y".to_owned(), "an option is not known"),
            ("x ssh-ed25519 AAAA".to_owned(), "an option is not known"),
            ("x cert-authority ssh-dss AAAA".to_owned(), "its key is missing or cannot be read"),
            ("x cert-authority".to_owned(), "its key is missing or cannot be read"),
            ("x namespaces=\"a ssh-ed25519 A".to_owned(), "a quotation mark is missing"),
            (format!("x namespaces=a {key}"), "a quotation mark is missing"),
            (format!("x valid-untill=\"20300101\" {key}"), "an option is not known"),
            (format!("x valid-before=\"2030-01-01\" {key}"), "valid-before is not a time"),
            (format!("x valid-before=\"20300231\" {key}"), "valid-before is not a time"),
            (format!("x valid-before=\"203001012\" {key}"), "valid-before is not a time"),
            (format!("x valid-before=\"19700101Z\" {key}"), "valid-before is not a time"),
            (format!("x cert-authority, {key}"), "an option is missing behind a comma"),
            (
                format!("x valid-after=\"20300101\",valid-before=\"20200101\" {key}"),
                "valid-before is not later",
            ),
            (format!("x namespaces=\"a\",namespaces=\"b\" {key}"), "namespaces stands twice"),
        ] {
            let refused = parse(&line).unwrap_err().to_string();
            let expected = format!("line 3 of the allowed signers: {reason}");
            assert!(refused.starts_with(&expected), "{line}: {refused}");
        }
        let large = " ".repeat(LIMIT_FILE_BYTES + 1);
        assert!(AllowedSigners::parse(&large, &TimeZone::UTC).is_err());
    }

    #[test]
    fn patterns_are_matched_like_those_of_openssh() {
        for (name, list, expected) in [
            ("ana@lab", "ana@lab", true),
            ("ana@lab", "ana", false),
            ("ana@lab", "*@lab", true),
            ("ana@lab", "*", true),
            ("ana@lab", "an?@l*b", true),
            ("ana@lab", "*a*a*", true),
            ("ana@lab", "*x*", false),
            ("ana@lab", "*@lab,!ana@*", false),
            ("ana@lab", "!eva@lab", false),
            ("ana@lab", "!eva@lab,*", true),
            ("ana@lab", "eva@lab,ana@lab,", true),
            ("Ana@lab", "ana@lab", false),
            ("", "a,,b", true),
            ("a,b", "a,b", false),
        ] {
            assert_eq!(matches_list(name, list), expected, "{name} {list}");
        }
        let long = "a".repeat(LIMIT_NAME_BYTES + 1);
        assert!(!matches_list(&long, "*") && !matches_list("a", &long));
    }
}
