//! `hash --check`: are the files that a list names as the list says?

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use triage_hash::{Algorithm, Algorithms, Digest, Hasher};

use crate::console::{Console, complain};
use crate::failure::Failure;
use crate::{exit, shown};

/// One line of a list.
struct Stated {
    digest: Digest,
    path: PathBuf,
}

/// Checks every file of every list. Exit 0 if all agree, 5 if any differs or cannot be read or any
/// line cannot be understood.
pub(crate) fn check(
    lists: &[PathBuf],
    algorithm: Option<Algorithm>,
    console: Console,
) -> Result<u8, Failure> {
    let [mut ok, mut failed, mut unreadable, mut bad_lines] = [0_u64; 4];
    for list in lists {
        let bytes = std::fs::read(list).map_err(|error| {
            Failure::usage("cannot read the list").at(shown::path(list)).caused_by(&error)
        })?;
        for (number, line) in (1_u64..).zip(bytes.split(|&byte| byte == b'\n')) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let Some(stated) = parse(line, algorithm) else {
                bad_lines += 1;
                complain(&format!(
                    "{} line {number}: not a line of a check file",
                    shown::path(list)
                ));
                continue;
            };
            let path = shown::path(&stated.path);
            let result = match digest_of(&stated.path, stated.digest.algorithm()) {
                Err(error) => {
                    unreadable += 1;
                    format!("FAILED open or read ({error})")
                }
                Ok(digest) if digest == Some(stated.digest) => {
                    ok += 1;
                    "OK".to_owned()
                }
                Ok(_) => {
                    failed += 1;
                    "FAILED".to_owned()
                }
            };
            console.line(&format!("{path}: {result}"));
            console
                .record(&json!({ "v": 1, "type": "digest_check", "path": path, "result": result }));
        }
    }
    let clean = failed == 0 && unreadable == 0 && bad_lines == 0 && ok > 0;
    let code = if clean { exit::COMPLETE } else { exit::VERIFY_FAILED };
    console.say(&format!(
        "{ok} OK, {failed} differ, {unreadable} could not be read, {bad_lines} lines not understood"
    ));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "ok": ok, "failed": failed,
        "unreadable": unreadable, "bad_lines": bad_lines,
    }));
    Ok(code)
}

/// Reads a line in GNU form (`HEX  NAME`, `HEX *NAME`) or BSD form (`TAG (NAME) = HEX`), with the
/// escapes that a leading backslash announces.
fn parse(line: &[u8], algorithm: Option<Algorithm>) -> Option<Stated> {
    let (line, escaped) = match line.strip_prefix(b"\\") {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (digest, name) = bsd(line).or_else(|| gnu(line, algorithm))?;
    let name = if escaped { unescape(name)? } else { name.to_vec() };
    Some(Stated { digest, path: PathBuf::from(OsString::from_vec(name)) })
}

fn bsd(line: &[u8]) -> Option<(Digest, &[u8])> {
    let open = line.windows(2).position(|pair| pair == b" (")?;
    let close = line.windows(4).rposition(|four| four == b") = ")?;
    let tag = std::str::from_utf8(line.get(..open)?).ok()?;
    let digest = Digest::from_hex(tag.parse().ok()?, line.get(close + 4..)?).ok()?;
    Some((digest, line.get(open + 2..close)?))
}

fn gnu(line: &[u8], algorithm: Option<Algorithm>) -> Option<(Digest, &[u8])> {
    let end = line.iter().position(|&byte| byte == b' ')?;
    let algorithm = algorithm.or(match end {
        32 => Some(Algorithm::Md5),
        40 => Some(Algorithm::Sha1),
        64 => Some(Algorithm::Sha256),
        128 => Some(Algorithm::Sha512),
        _ => None,
    })?;
    let digest = Digest::from_hex(algorithm, line.get(..end)?).ok()?;
    match line.get(end + 1)? {
        b' ' | b'*' => Some((digest, line.get(end + 2..)?)),
        _ => None,
    }
}

fn unescape(name: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(out)
}

/// Reads a regular file; anything else is an error, never a wait.
fn digest_of(path: &Path, algorithm: Algorithm) -> std::io::Result<Option<Digest>> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut file: File = File::options().read(true).custom_flags(nonblock).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a regular file"));
    }
    let mut hasher = Hasher::new(Algorithms::NONE.with(algorithm));
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish().get(algorithm)),
            length => hasher.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_escapes_are_read_and_nonsense_is_not() {
        let hex = "d41d8cd98f00b204e9800998ecf8427e";
        let path = |line: String| parse(line.as_bytes(), None).map(|stated| stated.path);
        assert_eq!(path(format!("{hex}  a b")), Some("a b".into()));
        assert_eq!(path(format!("{hex} *a")), Some("a".into()));
        assert_eq!(path(format!("\\{hex}  a\\nb\\\\c")), Some("a\nb\\c".into()));
        assert_eq!(path(format!("{hex}  a\\nb")), Some("a\\nb".into()));
        assert_eq!(path(format!("MD5 (a) = b) = {hex}")), Some("a) = b".into()));
        for line in ["", "x", "d41d  a", "MD5 (a = 12", "zz1d8cd98f00b204e9800998ecf8427e  a"] {
            assert!(parse(line.as_bytes(), None).is_none(), "{line}");
        }
    }
}
