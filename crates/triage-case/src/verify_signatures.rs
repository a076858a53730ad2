//! Checks the SSHSIG signatures of the seals: one of the signer that the seal names, and any
//! number of others, such as a witness.

use triage_custody::{AllowedSigners, PublicKey, Refused, TimeZone, Validity};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::seals::{SealFile, seal_path};
use crate::signing::{Signing, check_ended};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// Checks every signature of every seal.
pub(crate) fn check_signatures(
    case: &CaseDir,
    bag: &Bag,
    trust: &Trust<'_>,
    seals: &[Signing<'_>],
    out: &mut Verification,
) {
    for signing in seals {
        check_own(case, trust, signing, out);
        for name in signing.others("sig", bag) {
            check_other(case, trust, signing, &name, out);
        }
    }
}

/// The signature of the signer that the seal itself names.
fn check_own(case: &CaseDir, trust: &Trust<'_>, signing: &Signing<'_>, out: &mut Verification) {
    let name = signing.own("sig");
    let path = case.path(&name);
    let sealed = signing.sealed;
    let Some(signer) = &sealed.seal.signer else {
        if path.exists() {
            out.find("signature of an unsigned seal", name, "no signature", "a signature");
        }
        return;
    };
    let Ok(signature) = read(&path) else {
        out.find("signature is missing", name, format!("a signature by {signer}"), "nothing");
        return;
    };
    let inside;
    let allowed = match trust.allowed_signers {
        Some(allowed) => allowed,
        None => {
            if signing.is_newest {
                out.warnings.push(
                    "the key is the one in the package, which proves nothing by itself: give the \
                     signer's key from outside with --allowed-signers"
                        .to_owned(),
                );
            }
            let beside = match sealed.number {
                1 => "keys/allowed_signers".to_owned(),
                _ => format!("{name}.signer"),
            };
            let Some(keys) = keys_inside(case, &beside, out) else { return };
            inside = keys;
            &inside
        }
    };
    match allowed.check(signer, &signing.message, &signature, signing.at) {
        Ok(line) => {
            let fingerprint = line.key.fingerprint();
            out.did(format!("seal {}: signature by {signer}, key {fingerprint}", sealed.number));
            check_armour(&signature, &name, out);
            if sealed.number == 1 {
                check_public_key(case, &line.key, out);
            }
            if signing.is_newest {
                out.signed_by = Some((signer.clone(), fingerprint));
                out.is_certified |= trust.allowed_signers.is_some();
            }
            check_ended("key", &name, |at| line.validity.holds_at(Some(at)), trust, out);
        }
        Err(Refused::NotThen { validity, .. }) => not_then(signing, name, validity, out),
        Err(refused) => {
            let expected = format!("a signature by {signer}");
            out.find("signature is not valid", name, expected, refused.to_string());
        }
    }
}

/// Reads the keys that the package itself brings. A time without a zone is one in UTC there: the
/// package must be judged alike on every computer.
fn keys_inside(case: &CaseDir, path: &str, out: &mut Verification) -> Option<AllowedSigners> {
    let text = String::from_utf8(read(&case.path(path)).unwrap_or_default()).unwrap_or_default();
    match AllowedSigners::parse(&text, &TimeZone::UTC) {
        Ok(keys) => Some(keys),
        Err(error) => {
            out.find("allowed signers cannot be read", path, "keys", error.to_string());
            None
        }
    }
}

fn not_then(signing: &Signing<'_>, name: String, validity: Validity, out: &mut Verification) {
    let (expected, actual) = (validity.to_string(), signing.sealed.seal.time.as_str());
    out.find("key was not valid when the seal was made", name, expected, actual);
}

/// A seal by nobody shows damage, not exchange. Whoever names whom they trust, wants one of them.
pub(crate) fn check_signed(trust: &Trust<'_>, newest: &SealFile, out: &mut Verification) {
    let name = seal_path(newest.number, ".json");
    let is_signed = newest.seal.signer.is_some() || newest.seal.certificate.is_some();
    let has_failed = out.findings.iter().any(|finding| finding.place.starts_with(&name));
    if trust.expects_signer() && !out.is_certified && !has_failed {
        let actual = if is_signed { "a signature by nobody who is trusted" } else { "none" };
        out.find("seal is not signed", name, "a signature by a trusted key", actual);
    }
    if !is_signed {
        out.warnings.push(
            "the seal is NOT SIGNED: whoever can write the package can also recompute it; compare \
             the seal's digest with one noted elsewhere"
                .to_owned(),
        );
    }
}

/// A further signature: it must hold with the key beside it; whose key that is, is another matter.
fn check_other(
    case: &CaseDir,
    trust: &Trust<'_>,
    signing: &Signing<'_>,
    name: &str,
    out: &mut Verification,
) {
    let beside = format!("{name}.signer");
    let Some(keys) = keys_inside(case, &beside, out) else { return };
    let signature = read(&case.path(name)).unwrap_or_default();
    let own = match keys.all() {
        [own] if own.key.verify(&signing.message, &signature).is_ok() => own,
        _ => {
            let expected = format!("a signature by the key in {beside}");
            out.find("signature is not valid", name, expected, "another");
            return;
        }
    };
    check_armour(&signature, name, out);
    let signer = &own.principals;
    let fingerprint = own.key.fingerprint();
    out.did(format!("seal {}: signature by {signer}, key {fingerprint}", signing.sealed.number));
    let Some(allowed) = trust.allowed_signers else { return };
    match allowed.find(signer, &own.key, signing.at) {
        Ok(line) => check_ended("key", name, |at| line.validity.holds_at(Some(at)), trust, out),
        Err(Refused::NotThen { validity, .. }) => not_then(signing, name.to_owned(), validity, out),
        Err(_) => out.warnings.push(format!(
            "{name} is by {signer}, whose key {fingerprint} is not among the allowed signers"
        )),
    }
}

/// The armour has one spelling: 70 characters a line, as ssh-keygen writes it.
fn check_armour(signature: &[u8], name: &str, out: &mut Verification) {
    let text = String::from_utf8_lossy(signature);
    if !text.ends_with("-----END SSH SIGNATURE-----\n") || text.contains('\r') {
        out.find("signature file is not well-formed", name, "the armour of OpenSSH", "another");
    }
}

fn check_public_key(case: &CaseDir, key: &PublicKey, out: &mut Verification) {
    let name = "keys/signer.pub";
    let bytes = read(&case.path(name)).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let actual = PublicKey::from_line(text.trim_end()).map(|key| key.fingerprint());
    let actual = actual.unwrap_or_else(|error| error.to_string());
    out.equal("public key is not the signer's", name, &key.fingerprint(), &actual);
}
