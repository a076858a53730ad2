//! What `triage scan` says of an image.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Seen, Volume};
use crate::error::{Error, Outcome, at};
use crate::process::{cargo, keep};

/// Scans an image into a folder and reads the manifest.
pub(super) fn read(image: &Path, folder: &Path) -> Outcome<Vec<Volume>> {
    keep(cargo().args(["build", "-q", "-p", "triage"]))?;
    let case = folder.join("case");
    let mut scan = cargo();
    scan.args(["run", "-q", "-p", "triage", "--", "scan"]);
    scan.arg(fs::canonicalize(image).map_err(at("find", image))?);
    scan.args(["--algorithms", "md5", "--io", "ssd", "-q", "--case"]).arg(&case);
    let ran = scan.output().map_err(at("scan", image))?;
    let manifest = case.join("data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).map_err(|_| {
        Error::Refused(format!("the scan failed: {}", String::from_utf8_lossy(&ran.stderr)))
    })?;
    let mut volumes: Vec<Volume> = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        let path = line["path"].as_str().unwrap_or_default();
        if !path.contains('/') {
            if let Some(name) = line["facts"]["file_system"].as_str() {
                let start: u64 =
                    line["facts"]["start"].as_str().and_then(|s| s.parse().ok()).unwrap_or(0);
                volumes.push(Volume {
                    name: path.to_owned(),
                    start_sector: start / 512,
                    file_system: name.to_owned(),
                    ..Volume::default()
                });
            }
            continue;
        }
        let raw = match line["path_hex"].as_str() {
            Some(hex) => bytes_of(hex),
            None => path.as_bytes().to_vec(),
        };
        let below = raw.splitn(2, |&byte| byte == b'/').nth(1).unwrap_or_default();
        let name = path.split('/').next().unwrap_or_default();
        if let Some(volume) = volumes.iter_mut().find(|volume| volume.name == name) {
            add(volume, &shown(below), &line);
        }
    }
    Ok(volumes)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Writes bytes as The Sleuth Kit does: control bytes as `^`. A mark begins with `\:` here.
fn shown(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            0 => out.extend_from_slice(b"\\:"),
            1..=0x1f | 0x7f => out.push(b'^'),
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn add(volume: &mut Volume, below: &str, line: &Value) {
    let kind = line["type"].as_str().unwrap_or_default();
    if kind == "space" && !below.contains("$Bad") || below == "\\:orphans" {
        return;
    }
    let time = |key: &str| {
        let text = line["times"][key].as_str()?;
        let utc = text.trim_end_matches('Z');
        let (date, clock) = utc.split_once('T')?;
        seconds(date, clock)
    };
    let id = line["fs_id"].as_str().unwrap_or_default();
    let seen = Seen {
        inode: id.rsplit('-').next().unwrap_or_default().to_owned(),
        kind: if kind == "space" { "file" } else { kind }.to_owned(),
        size: line["size"].as_u64(),
        times: [time("m"), time("a"), time("c"), time("b")],
        md5: line["hashes"]["md5"].as_str().map(str::to_owned),
        why: format!(
            "{} {} {}",
            line["status"].as_str().unwrap_or_default(),
            line["recovered"].as_str().unwrap_or_default(),
            line["error"]["text"].as_str().unwrap_or_default()
        ),
        address: String::new(),
    };
    let is_deleted = line["deleted"] == true;
    if is_deleted || below.starts_with("\\:orphans/") {
        let name = plain(below.rsplit('/').next().unwrap_or_default());
        let is_number = name.starts_with("inode-") || name.starts_with("record-");
        let number = below.rsplit("\\:deleted:").next().unwrap_or_default();
        let number = number.split(['-', '\\']).next().unwrap_or_default();
        let inode = if seen.inode.is_empty() { number.to_owned() } else { seen.inode.clone() };
        let name = if is_number { format!("number-{inode}") } else { name };
        volume.deleted.insert((name, inode.clone()), Seen { inode, ..seen });
    } else {
        volume.existing.insert(plain(below), seen);
    }
}

/// Returns a path without marks, streams behind a colon.
fn plain(text: &str) -> String {
    let names = text.split('/').map(|name| {
        let mut name = name.to_owned();
        if let Some(at) = name.find("\\:deleted:") {
            let rest = name[at + 2..].find("\\:").map_or(name.len(), |more| at + 2 + more);
            name.replace_range(at..rest, "");
        }
        name.replace("\\:stream:", ":")
    });
    names.collect::<Vec<_>>().join("/")
}

/// Days before a year, and seconds since 1970.
fn seconds(date: &str, clock: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let (year, month) = if month <= 2 { (year - 1, month + 12) } else { (year, month) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * (month - 3) + 2) / 5
        + day
        - 1
        - 719_468;
    let mut parts = clock.split([':', '.']).map(str::parse::<i64>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}
