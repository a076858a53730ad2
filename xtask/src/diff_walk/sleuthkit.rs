//! What `fls` and `icat` of The Sleuth Kit say of an image.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Seen, Volume};
use crate::error::{Outcome, at};
use crate::process::keep;

/// Reads a volume as `fls` lists it and `icat` gives it.
pub(super) fn read(image: &Path, like: &Volume, with_content: bool) -> Outcome<Volume> {
    let mut volume = Volume::default();
    for (flag, is_deleted) in [("-u", false), ("-d", true)] {
        let mut fls = Command::new("fls");
        fls.env("TZ", "UTC").args(["-r", "-p", "-m", "", flag, "-o"]);
        let output = keep(fls.arg(like.start_sector.to_string()).arg(image))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in text.lines() {
            add(&mut volume, line, is_deleted);
        }
    }
    if with_content {
        let offset = like.start_sector;
        for seen in volume.existing.values_mut().filter(|seen| seen.kind == "file") {
            seen.md5 = Some(content(image, offset, &seen.address, false)?);
        }
        for (key, seen) in &mut volume.deleted {
            let is_read = like.deleted.get(key).is_some_and(|ours| ours.md5.is_some());
            if is_read && seen.kind == "file" {
                seen.md5 = Some(content(image, offset, &seen.address, true)?);
            }
        }
    }
    Ok(volume)
}

/// Takes a line of a body file: MD5, name, inode, mode, uid, gid, size, four times.
fn add(volume: &mut Volume, line: &str, is_deleted: bool) {
    let fields: Vec<&str> = line.rsplitn(10, '|').collect();
    let [born, changed, modified, accessed, size, _gid, _uid, mode, address, first] = fields[..]
    else {
        return;
    };
    let name = first.split_once('|').map_or(first, |(_, name)| name).trim_start_matches('/');
    // Tables and lists that the tool makes up, and the second set of times of NTFS.
    let is_made_up = mode.starts_with('v') || mode.contains("/v") || mode.starts_with("V");
    let name = name.trim_end_matches(" (deleted)").trim_end_matches(" (deleted-realloc)");
    if is_made_up || name.ends_with("($FILE_NAME)") || name == "$OrphanFiles" {
        return;
    }
    let mut parts = address.split('-');
    let inode = parts.next().unwrap_or_default().to_owned();
    // An index of NTFS is no content of a file; the tool names no file that has nothing else.
    if let (Some("144" | "160" | "176"), Some((file, _))) = (parts.next(), name.split_once(":$")) {
        volume.indexed.insert(file.to_owned());
        return;
    }
    let kind = kind(mode);
    let name = if kind == "symlink" { name.split(" -> ").next().unwrap_or(name) } else { name };
    // The label of a FAT or exFAT volume is an entry of its own.
    if name.ends_with(" (Volume Label Entry)") {
        return;
    }
    let number = |text: &str| text.parse::<i64>().ok().filter(|&time| time != 0);
    let seen = Seen {
        inode: inode.clone(),
        kind: kind.to_owned(),
        size: size.parse().ok(),
        times: [number(modified), number(accessed), number(changed), number(born)],
        md5: None,
        why: String::new(),
        address: address.to_owned(),
    };
    if is_deleted || name.starts_with("$OrphanFiles/") {
        let last = name.rsplit('/').next().unwrap_or_default();
        // A number without a name; one that was never in use has no mode and no time.
        let is_number = last.starts_with("OrphanFile-");
        if is_number && mode.ends_with("/---------") && seen.times == [None; 4] {
            return;
        }
        let last = if is_number { format!("number-{inode}") } else { last.to_owned() };
        volume.deleted.insert((last, inode), seen);
    } else {
        volume.existing.insert(name.replace("/.:", ":"), seen);
    }
}

fn kind(mode: &str) -> &'static str {
    match mode.split('/').nth(1).and_then(|mode| mode.bytes().next()) {
        Some(b'd') => "dir",
        Some(b'l') => "symlink",
        Some(b'b') => "block_device",
        Some(b'c') => "char_device",
        Some(b'p') => "fifo",
        Some(b's') => "socket",
        Some(b'-') if mode.starts_with('d') => "dir",
        _ => "file",
    }
}

/// Returns the MD5 of what `icat` gives.
fn content(image: &Path, offset: u64, address: &str, recover: bool) -> Outcome<String> {
    let mut icat = Command::new("icat");
    if recover {
        icat.arg("-r");
    }
    icat.arg("-o").arg(offset.to_string()).arg(image).arg(address);
    let bytes = icat.output().map_err(at("run icat on", image))?.stdout;
    let mut md5 = Command::new("md5sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(at("run md5sum on", image))?;
    if let Some(mut input) = md5.stdin.take() {
        input.write_all(&bytes).map_err(at("pipe", image))?;
    }
    let said = md5.wait_with_output().map_err(at("read", image))?.stdout;
    Ok(String::from_utf8_lossy(&said).split_whitespace().next().unwrap_or_default().to_owned())
}
