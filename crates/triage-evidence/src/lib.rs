//! The words and promises that every reader of evidence shares.
//!
//! An [`Entry`] is one name met, at a [`Location`]. A [`Directory`] lists and opens entries, a
//! [`Stream`] gives the content of one. What could not be read is a [`Problem`]: data, never an
//! abort. A [`ByteSource`] is an image or a device, a [`FileSystem`] what this program reads in it
//! by itself. There is no parser, no I/O and no clock here: readers implement these traits, and
//! whoever composes them knows nothing else about a file system.

mod byte_source;
mod count;
mod directory;
mod entry;
mod escape;
mod file_system;
mod hex;
mod location;
mod mark;
mod problem;
mod read_around;
mod stream;
mod times;

pub use byte_source::{ByteSource, Slice};
pub use count::{count, counted, noun};
pub use directory::{Directory, Listing, Names};
pub use entry::{Device, Entry, Facts, FileId, Kind, Ownership};
pub use escape::{BadEscape, escape, unescape};
pub use file_system::{
    FileSystem, NameState, Node, NodeId, NodeName, NodeNames, Recovery, Run, StreamName,
    VolumeFacts,
};
pub use hex::hex;
pub use location::Location;
pub use mark::{ORPHANS, UNALLOCATED, deleted_name, doubled_name, plain_name, stream_name};
pub use problem::{LostRange, Problem, ProblemKind};
pub use read_around::{Around, read_around};
pub use stream::{Chunk, Stream};
pub use times::{Time, Times};
