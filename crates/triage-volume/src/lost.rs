//! Volumes that no table names: their entry was deleted or damaged, and they still begin in a gap.
//!
//! Looked for where programs that divide disks let volumes begin, by signatures alone. No gap is
//! searched from end to end.

use triage_evidence::ByteSource;

use crate::bytes::read;
use crate::content::{Content, FIRST_BYTES};
use crate::map::Gap;
use crate::signature::by_signature;

/// Volumes begin at multiples of this since 2006 (Windows Vista).
const ALIGNMENT: u64 = 1024 * 1024;
/// Before that the first one began behind the first track, the logical ones one track into theirs.
const TRACK_BYTES: u64 = 63 * 512;
/// How many multiples are looked at in one gap, 2 MiB of reading: a deleted volume begins, as a
/// rule, where its gap does.
const LIMIT_PLACES: u64 = 32;

/// Returns where a volume begins in a gap, if one does.
pub(crate) fn find(disk: &dyn ByteSource, gap: Gap) -> Option<u64> {
    let end = gap.start.saturating_add(gap.size_bytes);
    let aligned = gap.start.next_multiple_of(ALIGNMENT);
    let aligned = (0..LIMIT_PLACES).map(|n| aligned.saturating_add(n.saturating_mul(ALIGNMENT)));
    // The first sector of the disk is the table itself.
    let places = [gap.start, gap.start.saturating_add(TRACK_BYTES)].into_iter().chain(aligned);
    places.filter(|&place| place > 0 && place < end).find(|&place| begins_at(disk, place, end))
}

fn begins_at(disk: &dyn ByteSource, place: u64, end: u64) -> bool {
    let length = usize::try_from(end.saturating_sub(place)).unwrap_or(FIRST_BYTES);
    let first = read(disk, place, length.min(FIRST_BYTES));
    let found = by_signature(&first);
    matches!(found, Some(Content::FileSystem(_) | Content::Encrypted(_) | Content::Container(_)))
}
