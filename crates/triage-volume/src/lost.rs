//! Volumes that no table names: their entry was deleted or damaged, and they still begin in a gap.
//!
//! Looked for where programs that divide disks let volumes begin, by signatures alone. No gap is
//! searched from end to end.

use triage_evidence::ByteSource;

use crate::bytes::read_around;
use crate::content::{Content, FIRST_BYTES};
use crate::map::Gap;
use crate::signature::by_signature;
use crate::stated_size::stated_size;

/// Volumes begin at multiples of this since 2006 (Windows Vista).
const ALIGNMENT: u64 = 1024 * 1024;
/// Before that the first one began behind the first track, the logical ones one track into theirs.
const TRACK_BYTES: u64 = 63 * 512;
/// How many multiples are looked at in one gap, 2 MiB of reading: a deleted volume begins, as a
/// rule, where its gap does.
const LIMIT_PLACES: u64 = 32;

/// A volume in a gap.
pub(crate) struct Lost {
    /// Where it begins.
    pub(crate) start: u64,
    /// How long it says that it is, where it does.
    pub(crate) stated_bytes: Option<u64>,
}

/// What a look at a gap gave.
pub(crate) struct Look {
    /// The first volume that begins in it, if one does.
    pub(crate) found: Option<Lost>,
    /// The first place before it where one may begin and that cannot be read.
    pub(crate) unread: Option<u64>,
}

/// Looks for the first volume that begins in a gap.
pub(crate) fn find(disk: &dyn ByteSource, gap: Gap) -> Look {
    let end = gap.start.saturating_add(gap.size_bytes);
    let aligned = gap.start.next_multiple_of(ALIGNMENT);
    let aligned = (0..LIMIT_PLACES).map(|n| aligned.saturating_add(n.saturating_mul(ALIGNMENT)));
    // The first sector of the disk is the table itself.
    let places = [gap.start, gap.start.saturating_add(TRACK_BYTES)].into_iter().chain(aligned);
    let mut unread = None;
    for place in places.filter(|&place| place > 0 && place < end) {
        let length = usize::try_from(end.saturating_sub(place)).unwrap_or(FIRST_BYTES);
        let first = read_around(disk, place, length.min(FIRST_BYTES));
        if let Some(content) = by_signature(&first.bytes)
            && is_volume(content)
        {
            let stated_bytes = stated_size(&first.bytes, content);
            return Look { found: Some(Lost { start: place, stated_bytes }), unread };
        }
        unread = unread.or((!first.is_whole).then_some(place));
    }
    Look { found: None, unread }
}

const fn is_volume(content: Content) -> bool {
    matches!(content, Content::FileSystem(_) | Content::Encrypted(_) | Content::Container(_))
}
