//! Which columns of a delimited file hold what: `md5=2,category=5`.

use std::fmt;
use std::str::FromStr;

use triage_hash::Algorithm;

use crate::PerceptualKind;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Digests of that algorithm.
    Digest(Algorithm),
    /// Sizes in bytes.
    Size,
    /// Categories.
    Category,
    /// The labels of categories that have a number too.
    Label,
    /// Perceptual digests of that kind.
    Perceptual(PerceptualKind),
}

/// Which column: by place or by the name in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Its place, from 0.
    Place(usize),
    /// Its name in the header, in any case.
    Name(String),
}

/// Says which columns of a delimited file hold what.
///
/// The text form is `field=column,...`: fields are the names of algorithms, `size`, `category`,
/// `label`, `photodna` and `pdq`;
/// a column is its number from 1 or its name in the header. `delimiter=tab` (or `comma`,
/// `semicolon`, `pipe`) says what separates them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap {
    pub(super) columns: Vec<(Field, Column)>,
    pub(super) delimiter: Option<u8>,
}

/// The column map cannot be understood, or does not fit the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column map: {reason}: {text:?}")]
pub struct BadMap {
    /// The part that is wrong.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl BadMap {
    /// Returns the error for that part.
    pub(super) fn new(text: &str, reason: &'static str) -> Self {
        Self { text: text.to_owned(), reason }
    }
}

/// The delimiters and their names.
pub(super) const DELIMITERS: [(u8, &str); 4] =
    [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];

/// Most columns of a file, so that a map cannot ask for absurd places.
pub(super) const MAX_COLUMNS: usize = 4096;

impl FromStr for ColumnMap {
    type Err = BadMap;

    fn from_str(text: &str) -> Result<Self, BadMap> {
        let mut map = Self::default();
        for part in text.split(',') {
            let pair = part.split_once('=');
            let (key, value) = pair.ok_or_else(|| BadMap::new(part, "expected field=column"))?;
            let (key, value) = (key.trim(), value.trim());
            if key == "delimiter" {
                let known = DELIMITERS.iter().find(|(_, name)| *name == value);
                let unknown = || BadMap::new(value, "known are comma, semicolon, tab, pipe");
                map.delimiter = Some(known.ok_or_else(unknown)?.0);
                continue;
            }
            let field = match key {
                "size" => Field::Size,
                "category" => Field::Category,
                "label" => Field::Label,
                "photodna" => Field::Perceptual(PerceptualKind::PhotoDna),
                "pdq" => Field::Perceptual(PerceptualKind::Pdq),
                _ => Field::Digest(key.parse().map_err(|_| {
                    BadMap::new(
                        key,
                        "a field is an algorithm, size, category, label, photodna, pdq or delimiter",
                    )
                })?),
            };
            if map.columns.iter().any(|(known, _)| *known == field) {
                return Err(BadMap::new(part, "the field is mapped twice"));
            }
            map.columns.push((field, column(value)?));
        }
        if !map.columns.iter().any(|(field, _)| matches!(field, Field::Digest(_))) {
            return Err(BadMap::new(text, "no column holds digests"));
        }
        Ok(map)
    }
}

impl fmt::Display for ColumnMap {
    /// Writes the text form, which is read back to the same map.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.columns.iter().map(|(field, column)| {
            let field = match field {
                Field::Digest(algorithm) => algorithm.name(),
                Field::Size => "size",
                Field::Category => "category",
                Field::Label => "label",
                Field::Perceptual(kind) => kind.name(),
            };
            match column {
                Column::Place(place) => format!("{field}={}", place + 1),
                Column::Name(name) => format!("{field}={name}"),
            }
        });
        let delimiter = DELIMITERS.iter().find(|(byte, _)| Some(*byte) == self.delimiter);
        let delimiter = delimiter.map(|(_, name)| format!("delimiter={name}"));
        f.write_str(&fields.chain(delimiter).collect::<Vec<_>>().join(","))
    }
}

fn column(text: &str) -> Result<Column, BadMap> {
    match text.parse::<usize>() {
        Ok(number) if (1..=MAX_COLUMNS).contains(&number) => Ok(Column::Place(number - 1)),
        Ok(_) => Err(BadMap::new(text, "columns are numbered from 1 to 4096")),
        Err(_) if text.is_empty() => Err(BadMap::new(text, "the column is missing")),
        Err(_) => Ok(Column::Name(text.to_owned())),
    }
}

/// Returns what a column of that name holds: case, spaces and punctuation do not count.
pub(super) fn field_of_header(name: &[u8]) -> Option<Field> {
    let plain: Vec<u8> =
        name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    let digest = |algorithm| Some(Field::Digest(algorithm));
    match plain.as_slice() {
        b"md5" | b"md5hash" | b"hashmd5" | b"md5sum" => digest(Algorithm::Md5),
        b"sha1" | b"sha1hash" | b"hashsha1" | b"sha1sum" => digest(Algorithm::Sha1),
        b"sha256" | b"sha256hash" | b"hashsha256" | b"sha256sum" => digest(Algorithm::Sha256),
        b"sha512" | b"sha512hash" | b"hashsha512" | b"sha512sum" => digest(Algorithm::Sha512),
        b"sha3256" => digest(Algorithm::Sha3_256),
        b"blake3" | b"blake3hash" | b"b3sum" => digest(Algorithm::Blake3),
        b"size" | b"filesize" | b"mediasize" | b"sizebytes" | b"sizeinbytes" => Some(Field::Size),
        b"category" | b"mediacategory" | b"vicscategory" | b"viccategory" => Some(Field::Category),
        b"label" | b"categorylabel" | b"categoryname" => Some(Field::Label),
        text => {
            let kind = std::str::from_utf8(text).ok().and_then(PerceptualKind::from_name);
            kind.map(Field::Perceptual)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_and_its_mistakes_are_named() {
        let map: ColumnMap = "md5=2, sha-1=Hash value,size=1,delimiter=tab".parse().unwrap();
        assert_eq!(map.delimiter, Some(b'\t'));
        assert_eq!(map.columns[0], (Field::Digest(Algorithm::Md5), Column::Place(1)));
        let name = Column::Name("Hash value".to_owned());
        assert_eq!(map.columns[1], (Field::Digest(Algorithm::Sha1), name));
        assert_eq!(map.to_string(), "md5=2,sha1=Hash value,size=1,delimiter=tab");
        for text in ["sha256=1,category=cat,label=3,photodna=4,pdq=5", "md5=2,delimiter=pipe"] {
            assert_eq!(text.parse::<ColumnMap>().unwrap().to_string(), text);
        }
        for bad in ["", "md5", "md5=0", "md5=", "md5=1,md5=2", "size=1", "md6=1", "md5=99999"] {
            assert!(bad.parse::<ColumnMap>().is_err(), "{bad}");
        }
    }
}
