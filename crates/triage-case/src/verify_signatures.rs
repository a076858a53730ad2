//! Checks the SSHSIG signatures of the seals: one of the signer that the seal names, and any
//! number of others, such as a witness.

use triage_custody::{AllowedSigner, PublicKey, unix_seconds, utc_digits};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::seals::{SealFile, seal_path, signature_files};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// Checks every signature of every seal.
pub(crate) fn check_signatures(
    case: &CaseDir,
    bag: &Bag,
    trust: &Trust<'_>,
    seals: &[SealFile],
    out: &mut Verification,
) {
    let newest = seals.len();
    for (place, sealed) in (1..).zip(seals) {
        let is_newest = place == newest;
        check_main(case, trust, sealed, is_newest, out);
        let main = seal_path(sealed.number, ".json.sig");
        for name in signature_files(sealed.number, "sig", bag).filter(|name| *name != main) {
            check_other(case, trust.allowed_signers, sealed, &name, out);
        }
    }
}

/// The signature of the signer that the seal itself names.
fn check_main(
    case: &CaseDir,
    trust: &Trust<'_>,
    sealed: &SealFile,
    is_newest: bool,
    out: &mut Verification,
) {
    let name = seal_path(sealed.number, ".json.sig");
    let path = case.path(&name);
    let Some(signer) = &sealed.seal.signer else {
        if path.exists() {
            out.find("signature of an unsigned seal", name.as_str(), "no signature", "a signature");
        }
        return;
    };
    let Ok(signature) = read(&path) else {
        out.find("signature is missing", name, format!("a signature by {signer}"), "nothing");
        return;
    };
    let beside = if sealed.number == 1 {
        "keys/allowed_signers".to_owned()
    } else {
        format!("{name}.signer")
    };
    let allowed = match trust.allowed_signers {
        Some(text) => text.to_owned(),
        None => {
            if is_newest {
                out.warnings.push(
                    "the key is the one in the package, which proves nothing by itself: give the \
                     signer's key from outside with --allowed-signers"
                        .to_owned(),
                );
            }
            String::from_utf8(read(&case.path(&beside)).unwrap_or_default()).unwrap_or_default()
        }
    };
    let keys = match AllowedSigner::parse(&allowed) {
        Ok(keys) => keys,
        Err(error) => {
            out.find("allowed signers cannot be read", beside, "keys", error.to_string());
            return;
        }
    };
    let keys: Vec<_> = keys.into_iter().filter(|key| key.is_for(signer)).collect();
    match holds(case, sealed, &signature, &keys) {
        Ok(allowed) => {
            let fingerprint = allowed.key.fingerprint();
            out.did(format!("seal {}: signature by {signer}, key {fingerprint}", sealed.number));
            check_window(&name, sealed, allowed, out);
            check_armour(&signature, &name, out);
            if sealed.number == 1 {
                check_public_key(case, &allowed.key, out);
            }
            if is_newest {
                out.signed_by = Some((signer.clone(), fingerprint));
                out.is_certified |= trust.allowed_signers.is_some();
            }
        }
        Err(reason) => {
            let reason =
                reason.unwrap_or_else(|| format!("no key for {signer} among the allowed signers"));
            out.find("signature is not valid", name, format!("a signature by {signer}"), reason);
        }
    }
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
    trusted: Option<&str>,
    sealed: &SealFile,
    name: &str,
    out: &mut Verification,
) {
    let beside = format!("{name}.signer");
    let text = String::from_utf8(read(&case.path(&beside)).unwrap_or_default()).unwrap_or_default();
    let keys = AllowedSigner::parse(&text).unwrap_or_default();
    let signature = read(&case.path(name)).unwrap_or_default();
    let Ok(own) = holds(case, sealed, &signature, &keys) else {
        let expected = format!("a signature by the key in {beside}");
        out.find("signature is not valid", name, expected, "another");
        return;
    };
    check_armour(&signature, name, out);
    let signer = &own.principals;
    let fingerprint = own.key.fingerprint();
    out.did(format!("seal {}: signature by {signer}, key {fingerprint}", sealed.number));
    let trusted = trusted.map(AllowedSigner::parse);
    if let Some(Ok(trusted)) = trusted {
        match trusted.iter().find(|key| key.is_for(signer) && key.key.is(&own.key)) {
            Some(key) => check_window(name, sealed, key, out),
            None => out.warnings.push(format!(
                "{name} is by {signer}, whose key {fingerprint} is not among the allowed signers"
            )),
        }
    }
}

/// Returns the key whose signature it is, or why the last one's it is not.
fn holds<'a>(
    case: &CaseDir,
    sealed: &SealFile,
    signature: &[u8],
    keys: &'a [AllowedSigner],
) -> Result<&'a AllowedSigner, Option<String>> {
    let message = read(&case.path(&seal_path(sealed.number, ".json"))).unwrap_or_default();
    let mut reason = None;
    for allowed in keys {
        match allowed.key.verify(&message, signature) {
            Ok(()) => return Ok(allowed),
            Err(error) => reason = Some(error.to_string()),
        }
    }
    Err(reason)
}

/// The key must have been valid when the seal says it was made.
fn check_window(name: &str, sealed: &SealFile, key: &AllowedSigner, out: &mut Verification) {
    let digits = unix_seconds(&sealed.seal.time).and_then(utc_digits);
    if !digits.is_some_and(|digits| key.is_valid_at(&digits)) {
        let (expected, actual) = (key.options.as_str(), sealed.seal.time.as_str());
        out.find("key was not valid when the seal was made", name, expected, actual);
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
