//! Several sources one behind the other as one.

use std::sync::Arc;

use triage_evidence::{ByteSource, Problem};

use crate::bytes::short;

/// Sources in a row.
pub(crate) struct Joined {
    /// Each with where it begins; sorted.
    parts: Vec<(u64, Arc<dyn ByteSource>)>,
    size_bytes: u64,
}

impl Joined {
    /// Joins sources.
    pub(crate) fn new(sources: Vec<Arc<dyn ByteSource>>) -> Self {
        let mut size_bytes = 0_u64;
        let mut parts = Vec::with_capacity(sources.len());
        for source in sources {
            parts.push((size_bytes, Arc::clone(&source)));
            size_bytes = size_bytes.saturating_add(source.size_bytes());
        }
        Self { parts, size_bytes }
    }
}

impl ByteSource for Joined {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        // Empty parts begin where their neighbours do: the last that begins here has the byte.
        let place = self.parts.partition_point(|(start, _)| *start <= offset);
        let Some((start, part)) = place.checked_sub(1).and_then(|place| self.parts.get(place))
        else {
            return Ok(0);
        };
        let within = offset.saturating_sub(*start);
        let rest = short(part.size_bytes().saturating_sub(within)).min(buffer.len());
        let buffer = &mut buffer[..rest];
        part.read_at(within, buffer).map_err(|problem| Problem {
            offset: problem.offset.map(|offset| offset.saturating_add(*start)),
            ..problem
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_one_behind_the_other() {
        let part = |bytes: &[u8]| Arc::new(bytes.to_vec()) as Arc<dyn ByteSource>;
        let joined = Joined::new(vec![part(b"abc"), part(b""), part(b"de")]);
        let mut all = Vec::new();
        let mut buffer = [0; 2];
        loop {
            match joined.read_at(all.len() as u64, &mut buffer).unwrap() {
                0 => break,
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
        assert_eq!(all, b"abcde");
        assert_eq!(joined.size_bytes(), 5);
    }
}
