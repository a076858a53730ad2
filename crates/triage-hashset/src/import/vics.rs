//! VICS JSON (Project VIC, CAID), models 1.x and 2.0, hash-set and case shape, as public tools
//! write it: `{ <context>: <address>, "value": [ {MD5, Category, ...} ] }`.
//!
//! The shape is told by structure: an element with an array `Media` is a case, whose media are the
//! rows. Member names count in any case and order; numbers may be strings. Files of many gigabytes
//! are streamed. A file that breaks off fails as a whole. PhotoDNA and PDQ are kept beside the set;
//! everything else but digests, size and category is passed over and counted.

use std::io::BufRead;

use struson::reader::{JsonReader, ReaderError, ValueType};
use triage_hash::Algorithm;

use super::json::{Reader, Scalar, Stop, place, reader, scalar};
use super::sample::Sample;
use super::sink::Sink;
use super::text::named_digest;
use super::{Grammar, ImportOptions};
use crate::category::scheme_of_vics_context;
use crate::{Error, PerceptualKind, Reason, Row, RowCategory};

pub(super) static FORMAT: Grammar = Grammar {
    name: "vics",
    about: "VICS JSON 1.x and 2.0 (Project VIC, CAID), hash sets and cases",
    fits,
    read,
};

/// The members that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Context,
    Value,
    Media,
    Digest(Algorithm),
    Perceptual(PerceptualKind),
    Size,
    Category,
    Alternatives,
    HashName,
    HashValue,
}

/// The members by name.
const MEMBERS: [(&str, Member); 15] = [
    ("MD5", Member::Digest(Algorithm::Md5)),
    ("SHA1", Member::Digest(Algorithm::Sha1)),
    ("SHA256", Member::Digest(Algorithm::Sha256)),
    ("PhotoDNA", Member::Perceptual(PerceptualKind::PhotoDna)),
    ("PDQ", Member::Perceptual(PerceptualKind::Pdq)),
    ("Category", Member::Category),
    ("MediaSize", Member::Size),
    ("AlternativeHashes", Member::Alternatives),
    ("HashName", Member::HashName),
    ("HashValue", Member::HashValue),
    ("Media", Member::Media),
    ("value", Member::Value),
    ("odata.metadata", Member::Context),
    ("@odata.context", Member::Context),
    ("odata.context", Member::Context),
];

fn member(name: &str) -> Option<Member> {
    let found = MEMBERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, member)| *member)
}

/// Fits an object with an array `value` of objects that look like media or cases.
fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let mut text = sample.text();
    let mut reader = reader(&mut text);
    // The sample breaks off: what was seen until then decides.
    !sample.is_binary() && has_media(&mut reader).unwrap_or(false)
}

fn has_media(json: &mut Reader<'_>) -> Result<bool, ReaderError> {
    if json.peek()? != ValueType::Object {
        return Ok(false);
    }
    json.begin_object()?;
    while json.has_next()? {
        if member(json.next_name()?) != Some(Member::Value) {
            json.skip_value()?;
            continue;
        }
        if json.peek()? != ValueType::Array {
            return Ok(false);
        }
        json.begin_array()?;
        if !json.has_next()? || json.peek()? != ValueType::Object {
            return Ok(false);
        }
        json.begin_object()?;
        while json.has_next()? {
            if matches!(member(json.next_name()?), Some(Member::Media | Member::Digest(_))) {
                return Ok(true);
            }
            json.skip_value()?;
        }
        return Ok(false);
    }
    Ok(false)
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut json = reader(input);
    let outcome = document(&mut json, sink);
    let at = place(&json);
    outcome
        .and_then(|()| Ok(json.consume_trailing_whitespace()?))
        .map_err(|stop| stop.into_error(sink, at))
}

/// Reads the root object.
fn document(json: &mut Reader<'_>, sink: &mut Sink<'_>) -> Result<(), Stop> {
    let mut has_value = false;
    json.begin_object()?;
    while json.has_next()? {
        let name = json.next_name()?;
        match member(name) {
            Some(Member::Context) => {
                if let Scalar::Text(address) = scalar(json)? {
                    sink.note_scheme(scheme_of_vics_context(&address));
                }
            }
            Some(Member::Value) => {
                has_value = true;
                elements(json, sink, true)?;
            }
            _ => {
                sink.ignore_field(name);
                json.skip_value()?;
            }
        }
    }
    json.end_object()?;
    if has_value {
        return Ok(());
    }
    Err(sink.damaged(&"no array `value`", place(json)).into())
}

/// Reads an array of media or, on the outermost level, cases.
fn elements(json: &mut Reader<'_>, sink: &mut Sink<'_>, outermost: bool) -> Result<(), Stop> {
    json.begin_array()?;
    while json.has_next()? {
        let at = place(json);
        if json.peek()? != ValueType::Object {
            json.skip_value()?;
            sink.reject(Reason::NotInFormat, at)?;
            continue;
        }
        let mut medium = Medium::default();
        let is_case = element(json, sink, outermost, &mut medium)?;
        match medium.bad {
            _ if is_case => {}
            Some(reason) => sink.reject(reason, at)?,
            None => sink.accept(medium.row, at)?,
        }
    }
    Ok(json.end_array()?)
}

/// What was read of one medium.
#[derive(Default)]
struct Medium {
    row: Row,
    bad: Option<Reason>,
}

/// Reads one element; returns whether it is a case, whose media have gone to the sink.
fn element(
    json: &mut Reader<'_>,
    sink: &mut Sink<'_>,
    outermost: bool,
    medium: &mut Medium,
) -> Result<bool, Stop> {
    let mut is_case = false;
    json.begin_object()?;
    while json.has_next()? {
        let name = json.next_name()?;
        let member = member(name);
        if member.is_none() {
            sink.ignore_field(name);
        }
        match member {
            Some(Member::Digest(algorithm)) => {
                let value = scalar(json)?;
                medium.take_digest(value, algorithm);
            }
            Some(Member::Perceptual(kind)) => {
                let value = scalar(json)?;
                medium.take_perceptual(&value, kind);
            }
            Some(Member::Size) => {
                let value = scalar(json)?;
                medium.take_size(&value);
            }
            Some(Member::Category) => {
                let value = scalar(json)?;
                medium.take_category(&value);
            }
            Some(Member::Alternatives) if json.peek()? == ValueType::Array => {
                alternatives(json, sink, medium)?;
            }
            Some(Member::Media) if outermost && json.peek()? == ValueType::Array => {
                is_case = true;
                elements(json, sink, false)?;
            }
            _ => json.skip_value()?,
        }
    }
    json.end_object()?;
    Ok(is_case)
}

/// Reads further digests, each with the name of its algorithm.
fn alternatives(
    json: &mut Reader<'_>,
    sink: &mut Sink<'_>,
    medium: &mut Medium,
) -> Result<(), Stop> {
    json.begin_array()?;
    while json.has_next()? {
        if json.peek()? != ValueType::Object {
            json.skip_value()?;
            medium.bad.get_or_insert(Reason::NotInFormat);
            continue;
        }
        let (mut name, mut value) = (Scalar::Null, Scalar::Null);
        json.begin_object()?;
        while json.has_next()? {
            match member(json.next_name()?) {
                Some(Member::HashName) => name = scalar(json)?,
                Some(Member::HashValue) => value = scalar(json)?,
                _ => json.skip_value()?,
            }
        }
        json.end_object()?;
        let Scalar::Text(name) = name else { continue };
        match (name.parse(), PerceptualKind::from_name(&name)) {
            (Ok(algorithm), _) => medium.take_digest(value, algorithm),
            (Err(_), Some(kind)) => medium.take_perceptual(&value, kind),
            (Err(_), None) => sink.ignore_field(&name),
        }
    }
    Ok(json.end_array()?)
}

impl Medium {
    fn take_digest(&mut self, value: Scalar, algorithm: Algorithm) {
        match value {
            Scalar::Null => {}
            Scalar::Other => self.refuse(Reason::NotHex),
            Scalar::Text(text) if text.trim().is_empty() => {}
            Scalar::Text(text) => match named_digest(text.trim().as_bytes(), algorithm) {
                Ok(digest) => {
                    if let Err(reason) = self.row.add(digest) {
                        self.refuse(reason);
                    }
                }
                Err((reason, _)) => self.refuse(reason),
            },
        }
    }

    fn take_perceptual(&mut self, value: &Scalar, kind: PerceptualKind) {
        match value {
            Scalar::Null => {}
            Scalar::Text(text) => self.row.add_perceptual(kind, text),
            Scalar::Other => self.row.add_perceptual(kind, "?"),
        }
    }

    fn take_size(&mut self, value: &Scalar) {
        match value {
            Scalar::Null => {}
            Scalar::Text(text) if text.trim().is_empty() => {}
            Scalar::Text(text) => {
                let size = text.trim().parse().map_err(|_| Reason::BadSize);
                if let Err(reason) = size.and_then(|size| self.row.set_size(size)) {
                    self.refuse(reason);
                }
            }
            Scalar::Other => self.refuse(Reason::BadSize),
        }
    }

    fn take_category(&mut self, value: &Scalar) {
        match value {
            Scalar::Null => {}
            Scalar::Text(text) => match RowCategory::from_text(text) {
                Ok(category) => {
                    let earlier = std::mem::replace(&mut self.row.category, category);
                    if earlier.is_some() && earlier != self.row.category {
                        self.refuse(Reason::Contradiction);
                    }
                }
                Err(_) => self.refuse(Reason::BadCategory),
            },
            Scalar::Other => self.refuse(Reason::BadCategory),
        }
    }

    /// Keeps the first reason.
    fn refuse(&mut self, reason: Reason) {
        self.bad.get_or_insert(reason);
    }
}
