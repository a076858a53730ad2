//! NCMEC hash-sharing XML, version 2, as an offline dump: `image` and `video` with
//! `classification` and `fingerprints`. `deletedImage` and `deletedVideo` take an entry back by
//! member and number, which a list of digests cannot express: they are rejected rows, so that
//! nobody takes the dump for up to date.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::named_digest;
use super::xml::{Token, read_elements, root};
use super::{Grammar, ImportOptions};
use crate::{Error, PerceptualKind, Reason, Row, RowCategory};

pub(super) static FORMAT: Grammar =
    Grammar { name: "ncmec", about: "NCMEC hash-sharing XML, version 2", fits, read };

/// The scheme of the classes A1, A2, B1, B2.
const SCHEME: &str = "ncmec";
/// A name that is in the address of the namespace.
const NAMESPACE: &[u8] = b"hashsharing.ncmec.org/hashsharing/v2";

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    let text = sample.text();
    let named = text.windows(NAMESPACE.len()).any(|part| part == NAMESPACE);
    !sample.is_binary() && named && root(text).is_some_and(|name| name == "queryResult")
}

/// The picture or film that is being read.
#[derive(Default)]
struct Member {
    row: Row,
    bad: Option<Reason>,
    start: Option<Place>,
}

fn read(input: &mut dyn BufRead, _: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    sink.note_scheme(SCHEME.to_owned());
    let mut member = Member::default();
    read_elements(input, sink, "", &mut |sink, token, at| {
        match token {
            Token::Begin("image" | "video" | "deletedImage" | "deletedVideo", _) => {
                member = Member { start: Some(at), ..Member::default() };
            }
            Token::End(name @ ("md5" | "sha1" | "sha256" | "sha512"), hex) => {
                let Ok(algorithm) = name.parse::<Algorithm>() else { return Ok(()) };
                let digest = named_digest(hex.as_bytes(), algorithm).map_err(|(why, _)| why);
                let added = digest.and_then(|digest| member.row.add(digest));
                member.bad = member.bad.or(added.err());
            }
            Token::End("classification", label) => match RowCategory::from_text(label) {
                Ok(category) => member.row.category = category,
                Err(_) => member.bad = member.bad.or(Some(Reason::BadCategory)),
            },
            Token::End(name @ ("pdna" | "PDNA" | "pdq" | "PDQ"), text) => {
                if let Some(kind) = PerceptualKind::from_name(name) {
                    member.row.add_perceptual(kind, text);
                }
            }
            Token::End("netclean" | "videntifier" | "tmk", _) => {
                sink.ignore_field("other perceptual digests");
            }
            Token::End("image" | "video", _) => {
                let done = std::mem::take(&mut member);
                let at = done.start.unwrap_or(at);
                return match done.bad {
                    Some(reason) => sink.reject(reason, at),
                    None => sink.accept(done.row, at),
                };
            }
            Token::End("deletedImage" | "deletedVideo", _) => {
                return sink.reject(Reason::Removal, member.start.unwrap_or(at));
            }
            _ => {}
        }
        Ok(())
    })
}
