//! Fixtures against what The Sleuth Kit says of them and against what was put in.

use std::collections::BTreeMap;

use triage_evidence::{FileSystem, Kind, NameState, ProblemKind, Recovery, Time};

use crate::reading::{Line, Reading};
use crate::records::{fixture, open};

/// What The Sleuth Kit says of one name.
#[derive(Debug)]
struct Expected<'a> {
    is_deleted: bool,
    kind: &'a str,
    size: &'a str,
    md5: &'a str,
    times: Vec<&'a str>,
}

/// Reads the expectations, keyed by path and by whether it is a directory.
fn expected(text: &str) -> BTreeMap<(String, u64), Expected<'_>> {
    text.lines()
        .map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            let record = fields[1].parse().unwrap();
            let expected = Expected {
                is_deleted: fields[0] == "D",
                kind: fields[2],
                size: fields[4],
                md5: fields[5],
                times: fields[6..].to_vec(),
            };
            ((fields[3].to_owned(), record), expected)
        })
        .collect()
}

/// Names that The Sleuth Kit has and this reader has not, with the reason.
fn is_explained_absence(path: &str) -> bool {
    // Indexes that are not of directories are attributes, not content.
    const INDEXES: [&str; 5] = ["$O", "$Q", "$R", "$SDH", "$SII"];
    let is_index = path.starts_with('$')
        && path.split_once(':').is_some_and(|(_, stream)| INDEXES.contains(&stream));
    // The stream of a directory is listed a second time, below its own entry `.`.
    let is_twice = path.contains("/.:");
    // Records 16 to 23 are reserved, were never used and hold nothing.
    is_index || is_twice || path.starts_with("$OrphanFiles/OrphanFile-")
}

/// Names that this reader has and The Sleuth Kit has not, with the reason.
fn is_explained_presence(line: &Line) -> bool {
    // Files of the file system that have indexes only: The Sleuth Kit shows the indexes instead.
    // A reallocated name lies in slack; The Sleuth Kit hides it if the record was used again.
    matches!(line.path.as_str(), "$Secure" | "$Extend/$Quota" | "$Extend/$ObjId")
        || line.path == "$Extend/$Reparse"
        || line.state == NameState::Reallocated
}

fn text(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string().replace('Z', ""))
}

/// Compares one line; returns what differs and is not explained.
fn compare(line: &Line, expected: &Expected<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, ours: String, theirs: &str| {
        if ours != theirs {
            found.push(format!("{}: {what}: {ours} for {theirs}", line.path));
        }
    };
    let is_deleted = line.state != NameState::Allocated;
    // The Sleuth Kit does not read the bitmap of an index: what a freed block names, it takes for
    // existing, although the record is not in use.
    let is_stale = is_deleted && line.path.starts_with("fill/");
    if !is_stale {
        differ("deleted", is_deleted.to_string(), &expected.is_deleted.to_string());
    }
    let node = line.node.as_ref().map(|node| node.as_ref().unwrap());
    let kind = match (line.is_stream, node.map(|node| node.kind)) {
        (true, _) => "stream",
        (false, Some(Kind::Directory)) => "dir",
        (false, Some(Kind::Symlink)) => expected.kind,
        (false, _) => "file",
    };
    differ("kind", kind.to_owned(), expected.kind);
    // The record of the MFT has times of 0, which The Sleuth Kit shows as 2076.
    if let (Some(node), false) = (node, line.path == "$MFT") {
        let times = node.times;
        let ours = [times.modified, times.accessed, times.changed, times.born];
        for (ours, theirs) in ours.into_iter().zip(&expected.times) {
            differ("time", text(ours), theirs);
        }
    }
    // Sparse to its whole length: The Sleuth Kit reads nothing of it. What the overlay filter
    // compressed it does not unpack. A deleted file without content, it gives no content either.
    // What a placeholder of cloud storage has is no content at all.
    let is_other = matches!(line.path.as_str(), "$BadClus:$Bad" | "cloud")
        || (line.path.starts_with("overlay/") && !line.is_stream)
        || expected.md5 == "-";
    if let (Some(content), false) = (&line.content, is_other) {
        let lost = || "lost".to_owned();
        let size = content.as_ref().map_or_else(|_| lost(), |c| c.size_bytes.to_string());
        let md5 = content.as_ref().map_or_else(|_| lost(), |c| c.md5.clone());
        let is_lost = node.is_some_and(|node| node.recovery == Some(Recovery::Lost));
        if !is_lost {
            differ("size", size, expected.size);
            differ("md5", md5, expected.md5);
        }
    }
    found
}

/// Compares a fixture with its expectations and returns how many names were equal.
fn against_the_sleuth_kit(name: &str) -> usize {
    let volume = open(fixture(&format!("{name}.img"))).unwrap();
    let reading = Reading::of(&volume);
    assert_eq!(reading.problems, [], "{name}");
    let text = String::from_utf8(fixture(&format!("{name}.tsk.tsv"))).unwrap();
    let mut expected = expected(&text);
    let (mut differences, mut equal) = (Vec::new(), 0);
    for line in &reading.lines {
        match expected.remove(&(line.path.clone(), line.record)) {
            Some(expected) => {
                differences.extend(compare(line, &expected));
                equal += 1;
            }
            None if is_explained_presence(line) => {}
            None => differences.push(format!("{}: only ours", line.path)),
        }
    }
    for (path, _) in expected.keys().filter(|(path, _)| !is_explained_absence(path)) {
        differences.push(format!("{path}: only theirs"));
    }
    assert!(differences.is_empty(), "{name}: {differences:#?}");
    equal
}

#[test]
fn every_name_size_time_and_digest_is_that_of_the_sleuth_kit() {
    for (name, equal) in [("testfs1", 530), ("rich", 91), ("runs", 638), ("mft", 880)] {
        assert_eq!(against_the_sleuth_kit(name), equal, "{name}");
    }
}

#[test]
fn every_file_has_the_digest_of_what_was_put_in() {
    for name in ["rich", "runs"] {
        let volume = open(fixture(&format!("{name}.img"))).unwrap();
        let reading = Reading::of(&volume);
        let path = format!("{}/tests/fixtures/ntfs/{name}.md5", env!("CARGO_MANIFEST_DIR"));
        let truth = std::fs::read_to_string(path).unwrap();
        let mut checked = 0;
        for line in truth.lines() {
            let (md5, path) = line.split_once("  ").unwrap();
            // The directory itself was used again: what was in it has no way to the root.
            let path = crate::reading::escape(path.as_bytes()).replace("gone/", "$OrphanFiles/");
            let found = reading.lines.iter().find(|line| line.path == path);
            let Some(Ok(content)) = found.and_then(|line| line.content.as_ref()) else {
                assert!(path == "symlink" || path == "wsl", "{path}");
                continue;
            };
            // Its first clusters belong to a file that was made later.
            assert_eq!(content.md5 == md5, path != "$OrphanFiles/partly", "{path}");
            checked += 1;
        }
        assert!(checked > 60, "{name}: {checked}");
    }
}

#[test]
fn what_can_be_recovered_is_told() {
    let volume = open(fixture("rich.img")).unwrap();
    let reading = Reading::of(&volume);
    let recovery = |path: &str| {
        let line = reading.lines.iter().find(|line| line.path == path).unwrap();
        assert_eq!(line.state, NameState::Deleted);
        line.node.as_ref().unwrap().as_ref().unwrap().recovery
    };
    assert_eq!(recovery("$OrphanFiles/deeper/certain"), Some(Recovery::Certain));
    assert_eq!(recovery("$OrphanFiles/resident"), Some(Recovery::Certain));
    assert_eq!(recovery("$OrphanFiles/partly"), Some(Recovery::Guess));
    let volume = open(fixture("mft.img")).unwrap();
    let reading = Reading::of(&volume);
    let lost = reading.lines.iter().find(|line| line.state == NameState::Deleted).unwrap();
    let node = lost.node.clone().unwrap().unwrap();
    assert_eq!((node.recovery, node.size_bytes), (Some(Recovery::Lost), None));
    assert!(lost.content.clone().unwrap().is_err());
}

#[test]
fn names_in_slack_whose_records_were_used_again_have_no_content() {
    let volume = open(fixture("runs.img")).unwrap();
    let reading = Reading::of(&volume);
    let slack = reading.lines.iter().filter(|line| line.state == NameState::Reallocated);
    assert_eq!(slack.count(), 139);
    let deleted = reading.lines.iter().filter(|line| line.state == NameState::Deleted);
    assert_eq!(deleted.filter(|line| line.path.starts_with("fill/")).count(), 442);
}

#[test]
fn links_streams_and_special_files_are_told_for_what_they_are() {
    let volume = open(fixture("rich.img")).unwrap();
    let reading = Reading::of(&volume);
    let node = |path: &str| {
        let line = reading.lines.iter().find(|line| line.path == path).unwrap();
        line.node.clone().unwrap().unwrap()
    };
    for (path, target) in
        [("symlink", "..\\target"), ("junction", "\\??\\C:\\Users"), ("wsl", "/home/x")]
    {
        assert_eq!(node(path).kind, Kind::Symlink);
        assert_eq!(node(path).target.as_deref(), Some(target.as_bytes()));
    }
    assert_eq!(node("dir/links").links, Some(41));
    assert_eq!(node("Short Name.document").links, Some(1));
    assert!(!reading.lines.iter().any(|line| line.path.contains('~')));
    assert_eq!(node("dir").streams.len(), 1);
    assert_eq!(node("plain").streams.len(), 2);
    let cloud = node("cloud").unread.unwrap();
    assert_eq!(cloud.kind, ProblemKind::Unsupported);
    let content = reading.lines.iter().find(|line| line.path == "cloud").unwrap();
    assert_eq!(content.content, Some(Err(cloud)));
    assert!(node("sparse").allocated_bytes < Some(10_000));
    assert!(node("compressed/text").allocated_bytes < Some(50_000));
    assert_eq!(volume.facts().label.as_deref(), Some("Größe 中".as_bytes()));
}

#[test]
fn runs_say_where_the_content_lies() {
    let disk = fixture("testfs1.img");
    let volume = open(disk.clone()).unwrap();
    let names = volume.list(volume.root()).names;
    let of = |name: &[u8]| names.iter().find(|n| n.name == name).unwrap().node;
    let runs = volume.runs(of(b"1000-bytes-file"), None).unwrap();
    assert_eq!(runs.iter().map(|run| run.size_bytes).sum::<u64>(), 1000);
    let start = runs[0].start.unwrap() as usize;
    assert_eq!(&disk[start..start + 5], b"12345");
    assert!(volume.runs(of(b"file-with-12345"), None).unwrap().is_empty());
    let sparse = volume.runs(of(b"sparse-file"), None).unwrap();
    assert!(sparse.iter().any(|run| run.start.is_none()));
    // `fsstat` and `blkstat` count 1,420 free clusters of 512 bytes.
    assert_eq!(volume.unallocated_bytes().unwrap(), 727_040);
}
