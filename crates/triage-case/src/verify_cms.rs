//! Checks the CMS signatures of the seals: one by the certificate that the seal names, and any
//! number of others.

use triage_custody::{SealedCertificate, check_cms};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::signing::{Signing, check_ended};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// Checks every CMS signature of every seal.
pub(crate) fn check_certificates(
    case: &CaseDir,
    bag: &Bag,
    trust: &Trust<'_>,
    seals: &[Signing<'_>],
    out: &mut Verification,
) {
    for signing in seals {
        let own = signing.own("p7s");
        match &signing.sealed.seal.certificate {
            Some(named) => check_own(case, trust, signing, named, out),
            None if bag.files.contains_key(&own) => out.find(
                "signature of an unsigned seal",
                own,
                "no certificate, so no signature by one",
                "a signature",
            ),
            None => {}
        }
        for name in signing.others("p7s", bag) {
            check_other(case, trust, signing, &name, out);
        }
    }
}

/// The signature by the certificate that the seal itself names.
fn check_own(
    case: &CaseDir,
    trust: &Trust<'_>,
    signing: &Signing<'_>,
    named: &SealedCertificate,
    out: &mut Verification,
) {
    let name = signing.own("p7s");
    let expected = format!("a signature by {}", named.subject);
    let Ok(signature) = read(&case.path(&name)) else {
        out.find("signature is missing", name, expected, "nothing");
        return;
    };
    let at = signing.at.unwrap_or_default();
    let signer = match check_cms(&signature, &signing.message, trust.cms_roots, at) {
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
        signing.sealed.number, named.subject
    ));
    if signing.is_newest {
        if trust.cms_roots.is_none() {
            out.warnings.push(format!(
                "nobody vouches for the certificate of {name}: give the root that issued it with \
                 --cms-root"
            ));
        }
        out.signed_by.get_or_insert((named.subject.clone(), sha256));
        out.is_certified |= trust.cms_roots.is_some();
    }
    check_ended("certificate", &name, |at| signer.is_valid_at(at), trust, out);
}

/// A further signature: it must hold; whether its certificate is believed, is another matter.
fn check_other(
    case: &CaseDir,
    trust: &Trust<'_>,
    signing: &Signing<'_>,
    name: &str,
    out: &mut Verification,
) {
    let signature = read(&case.path(name)).unwrap_or_default();
    let at = signing.at.unwrap_or_default();
    let check = |roots| check_cms(&signature, &signing.message, roots, at);
    match check(None) {
        Ok(signer) => {
            let (subject, sha256) = (signer.subject(), signer.sha256());
            out.did(format!(
                "seal {}: signature by {subject}, certificate {sha256}",
                signing.sealed.number
            ));
            check_ended("certificate", name, |at| signer.is_valid_at(at), trust, out);
        }
        Err(error) => {
            let expected = "a signature by a certificate for documents";
            out.find("signature is not valid", name, expected, error.to_string());
            return;
        }
    }
    if trust.cms_roots.is_some()
        && let Err(error) = check(trust.cms_roots)
    {
        out.warnings.push(format!("{name} is not by a trusted certificate: {error}"));
    }
}
