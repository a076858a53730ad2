//! What the records of a file say about it.

use triage_evidence::{Kind, Node, Problem, ProblemKind, StreamName};

use super::attribute::{self, Attribute, Body, Sizes};
use super::file::File;
use super::file_name::FileName;
use super::reparse::{self, ReparsePoint};
use super::wof::{self, Method};
use super::{Ntfs, recovery, standard_information};
use crate::wtf8::wtf8;

/// The longest reparse point that Windows writes.
const LIMIT_REPARSE_BYTES: u64 = 16 * 1024;

/// Tells everything about a file that was loaded.
pub(super) fn examine(ntfs: &Ntfs, file: &File) -> Node {
    let mut node = Node::new(if file.is_directory { Kind::Directory } else { Kind::File });
    let (mut names, mut has_reparse, mut is_encrypted) = (0_u64, false, false);
    let mut short = None;
    for attribute in file.attributes() {
        match attribute.kind {
            attribute::STANDARD_INFORMATION => {
                node.times = standard_information::times(attribute.resident().unwrap_or_default());
            }
            attribute::FILE_NAME => {
                let Some(name) = attribute.resident().and_then(FileName::parse) else {
                    continue;
                };
                if name.is_short() {
                    short = short.or(Some(name.times()));
                } else {
                    names = names.saturating_add(1);
                    node.name_times = node.name_times.or_else(|| Some(name.times()));
                }
            }
            attribute::DATA if attribute.is_first() => {
                is_encrypted |= data(&mut node, &attribute);
            }
            attribute::REPARSE_POINT => has_reparse = true,
            _ => {}
        }
    }
    node.name_times = node.name_times.or(short);
    node.links = Some(if short.is_some() { names.max(1) } else { names });
    // A file of the file system itself may have no content; of a deleted one it was lost.
    if !file.is_directory && file.is_in_use {
        node.size_bytes = node.size_bytes.or(Some(0));
    }
    if is_encrypted {
        node.unread = Some(encrypted());
    }
    if has_reparse {
        follow(ntfs, file, &mut node);
    }
    if file.is_in_use || file.is_broken {
        node.unread = node.unread.or_else(|| file.problem.clone());
    }
    if !file.is_in_use {
        node.recovery = Some(recovery::of_file(ntfs, file));
    }
    node
}

/// Notes the content or a stream beside it; says whether it is content that is encrypted.
fn data(node: &mut Node, attribute: &Attribute<'_>) -> bool {
    let size_bytes = attribute.size_bytes();
    let allocated_bytes = Some(match attribute.body {
        // What lies in the record takes no clusters, but is not sparse.
        Body::Resident(_) => size_bytes,
        Body::Clusters(piece) => piece.sizes.allocated_bytes,
    });
    if attribute.name.is_empty() {
        node.size_bytes = Some(size_bytes);
        node.allocated_bytes = allocated_bytes;
        return attribute.is_encrypted();
    }
    let name = wtf8(attribute.name);
    node.streams.push(StreamName { name, size_bytes, allocated_bytes });
    false
}

/// Reads what a reparse point makes of a file.
fn follow(ntfs: &Ntfs, file: &File, node: &mut Node) {
    let value = file.small(ntfs.volume(), attribute::REPARSE_POINT, LIMIT_REPARSE_BYTES);
    let point = value.as_deref().and_then(ReparsePoint::parse);
    let Some(point) = point else {
        node.unread.get_or_insert_with(damaged_point);
        return;
    };
    let is_held_here = node.allocated_bytes >= node.size_bytes;
    if let Some(problem) = point.elsewhere().filter(|_| !is_held_here) {
        node.unread.get_or_insert(problem);
    }
    if point.tag == reparse::WOF {
        let has_chunks = || file.attributes().any(|found| found.name == wof::STREAM);
        match Method::parse(point.content) {
            Err(problem) => node.unread = node.unread.take().or(Some(problem)),
            Ok(_) if !is_held_here && !has_chunks() => node.unread = Some(wof::missing()),
            Ok(_) => {}
        }
    }
    node.target = point.target();
    // What lies below a junction, or behind a link, is hidden but there: it is not left out.
    let hides = match file.is_directory {
        true => ntfs.has_children(file.reference),
        false => node.size_bytes.is_some_and(|size| size > 0),
    };
    if let Some(kind) = reparse::kind(point.tag).filter(|_| !hides) {
        node.kind = kind;
        if kind == Kind::Symlink {
            node.size_bytes = node.target.as_ref().map(|target| super::bytes::long(target.len()));
            node.allocated_bytes = None;
        }
    }
}

fn damaged_point() -> Problem {
    let text = "the reparse point is damaged: the content may lie elsewhere";
    Problem::new(ProblemKind::Damaged, text)
}

/// Returns how the overlay filter compressed a file, if it did.
///
/// # Errors
/// A [`Problem`] if the content is not on this volume, or compressed in a way that is not read.
pub(super) fn overlay(ntfs: &Ntfs, file: &File, sizes: Sizes) -> Result<Option<Method>, Problem> {
    if !file.attributes().any(|found| found.kind == attribute::REPARSE_POINT) {
        return Ok(None);
    }
    let value = file.small(ntfs.volume(), attribute::REPARSE_POINT, LIMIT_REPARSE_BYTES);
    // What cannot be read may say that the content, zeros here, lies elsewhere.
    let point = value.as_deref().and_then(ReparsePoint::parse).ok_or_else(damaged_point)?;
    if point.tag == reparse::WOF {
        return Method::parse(point.content).map(Some);
    }
    let is_held_here = sizes.allocated_bytes >= sizes.size_bytes;
    point.elsewhere().filter(|_| !is_held_here).map_or(Ok(None), Err)
}

/// Returns why content that EFS encrypted is not read.
pub(super) fn encrypted() -> Problem {
    let text = "the content is encrypted by the file system (EFS)";
    Problem::new(ProblemKind::Encrypted, text)
}
