//! What of an exhibit may be read: a scope, checked before anything is opened.
//!
//! A scope is TOML with the keys `include`, `exclude` (lists of glob patterns over the path below
//! the exhibit's root), `min_size`, `max_size` (bytes), `modified_after`, `modified_before` (a date
//! or RFC 3339). A file is in scope if it matches an include pattern (or there is none), matches no
//! exclude pattern, and is within sizes and dates. A directory that matches an exclude pattern is
//! one record and is not listed. Patterns work on bytes: `*` stops at `/`, `**` does not.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use triage_evidence::{Entry, Kind, Time};

use crate::Error;

/// The file as typed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeText {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    modified_after: Option<String>,
    modified_before: Option<String>,
}

/// What of an exhibit may be read.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    text: String,
    include: Option<(GlobSet, Vec<String>)>,
    exclude: Option<(GlobSet, Vec<String>)>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    modified_after: Option<Time>,
    modified_before: Option<Time>,
}

impl Scope {
    /// Returns the scope that leaves nothing out.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Reads the text of a scope file.
    ///
    /// # Errors
    /// [`Error`] that names the line, pattern or date that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let typed: ScopeText =
            toml::from_str(text).map_err(|error| Error::ScopeText { reason: error.to_string() })?;
        Ok(Self {
            text: text.to_owned(),
            include: patterns(&typed.include)?,
            exclude: patterns(&typed.exclude)?,
            min_size: typed.min_size,
            max_size: typed.max_size,
            modified_after: typed.modified_after.as_deref().map(date).transpose()?,
            modified_before: typed.modified_before.as_deref().map(date).transpose()?,
        })
    }

    /// Returns the text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the rule that leaves a path out before it is even examined.
    pub(crate) fn excludes_path(&self, path: &[u8]) -> Option<String> {
        let (set, patterns) = self.exclude.as_ref()?;
        let first = set.matches(as_path(path)).into_iter().next()?;
        Some(format!("exclude:{}", patterns.get(first).map_or("", String::as_str)))
    }

    /// Returns the rule that forbids a location or a folder above it: what a person may not ask
    /// for by name.
    #[must_use]
    pub fn forbids(&self, location: &triage_evidence::Location) -> Option<String> {
        let path = location.unmarked_path();
        let folders = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let above = folders.filter_map(|(end, _)| path.get(..end));
        above.chain([path.as_ref()]).find_map(|path| self.excludes_path(path))
    }

    /// Returns the rule that leaves an examined entry out before it is opened.
    pub(crate) fn excludes_entry(&self, entry: &Entry) -> Option<String> {
        if entry.kind != Kind::File {
            return None;
        }
        if let Some((set, _)) = &self.include
            && !set.is_match(as_path(&entry.location.unmarked_path()))
        {
            return Some("not-included".to_owned());
        }
        let size = entry.size_bytes;
        if let (Some(limit), Some(size)) = (self.min_size, size)
            && size < limit
        {
            return Some(format!("min-size:{limit}"));
        }
        if let (Some(limit), Some(size)) = (self.max_size, size)
            && size > limit
        {
            return Some(format!("max-size:{limit}"));
        }
        let modified = entry.times.modified?;
        if self.modified_after.is_some_and(|limit| modified < limit) {
            return Some("modified-after".to_owned());
        }
        self.modified_before
            .is_some_and(|limit| modified >= limit)
            .then(|| "modified-before".to_owned())
    }
}

fn as_path(bytes: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt as _;
    std::path::Path::new(std::ffi::OsStr::from_bytes(bytes))
}

fn patterns(texts: &[String]) -> Result<Option<(GlobSet, Vec<String>)>, Error> {
    if texts.is_empty() {
        return Ok(None);
    }
    let bad = |pattern: &str, error: &globset::Error| Error::ScopePattern {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for text in texts {
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|error| bad(text, &error))?;
        set.add(glob);
    }
    let set = set.build().map_err(|error| bad(&texts.join(", "), &error))?;
    Ok(Some((set, texts.to_vec())))
}

/// Reads a date, which begins at midnight UTC, or a moment.
fn date(text: &str) -> Result<Time, Error> {
    Time::from_text(text)
        .or_else(|| Time::from_text(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| Error::ScopeDate { date: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use triage_evidence::Location;

    fn file(path: &[u8], size: u64) -> Entry {
        let mut entry = Entry::unexamined(Location::from_path(path.to_vec()), Kind::File);
        entry.size_bytes = Some(size);
        entry.times.modified = Time::from_text("2026-06-01T12:00:00Z");
        entry
    }

    #[test]
    fn rules_are_named_and_work_on_bytes() {
        let scope = Scope::from_toml(
            "include = ['**/*.jpg']\nexclude = ['Legal/**', 'a*']\nmax_size = 10\n\
             modified_after = '2026-01-01'\nmodified_before = '2026-12-31T00:00:00Z'\n",
        )
        .unwrap();
        assert_eq!(scope.excludes_path(b"Legal/x.jpg").as_deref(), Some("exclude:Legal/**"));
        assert_eq!(scope.excludes_path(b"b/a.jpg"), None, "* stops at a slash");
        assert_eq!(scope.excludes_entry(&file(b"x/\xff.jpg", 10)), None);
        let rule = |path, size| scope.excludes_entry(&file(path, size));
        assert_eq!(rule(b"x.txt", 1).as_deref(), Some("not-included"));
        assert_eq!(rule(b"x.jpg", 11).as_deref(), Some("max-size:10"));
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |text| Scope::from_toml(text).unwrap_err().to_string();
        assert!(refused("inklude = []").contains("inklude"));
        assert!(refused("include = ['[']").contains("\"[\""));
        assert!(refused("modified_after = 'soon'").contains("soon"));
    }
}
