//! The address of an entry inside an exhibit: lossless bytes with a total order.
//!
//! In a live directory a location is the path below the exhibit's root, names joined by `/`.
//! The order is that of the raw bytes, which is also the order of the manifest.

use std::fmt;

use crate::escape::{BadEscape, escape, unescape};

/// The text form of the root of an exhibit.
const ROOT: &str = ".";

/// Where an entry is. The root of the exhibit is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    path: Vec<u8>,
}

impl Location {
    /// Returns the root of the exhibit.
    #[must_use]
    pub const fn root() -> Self {
        Self { path: Vec::new() }
    }

    /// Takes the raw bytes of a path below the root; an empty path is the root.
    #[must_use]
    pub const fn from_path(path: Vec<u8>) -> Self {
        Self { path }
    }

    /// Returns the location of the child with that name.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> Self {
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        if !self.path.is_empty() {
            path.extend_from_slice(&self.path);
            path.push(b'/');
        }
        path.extend_from_slice(name);
        Self { path }
    }

    /// Returns the raw bytes of the path; empty for the root.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns the raw bytes of the last name; empty for the root.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }

    /// Says whether this is the root of the exhibit.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Returns the text form: safe to show, and read back by [`Location::from_text`].
    #[must_use]
    pub fn to_text(&self) -> String {
        if self.is_root() { ROOT.to_owned() } else { escape(&self.path) }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`BadEscape`] if a backslash begins no known escape.
    pub fn from_text(text: &str) -> Result<Self, BadEscape> {
        if text == ROOT {
            return Ok(Self::root());
        }
        Ok(Self { path: unescape(text)? })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_raw_bytes() {
        let mut paths: Vec<_> = ["a/x", "a", "a-b", "", "a.b", "B"]
            .map(|path| Location::from_path(path.as_bytes().to_vec()))
            .into();
        paths.sort();
        let text: Vec<_> = paths.iter().map(Location::to_text).collect();
        assert_eq!(text, [".", "B", "a", "a-b", "a.b", "a/x"]);
    }

    #[test]
    fn children_and_names() {
        let child = Location::root().child(b"Users").child(b"a\xff");
        assert_eq!(child.path(), b"Users/a\xff");
        assert_eq!(child.name(), b"a\xff");
        assert_eq!(Location::from_text(&child.to_text()).unwrap(), child);
        assert!(Location::from_text(".").unwrap().is_root());
    }
}
