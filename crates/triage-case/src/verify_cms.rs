//! Checks the CMS signatures of the seals: one by the certificate that the seal names, and any
//! number of others.

use triage_custody::{SealedCertificate, check_cms, unix_seconds, utc_text};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::seals::{SealFile, seal_path, signature_files};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// Checks every CMS signature of every seal.
pub(crate) fn check_certificates(
    case: &CaseDir,
    bag: &Bag,
    trust: &Trust<'_>,
    seals: &[SealFile],
    out: &mut Verification,
) {
    let newest = seals.len();
    for (place, sealed) in (1..).zip(seals) {
        let own = seal_path(sealed.number, ".json.p7s");
        match &sealed.seal.certificate {
            Some(named) => check_own(case, trust, sealed, named, place == newest, out),
            None if bag.files.contains_key(&own) => out.find(
                "signature of an unsigned seal",
                own.as_str(),
                "no certificate, so no signature by one",
                "a signature",
            ),
            None => {}
        }
        for name in signature_files(sealed.number, "p7s", bag).filter(|name| *name != own) {
            check_other(case, trust, sealed, &name, out);
        }
    }
}

/// The signature by the certificate that the seal itself names.
fn check_own(
    case: &CaseDir,
    trust: &Trust<'_>,
    sealed: &SealFile,
    named: &SealedCertificate,
    is_newest: bool,
    out: &mut Verification,
) {
    let name = seal_path(sealed.number, ".json.p7s");
    let expected = format!("a signature by {}", named.subject);
    let Ok(signature) = read(&case.path(&name)) else {
        out.find("signature is missing", name, expected, "nothing");
        return;
    };
    let message = read(&case.path(&seal_path(sealed.number, ".json"))).unwrap_or_default();
    let at = unix_seconds(&sealed.seal.time).unwrap_or_default();
    let signer = match check_cms(&signature, &message, trust.cms_roots, at) {
        Ok(signer) => signer,
        Err(error) => {
            out.find("signature is not valid", name, expected, error.to_string());
            return;
        }
    };
    let sha256 = signer.sha256();
    if sha256 != named.sha256 {
        let stated = format!("certificate {}", named.sha256);
        out.find("certificate is not the one that the seal names", name, stated, sha256);
        return;
    }
    out.did(format!(
        "seal {}: signature by {}, certificate {sha256}",
        sealed.number, named.subject
    ));
    if is_newest {
        if trust.cms_roots.is_none() {
            out.warnings.push(format!(
                "nobody vouches for the certificate of {name}: give the root that issued it with \
                 --cms-root"
            ));
        }
        out.signed_by.get_or_insert((named.subject.clone(), sha256));
        out.is_certified |= trust.cms_roots.is_some();
    }
    let ended = trust.now.filter(|&now| !signer.is_valid_at(now));
    if let (Some(now), false) = (ended, out.is_stamped(&name)) {
        out.warnings.push(format!(
            "the certificate of {name} is not valid at {} any more; without a time-stamp by a \
             trusted authority only the computer's clock says that it was when the seal was made",
            utc_text(now)
        ));
    }
}

/// A further signature: it must hold; whether its certificate is believed, is another matter.
fn check_other(
    case: &CaseDir,
    trust: &Trust<'_>,
    sealed: &SealFile,
    name: &str,
    out: &mut Verification,
) {
    let signature = read(&case.path(name)).unwrap_or_default();
    let message = read(&case.path(&seal_path(sealed.number, ".json"))).unwrap_or_default();
    let at = unix_seconds(&sealed.seal.time).unwrap_or_default();
    match check_cms(&signature, &message, None, at) {
        Ok(signer) => {
            let (subject, sha256) = (signer.subject(), signer.sha256());
            out.did(format!(
                "seal {}: signature by {subject}, certificate {sha256}",
                sealed.number
            ));
        }
        Err(error) => {
            let expected = "a signature by a certificate for documents";
            out.find("signature is not valid", name, expected, error.to_string());
            return;
        }
    }
    if trust.cms_roots.is_some()
        && let Err(error) = check_cms(&signature, &message, trust.cms_roots, at)
    {
        out.warnings.push(format!("{name} is not by a trusted certificate: {error}"));
    }
}
