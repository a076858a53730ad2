//! A list of files with their SHA-256: the form that `sha256sum -c` and BagIt (RFC 8493, 2.1.3)
//! both read. Only one spelling of a list is accepted.

use crate::Error;

/// One file of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The path in the package, names joined by `/`.
    pub path: String,
    /// The SHA-256, lower-case hex.
    pub sha256: String,
}

/// A list of files, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileList(Vec<Listed>);

impl FileList {
    /// Makes a list of files in any order.
    #[must_use]
    pub fn new(mut files: Vec<Listed>) -> Self {
        files.sort_unstable();
        Self(files)
    }

    /// Returns the files, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[Listed] {
        &self.0
    }

    /// Returns the bytes of the list.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines = self.0.iter().map(|file| format!("{}  {}\n", file.sha256, file.path));
        lines.collect::<String>().into_bytes()
    }

    /// Reads a list that must be exactly as [`FileList::to_bytes`] writes it.
    ///
    /// # Errors
    /// [`Error::FileList`] with the number of the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut files: Vec<Listed> = Vec::new();
        let refuse = |line, reason| Err(Error::FileList { line, reason });
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Error::FileList { line: 0, reason: "it is not UTF-8" })?;
        let Some(text) = text.strip_suffix('\n') else {
            return if text.is_empty() {
                Ok(Self(files))
            } else {
                refuse(text.lines().count(), "it has no line end")
            };
        };
        for (line, text) in (1..).zip(text.split('\n')) {
            let Some((sha256, path)) = text.split_once("  ") else {
                return refuse(line, "expected a digest, two spaces and a path");
            };
            let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            if sha256.len() != 64 || !sha256.bytes().all(is_hex) {
                return refuse(line, "the digest is not 64 lower-case hex digits");
            }
            let odd = path.split('/').any(|name| name.is_empty() || name == "." || name == "..");
            if odd || path.bytes().any(|byte| byte < 0x20 || byte == b'\\' || byte == 0x7f) {
                return refuse(line, "the path is not a plain path below the package");
            }
            if files.last().is_some_and(|last| last.path.as_str() >= path) {
                return refuse(line, "the paths are not sorted, or one stands twice");
            }
            files.push(Listed { path: path.to_owned(), sha256: sha256.to_owned() });
        }
        Ok(Self(files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_is_read_and_every_other_is_refused() {
        let file = |path: &str| Listed { path: path.to_owned(), sha256: "ab".repeat(32) };
        let list = FileList::new(vec![file("data/b"), file("bagit.txt")]);
        let bytes = list.to_bytes();
        assert_eq!(FileList::parse(&bytes).unwrap(), list);
        let text = String::from_utf8(bytes).unwrap();
        for other in [
            text.replace("  ", " *"),
            text.replace('\n', "\r\n"),
            text.to_uppercase(),
            text.replace("data/b", "data/../b"),
            text.replace("data/b", "/data/b"),
            text.trim_end().to_owned(),
            format!("{text}{text}"),
            text.lines().rev().map(|line| format!("{line}\n")).collect(),
        ] {
            assert!(FileList::parse(other.as_bytes()).is_err(), "{other}");
        }
    }
}
