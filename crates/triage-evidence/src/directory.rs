//! A directory of any file system: lists names, examines and opens them, one level at a time.

use std::sync::Arc;

use crate::{Entry, FileId, Kind, Location, Problem, Stream};

/// The names in one directory with the kind that the listing gives, in one allocation.
#[derive(Clone, Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    spans: Vec<(u32, u16, Kind)>,
}

impl Names {
    /// Adds a name; `Kind::Unknown` if the listing does not tell the kind.
    ///
    /// Returns `false`, and adds nothing, if the name is longer than 65,535 bytes or the names
    /// together are longer than 4 GiB.
    pub fn push(&mut self, name: &[u8], kind: Kind) -> bool {
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u16::try_from(name.len()))
        else {
            return false;
        };
        self.bytes.extend_from_slice(name);
        self.spans.push((start, length, kind));
        true
    }

    /// Returns how many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Says whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Returns the name and kind at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<(&[u8], Kind)> {
        let &(start, length, kind) = self.spans.get(place)?;
        let start = start as usize;
        Some((self.bytes.get(start..start + usize::from(length))?, kind))
    }

    /// Iterates over names and kinds.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Kind)> {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

/// What a directory gave when it was listed.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The names, in no order, without `.` and `..`.
    pub names: Names,
    /// Why names may be missing: the listing ended early.
    pub problem: Option<Problem>,
}

/// A directory that is open. Nothing here changes the evidence.
pub trait Directory: Send + Sync {
    /// Lists the names. What could not be listed is in [`Listing::problem`].
    fn list(&self) -> Listing;

    /// Examines one name without opening it, without following it.
    ///
    /// # Errors
    /// A [`Problem`] if the file system would not tell.
    fn examine(&self, name: &[u8], location: Location) -> Result<Entry, Problem>;

    /// Returns the name of the pseudo file system that this directory lies on, such as `proc`: a
    /// window into the running kernel, without stored content. `None` for real ones.
    fn volume_kind(&self) -> Option<&'static str> {
        None
    }

    /// Says whether a child directory was listed already under another name, which a damaged or
    /// hostile file system can cause. A directory of the operating system never is.
    fn is_listed_before(&self, _entry: &Entry) -> bool {
        false
    }

    /// Returns why the content of a file, or the target of a link, will not be read, if that is
    /// known before it is opened: it is encrypted, or kept in a way that is not read. A directory
    /// of the operating system never knows.
    fn unread(&self, _entry: &Entry) -> Option<Problem> {
        None
    }

    /// Opens a child directory that [`Directory::examine`] described.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be opened or is no longer the same directory.
    fn open_directory(&self, entry: &Entry) -> Result<Arc<dyn Directory>, Problem>;

    /// Opens the directory above, which has that identity. A walk holds few directories open,
    /// however deep the tree is, and finds its way back by this.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be opened or is another directory by now.
    fn open_parent(&self, expected: FileId) -> Result<Arc<dyn Directory>, Problem>;

    /// Opens the content of a regular file that [`Directory::examine`] described.
    ///
    /// # Errors
    /// A [`Problem`] if it cannot be opened or is not the same regular file any more.
    fn open_stream(&self, entry: &Entry) -> Result<Box<dyn Stream>, Problem>;
}
