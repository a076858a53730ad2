//! Every file that was read, as `hashdeep -r -l -a -k FILE .` audits it in the exhibit's folder.
//!
//! The form knows MD5, SHA-1 and SHA-256 and has no escapes: a name with a line end cannot stand in
//! it. Deleted files and further streams are none of what `hashdeep` walks. What is left out is
//! counted at the end. Form: FILEFORMAT of hashdeep 4.4.

use std::io::{self, Write};

use triage_case::{CaseDir, Error, Record, Status};
use triage_evidence::Kind;
use triage_hash::Algorithm;

use crate::Report;
use crate::redact::Redaction;

/// The digests that the form knows, in its order, and their names.
pub(crate) const KNOWN: [(Algorithm, &str); 3] =
    [(Algorithm::Md5, "md5"), (Algorithm::Sha1, "sha1"), (Algorithm::Sha256, "sha256")];

/// Renders the list.
pub(crate) fn render(
    report: &Report,
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
) -> io::Result<()> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text);
    if redact.hides_all() {
        return Err(invalid("a list for hashdeep is digests and names: nothing would be left"));
    }
    let computed = report.run["plan"]["algorithms"].as_str().unwrap_or_default();
    let names: Vec<&str> = computed.split(',').collect();
    let columns: Vec<(Algorithm, &str)> =
        KNOWN.into_iter().filter(|(_, name)| names.contains(name)).collect();
    if columns.is_empty() {
        return Err(invalid("hashdeep knows md5, sha1 and sha256, and the scan computed none"));
    }
    let heads: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
    writeln!(out, "%%%% HASHDEEP-1.0\n%%%% size,{},filename", heads.join(","))?;
    writeln!(out, "## derived by triage; data/manifest.ndjson is the authority\n##")?;
    let mut left_out = 0_u64;
    case.for_each_record(&mut |record| {
        if record.status != Status::Read || record.entry.kind != Kind::File {
            return Ok(());
        }
        let line = line(&record, &columns, redact);
        left_out += u64::from(line.is_none());
        let line = line.unwrap_or_default();
        out.write_all(&line).map_err(|error| Error::Damaged {
            document: "the list for hashdeep".to_owned(),
            reason: error.to_string(),
        })
    })
    .map_err(io::Error::other)?;
    if left_out > 0 {
        writeln!(
            out,
            "## {left_out} files are left out: deleted, a further stream, or a name with a line end"
        )?;
    }
    Ok(())
}

fn line(record: &Record, columns: &[(Algorithm, &str)], redact: &Redaction) -> Option<Vec<u8>> {
    let path = redact.raw_path(record);
    let raw = record.entry.location.path();
    if record.entry.recovery.is_some() || raw.iter().any(|byte| b"\0\n\r".contains(byte)) {
        return None;
    }
    let mut line = record.entry.size_bytes?.to_string().into_bytes();
    for (algorithm, _) in columns {
        line.push(b',');
        record.digests.get(*algorithm)?.write_hex(&mut line);
    }
    line.extend_from_slice(b",./");
    line.extend_from_slice(&path);
    line.push(b'\n');
    Some(line)
}
