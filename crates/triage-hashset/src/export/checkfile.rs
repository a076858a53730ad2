//! Check files: GNU and BSD.

use super::{Exporting, Form, Writing};
use crate::Error;

pub(super) static GNU: Form = Form {
    name: "gnu",
    about: "check file of md5sum, sha256sum, b3sum",
    writing: Writing::Stream(gnu),
};

pub(super) static BSD: Form = Form {
    name: "bsd",
    about: "check file with the algorithm in each line",
    writing: Writing::Stream(bsd),
};

fn gnu(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithm = out.one_algorithm()?;
    out.each_digest(algorithm, &mut |out, digest, record| {
        out.put(format!("{digest}  record-{}\n", record.number).as_bytes())
    })
}

fn bsd(out: &mut Exporting<'_>) -> Result<(), Error> {
    let algorithm = out.one_algorithm()?;
    let tag = algorithm.tag();
    out.each_digest(algorithm, &mut |out, digest, record| {
        out.put(format!("{tag} (record-{}) = {digest}\n", record.number).as_bytes())
    })
}
