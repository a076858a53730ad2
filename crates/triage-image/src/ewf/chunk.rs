//! One chunk of the medium: deflated, or as it is with a checksum. Metz, "EWF", section 3.8.

use flate2::{Decompress, FlushDecompress, Status};
use triage_evidence::{ByteSource, Problem};

use super::table::{Stored, checksum};
use crate::bytes::{damaged, long, read_vec, short, u32_at};

/// How much longer than its content a deflated chunk may be: zlib's own bound is far below.
const SLACK_BYTES: u64 = 64 * 1024;

/// Decodes a chunk; `out` is as long as the medium goes on there.
///
/// # Errors
/// A [`Problem`] if it does not fit its checksum, or is too short.
pub(super) fn decode(
    segment: &dyn ByteSource,
    stored: Stored,
    chunk_bytes: u64,
    out: &mut [u8],
) -> Result<(), Problem> {
    let held = stored.end.min(segment.size_bytes()).saturating_sub(stored.start);
    let limit = chunk_bytes.saturating_add(SLACK_BYTES);
    let bytes = read_vec(segment, stored.start, short(held.min(limit)))?;
    if stored.is_compressed {
        return inflate(&bytes, chunk_bytes, out);
    }
    // The last chunk is cut at the end of the medium, by some writers, and padded by others.
    let by_table = long(bytes.len()).saturating_sub(4).min(chunk_bytes);
    for length in [short(by_table), out.len()] {
        let content = bytes.get(..length).filter(|content| content.len() >= out.len());
        if let Some(content) = content
            && u32_at(&bytes, length) == Some(checksum(content))
        {
            out.copy_from_slice(content.get(..out.len()).unwrap_or_default());
            return Ok(());
        }
    }
    Err(damaged("a chunk of the image does not fit its checksum"))
}

fn inflate(bytes: &[u8], chunk_bytes: u64, out: &mut [u8]) -> Result<(), Problem> {
    let mut inflater = Decompress::new(true);
    let wanted = out.len();
    if wanted == short(chunk_bytes) {
        let done = inflater.decompress(bytes, out, FlushDecompress::Finish);
        let is_whole =
            matches!(done, Ok(Status::StreamEnd)) && short(inflater.total_out()) == wanted;
        return if is_whole { Ok(()) } else { Err(not_deflated()) };
    }
    // The last chunk may be deflated with what pads it.
    let mut chunk = vec![0; short(chunk_bytes)];
    match inflater.decompress(bytes, &mut chunk, FlushDecompress::Finish) {
        Ok(Status::StreamEnd) if short(inflater.total_out()) >= wanted => {
            out.copy_from_slice(chunk.get(..wanted).unwrap_or_default());
            Ok(())
        }
        _ => Err(not_deflated()),
    }
}

fn not_deflated() -> Problem {
    damaged("a compressed chunk of the image is damaged")
}
