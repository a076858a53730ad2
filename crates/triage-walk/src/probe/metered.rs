//! A byte source that ends in a problem once so much of it was read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use triage_evidence::{ByteSource, Problem, ProblemKind};

/// What the problem of a used-up meter is known by.
const CODE: &str = "probe-limit";

/// A source of which only so many bytes may still be read.
pub(super) struct Metered {
    source: Arc<dyn ByteSource>,
    left: AtomicU64,
}

impl Metered {
    /// Allows that many bytes.
    pub(super) fn new(source: Arc<dyn ByteSource>, limit_bytes: u64) -> Self {
        Self { source, left: AtomicU64::new(limit_bytes) }
    }
}

/// Says whether a problem is that of a used-up meter.
pub(super) fn is_limit(problem: &Problem) -> bool {
    problem.code == CODE
}

impl ByteSource for Metered {
    fn size_bytes(&self) -> u64 {
        self.source.size_bytes()
    }

    fn sector_bytes(&self) -> u32 {
        self.source.sector_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let wanted = buffer.len() as u64;
        let take = |left: u64| left.checked_sub(wanted);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            let text = "a quick look does not read that much";
            return Err(Problem::new(ProblemKind::LimitReached, text).with_code(CODE).at(offset));
        }
        self.source.read_at(offset, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_allowed() {
        let source = Metered::new(Arc::new(vec![7_u8; 100]), 50);
        let mut buffer = [0; 30];
        assert_eq!(source.read_at(0, &mut buffer), Ok(30));
        assert!(is_limit(&source.read_at(0, &mut buffer).unwrap_err()));
        assert_eq!(source.read_at(0, &mut buffer[..20]), Ok(20));
        assert_eq!(source.size_bytes(), 100);
    }
}
