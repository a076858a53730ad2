//! Marks: the steps of a location that are not names of a file system.
//!
//! A mark follows the name that it belongs to behind a NUL, which no file system allows in a name:
//! `a.jpg\0stream:Zone.Identifier` is a stream beside a file, `b.jpg\0deleted:64-2` a deleted name.
//! So that a mark sorts right behind its name, and two names never fall together.

use std::borrow::Cow;

use crate::Location;

/// What stands between a name and its mark.
const NUL: u8 = b'\0';
/// The directory of deleted files that no directory lists.
pub const ORPHANS: &[u8] = b"\0orphans";
/// The bytes of a volume that belong to no file.
pub const UNALLOCATED: &[u8] = b"\0unallocated";

/// Returns a name as it can stand in a location: `/`, NUL, and the names `.` and `..`, which only a
/// damaged or hostile file system holds, as overlong UTF-8, which no reader of names produces.
#[must_use]
pub fn plain_name(name: &[u8]) -> Cow<'_, [u8]> {
    let is_dots = matches!(name, b"." | b"..");
    if !is_dots && !name.iter().any(|&byte| matches!(byte, NUL | b'/')) {
        return Cow::Borrowed(name);
    }
    let mut out = Vec::with_capacity(name.len() + 8);
    for &byte in name {
        match byte {
            NUL => out.extend_from_slice(&[0xc0, 0x80]),
            b'/' => out.extend_from_slice(&[0xc0, 0xaf]),
            b'.' if is_dots => out.extend_from_slice(&[0xc0, 0xae]),
            byte => out.push(byte),
        }
    }
    Cow::Owned(out)
}

/// Returns the name of a stream beside a file.
#[must_use]
pub fn stream_name(name: &[u8], stream: &[u8]) -> Vec<u8> {
    marked(name, b"stream:", &plain_name(stream))
}

/// Returns the name of a deleted entry, given its node in text.
#[must_use]
pub fn deleted_name(name: &[u8], node: &str) -> Vec<u8> {
    marked(name, b"deleted:", node.as_bytes())
}

/// Returns the name of an entry whose name another entry of the same directory has too.
#[must_use]
pub fn doubled_name(name: &[u8], copy: usize) -> Vec<u8> {
    marked(name, b"double:", copy.to_string().as_bytes())
}

fn marked(name: &[u8], kind: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 1 + kind.len() + value.len());
    for part in [name, &[NUL], kind, value] {
        out.extend_from_slice(part);
    }
    out
}

impl Location {
    /// Returns the path without marks: what a pattern of a scope is compared with.
    #[must_use]
    pub fn unmarked_path(&self) -> Cow<'_, [u8]> {
        if !self.path().contains(&NUL) {
            return Cow::Borrowed(self.path());
        }
        let names = self.path().split(|&byte| byte == b'/');
        let unmarked: Vec<&[u8]> = names
            .map(|name| match name.split(|&byte| byte == NUL).next() {
                Some([]) | None => name.get(1..).unwrap_or_default(),
                Some(plain) => plain,
            })
            .collect();
        Cow::Owned(unmarked.join(&b'/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_makes_no_step() {
        for (name, plain) in [
            (&b"a/b"[..], &b"a\xc0\xafb"[..]),
            (b"..", b"\xc0\xae\xc0\xae"),
            (b"a\0b", b"a\xc0\x80b"),
            (b"..a", b"..a"),
        ] {
            assert_eq!(*plain_name(name), *plain);
        }
        assert_eq!(stream_name(b"a", b"x/y"), b"a\0stream:x\xc0\xafy");
    }

    #[test]
    fn marks_sort_behind_their_name_and_are_no_part_of_the_path() {
        let deleted = deleted_name(b"a.jpg", "64-2");
        assert!(b"a.jpg".to_vec() < deleted && deleted < b"a.jpg-".to_vec());
        let location = Location::root().child(b"vol1").child(ORPHANS).child(&deleted);
        assert_eq!(location.to_text(), "vol1/\\:orphans/a.jpg\\:deleted:64-2");
        assert_eq!(*location.unmarked_path(), *b"vol1/orphans/a.jpg");
        assert_eq!(Location::from_text(&location.to_text()).unwrap(), location);
    }
}
