//! Reading around what is bad: all of a range that can be read, and where nothing can.

use crate::{ByteSource, Problem};

/// What was read of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// How many bytes from the start of the range on the source holds, whether they can be read or
    /// not.
    pub held: usize,
    /// What could not be read, in the order of the source: each with its offset in the source and
    /// its length in bytes.
    pub bad: Vec<Problem>,
}

/// Fills a buffer from an offset of the source, with zeros where it cannot be read. Behind `limit`
/// bad places the rest counts as one more: each may cost seconds of a failing medium.
pub fn read_around(
    source: &dyn ByteSource,
    offset: u64,
    buffer: &mut [u8],
    limit: usize,
) -> Around {
    let length = buffer.len();
    let mut around = Around::default();
    // Up to here a read is tried: the whole range, or what stands before a bad place.
    let mut wanted = length;
    while around.held < length {
        let at = offset.saturating_add(around.held as u64);
        let problem = match source.read_at(at, &mut buffer[around.held..wanted]) {
            Ok(0) => break,
            Ok(more) => {
                around.held += more;
                wanted = if around.held < wanted { wanted } else { length };
                continue;
            }
            Err(problem) => problem,
        };
        let before = problem.offset.unwrap_or(at).saturating_sub(at);
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        if before > 0 && before < wanted - around.held {
            wanted = around.held + before;
            continue;
        }
        let rest = length - around.held;
        let lost = problem.lost_bytes.and_then(|lost| usize::try_from(lost).ok()).unwrap_or(rest);
        let lost = if around.bad.len() < limit { lost.clamp(1, rest) } else { rest };
        buffer[around.held..around.held + lost].fill(0);
        around.bad.push(problem.at(at).losing(lost as u64));
        around.held += lost;
        wanted = length;
    }
    around
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemKind;

    /// 4,096 bytes of which the third and the fourth sector are bad, told one by one.
    struct Bad;

    impl ByteSource for Bad {
        fn size_bytes(&self) -> u64 {
            4096
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
            let end = offset.saturating_add(buffer.len() as u64).min(4096);
            if offset < 2048 && end > 1024 {
                let at = offset.max(1024) / 512 * 512;
                let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
                return Err(problem.at(at.max(offset)).losing(at + 512 - at.max(offset)));
            }
            buffer.fill(7);
            Ok(end.saturating_sub(offset) as usize)
        }
    }

    fn ranges(around: &Around) -> Vec<(Option<u64>, Option<u64>)> {
        around.bad.iter().map(|bad| (bad.offset, bad.lost_bytes)).collect()
    }

    #[test]
    fn a_bad_sector_costs_itself_and_is_told() {
        let mut buffer = vec![1; 5000];
        let around = read_around(&Bad, 0, &mut buffer, 10);
        assert_eq!(around.held, 4096);
        assert_eq!(ranges(&around), [(Some(1024), Some(512)), (Some(1536), Some(512))]);
        let is_bad = |at: usize| (1024..2048).contains(&at);
        let held = buffer[..4096].iter().enumerate();
        assert!(held.into_iter().all(|(at, byte)| (*byte == 0) == is_bad(at)));
        assert_eq!(read_around(&Bad, 2048, &mut buffer[..512], 10).bad, []);
        assert_eq!(read_around(&Bad, 5000, &mut buffer, 10), Around::default());
    }

    #[test]
    fn behind_too_many_bad_places_the_rest_is_one() {
        let mut buffer = vec![1; 5000];
        let around = read_around(&Bad, 1000, &mut buffer, 1);
        assert_eq!(ranges(&around), [(Some(1024), Some(512)), (Some(1536), Some(4464))]);
        assert_eq!(buffer[..24], [7; 24]);
        assert!(buffer[24..].iter().all(|&byte| byte == 0));
    }
}
