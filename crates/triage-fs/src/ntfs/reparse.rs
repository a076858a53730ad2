//! Reparse points: symbolic links, junctions, and files whose content lies elsewhere.
//!
//! Nothing is followed. Spec: [MS-FSCC] 2.1.2 (buffers) and 2.1.2.1 (tags); `LX_` tags as the
//! Linux kernel reads them in `fs/smb/client/reparse.c`.

use triage_evidence::{Kind, Problem, ProblemKind};

use super::bytes::{slice_at, u16_at, u32_at};
use crate::wtf8::wtf8;

const MOUNT_POINT: u32 = 0xa000_0003;
const SYMLINK: u32 = 0xa000_000c;
const LX_SYMLINK: u32 = 0xa000_001d;
const AF_UNIX: u32 = 0x8000_0023;
const LX_FIFO: u32 = 0x8000_0024;
const LX_CHARACTER: u32 = 0x8000_0025;
const LX_BLOCK: u32 = 0x8000_0026;
/// The file is compressed by the Windows overlay filter.
pub(super) const WOF: u32 = 0x8000_0017;
const DEDUPLICATED: u32 = 0x8000_0013;
const SINGLE_INSTANCE: u32 = 0x8000_0007;
const HIERARCHICAL: [u32; 2] = [0xc000_0004, 0x8000_0006];
const WIM: u32 = 0x8000_0008;
/// Placeholders of cloud storage are `0x9000?01a`.
const CLOUD: u32 = 0x9000_001a;
const CLOUD_MASK: u32 = 0xffff_0fff;
/// Where the data of a reparse point begins.
const HEADER_BYTES: usize = 8;

/// The value of a `$REPARSE_POINT`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReparsePoint<'a> {
    /// What it means.
    pub(super) tag: u32,
    /// What it says, without its header.
    pub(super) content: &'a [u8],
}

/// Returns the kind that a tag makes of a file, if it does.
pub(super) const fn kind(tag: u32) -> Option<Kind> {
    match tag {
        MOUNT_POINT | SYMLINK | LX_SYMLINK => Some(Kind::Symlink),
        AF_UNIX => Some(Kind::Socket),
        LX_FIFO => Some(Kind::Fifo),
        LX_CHARACTER => Some(Kind::CharDevice),
        LX_BLOCK => Some(Kind::BlockDevice),
        _ => None,
    }
}

impl<'a> ReparsePoint<'a> {
    /// Reads the value of a `$REPARSE_POINT`.
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_at(value, 4)?);
        Some(Self { tag: u32_at(value, 0)?, content: slice_at(value, HEADER_BYTES, length)? })
    }

    /// Returns the target of a link as WTF-8: what is really followed, not the name for display.
    pub(super) fn target(&self) -> Option<Vec<u8>> {
        let paths = match self.tag {
            SYMLINK => 12,
            MOUNT_POINT => 8,
            LX_SYMLINK => return self.content.get(4..).map(<[u8]>::to_vec),
            _ => return None,
        };
        let start = usize::from(u16_at(self.content, 0)?);
        let length = usize::from(u16_at(self.content, 2)?);
        slice_at(self.content.get(paths..)?, start, length).map(wtf8)
    }

    /// Returns why the content is not on this volume, if the tag says so.
    pub(super) fn elsewhere(&self) -> Option<Problem> {
        let text = match self.tag {
            DEDUPLICATED => "the content lies in the store of data deduplication",
            SINGLE_INSTANCE => "the content lies in the single instance store",
            WIM => "the content lies in a WIM archive",
            tag if HIERARCHICAL.contains(&tag) => "the content lies in hierarchical storage",
            tag if tag & CLOUD_MASK == CLOUD => "the content may lie in cloud storage only",
            _ => return None,
        };
        Some(Problem::new(ProblemKind::Unsupported, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(tag: u32, content: &[u8]) -> Vec<u8> {
        let mut value = tag.to_le_bytes().to_vec();
        value.extend((content.len() as u16).to_le_bytes());
        value.extend([0, 0]);
        value.extend(content);
        value
    }

    #[test]
    fn the_target_is_the_path_that_is_followed() {
        // [MS-FSCC] 2.1.2.4: the substitute name follows the print name here.
        let mut content = vec![2, 0, 4, 0, 0, 0, 2, 0, 1, 0, 0, 0];
        content.extend(b"p\0a\0b\0");
        let value = point(SYMLINK, &content);
        assert_eq!(ReparsePoint::parse(&value).unwrap().target().unwrap(), b"ab");
        content.drain(8..12);
        let value = point(MOUNT_POINT, &content);
        assert_eq!(ReparsePoint::parse(&value).unwrap().target().unwrap(), b"ab");
        let value = point(LX_SYMLINK, b"\x02\0\0\0../x");
        assert_eq!(ReparsePoint::parse(&value).unwrap().target().unwrap(), b"../x");
    }

    #[test]
    fn targets_that_lie_outside_are_none() {
        let value = point(SYMLINK, &[0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(ReparsePoint::parse(&value).unwrap().target(), None);
        let value = point(MOUNT_POINT, &[0, 0]);
        assert_eq!(ReparsePoint::parse(&value).unwrap().target(), None);
        assert!(ReparsePoint::parse(&value[..9]).is_none());
    }

    #[test]
    fn content_that_is_not_here_is_told() {
        for tag in [0x9000_701a, DEDUPLICATED, 0xc000_0004] {
            assert!(ReparsePoint { tag, content: &[] }.elsewhere().is_some());
        }
        assert!(ReparsePoint { tag: WOF, content: &[] }.elsewhere().is_none());
    }
}
