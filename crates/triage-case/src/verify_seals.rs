//! Checks the seals of a package: their chain, the files that each covers, and the custody log
//! that each pins.

use triage_custody::{CustodyLog, FileList, NO_PREVIOUS, Seal, sha256_hex, unix_seconds};
use triage_evidence::counted;

use crate::CaseDir;
use crate::bag::{Bag, is_sealed_by};
use crate::case_dir::read;
use crate::seals::{LIMIT_SEALS, SealFile, seal_file, seal_path};
use crate::verify::{Verification, compare_files};

/// Checks every seal from the first on. Returns them, or nothing if one cannot be read.
pub(crate) fn check_seals(
    case: &CaseDir,
    bag: &Bag,
    out: &mut Verification,
) -> Option<Vec<SealFile>> {
    let numbers = bag.files.keys().filter_map(|path| seal_file(path)).map(|(number, _)| number);
    let newest = numbers.max().unwrap_or(1).clamp(1, LIMIT_SEALS);
    let mut seals: Vec<SealFile> = Vec::new();
    for number in 1..=newest {
        let seal = check_seal(case, number, seals.last(), bag, out)?;
        out.seal_sha256.clone_from(&seal.sha256);
        seals.push(seal);
    }
    Some(seals)
}

fn check_seal(
    case: &CaseDir,
    number: u32,
    before: Option<&SealFile>,
    bag: &Bag,
    out: &mut Verification,
) -> Option<SealFile> {
    let name = seal_path(number, ".json");
    let bytes = match read(&case.path(&name)) {
        Ok(bytes) => bytes,
        Err(error) => {
            out.find("seal is missing", name, "a seal", error.to_string());
            return None;
        }
    };
    let seal = match Seal::parse(&bytes) {
        Ok(seal) => seal,
        Err(error) => {
            out.find("seal is not well-formed", name, "a seal", error.to_string());
            return None;
        }
    };
    out.equal("seal has another number", &name, &number.to_string(), &seal.seal.to_string());
    let previous = before.map_or(NO_PREVIOUS, |before| before.sha256.as_str());
    out.equal("seal chain is broken", &name, previous, &seal.prev_seal_sha256);
    if let Some(before) = before {
        check_continues(&name, &before.seal, &seal, out);
    }
    check_list(case, &name, number, &seal, bag, out);
    out.did(format!("seal {number}: {} files", seal.files.count));
    Some(SealFile { number, seal, sha256: sha256_hex(&bytes) })
}

/// A later seal is over the same run of the same exhibit, and never takes an event back.
fn check_continues(name: &str, before: &Seal, seal: &Seal, out: &mut Verification) {
    let of = |seal: &Seal| {
        let (case, exhibit) = (&seal.case, &seal.exhibit);
        let (run, manifest, index) = (&seal.run_id, &seal.manifest, &seal.index);
        format!("case {case:?}, exhibit {exhibit:?}, run {run:?}, {manifest:?}, {index:?}")
    };
    out.equal("seal is over another package", name, &of(before), &of(seal));
    out.equal(
        "counts of two seals differ",
        name,
        &before.counts.to_string(),
        &seal.counts.to_string(),
    );
    if seal.custody.events < before.custody.events {
        let expected = format!("at least {} events", before.custody.events);
        let actual = seal.custody.events.to_string();
        out.find("seal pins fewer events than the seal before", name, expected, actual);
    }
    let times = (unix_seconds(&before.time), unix_seconds(&seal.time));
    if matches!(times, (Some(earlier), Some(later)) if later < earlier) {
        out.warnings.push(format!(
            "{name} states an earlier time than the seal before it: a clock was wrong"
        ));
    }
}

fn check_list(
    case: &CaseDir,
    name: &str,
    number: u32,
    seal: &Seal,
    bag: &Bag,
    out: &mut Verification,
) {
    let list_name = seal_path(number, ".sha256");
    // The name comes from the package: any other could lead out of it.
    if seal.files.list != list_name {
        out.find("seal names another file list", name, list_name, seal.files.list.as_str());
        return;
    }
    let list_bytes = read(&case.path(&list_name)).unwrap_or_default();
    let actual = sha256_hex(&list_bytes);
    out.equal("sealed file list was changed", &list_name, &seal.files.sha256, &actual);
    match FileList::parse(&list_bytes) {
        Ok(list) => {
            let (stated, count) = (seal.files.count.to_string(), list.files().len().to_string());
            out.equal("number of sealed files differs", name, &stated, &count);
            compare_files(&list_name, &list, &bag.list(|path| is_sealed_by(number, path)), out);
        }
        Err(error) => {
            let expected = "the form of sha256sum";
            out.find("file list is not well-formed", &list_name, expected, error.to_string());
        }
    }
}

/// Checks the log's chain, and that it holds what each seal pins.
pub(crate) fn check_custody(case: &CaseDir, seals: &[SealFile], out: &mut Verification) {
    let name = "custody.ndjson";
    let log = read(&case.path(name))
        .map_err(|error| error.to_string())
        .and_then(|bytes| CustodyLog::parse(&bytes).map_err(|error| error.to_string()));
    let log = match log {
        Ok(log) => log,
        Err(error) => {
            out.find("custody log is broken", name, "an unbroken chain", error);
            return;
        }
    };
    for sealed in seals {
        let custody = &sealed.seal.custody;
        match log.head_at(custody.events) {
            None => {
                let expected = format!("at least {} events", custody.events);
                let actual = log.len().to_string();
                out.find("custody log is shorter than sealed", name, expected, actual);
            }
            Some(head) => {
                out.equal("sealed custody event was changed", name, &custody.head_sha256, head);
            }
        }
    }
    let newest = seals.last().map_or(0, |seal| seal.number);
    for event in log.events().iter().filter(|event| event.action == "sealed") {
        let stated = event.output.as_ref().and_then(|output| output["seal"].as_u64());
        if stated.is_some_and(|stated| stated > u64::from(newest)) {
            let expected = format!("{} of event {}", stated.unwrap_or_default(), event.seq);
            out.find("seal that the log names is missing", "seals/", expected, newest.to_string());
        }
    }
    let sealed = seals.last().map_or(0, |seal| seal.seal.custody.events);
    let unsealed = log.len().saturating_sub(sealed);
    if unsealed > 0 {
        out.warnings.push(format!("{unsealed} custody events are not covered by a seal yet"));
    }
    out.did(format!("custody log: {}", counted(log.len(), "event", "events")));
}
