//! What stands beside the seals of a package: earlier seals, further signatures, time-stamps. Each
//! is named as the package has it; whether it may be trusted is for `triage verify` to say.

use std::fs::File;
use std::io::{self, Read};

use jiff::tz::TimeZone;
use serde_json::Value;
use triage_case::CaseDir;
use triage_custody::{AllowedSigners, Stamp, StampQuery, check_cms, unix_seconds, utc_text};

/// The longest file that is read: a stamp with its chain of certificates has a few KiB.
const LIMIT_BYTES: u64 = 1 << 20;
/// How many files of seals are named.
const LIMIT_FILES: usize = 1_000;

/// Returns a row for each, given the path of the newest seal in the package. Of too many files the
/// first ones have none: the newest seals come last.
pub(crate) fn beside_seal(case: &CaseDir, newest: &str) -> io::Result<Vec<(&'static str, String)>> {
    let mut names: Vec<String> = std::fs::read_dir(case.path("seals"))?
        .map(|entry| Ok(entry?.file_name()))
        .filter_map(|name: io::Result<_>| name.map(|name| name.into_string().ok()).transpose())
        .collect::<Result<_, _>>()?;
    names.sort_unstable();
    let first = names.len().saturating_sub(LIMIT_FILES);
    let mut rows = Vec::new();
    if first > 0 {
        rows.push(("Further", format!("{first} more files of earlier seals are not named here")));
    }
    for path in names[first..].iter().map(|name| format!("seals/{name}")) {
        if let Some(stamped) = path.strip_suffix(".tsr") {
            rows.push(("Time-stamp", stamp(case, stamped)?));
        } else if path.ends_with(".p7s") && path.starts_with(newest) {
            rows.push(("Signed with a certificate", signer(case, newest, &path)?));
        } else if path.ends_with(".sig") && path.starts_with(newest) {
            rows.push(("Signed with a key", principal(case, newest, &path)?));
        } else if path.ends_with(".json") && path != newest {
            rows.push(("Earlier seal", seal(case, &path)?));
        }
    }
    Ok(rows)
}

fn stamp(case: &CaseDir, stamped: &str) -> io::Result<String> {
    let reply = read(case, &format!("{stamped}.tsr"))?;
    // What is missing beside it is no time-stamp of anything.
    let query = read(case, &format!("{stamped}.tsq")).unwrap_or_default();
    let message = read(case, stamped).unwrap_or_default();
    let checked =
        StampQuery::parse(&query).and_then(|query| Stamp::check(&reply, &query, &message, None));
    Ok(match checked {
        Ok(stamp) => format!(
            "{stamped} existed at {}, as {} states (whether that authority is to be trusted: \
             `triage verify --tsa-root`)",
            utc_text(stamp.seconds),
            stamp.authority.subject()
        ),
        Err(error) => format!("{stamped}.tsr is NO valid time-stamp of {stamped}: {error}"),
    })
}

fn signer(case: &CaseDir, seal: &str, path: &str) -> io::Result<String> {
    let (signature, message) = (read(case, path)?, read(case, seal)?);
    let at = text(&parse(&message)?["time"]).as_deref().and_then(unix_seconds).unwrap_or_default();
    Ok(match check_cms(&signature, &message, None, at) {
        Ok(signer) => format!("{path}, by {}", signer.subject()),
        Err(error) => format!("{path} is NO valid signature of {seal}: {error}"),
    })
}

/// A signature of OpenSSH, and the name that goes with its key: beside it, or where a scan puts it.
fn principal(case: &CaseDir, seal: &str, path: &str) -> io::Result<String> {
    let (signature, message) = (read(case, path)?, read(case, seal)?);
    let parsed = parse(&message)?;
    let beside = format!("{path}.signer");
    let is_beside = case.path(&beside).symlink_metadata().is_ok();
    let keys = read(case, if is_beside { &beside } else { "keys/allowed_signers" });
    let keys = String::from_utf8_lossy(&keys.unwrap_or_default()).into_owned();
    let keys = match AllowedSigners::parse(&keys, &TimeZone::UTC) {
        Ok(keys) => keys,
        Err(error) => return Ok(format!("{path} is NO valid signature of {seal}: {error}")),
    };
    let own = text(&parsed["signer"]).filter(|_| path == format!("{seal}.sig"));
    let name = own.or_else(|| keys.all().first().map(|line| line.principals.clone()));
    let name = name.unwrap_or_else(|| "nobody".to_owned());
    let at = text(&parsed["time"]).as_deref().and_then(unix_seconds);
    Ok(match keys.check(&name, &message, &signature, at) {
        Ok(_) => format!("{path}, by {name}"),
        Err(refused) => format!("{path} is NO valid signature of {seal}: {refused}"),
    })
}

fn seal(case: &CaseDir, path: &str) -> io::Result<String> {
    let seal = parse(&read(case, path)?)?;
    let signer = text(&seal["signer"]).or_else(|| text(&seal["certificate"]["subject"]));
    let signer = signer.map_or("NOT SIGNED".to_owned(), |signer| format!("signed by {signer}"));
    Ok(format!("{path}, made {}, {signer}", text(&seal["time"]).unwrap_or_default()))
}

fn parse(seal: &[u8]) -> io::Result<Value> {
    serde_json::from_slice(seal).map_err(io::Error::other)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn read(case: &CaseDir, path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(case.path(path))?.take(LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
