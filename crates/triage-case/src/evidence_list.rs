//! The lists that check the exhibit with a stock tool: `sha256sum -c data/evidence.sha256`.
//!
//! Names with a backslash, a line feed or a carriage return need the escapes of GNU coreutils,
//! which not every tool knows. They stand in a list of their own, so that the other list can be
//! checked everywhere.

use triage_hash::{Algorithm, Algorithms};

use crate::{Record, Status};

/// The algorithm of the lists: the strongest that a stock tool checks.
pub(crate) fn list_algorithm(algorithms: Algorithms) -> Option<Algorithm> {
    use Algorithm as A;
    [A::Sha256, A::Sha512, A::Blake3, A::Sha3_256, A::Sha1, A::Md5]
        .into_iter()
        .find(|&algorithm| algorithms.contains(algorithm))
}

/// The ending of the lists' names.
pub(crate) const fn extension(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Blake3 => "b3",
        other => other.name(),
    }
}

/// A line of one of the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListLine {
    /// The bytes with the line end; empty if the record is in no list.
    pub(crate) bytes: Vec<u8>,
    /// Whether it belongs to the list of escaped names.
    pub(crate) escaped: bool,
}

/// Returns the line of a record: of a regular file that was read in full.
pub(crate) fn list_line(record: &Record, algorithm: Option<Algorithm>) -> ListLine {
    let Some(digest) = algorithm.and_then(|algorithm| record.digests.get(algorithm)) else {
        return ListLine::default();
    };
    let path = record.entry.location.path();
    // A stream or a deleted file is nothing that a stock tool could open.
    if record.status != Status::Read || path.contains(&0) || record.entry.recovery.is_some() {
        return ListLine::default();
    }
    let escaped = path.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r'));
    let mut bytes = Vec::with_capacity(2 * digest.as_bytes().len() + path.len() + 4);
    if escaped {
        bytes.push(b'\\');
    }
    // No tool has a file form of its own for SHA3-256: the tag says which digest it is.
    let tagged = digest.algorithm() == Algorithm::Sha3_256;
    if tagged {
        bytes.extend_from_slice(digest.algorithm().tag().as_bytes());
        bytes.extend_from_slice(b" (");
    } else {
        digest.write_hex(&mut bytes);
        bytes.extend_from_slice(b"  ");
    }
    if escaped {
        for &byte in path {
            match byte {
                b'\\' => bytes.extend_from_slice(b"\\\\"),
                b'\n' => bytes.extend_from_slice(b"\\n"),
                b'\r' => bytes.extend_from_slice(b"\\r"),
                byte => bytes.push(byte),
            }
        }
    } else {
        bytes.extend_from_slice(path);
    }
    if tagged {
        bytes.extend_from_slice(b") = ");
        digest.write_hex(&mut bytes);
    }
    bytes.push(b'\n');
    ListLine { bytes, escaped }
}
