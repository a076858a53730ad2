//! File systems as directories of entries: here the live directory of a mounted file system.
//!
//! [`LiveDirectory`] implements the promises of `triage-evidence` with calls relative to open
//! directories, so that no path is ever too long and no link is ever followed. Nothing is written,
//! nothing but regular files and directories is ever opened.

mod bytes;
mod device;
mod errno;
mod exfat;
mod ext;
mod fat;
mod live;
mod ntfs;
mod open;
mod output;
mod pages;
mod pseudo;
mod run_stream;
mod wtf8;

pub use device::is_rotational;
pub use live::{LiveDirectory, LiveRoot, open_live};
pub use ntfs::{Ntfs, open_ntfs};
pub use open::open_file_system;
pub use output::output_lies_in;
