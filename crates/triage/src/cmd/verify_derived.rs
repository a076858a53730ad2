//! The derived files of a package follow from its record: each is rendered again and compared.
//!
//! Whoever changes a report and computes every list again leaves a package whose digests agree.
//! The report then says something else than the manifest, and that is what is found here.

use std::io::{BufWriter, Write};

use triage_case::{CaseDir, Error, Finding, Verification};
use triage_hash::{Algorithm, Algorithms, Hasher};
use triage_report::{Format, Gathered, Redact, Report};

/// How much is gathered before it is hashed.
const BUFFER_BYTES: usize = 1 << 18;

/// Renders every derived file again from what was gathered of the manifest's records.
pub(super) fn check_derived(case: &CaseDir, gathered: Gathered, out: &mut Verification) {
    if out.coverage.seen().entries == 0 && !out.findings.is_empty() {
        out.warnings.push(
            "reports and exports were NOT COMPARED with the manifest, which was not read"
                .to_owned(),
        );
        return;
    }
    for format in Format::ALWAYS {
        if !out.derived.contains_key(format.path()) {
            find(out, "derived file is missing", format.path(), "a rendering", "nothing");
        }
    }
    let derived = out.derived.clone();
    let report = Report::from_gathered(case, gathered);
    let (mut rendered, mut different) = (0_u64, Vec::new());
    for (path, actual) in &derived {
        let Some(format) = Format::ALL.into_iter().find(|format| format.path() == path) else {
            find(out, "extra file in the package", path, "no such file", "a file");
            continue;
        };
        match report
            .as_ref()
            .map_err(Error::to_string)
            .and_then(|report| digest_of(report, case, format).map_err(|error| error.to_string()))
        {
            Ok(expected) if expected == *actual => rendered += 1,
            Ok(expected) => different.push((path, expected, actual.clone())),
            Err(reason) => {
                let expected = "a record from which it follows";
                find(out, "derived file cannot be rendered again", path, expected, &reason);
            }
        }
    }
    out.checked.push(format!("{rendered} derived files rendered again, byte for byte"));
    let Some(program) = other_program(report.as_ref().ok()) else {
        for (path, expected, actual) in different {
            find(out, "derived file differs from its rendering", path, &expected, &actual);
        }
        return;
    };
    for (path, _, _) in different {
        out.warnings.push(format!(
            "{path} was NOT COMPARED with the record: {program} rendered it, and this is version \
             {}, which words it differently; verify it with that version",
            env!("CARGO_PKG_VERSION")
        ));
    }
}

/// Returns the program that made the package, if its version is another than this one's.
fn other_program(report: Option<&Report>) -> Option<String> {
    let version = report?.version();
    (version != env!("CARGO_PKG_VERSION"))
        .then(|| triage_evidence::escape(format!("version {version}").as_bytes()))
}

fn find(out: &mut Verification, what: &'static str, place: &str, expected: &str, actual: &str) {
    out.findings.push(Finding {
        what,
        place: place.to_owned(),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
    });
}

/// Renders one file and keeps its SHA-256 only.
fn digest_of(report: &Report, case: &CaseDir, format: Format) -> std::io::Result<String> {
    let mut out = BufWriter::with_capacity(
        BUFFER_BYTES,
        Digesting(Hasher::new(Algorithms::NONE.with(Algorithm::Sha256))),
    );
    report.render(case, format, Redact::Nothing, &mut out)?;
    let Digesting(hasher) = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    let digests = hasher.finish();
    Ok(digests.get(Algorithm::Sha256).map(|digest| digest.to_string()).unwrap_or_default())
}

/// Hashes what is written.
struct Digesting(Hasher);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
