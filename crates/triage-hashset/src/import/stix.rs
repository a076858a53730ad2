//! STIX 2.1 bundles (OASIS, "STIX Version 2.1", 6.7 and 9): `hashes` of `file` objects, and simple
//! patterns of indicators: `[file:hashes.'SHA-256' = '...']`, joined by OR only. Any other pattern
//! is a rejected row; objects of other kinds are counted by their type.

use std::io::BufRead;

use struson::reader::{JsonReader, ReaderError, ValueType};
use triage_hash::Digest;

use super::json::{Reader, Scalar, Stop, place, reader, scalar};
use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::{named_digest, row_of};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "stix", about: "STIX 2.1 bundle: files and indicators", fits, read };

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let mut text = sample.text();
    let mut json = reader(&mut text);
    !sample.is_binary() && is_bundle(&mut json).unwrap_or(false)
}

fn is_bundle(json: &mut Reader<'_>) -> Result<bool, ReaderError> {
    if json.peek()? != ValueType::Object {
        return Ok(false);
    }
    json.begin_object()?;
    while json.has_next()? {
        match json.next_name()? {
            "type" => return Ok(scalar(json)? == Scalar::Text("bundle".to_owned())),
            _ => json.skip_value()?,
        }
    }
    Ok(false)
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut json = reader(input);
    let outcome = bundle(&mut json, sink);
    let at = place(&json);
    outcome
        .and_then(|()| Ok(json.consume_trailing_whitespace()?))
        .map_err(|stop| stop.into_error(sink, at))
}

fn bundle(json: &mut Reader<'_>, sink: &mut Sink<'_>) -> Result<(), Stop> {
    json.begin_object()?;
    while json.has_next()? {
        if json.next_name()? != "objects" || json.peek()? != ValueType::Array {
            json.skip_value()?;
            continue;
        }
        json.begin_array()?;
        while json.has_next()? {
            if json.peek()? == ValueType::Object {
                object(json, sink)?;
            } else {
                sink.reject(Reason::NotInFormat, place(json))?;
                json.skip_value()?;
            }
        }
        json.end_array()?;
    }
    Ok(json.end_object()?)
}

/// What is kept of one object.
#[derive(Default)]
struct Object {
    kind: Option<String>,
    pattern: Option<String>,
    row: Row,
    bad: Option<Reason>,
}

fn object(json: &mut Reader<'_>, sink: &mut Sink<'_>) -> Result<(), Stop> {
    let at = place(json);
    let mut object = Object::default();
    json.begin_object()?;
    while json.has_next()? {
        let name = json.next_name_owned()?;
        match name.as_str() {
            "type" => object.kind = text(scalar(json)?),
            "pattern" => {
                let pattern = text(scalar(json)?);
                let earlier = std::mem::replace(&mut object.pattern, pattern);
                if earlier.is_some() && earlier != object.pattern {
                    object.bad = object.bad.or(Some(Reason::Contradiction));
                }
            }
            "size" => match scalar(json)? {
                Scalar::Text(size) => {
                    let size = size.parse().map_err(|_| Reason::BadSize);
                    let set = size.and_then(|size| object.row.set_size(size));
                    object.bad = object.bad.or(set.err());
                }
                _ => object.bad = Some(Reason::BadSize),
            },
            "hashes" if json.peek()? == ValueType::Object => hashes(json, sink, &mut object)?,
            _ => json.skip_value()?,
        }
    }
    json.end_object()?;
    match object.kind.as_deref() {
        Some("file" | "artifact") => take_file(sink, object, at)?,
        Some("indicator") if object.bad.is_none() => {
            take_indicator(sink, object.pattern.as_deref(), at)?;
        }
        Some("indicator") => sink.reject(object.bad.unwrap_or(Reason::NotInFormat), at)?,
        Some(other) => sink.ignore_field(other),
        None => sink.reject(Reason::NotInFormat, at)?,
    }
    Ok(())
}

fn text(value: Scalar) -> Option<String> {
    match value {
        Scalar::Text(text) => Some(text),
        Scalar::Null | Scalar::Other => None,
    }
}

fn hashes(json: &mut Reader<'_>, sink: &mut Sink<'_>, object: &mut Object) -> Result<(), Stop> {
    json.begin_object()?;
    while json.has_next()? {
        let name = json.next_name_owned()?;
        let Ok(algorithm) = name.parse() else {
            sink.ignore_field(&name);
            json.skip_value()?;
            continue;
        };
        match scalar(json)? {
            Scalar::Text(hex) => {
                let digest = named_digest(hex.trim().as_bytes(), algorithm).map_err(|(why, _)| why);
                let added = digest.and_then(|digest| object.row.add(digest));
                object.bad = object.bad.or(added.err());
            }
            Scalar::Null | Scalar::Other => object.bad = Some(Reason::NotHex),
        }
    }
    Ok(json.end_object()?)
}

fn take_file(sink: &mut Sink<'_>, object: Object, at: Place) -> Result<(), Error> {
    match object.bad {
        Some(reason) => sink.reject(reason, at),
        None => sink.accept(object.row, at),
    }
}

fn take_indicator(sink: &mut Sink<'_>, pattern: Option<&str>, at: Place) -> Result<(), Error> {
    let Some(digests) = pattern.and_then(digests_of_pattern) else {
        return sink.reject(Reason::NotInFormat, at);
    };
    for digest in digests {
        sink.accept(row_of(digest), at)?;
    }
    Ok(())
}

/// Reads `[file:hashes.NAME = 'HEX' OR ...]`, or several such brackets joined by OR. `None` for
/// anything else: a condition that is not understood must not become a hit.
fn digests_of_pattern(pattern: &str) -> Option<Vec<Digest>> {
    let mut digests = Vec::new();
    for bracket in pattern.split("] OR [") {
        let bracket = bracket.trim();
        let inner = bracket.strip_prefix('[').unwrap_or(bracket);
        let inner = inner.strip_suffix(']').unwrap_or(inner);
        for part in inner.split(" OR ") {
            let path = part.trim().strip_prefix("file:hashes.")?;
            let (name, value) = path.split_once('=')?;
            let algorithm = name.trim().trim_matches(['\'', '"']).parse().ok()?;
            let hex = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            digests.push(named_digest(hex.as_bytes(), algorithm).ok()?);
        }
    }
    let whole = pattern.trim();
    (whole.starts_with('[') && whole.ends_with(']')).then_some(digests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_alternatives_become_digests() {
        let md5 = "462d283d443ab2b6f256a6b5b2c7f104";
        let good = format!("[file:hashes.MD5 = '{md5}' OR file:hashes.'MD5' = '{md5}']");
        assert_eq!(digests_of_pattern(&good).unwrap().len(), 2);
        let two = format!("[file:hashes.MD5 = '{md5}'] OR [file:hashes.MD5='{md5}']");
        assert_eq!(digests_of_pattern(&two).unwrap().len(), 2);
        for bad in [
            format!("[file:hashes.MD5 = '{md5}' AND file:size = 3]"),
            format!("[file:hashes.MD5 != '{md5}']"),
            format!("[NOT file:hashes.MD5 = '{md5}']"),
            format!("file:hashes.MD5 = '{md5}'"),
            "[]".to_owned(),
        ] {
            assert!(digests_of_pattern(&bad).is_none(), "{bad}");
        }
    }
}
