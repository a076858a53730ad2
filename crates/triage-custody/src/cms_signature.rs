//! CMS signed data with one signer (RFC 5652, section 5), as `openssl cms -verify` reads it: the
//! detached signature of a seal, and the inside of a time-stamp. DER only; no encryption, no other
//! content types, no CRLs.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::oid::db::rfc5911;
use der::{Any, Decode as _, Encode as _};
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::certificate::Certificate;
use crate::certificate_path::{Purpose, check_path};
use crate::public_signature::{Sha, check_signature};
use crate::{Certificates, Error};

/// The longest signature or time-stamp: four certificates with RSA keys have some 8 KiB.
pub(crate) const LIMIT_CMS_BYTES: usize = 64 * 1024;

/// ESSCertIDv2 (RFC 5035, section 4).
#[derive(Clone, der::Sequence)]
pub(crate) struct CertificateId {
    #[asn1(optional = "true")]
    pub(crate) hash: Option<AlgorithmIdentifierOwned>,
    pub(crate) value: OctetString,
    #[asn1(optional = "true")]
    pub(crate) issuer: Option<Any>,
}

/// SigningCertificateV2 (RFC 5035, section 3).
#[derive(der::Sequence)]
pub(crate) struct SigningCertificate {
    pub(crate) certificates: Vec<CertificateId>,
    #[asn1(optional = "true")]
    pub(crate) policies: Option<Any>,
}

/// Signed data whose signature holds with a certificate that it brings along.
pub(crate) struct Signed {
    /// The signer's certificate.
    pub(crate) signer: Certificate,
    /// What is signed, if it is inside.
    pub(crate) content: Option<Vec<u8>>,
    /// The certificates that it brings along.
    certificates: Vec<Certificate>,
}

/// What signed data must say of its signer's certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamesCertificate {
    /// It may name the certificate, and then the right one.
    May,
    /// It must: RFC 3161, 2.4.1, with RFC 5816.
    Must,
}

impl Signed {
    /// Reads signed data and checks its signature, without asking whether to believe the signer.
    /// `detached` is the content if it is not inside.
    ///
    /// # Errors
    /// [`Error::Cms`] with the reason, [`Error::TooLong`].
    pub(crate) fn read(
        bytes: &[u8],
        kind: ObjectIdentifier,
        detached: Option<&[u8]>,
        names: NamesCertificate,
    ) -> Result<Self, Error> {
        if bytes.len() > LIMIT_CMS_BYTES {
            let (what, actual) = ("signed data", bytes.len());
            return Err(Error::TooLong { what, limit: LIMIT_CMS_BYTES, actual });
        }
        let data = signed_data(bytes)?;
        let [info] = data.signer_infos.0.as_slice() else {
            let count = data.signer_infos.0.len();
            return Err(refused(&format!("it has {count} signers, one is expected")));
        };
        if data.encap_content_info.econtent_type != kind {
            let actual = data.encap_content_info.econtent_type;
            return Err(refused(&format!("its content is of type {actual}, not {kind}")));
        }
        let content = match &data.encap_content_info.econtent {
            None => None,
            Some(inside) => {
                let inside = inside.decode_as::<OctetString>().map_err(|e| torn(&e))?;
                Some(inside.into_bytes())
            }
        };
        let message = match (detached, &content) {
            (Some(detached), None) => detached,
            (None, Some(content)) => content.as_slice(),
            (Some(_), Some(_)) => return Err(refused("it is not detached: it has the content")),
            (None, None) => return Err(refused("its content is missing")),
        };
        let certificates = certificates_of(&data)?;
        let signer = certificates
            .iter()
            .find(|certificate| is_signer(certificate, &info.sid))
            .ok_or_else(|| refused("the signer's certificate is not in it"))?
            .clone();
        check_attributes(info, &signer, kind, message, names)?;
        Ok(Self { signer, content, certificates })
    }

    /// Checks the signer's certificate at a time, and with roots its path to one of them.
    pub(crate) fn check_signer(
        &self,
        roots: Option<&Certificates>,
        purpose: Purpose,
        at: i64,
    ) -> Result<(), Error> {
        check_path(&self.signer, &self.certificates, roots, purpose, at)
    }
}

fn signed_data(bytes: &[u8]) -> Result<SignedData, Error> {
    let outer = ContentInfo::from_der(bytes).map_err(|error| torn(&error))?;
    if outer.content_type != rfc5911::ID_SIGNED_DATA {
        return Err(refused("it is no signed data"));
    }
    outer.content.decode_as::<SignedData>().map_err(|error| torn(&error))
}

fn certificates_of(data: &SignedData) -> Result<Vec<Certificate>, Error> {
    let choices = data.certificates.iter().flat_map(|set| set.0.iter());
    let certificates: Result<Vec<Certificate>, Error> = choices
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(inner) => Some(Certificate::new(inner.clone())),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    // The limit on their number is that of a file.
    Ok(Certificates::new(certificates?)?.all().to_vec())
}

fn is_signer(certificate: &Certificate, id: &SignerIdentifier) -> bool {
    let inner = &certificate.inner.tbs_certificate;
    match id {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            inner.issuer == id.issuer && inner.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            inner.get::<SubjectKeyIdentifier>().ok().flatten().is_some_and(|(_, own)| own == *id)
        }
    }
}

/// What is signed are the attributes: RFC 5652, 5.4. They must be there and speak of this content.
fn check_attributes(
    info: &SignerInfo,
    signer: &Certificate,
    kind: ObjectIdentifier,
    message: &[u8],
    names: NamesCertificate,
) -> Result<(), Error> {
    let sha = Sha::from_oid(info.digest_alg.oid).map_err(|reason| refused(&reason))?;
    let attributes = info.signed_attrs.as_ref().ok_or_else(|| refused("it signs no attributes"))?;
    let only = |id: ObjectIdentifier| -> Result<Option<&Any>, Error> {
        let found: Vec<&Attribute> = attributes.iter().filter(|one| one.oid == id).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] if one.values.len() == 1 => Ok(one.values.get(0)),
            _ => Err(refused(&format!("attribute {id} has not one value"))),
        }
    };
    let stated = only(rfc5911::ID_CONTENT_TYPE)?;
    let stated = stated.and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if stated != Some(kind) {
        return Err(refused("it does not sign the type of its content"));
    }
    let stated = only(rfc5911::ID_MESSAGE_DIGEST)?;
    let stated = stated.and_then(|value| value.decode_as::<OctetString>().ok());
    if stated.is_none_or(|stated| stated.as_bytes() != sha.digest(message)) {
        return Err(refused("it is over other bytes"));
    }
    let named = only(rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2)?;
    match named {
        Some(named) => check_named(named, signer)?,
        None if names == NamesCertificate::May => {}
        None if only(rfc5911::ID_AA_SIGNING_CERTIFICATE)?.is_some() => {
            return Err(refused("it names its certificate by SHA-1 alone (RFC 5816 asks for v2)"));
        }
        None => return Err(refused("it does not sign which certificate is its own")),
    }
    let signed = attributes.to_der().map_err(|error| torn(&error))?;
    let key = &signer.inner.tbs_certificate.subject_public_key_info;
    let signature = info.signature.as_bytes();
    check_signature(key, &info.signature_algorithm, Some(sha), &signed, signature)
        .map_err(|reason| refused(&reason))
}

/// The first certificate that is named is the signer's (RFC 5035, section 3).
fn check_named(named: &Any, signer: &Certificate) -> Result<(), Error> {
    let named = named.decode_as::<SigningCertificate>().map_err(|error| torn(&error))?;
    let first = named.certificates.first().ok_or_else(|| refused("it names no certificate"))?;
    let sha = match &first.hash {
        None => Sha::Sha256,
        Some(hash) => Sha::from_oid(hash.oid).map_err(|reason| refused(&reason))?,
    };
    if first.value.as_bytes() != sha.digest(signer.der()) {
        return Err(refused("it signs that another certificate is its own"));
    }
    Ok(())
}

/// Checks the detached signature of a seal and returns the signer's certificate. Without roots it
/// is not asked who issued that.
///
/// # Errors
/// [`Error::Cms`] or [`Error::Certificate`] with the reason.
pub fn check_cms(
    signature: &[u8],
    message: &[u8],
    roots: Option<&Certificates>,
    at: i64,
) -> Result<Certificate, Error> {
    let may = NamesCertificate::May;
    let signed = Signed::read(signature, rfc5911::ID_DATA, Some(message), may)?;
    signed.check_signer(roots, Purpose::Sign, at)?;
    Ok(signed.signer)
}

/// Says that signed data cannot be accepted.
pub(crate) fn refused(reason: &str) -> Error {
    Error::Cms { reason: reason.to_owned() }
}

fn torn(error: &der::Error) -> Error {
    Error::Cms { reason: format!("it cannot be read: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unix_seconds;

    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../fixtures/x509/", $name)).as_slice()
        };
    }

    fn check(signature: &[u8], root: &[u8]) -> Result<Certificate, String> {
        let at = unix_seconds("2026-11-25T12:00:00Z").unwrap();
        let roots = Certificates::from_pem(root).unwrap();
        check_cms(signature, file!("message"), Some(&roots), at).map_err(|error| error.to_string())
    }

    #[test]
    fn signatures_of_openssl_hold_up_to_the_root() {
        for (signature, subject) in [
            (file!("ec.p7s"), "CN=Ana Kovac,O=Example Lab"),
            (file!("pss.p7s"), "CN=Ana RSA,O=Example Lab"),
            (file!("pkcs1.p7s"), "CN=Ana RSA,O=Example Lab"),
            (file!("p384.p7s"), "CN=Ana P384,O=Example Lab"),
        ] {
            assert_eq!(check(signature, file!("root.pem")).unwrap().subject(), subject);
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let root = file!("root.pem");
        for (signature, root, reason) in [
            (file!("ec.p7s"), file!("other.pem"), "leads to no given root"),
            (file!("late.p7s"), root, "valid 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z, not at"),
            (file!("web.p7s"), root, "extended key usage is not for signing documents"),
            (file!("crypt.p7s"), root, "key usage does not allow signatures"),
            (file!("issued-sha1.p7s"), root, "signed with SHA-1, which is broken"),
            (file!("leaf.p7s"), root, "it may not issue certificates"),
            (file!("digest-sha1.p7s"), root, "uses SHA-1, which is broken"),
            (file!("attached.p7s"), root, "it is not detached"),
            (file!("good.tsr"), root, "cannot be read"),
        ] {
            let refused = check(signature, root).unwrap_err();
            assert!(refused.contains(reason), "{refused} has not {reason}");
        }
        let at = unix_seconds("2026-11-25T12:00:00Z").unwrap();
        let other = check_cms(file!("ec.p7s"), b"another", None, at).unwrap_err().to_string();
        assert!(other.contains("it is over other bytes"), "{other}");
        let early = check_cms(file!("ec.p7s"), file!("message"), None, 0).unwrap_err().to_string();
        assert!(early.contains("not at 1970-01-01"), "{early}");
    }

    #[test]
    fn no_changed_byte_passes_as_another_signature_and_none_panics() {
        let whole = file!("ec.p7s");
        let known = check(whole, file!("root.pem")).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[place] ^= 1;
            // A byte of an issuer that is not used may change; the signer stays who it was.
            if let Ok(signer) = check(&changed, file!("root.pem")) {
                assert_eq!(signer, known, "byte {place}");
            }
            assert!(check(&whole[..place], file!("root.pem")).is_err(), "cut at {place}");
        }
        let large = vec![0x30; LIMIT_CMS_BYTES + 1];
        assert!(check(&large, file!("root.pem")).unwrap_err().contains("at most"));
    }

    #[test]
    fn only_files_of_certificates_are_roots() {
        for bad in [&b""[..], b"x", b"-----BEGIN CERTIFICATE-----", file!("message")] {
            assert!(Certificates::from_pem(bad).is_err());
        }
        let many = file!("root.pem").repeat(65);
        assert!(Certificates::from_pem(&many).unwrap_err().to_string().contains("at most 64"));
        assert_eq!(Certificates::from_pem(file!("ana-chain.pem")).unwrap().all().len(), 2);
    }
}
