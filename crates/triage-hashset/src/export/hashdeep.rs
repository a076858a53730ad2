//! hashdeep 1.0: size and MD5, SHA-1, SHA-256 as far as the set has them.

use triage_hash::Algorithm;

use super::{Exporting, Form, Writing};
use crate::Error;

pub(super) static FORMAT: Form = Form {
    name: "hashdeep",
    about: "known file list of hashdeep",
    writing: Writing::Stream(write),
};

/// The digests that hashdeep computes and this program knows.
const KNOWN: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256];

fn write(out: &mut Exporting<'_>) -> Result<(), Error> {
    let all = out.index.algorithms();
    let columns: Vec<Algorithm> = KNOWN.into_iter().filter(|known| all.contains(*known)).collect();
    let names: Vec<&str> = columns.iter().map(|algorithm| algorithm.name()).collect();
    let names = names.join(",");
    out.put(format!("%%%% HASHDEEP-1.0\n%%%% size,{names},filename\n").as_bytes())?;
    let index = out.index;
    for record in index.records() {
        let record = record?;
        out.report.rows += 1;
        if record.category.is_some() {
            out.lose("categories");
        }
        // hashdeep compares the size, and takes an empty digest for one that differs.
        let Some(size) = record.size_bytes else {
            out.lose("rows without a size");
            continue;
        };
        if columns.iter().any(|column| record.digests.get(*column).is_none()) {
            out.lose("rows without one of the digests");
            continue;
        }
        let mut line = size.to_string();
        for digest in columns.iter().filter_map(|column| record.digests.get(*column)) {
            line.push_str(&format!(",{digest}"));
        }
        line.push_str(&format!(",record-{}\n", record.number));
        out.put(line.as_bytes())?;
        out.report.written += 1;
    }
    Ok(())
}
