//! iLook `.hsh`, versions 1, 3 and 4: unquoted CSV. Names may hold commas, so that fields are
//! counted from both ends.

use std::io::BufRead;

use triage_hash::Algorithm;

use super::lines::skip_line;
use super::sample::Sample;
use super::sink::Sink;
use super::text::{Bad, named_digest, read_lines};
use super::{Grammar, ImportOptions};
use crate::{Error, Reason, Row};

pub(super) static FORMAT: Grammar =
    Grammar { name: "ilook", about: "iLook .hsh, versions 1, 3 and 4", fits, read };

/// Where the fields of a version are.
#[derive(Clone, Copy)]
struct Version {
    header: &'static [u8],
    /// How many fields a row has at least.
    fields: usize,
    /// Digests counted from the start.
    front: &'static [(usize, Algorithm)],
    /// The size, and further digests, counted from the end, the last field being 0.
    size: usize,
    back: &'static [(usize, Algorithm)],
}

const VERSIONS: [Version; 3] = [
    Version {
        header: b"V1Hash,HashType,SetDescription,FileName,FilePath,FileSize",
        fields: 6,
        front: &[(0, Algorithm::Md5)],
        size: 0,
        back: &[],
    },
    Version {
        header: b"V3Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512",
        fields: 8,
        front: &[(0, Algorithm::Md5), (1, Algorithm::Sha1)],
        size: 3,
        back: &[(2, Algorithm::Sha256), (0, Algorithm::Sha512)],
    },
    Version {
        header: b"V4Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512,\
                  CreateTime,ModTime,LastAccessTime",
        fields: 11,
        front: &[(0, Algorithm::Md5), (1, Algorithm::Sha1)],
        size: 6,
        back: &[(5, Algorithm::Sha256), (3, Algorithm::Sha512)],
    },
];

fn version(sample: &Sample) -> Option<Version> {
    let first = sample.lines().next()?.trim_ascii();
    VERSIONS.into_iter().find(|version| version.header.eq_ignore_ascii_case(first))
}

fn fits(sample: &Sample, _: &ImportOptions) -> bool {
    !sample.is_binary() && version(sample).is_some()
}

fn read(input: &mut dyn BufRead, sample: &Sample, sink: &mut Sink<'_>) -> Result<(), Error> {
    let version = version(sample).ok_or_else(|| sink.damaged(&"no header of iLook", super::TOP))?;
    skip_line(input).map_err(|error| sink.io(error))?;
    read_lines(input, sink, |line| parse(line, version))
}

fn parse(line: &[u8], version: Version) -> Result<Row, Bad> {
    let fields: Vec<(usize, &[u8])> = split_commas(line);
    let count = fields.len();
    if count < version.fields {
        return Err((Reason::NotInFormat, line.len()));
    }
    let from_end = |place: usize| count.checked_sub(place.saturating_add(1));
    let field = |place: Option<usize>| {
        place.and_then(|place| fields.get(place)).copied().unwrap_or_default()
    };
    let mut row = Row::default();
    let back = version.back.iter().map(|(place, of)| (from_end(*place), *of));
    for (place, algorithm) in version.front.iter().map(|(at, of)| (Some(*at), *of)).chain(back) {
        let (start, text) = field(place);
        let text = text.trim_ascii();
        if !text.is_empty() {
            let digest = named_digest(text, algorithm);
            let digest = digest.map_err(|(reason, at)| (reason, start.saturating_add(at)))?;
            row.add(digest).map_err(|reason| (reason, start))?;
        }
    }
    let (start, size) = field(from_end(version.size));
    let size = std::str::from_utf8(size.trim_ascii()).ok().and_then(|size| size.parse().ok());
    row.size_bytes = Some(size.ok_or((Reason::BadSize, start))?);
    Ok(row)
}

/// Returns the fields of a line with the places where they start.
fn split_commas(line: &[u8]) -> Vec<(usize, &[u8])> {
    let mut start = 0_usize;
    line.split(|byte| *byte == b',')
        .map(|field| {
            let at = start;
            start = start.saturating_add(field.len()).saturating_add(1);
            (at, field)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_names_do_not_shift_the_size() {
        let line = b"462D283D443AB2B6F256A6B5B2C7F104,4E5D21D0D63E0BA4F58CFDF7BD153657136951DB,\
                     a, b,c.dat,\\x,y,11,,,";
        let row = parse(line, VERSIONS[1]).unwrap();
        assert_eq!((row.size_bytes, row.digests.iter().count()), (Some(11), 2));
        assert_eq!(parse(b"462D283D443AB2B6F256A6B5B2C7F104,,,", VERSIONS[1]).unwrap_err().1, 35);
    }
}
