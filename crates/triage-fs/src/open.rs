//! Which file systems have a reader: one line each.

use std::sync::Arc;

use triage_evidence::{ByteSource, FileSystem, Problem};

use crate::exfat::open_exfat;
use crate::ext::open_ext;
use crate::fat::open_fat;
use crate::ntfs::open_ntfs;

/// A file system, or why it cannot be opened.
type Opened = Result<Box<dyn FileSystem>, Problem>;

fn boxed<T: FileSystem + 'static>(opened: Result<T, Problem>) -> Opened {
    opened.map(|files| Box::new(files) as Box<dyn FileSystem>)
}

/// Opens the file system of that name on a volume; `None` if there is no reader for it.
///
/// # Errors
/// A [`Problem`] if the volume does not hold it after all, or is damaged.
#[must_use]
pub fn open_file_system(name: &str, source: Arc<dyn ByteSource>) -> Option<Opened> {
    Some(match name {
        "exfat" => boxed(open_exfat(source)),
        "fat12" | "fat16" | "fat32" => boxed(open_fat(source)),
        "ext2" | "ext3" | "ext4" => boxed(open_ext(source)),
        "ntfs" => boxed(open_ntfs(source)),
        _ => return None,
    })
}
