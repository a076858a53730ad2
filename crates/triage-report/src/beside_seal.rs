//! What stands beside the seals of a package: earlier seals, further signatures, time-stamps. Each
//! is named as the package has it; whether it may be trusted is for `triage verify` to say.

use std::fs::File;
use std::io::{self, Read};

use serde_json::Value;
use triage_case::CaseDir;
use triage_custody::{Stamp, StampQuery, check_cms, unix_seconds, utc_text};

/// The longest file that is read: a stamp with its chain of certificates has a few KiB.
const LIMIT_BYTES: u64 = 1 << 20;
/// How many files of seals are named.
const LIMIT_FILES: usize = 1_000;

/// Returns a row for each, given the path of the newest seal in the package.
pub(crate) fn beside_seal(case: &CaseDir, newest: &str) -> io::Result<Vec<(&'static str, String)>> {
    let mut names: Vec<String> = std::fs::read_dir(case.path("seals"))?
        .map(|entry| Ok(entry?.file_name()))
        .filter_map(|name: io::Result<_>| name.map(|name| name.into_string().ok()).transpose())
        .collect::<Result<_, _>>()?;
    names.sort_unstable();
    let paths = names.iter().take(LIMIT_FILES).map(|name| format!("seals/{name}"));
    let mut rows = Vec::new();
    for path in paths {
        if let Some(stamped) = path.strip_suffix(".tsr") {
            rows.push(("Time-stamp", stamp(case, stamped)?));
        } else if path.ends_with(".p7s") && path.starts_with(newest) {
            rows.push(("Signed with a certificate", signer(case, newest, &path)?));
        } else if let Some(signature) = path.strip_suffix(".signer")
            && path.starts_with(newest)
        {
            rows.push(("Signed with a key", principal(case, signature, &path)?));
        } else if path.ends_with(".json") && path != newest {
            rows.push(("Earlier seal", seal(case, &path)?));
        }
    }
    if names.len() > LIMIT_FILES {
        let more = format!("{} more files of seals are not named here", names.len() - LIMIT_FILES);
        rows.push(("Further", more));
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
    let parsed: Value = serde_json::from_slice(&message).map_err(io::Error::other)?;
    let at = parsed["time"].as_str().and_then(unix_seconds).unwrap_or_default();
    Ok(match check_cms(&signature, &message, None, at) {
        Ok(signer) => format!("{path}, by {}", signer.subject()),
        Err(error) => format!("{path} is NO valid signature of {seal}: {error}"),
    })
}

fn principal(case: &CaseDir, signature: &str, path: &str) -> io::Result<String> {
    let line = String::from_utf8_lossy(&read(case, path)?).into_owned();
    let name = line.split_whitespace().next().unwrap_or("nobody").to_owned();
    Ok(format!("{signature}, by {name}"))
}

fn seal(case: &CaseDir, path: &str) -> io::Result<String> {
    let seal: Value = serde_json::from_slice(&read(case, path)?).map_err(io::Error::other)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let signer = text(&seal["signer"]).or_else(|| text(&seal["certificate"]["subject"]));
    let signer = signer.map_or("NOT SIGNED".to_owned(), |signer| format!("signed by {signer}"));
    Ok(format!("{path}, made {}, {signer}", text(&seal["time"]).unwrap_or_default()))
}

fn read(case: &CaseDir, path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(case.path(path))?.take(LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
