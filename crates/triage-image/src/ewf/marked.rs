//! Ranges that the imager could not read and filled with zeros: these bytes are no evidence.

use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::bytes::{long, short};

/// A source of which some ranges are known to be made up.
struct Marked {
    source: Arc<dyn ByteSource>,
    /// Start and length, sorted and apart.
    ranges: Vec<(u64, u64)>,
}

/// Wraps a source so that a read of a range that was made up is a problem.
pub(super) fn mark(
    source: Arc<dyn ByteSource>,
    mut ranges: Vec<(u64, u64)>,
) -> Arc<dyn ByteSource> {
    ranges.sort_unstable();
    ranges.retain(|range| range.1 > 0);
    if ranges.is_empty() {
        return source;
    }
    Arc::new(Marked { source, ranges })
}

impl ByteSource for Marked {
    fn size_bytes(&self) -> u64 {
        self.source.size_bytes()
    }

    fn sector_bytes(&self) -> u32 {
        self.source.sector_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let end = offset.saturating_add(long(buffer.len()));
        let from =
            self.ranges.partition_point(|(start, size)| start.saturating_add(*size) <= offset);
        let Some((start, size)) = self.ranges.get(from).filter(|(start, _)| *start < end) else {
            return self.source.read_at(offset, buffer);
        };
        if *start > offset {
            let before = short(start.saturating_sub(offset));
            let part = buffer.get_mut(..before).unwrap_or_default();
            return self.source.read_at(offset, part);
        }
        let text = "the imager could not read these sectors and wrote zeros";
        let lost = start.saturating_add(*size).saturating_sub(offset);
        Err(Problem::new(ProblemKind::Unreadable, text).at(offset).losing(lost))
    }
}
