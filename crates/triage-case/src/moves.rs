//! Pairs files that are gone with files that are new, by their content: what only moved.

use std::collections::HashMap;

use triage_evidence::Kind;
use triage_hash::Digest;

use crate::diff::{Change, Difference};
use crate::{Error, Record};

/// Pairs what was removed with what was added. Hands on what was added, or moved, in the order in
/// which it is given; then what is left of what was removed, by location.
///
/// # Errors
/// The first error of `take`.
pub fn pair_moved(
    removed: Vec<Record>,
    added: Vec<Record>,
    take: &mut dyn FnMut(Difference) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut left = Vec::new();
    let mut by_content: HashMap<Digest, Vec<Record>> = HashMap::new();
    // From the last one on, so that of equal files the first one is taken out first.
    for record in removed.into_iter().rev() {
        match content(&record) {
            Some(digest) => by_content.entry(digest).or_default().push(record),
            None => left.push(record),
        }
    }
    for record in added {
        let from = content(&record).and_then(|digest| by_content.get_mut(&digest)?.pop());
        let change = from.map_or(Change::Added, |old| Change::Moved(Box::new(old)));
        take(Difference { change, record })?;
    }
    left.extend(by_content.into_values().flatten());
    left.sort_unstable_by(|a, b| a.entry.location.cmp(&b.entry.location));
    left.into_iter().try_for_each(|record| take(Difference { change: Change::Removed, record }))
}

/// Returns what tells the content of a file from others: its strongest digest. Empty files are all
/// alike.
pub(crate) fn content(record: &Record) -> Option<Digest> {
    use triage_hash::Algorithm as A;
    let is_file = record.entry.kind == Kind::File && record.entry.size_bytes != Some(0);
    [A::Sha256, A::Sha512, A::Blake3, A::Sha3_256, A::Sha1, A::Md5]
        .into_iter()
        .find_map(|algorithm| record.digests.get(algorithm))
        .filter(|_| is_file)
}

#[cfg(test)]
mod tests {
    use triage_evidence::{Entry, Location};
    use triage_hash::{Algorithms, hash_bytes};

    use super::*;
    use crate::Status;

    fn file(path: &str, content: &str) -> Record {
        let mut entry =
            Entry::unexamined(Location::from_path(path.as_bytes().to_vec()), Kind::File);
        entry.size_bytes = Some(content.len() as u64);
        let mut record = Record::unread(0, entry, Status::Read);
        record.digests = hash_bytes(Algorithms::DEFAULT, content.as_bytes());
        record
    }

    fn told(removed: Vec<Record>, added: Vec<Record>) -> Vec<String> {
        let mut told = Vec::new();
        pair_moved(removed, added, &mut |difference| {
            let path = difference.record.entry.location.to_text();
            told.push(match difference.change {
                Change::Moved(from) => format!("moved {} {path}", from.entry.location.to_text()),
                Change::Added => format!("added {path}"),
                Change::Removed => format!("removed {path}"),
                other => panic!("{other:?}"),
            });
            Ok(())
        })
        .unwrap();
        told
    }

    #[test]
    fn files_are_paired_by_content_and_each_once() {
        let mut unread = file("b", "");
        unread.entry.size_bytes = Some(1);
        unread.digests = triage_hash::Digests::new();
        let removed = vec![file("a", "x"), unread, file("c", "x"), file("d", ""), file("e", "y")];
        let added = vec![file("n", "x"), file("o", ""), file("p", "z"), file("q", "x")];
        let expected =
            ["moved a n", "added o", "added p", "moved c q", "removed b", "removed d", "removed e"];
        assert_eq!(told(removed, added), expected);
    }

    #[test]
    fn a_folder_that_was_renamed_is_paired_in_one_pass() {
        let files = |folder: &str| -> Vec<Record> {
            let name = |n: u32| format!("{folder}/{n:06}");
            (0..20_000).map(|n| file(&name(n), &(n.wrapping_mul(7)).to_string())).collect()
        };
        let told = told(files("old"), files("new"));
        assert_eq!(told.len(), 20_000);
        assert_eq!(told[19_999], "moved old/019999 new/019999");
    }
}
