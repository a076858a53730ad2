//! What a report must say against itself: how it was done, and what follows from that. Generated
//! from the record, so that a folder is not described as a disk.

use triage_case::Status;
use triage_evidence::{Kind, Recovery, count};

use crate::report::{Report, bytes};

impl Report {
    /// Says whether the exhibit was read as a disk, volume by volume.
    pub(crate) fn is_disk(&self) -> bool {
        self.run["plan"]["container"].is_string()
            || self.volumes.iter().any(|record| record.entry.kind == Kind::Volume)
    }

    /// What was read, in words.
    pub(crate) fn source_words(&self) -> String {
        match self.run["plan"]["container"].as_str() {
            Some(container) => format!("a disk or disk image ({container})"),
            None if self.is_disk() => "a disk or disk image".to_owned(),
            None => "a folder or file of a mounted file system".to_owned(),
        }
    }

    /// How the exhibit was read, a sentence each.
    pub(crate) fn method(&self) -> Vec<String> {
        let mut method = vec![
            "Every name met became one line of the manifest, in the order of its bytes. No link \
             was followed."
                .to_owned(),
            format!(
                "Each regular file in scope{} was opened read-only and read once. The digests of \
                 its content were looked up in the hash sets. Nobody was shown any content.",
                if self.reads_all() { "" } else { " that was to be read" }
            ),
        ];
        if self.is_disk() {
            method.push(
                "The disk was read volume by volume, without the operating system's help: files, \
                 their further streams, and names of deleted files as far as the file system still \
                 tells them."
                    .to_owned(),
            );
        }
        method.push(
            "Times of entries are those that the file system keeps, in UTC where it says so. \
             \"Changed\" is the time of the file's administrative record, never its creation."
                .to_owned(),
        );
        method
    }

    /// What this examination cannot show, a sentence each.
    pub(crate) fn limits(&self) -> Vec<String> {
        let mut limits = vec![
            "A digest finds the same bytes only: a picture that was altered by one bit, cut or \
             saved again has another digest and does not match."
                .to_owned(),
            "No match does not mean that nothing is there. It means that none of the listed \
             files, with exactly those bytes, was in what was read."
                .to_owned(),
            "A match says that a digest stands in a list. What the content is, is for a person to \
             confirm. Nothing here says who put a file where it is, or who has seen it."
                .to_owned(),
            "MD5 and SHA-1 serve to find entries of lists that use them: two different files with \
             the same one can be made on purpose. SHA-256 carries the integrity of this package."
                .to_owned(),
        ];
        let by_size = self.coverage.share(Status::SizeNotListed);
        if by_size.entries > 0 {
            limits.push(format!(
                "{} files were not read, because no file of the hash sets has their size: they \
                 cannot match, and have no digest here.",
                count(by_size.entries)
            ));
        }
        let carried = self.coverage.share(Status::Carried);
        if carried.entries > 0 {
            limits.push(format!(
                "{} files were not read now. Their digests are those of an earlier examination, \
                 and say what was there now only as far as the file system's times can be trusted.",
                count(carried.entries)
            ));
        }
        if self.is_disk() {
            self.limits_of_a_disk(&mut limits);
        } else {
            limits.push(
                "The exhibit was read through the operating system. Deleted files, space that \
                 belongs to no file, and further streams of files are not visible that way and \
                 were not examined."
                    .to_owned(),
            );
        }
        limits.push(
            "Files inside other files (archives, mail boxes, disk images) were examined only \
             where they stand in the manifest as entries of their own."
                .to_owned(),
        );
        limits
    }

    fn limits_of_a_disk(&self, limits: &mut Vec<String>) {
        let space = self.coverage.share(Status::Unallocated);
        if space.entries > 0 {
            limits.push(format!(
                "{} belong to no file. They were counted, not searched: no file was carved out \
                 of them.",
                bytes(space.bytes)
            ));
        }
        let deleted = self.coverage.deleted();
        if deleted.entries > 0 {
            limits.push(format!(
                "{} entries are deleted. Content of a deleted file is what lies today where the \
                 file system last placed it: \"{}\" means that no other file has taken that \
                 place, \"{}\" that the place is uncertain.",
                count(deleted.entries),
                Recovery::Certain.name(),
                Recovery::Guess.name()
            ));
        }
        if self.coverage.share(Status::Encrypted).entries > 0 {
            limits.push(format!(
                "{} volumes or files are encrypted. Nothing is known of what is in them.",
                count(self.coverage.share(Status::Encrypted).entries)
            ));
        }
    }
}
