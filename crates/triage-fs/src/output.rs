//! Does an output path lie in the evidence? Asked of the file system, not of the spelling.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use triage_evidence::Problem;

use crate::errno::problem;

/// Says whether writing to `output` would write into `evidence`, symbolic links and bind mounts
/// included. An output that does not exist yet is where its nearest existing parent is.
///
/// # Errors
/// A [`Problem`] if a path cannot be resolved; the caller must then refuse.
pub fn output_lies_in(evidence: &Path, output: &Path) -> Result<bool, Problem> {
    let evidence = resolve(evidence)?;
    let output = resolve(&nearest_existing(output)?)?;
    // A single file is evidence: the folder that holds it may hold other things.
    if !evidence.is_dir() {
        return Ok(evidence == output);
    }
    let root = identity(&evidence)?;
    for ancestor in output.ancestors() {
        if identity(ancestor)? == root {
            return Ok(true);
        }
    }
    Ok(beyond_mounts(&evidence, &output))
}

/// Compares the two paths as their file system sees them, for a folder of the evidence that is
/// mounted somewhere else too (`/proc/self/mountinfo`, proc(5): fields 3, 4 and 5).
fn beyond_mounts(evidence: &Path, output: &Path) -> bool {
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let (Some(evidence), Some(output)) = (origin(&mounts, evidence), origin(&mounts, output))
    else {
        return false;
    };
    evidence.device == output.device && output.path.starts_with(&evidence.path)
}

/// Where a path is on its own file system, whatever it is mounted as.
struct Origin {
    device: Vec<u8>,
    path: PathBuf,
}

fn origin(mounts: &[u8], path: &Path) -> Option<Origin> {
    let mut best: Option<(usize, Origin)> = None;
    for line in mounts.split(|&byte| byte == b'\n') {
        let mut fields = line.split(|&byte| byte == b' ').skip(2);
        let (Some(device), Some(root), Some(point)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let point = path_of(point);
        let Ok(below) = path.strip_prefix(&point) else { continue };
        let depth = point.components().count();
        // Of equal mount points the later line covers the earlier one.
        if best.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            let path = path_of(root).join(below);
            best = Some((depth, Origin { device: device.to_vec(), path }));
        }
    }
    best.map(|(_, origin)| origin)
}

/// Undoes the octal escapes of mountinfo.
fn path_of(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(out))
}

fn nearest_existing(path: &Path) -> Result<PathBuf, Problem> {
    let absolute = std::path::absolute(path).map_err(|error| unresolved(&error))?;
    for ancestor in absolute.ancestors() {
        // A dangling link exists, and what is written through it lands at its target.
        if let Ok(target) = fs::read_link(ancestor) {
            let parent = ancestor.parent().unwrap_or(ancestor);
            let target = parent.join(target);
            return if target.exists() {
                Ok(target)
            } else {
                Ok(target.parent().unwrap_or(parent).to_path_buf())
            };
        }
        if ancestor.exists() {
            return Ok(ancestor.to_path_buf());
        }
    }
    Ok(absolute)
}

fn resolve(path: &Path) -> Result<PathBuf, Problem> {
    path.canonicalize().map_err(|error| unresolved(&error))
}

fn identity(path: &Path) -> Result<(u64, u64), Problem> {
    let found = path.metadata().map_err(|error| unresolved(&error))?;
    Ok((found.dev(), found.ino()))
}

fn unresolved(error: &std::io::Error) -> Problem {
    let errno = error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error);
    problem("cannot tell whether the output lies in the evidence", errno)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests build the folders that they ask about")]
mod tests {
    use super::*;

    #[test]
    fn links_and_missing_folders_are_seen_through() {
        let dir = tempfile::tempdir().unwrap();
        let evidence = dir.path().join("evidence");
        fs::create_dir_all(evidence.join("sub")).unwrap();
        std::os::unix::fs::symlink(evidence.join("sub"), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(evidence.join("new"), dir.path().join("dangling")).unwrap();
        for inside in ["evidence", "evidence/sub/new/case", "link/case", "link", "dangling"] {
            assert!(output_lies_in(&evidence, &dir.path().join(inside)).unwrap(), "{inside}");
        }
        for outside in ["", "other/case", "evidence2"] {
            assert!(!output_lies_in(&evidence, &dir.path().join(outside)).unwrap(), "{outside}");
        }
    }

    #[test]
    fn a_folder_mounted_elsewhere_keeps_its_origin() {
        let mounts = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            30 22 8:1 /srv/evidence/sub /mnt/b\\040c rw - ext4 /dev/sda1 rw\n";
        let inside = origin(mounts, Path::new("/mnt/b c/x")).unwrap();
        assert_eq!(inside.path, Path::new("/srv/evidence/sub/x"));
        let evidence = origin(mounts, Path::new("/srv/evidence")).unwrap();
        assert_eq!(evidence.device, inside.device);
        assert!(inside.path.starts_with(evidence.path));
    }
}
