//! The attacks of a validation: simple edits of a small signed package, and the finding by which
//! `verify` must refuse each.
//!
//! Attacks that compute digests again are in the tests of the source, not here.

use std::io;
use std::path::Path;

use crate::write_attack::{link, remove, rename, replace, second_name};

/// An edit of one file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    /// One bit of the byte in the middle is turned.
    Flip,
    /// Only the first half is left.
    Halve,
    /// Nothing is left.
    Empty,
    /// The second and third line change places.
    Swap,
    /// The last line is dropped.
    DropLast,
    /// The first line stands twice.
    Repeat,
    /// The last byte is cut off.
    CutEnd,
    /// The lines end as in DOS.
    Crlf,
    /// A byte order mark is put in front.
    Mark,
    /// The first place where the first text stands gets the second.
    Text(&'static str, &'static str),
    /// The file is removed.
    Remove,
    /// The file gets this name.
    Rename(&'static str),
    /// The file moves out, and a symbolic link leads to it.
    Symlink,
    /// The file gets a second name outside.
    SecondName,
    /// The file is new.
    Extra,
}

/// An attack on one file of a package.
#[derive(Debug)]
pub(super) struct Attack {
    /// What is done, in words.
    pub(super) name: &'static str,
    file: &'static str,
    edit: Edit,
    /// The code of the finding that must be among those told.
    pub(super) code: &'static str,
}

const MANIFEST: &str = "data/manifest.ndjson";
const RUN: &str = "data/run.json";
const REPORT: &str = "data/report/report.html";
const LOG: &str = "custody.ndjson";
const SEAL: &str = "seals/0001.json";
const SIGNATURE: &str = "seals/0001.json.sig";
/// The code of a line that is not as it must be.
const LINE: &str = "manifest-line-is-not-valid";

const fn attack(name: &'static str, file: &'static str, edit: Edit, code: &'static str) -> Attack {
    Attack { name, file, edit, code }
}

/// Every attack. The package has three entries, one of which hits, and is signed.
pub(super) const ATTACKS: &[Attack] = &[
    attack("one bit of the manifest is turned", MANIFEST, Edit::Flip, "manifest-was-changed"),
    attack("two lines of the manifest change places", MANIFEST, Edit::Swap, LINE),
    attack("the last line is dropped", MANIFEST, Edit::DropLast, "number-of-entries-differs"),
    attack("a line stands twice", MANIFEST, Edit::Repeat, LINE),
    attack("the last line feed is cut", MANIFEST, Edit::CutEnd, "manifest-has-a-torn-last-line"),
    attack("the manifest gets CRLF line ends", MANIFEST, Edit::Crlf, LINE),
    attack("the manifest gets a byte order mark", MANIFEST, Edit::Mark, LINE),
    attack("a key stands twice", MANIFEST, Edit::Text("\"v\":1}", "\"v\":1,\"v\":1}"), LINE),
    attack("a number is written 1e0", MANIFEST, Edit::Text("\"v\":1}", "\"v\":1e0}"), LINE),
    attack("a line gets a trailing space", MANIFEST, Edit::Text("}\n", "} \n"), LINE),
    attack(
        "a name gets a look-alike letter",
        MANIFEST,
        Edit::Text("canary.txt", "c\u{430}nary.txt"),
        "manifest-was-changed",
    ),
    attack(
        "a hit is made no hit",
        MANIFEST,
        Edit::Text("\"disposition\":\"alert\"", "\"disposition\":\"known-good\""),
        "manifest-was-changed",
    ),
    attack("the custody log is emptied", LOG, Edit::Empty, "custody-log-is-shorter-than-sealed"),
    attack("an event stands twice", LOG, Edit::Repeat, "custody-log-is-broken"),
    attack(
        "an event names another role",
        LOG,
        Edit::Text("examiner", "cleaner"),
        "sealed-custody-event-was-changed",
    ),
    attack(
        "the seal says that nothing hit",
        SEAL,
        Edit::Text("\"hits\":1", "\"hits\":0"),
        "signature-is-not-valid",
    ),
    attack("the seal is removed", SEAL, Edit::Remove, "seal-is-missing"),
    attack(
        "the seal gets another number",
        SEAL,
        Edit::Text("\"seal\":1,", "\"seal\":2,"),
        "seal-has-another-number",
    ),
    attack("the signature is removed", SIGNATURE, Edit::Remove, "signature-is-missing"),
    attack("the signature is cut short", SIGNATURE, Edit::Halve, "signature-is-not-valid"),
    attack("the report is edited", REPORT, Edit::Text("1 entry", "0 entry"), "file-was-changed"),
    attack(
        "the report says something else than the record",
        REPORT,
        Edit::Text("1 entry", "0 entry"),
        "derived-file-differs-from-its-rendering",
    ),
    attack("the report is removed", REPORT, Edit::Remove, "listed-file-is-missing"),
    attack(
        "a document is spaced as people write JSON",
        RUN,
        Edit::Text("\":", "\": "),
        "document-is-not-canonical-json",
    ),
    attack("a file becomes a symbolic link", RUN, Edit::Symlink, "foreign-entry-in-the-package"),
    attack("a file gets a second name", RUN, Edit::SecondName, "foreign-entry-in-the-package"),
    attack(
        "a file is renamed in case only",
        "data/case.json",
        Edit::Rename("data/Case.json"),
        "listed-file-is-missing",
    ),
    attack("a file is put in", "data/extra", Edit::Extra, "file-is-not-listed"),
    attack("a file is put beside", "notes.txt", Edit::Extra, "extra-file-in-the-package"),
    attack(
        "the evidence list is edited",
        "data/evidence.sha256",
        Edit::Flip,
        "evidence-list-does-not-follow-from-the-manifest",
    ),
    attack(
        "a list leads out of the package",
        "manifest-sha256.txt",
        Edit::Text("  data/", "  data/../../"),
        "file-list-is-not-well-formed",
    ),
    attack(
        "the size of the payload is wrong",
        "bag-info.txt",
        Edit::Text("Payload-Oxum: ", "Payload-Oxum: 1"),
        "payload-size-or-count-differs",
    ),
    attack(
        "the bag states another version",
        "bagit.txt",
        Edit::Text("1.0", "0.97"),
        "bag-declaration-differs",
    ),
];

impl Attack {
    /// Makes the attack on a package; `outside` is a path beside it that is free.
    ///
    /// # Errors
    /// If the edit cannot be made, or changes nothing: then nothing would be tested.
    pub(super) fn make(&self, package: &Path, outside: &Path) -> io::Result<()> {
        let path = package.join(self.file);
        match self.edit {
            Edit::Remove => return remove(&path),
            Edit::Rename(name) => return rename(&path, &package.join(name)),
            Edit::SecondName => return second_name(&path, outside),
            Edit::Extra => return replace(&path, b"a file too many\n"),
            Edit::Symlink => {
                rename(&path, outside)?;
                return link(outside, &path);
            }
            _ => {}
        }
        let before = std::fs::read(&path)?;
        let after = edited(self.edit, &before);
        if after == before {
            return Err(io::Error::other(format!("the edit changes nothing in {}", self.file)));
        }
        replace(&path, &after)
    }
}

/// Returns the bytes after an edit of the content.
fn edited(edit: Edit, before: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = before.split_inclusive(|&byte| byte == b'\n').collect();
    match edit {
        Edit::Flip => {
            let mut bytes = before.to_vec();
            let middle = bytes.len() / 2;
            bytes.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
            return bytes;
        }
        Edit::Halve => return before.get(..before.len() / 2).unwrap_or_default().to_vec(),
        Edit::CutEnd => return before.split_last().map_or(before, |(_, rest)| rest).to_vec(),
        Edit::Crlf => return String::from_utf8_lossy(before).replace('\n', "\r\n").into_bytes(),
        Edit::Mark => return [b"\xef\xbb\xbf", before].concat(),
        Edit::Text(from, to) => {
            return String::from_utf8_lossy(before).replacen(from, to, 1).into_bytes();
        }
        Edit::Swap if lines.len() > 2 => lines.swap(1, 2),
        Edit::DropLast => drop(lines.pop()),
        Edit::Repeat => lines.extend(lines.first().copied().into_iter().collect::<Vec<_>>()),
        Edit::Empty => lines.clear(),
        _ => {}
    }
    lines.concat()
}
