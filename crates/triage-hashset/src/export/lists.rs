//! Plain lists, X-Ways text and CSV.

use triage_hash::Algorithm;

use super::{Exporting, Form, Writing};
use crate::Error;

pub(super) static PLAIN: Form =
    Form { name: "plain", about: "one digest a line", writing: Writing::Stream(plain) };

pub(super) static XWAYS: Form = Form {
    name: "xways",
    about: "X-Ways text: hash type, then digests",
    writing: Writing::Stream(xways),
};

pub(super) static CSV: Form = Form {
    name: "csv",
    about: "CSV with all digests, size and category",
    writing: Writing::Stream(csv),
};

fn plain(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithm = out.one_algorithm()?;
    out.each_digest(algorithm, &mut |out, digest, _| out.put(format!("{digest}\n").as_bytes()))
}

fn xways(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithm = out.one_algorithm()?;
    let kind = match algorithm {
        Algorithm::Md5 => "MD5",
        Algorithm::Sha1 => "SHA-1",
        Algorithm::Sha256 => "SHA-256",
        other => {
            let set = out.index.identity().name.clone();
            return Err(Error::Unfit { set, reason: format!("X-Ways text has no {other}") });
        }
    };
    out.put(format!("{kind}\n").as_bytes())?;
    out.each_digest(algorithm, &mut |out, digest, _| out.put(format!("{digest:X}\n").as_bytes()))
}

fn csv(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithms = out.index.algorithms();
    let names: Vec<&str> = algorithms.iter().map(Algorithm::name).collect();
    out.put(format!("{},size,category,label\n", names.join(",")).as_bytes())?;
    let index = out.index;
    for record in index.records() {
        let record = record?;
        let mut line = String::new();
        for algorithm in algorithms.iter() {
            if let Some(digest) = record.digests.get(algorithm) {
                line.push_str(&digest.to_string());
            }
            line.push(',');
        }
        if let Some(size) = record.size_bytes {
            line.push_str(&size.to_string());
        }
        let category = record.category.as_ref();
        let number = category.and_then(|c| c.number).map(|n| n.to_string());
        let label = category.and_then(|c| c.label.clone()).unwrap_or_default();
        // Without a number the label is the category.
        let named = number.unwrap_or_else(|| quoted(&label));
        line.push_str(&format!(",{named},{}\n", quoted(&label)));
        out.put(line.as_bytes())?;
        out.report.rows += 1;
        out.report.written += 1;
    }
    Ok(())
}

pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}
