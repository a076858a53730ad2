//! The CSV that IPED imports: columns of digests by their names, all others properties.
//!
//! `status` makes IPED put a file aside (`known`) or alert on it (`pedo`): the first is written for
//! known-good sets, the second only where the scheme of the categories is one of child protection.

use triage_hash::Algorithm;

use super::lists::quoted;
use super::{Exporting, Form, Writing};
use crate::{Disposition, Error};

pub(super) static FORMAT: Form = Form {
    name: "iped",
    about: "CSV for the hash database of IPED",
    writing: Writing::Stream(write),
};

/// The digests of IPED's database that this program knows.
const HASHES: [(Algorithm, &str); 4] = [
    (Algorithm::Md5, "MD5"),
    (Algorithm::Sha1, "SHA-1"),
    (Algorithm::Sha256, "SHA-256"),
    (Algorithm::Sha512, "SHA-512"),
];

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let index = out.index;
    let identity = index.identity();
    let all = index.algorithms();
    let columns: Vec<_> = HASHES.into_iter().filter(|(known, _)| all.contains(*known)).collect();
    let scheme = identity.scheme.as_deref().unwrap_or_default();
    let is_vics = scheme.starts_with("vics");
    let status = match identity.disposition {
        Disposition::KnownGood => Some("known"),
        Disposition::Alert if is_vics || matches!(scheme, "icse" | "ncmec") => Some("pedo"),
        Disposition::Alert | Disposition::Informational => None,
    };
    let mut header: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
    header.push("set");
    header.extend(status.map(|_| "status"));
    header.extend(is_vics.then_some("vicCategory"));
    out.put(format!("{}\n", header.join(",")).as_bytes())?;
    let set = quoted(&identity.name);
    for record in index.records() {
        let record = record?;
        out.report.rows += 1;
        let digests: Vec<_> =
            columns.iter().map(|(algorithm, _)| record.digests.get(*algorithm)).collect();
        if digests.iter().all(Option::is_none) {
            out.lose("rows without a digest that IPED has");
            continue;
        }
        if digests.iter().flatten().count() < record.digests.iter().count() {
            out.lose("further digests");
        }
        let number = record.category.as_ref().and_then(|category| category.number);
        if record.category.is_some() && (!is_vics || number.is_none()) {
            out.lose("categories");
        }
        if record.size_bytes.is_some() {
            out.lose("sizes");
        }
        let mut cells: Vec<String> = digests
            .iter()
            .map(|digest| digest.map(|digest| digest.to_string()).unwrap_or_default())
            .collect();
        cells.push(set.clone());
        cells.extend(status.map(str::to_owned));
        if is_vics {
            cells.push(number.map(|number| number.to_string()).unwrap_or_default());
        }
        out.put(format!("{}\n", cells.join(",")).as_bytes())?;
        out.report.written += 1;
    }
    Ok(())
}
