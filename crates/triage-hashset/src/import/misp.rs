//! An event of a MISP feed: `{"Event": {"Attribute": [...], "Object": [{"Attribute": [...]}]}}`.
//!
//! Attributes count if their type is a digest of a file, alone or as `filename|sha256`, and if
//! `to_ids` is true; the others are counted by their type. `imphash` and `authentihash` are as
//! long as digests of files and are none. `hashes.csv` of a feed holds digests of digests: no list.

use std::io::BufRead;

use struson::reader::{JsonReader, ReaderError, ValueType};
use triage_hash::Algorithm;

use super::json::{Reader, Scalar, Stop, place, reader, scalar};
use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::{named_digest, row_of};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason};

pub(super) static FORMAT: Grammar =
    Grammar { name: "misp", about: "event of a MISP feed (JSON)", fits, read };

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let mut text = sample.text();
    let mut json = reader(&mut text);
    !sample.is_binary() && has_event(&mut json).unwrap_or(false)
}

fn has_event(json: &mut Reader<'_>) -> Result<bool, ReaderError> {
    if json.peek()? != ValueType::Object {
        return Ok(false);
    }
    json.begin_object()?;
    while json.has_next()? {
        if json.next_name()? == "Event" {
            return Ok(json.peek()? == ValueType::Object);
        }
        json.skip_value()?;
    }
    Ok(false)
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut json = reader(input);
    let outcome = members(&mut json, sink, &mut |json, sink, name| match name {
        "Event" => event(json, sink),
        _ => Ok(json.skip_value()?),
    });
    let at = place(&json);
    outcome
        .and_then(|()| Ok(json.consume_trailing_whitespace()?))
        .map_err(|stop| stop.into_error(sink, at))
}

/// What is done with a member of an object.
type Member<'a> = &'a mut dyn FnMut(&mut Reader<'_>, &mut Sink<'_>, &str) -> Result<(), Stop>;

/// Reads an object, member by member.
fn members(json: &mut Reader<'_>, sink: &mut Sink<'_>, each: Member<'_>) -> Result<(), Stop> {
    json.begin_object()?;
    while json.has_next()? {
        let name = json.next_name_owned()?;
        each(json, sink, &name)?;
    }
    Ok(json.end_object()?)
}

/// What is done with an element of an array.
type Element<'a> = &'a mut dyn FnMut(&mut Reader<'_>, &mut Sink<'_>) -> Result<(), Stop>;

/// Reads an array of objects; anything else in its place is a rejected row.
fn objects(json: &mut Reader<'_>, sink: &mut Sink<'_>, each: Element<'_>) -> Result<(), Stop> {
    if json.peek()? != ValueType::Array {
        sink.reject(Reason::NotInFormat, place(json))?;
        return Ok(json.skip_value()?);
    }
    json.begin_array()?;
    while json.has_next()? {
        if json.peek()? == ValueType::Object {
            each(json, sink)?;
        } else {
            sink.reject(Reason::NotInFormat, place(json))?;
            json.skip_value()?;
        }
    }
    Ok(json.end_array()?)
}

fn event(json: &mut Reader<'_>, sink: &mut Sink<'_>) -> Result<(), Stop> {
    members(json, sink, &mut |json, sink, name| match name {
        "Attribute" => objects(json, sink, &mut attribute),
        "Object" => objects(json, sink, &mut |json, sink| {
            members(json, sink, &mut |json, sink, name| match name {
                "Attribute" => objects(json, sink, &mut attribute),
                _ => Ok(json.skip_value()?),
            })
        }),
        _ => Ok(json.skip_value()?),
    })
}

fn attribute(json: &mut Reader<'_>, sink: &mut Sink<'_>) -> Result<(), Stop> {
    let at = place(json);
    let (mut kind, mut value, mut to_ids) = (Scalar::Null, Scalar::Null, false);
    let mut contradicts = false;
    members(json, sink, &mut |json, _, name| {
        match name {
            "type" => kind = scalar(json)?,
            "value" => {
                let earlier = std::mem::replace(&mut value, scalar(json)?);
                contradicts |= earlier != Scalar::Null && earlier != value;
            }
            "to_ids" if json.peek()? == ValueType::Boolean => to_ids = json.next_bool()?,
            _ => json.skip_value()?,
        }
        Ok(())
    })?;
    if contradicts {
        return Ok(sink.reject(Reason::Contradiction, at)?);
    }
    let Scalar::Text(kind) = kind else { return Ok(sink.reject(Reason::NotInFormat, at)?) };
    take(sink, &kind, value, to_ids, at).map_err(Stop::from)
}

fn take(
    sink: &mut Sink<'_>,
    kind: &str,
    value: Scalar,
    to_ids: bool,
    at: Place,
) -> Result<(), Error> {
    let (name, composite) = match kind.rsplit_once('|') {
        Some((_, name)) => (name, true),
        None => (kind, false),
    };
    let Ok(algorithm) = name.parse::<Algorithm>() else {
        let known_not_computed = matches!(name, "sha224" | "sha384" | "sha512/224" | "sha512/256");
        if known_not_computed && to_ids {
            return sink.reject(Reason::UnsupportedAlgorithm, at);
        }
        sink.ignore_field(kind);
        return Ok(());
    };
    if !to_ids {
        sink.ignore_field("attributes without to_ids");
        return Ok(());
    }
    let Scalar::Text(value) = value else { return sink.reject(Reason::NoDigest, at) };
    let hex = if composite { value.rsplit('|').next().unwrap_or_default() } else { &value };
    match named_digest(hex.trim().as_bytes(), algorithm) {
        Ok(digest) => sink.accept(row_of(digest), at),
        Err((reason, _)) => sink.reject(reason, at),
    }
}
