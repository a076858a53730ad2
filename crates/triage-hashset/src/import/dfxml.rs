//! Digital Forensics XML (DFXML): `fileobject` with `filesize` and `hashdigest type='md5'`.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::named_digest;
use super::xml::{Token, read_elements, root};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "dfxml", about: "Digital Forensics XML", fits, read };

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    !sample.is_binary() && root(sample.text()).is_some_and(|name| name == "dfxml")
}

/// The file object that is being read.
#[derive(Default)]
struct Object {
    row: Row,
    bad: Option<Reason>,
    /// The algorithm of the digest that is being read; the inner `None` is one not computed here.
    digest: Option<Option<Algorithm>>,
    start: Option<Place>,
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut object = Object::default();
    read_elements(input, sink, "type", &mut |sink, token, at| {
        match token {
            Token::Begin("fileobject", _) => {
                object = Object { start: Some(at), ..Object::default() };
            }
            Token::Begin("hashdigest", kind) => {
                let kind = kind.unwrap_or_default();
                object.digest = Some(kind.parse().ok());
                if object.digest == Some(None) {
                    sink.ignore_field(&kind);
                }
            }
            Token::End("hashdigest", hex) => {
                if let Some(Some(algorithm)) = object.digest.take() {
                    let digest = named_digest(hex.as_bytes(), algorithm).map_err(|(why, _)| why);
                    let added = digest.and_then(|digest| object.row.add(digest));
                    object.bad = object.bad.or(added.err());
                }
            }
            Token::End("filesize", size) => {
                let size = size.parse().map_err(|_| Reason::BadSize);
                let set = size.and_then(|size| object.row.set_size(size));
                object.bad = object.bad.or(set.err());
            }
            Token::End("fileobject", _) => {
                let done = std::mem::take(&mut object);
                let at = done.start.unwrap_or(at);
                return match done.bad {
                    Some(reason) => sink.reject(reason, at),
                    None => sink.accept(done.row, at),
                };
            }
            _ => {}
        }
        Ok(())
    })
}
