//! Makes the detached CMS signature of a seal with a key that a certificate is for: RSASSA-PSS, or
//! ECDSA on P-256 or P-384 (RFC 5652, section 5; the attributes are those of CAdES-BES, ETSI
//! EN 319 122-1). Nothing random is drawn here: the caller gives it.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use der::asn1::{ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use der::oid::db::{rfc5911, rfc5912};
use der::{Any, DateTime, Decode as _, Encode as _, Tagged};
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::rand_core::{CryptoRng, Error as RandomError, RngCore};
use pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, PrivateKeyInfo, SecretDocument};
use rsa::pss::Pss;
use sha2::{Digest as _, Sha256};
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use crate::Error;
use crate::certificate::{Certificate, Certificates};
use crate::cms_signature::{CertificateId, SigningCertificate, check_cms};
use crate::public_signature::Sha;

/// The longest file of a key: RSA with 4,096 bits has 3.2 KiB.
const LIMIT_KEY_BYTES: usize = 64 * 1024;
/// The salt of RSASSA-PSS, as long as the digest (RFC 8017, 9.1).
const SALT_BYTES: usize = 32;

/// A private key with the certificate that is for it.
pub struct CertifiedKey {
    pair: Pair,
    certificate: Certificate,
    issuers: Vec<Certificate>,
    /// 32 random bytes that the caller drew: salt and blinding of RSA come from them.
    seed: [u8; 32],
}

enum Pair {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl CertifiedKey {
    /// Reads a key in PKCS #8 (PEM), opening it with a passphrase if it is locked, and the PEM file
    /// of its certificate and those above it.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be used, [`Error::Certificate`] if no certificate is its.
    pub fn from_pem(
        key: &[u8],
        passphrase: Option<&[u8]>,
        chain: &[u8],
        seed: [u8; 32],
    ) -> Result<Self, Error> {
        let document = private_key(key, passphrase)?;
        let pair = Pair::read(document.as_bytes())?;
        let public = pair.public()?;
        let (mut own, mut issuers) = (None, Vec::new());
        for certificate in Certificates::from_pem(chain)?.all() {
            let info = &certificate.inner.tbs_certificate.subject_public_key_info;
            if own.is_none() && info.to_der().is_ok_and(|der| der == public) {
                own = Some(certificate.clone());
            } else if certificate.subject() != certificate.issuer() {
                // A root proves nothing beside a signature: it has to come from outside.
                issuers.push(certificate.clone());
            }
        }
        let none = || Error::Certificate { reason: "none in the chain is for the key".to_owned() };
        Ok(Self { pair, certificate: own.ok_or_else(none)?, issuers, seed })
    }

    /// Returns the certificate that is for the key.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs bytes and returns the DER form of the detached signature, which is checked before it
    /// is returned. `at` is the time of the seal, in seconds since 1970.
    ///
    /// # Errors
    /// [`Error::Cms`] or [`Error::Certificate`] if the signature cannot be made or does not hold,
    /// such as by a certificate that is not valid then or not meant for signatures.
    pub fn sign(&self, message: &[u8], at: i64) -> Result<Vec<u8>, Error> {
        let signature = self.signed_data(message, at).map_err(|error| unmade(&error))?;
        check_cms(&signature, message, None, at)?;
        Ok(signature)
    }

    fn signed_data(&self, message: &[u8], at: i64) -> der::Result<Vec<u8>> {
        let digest = AlgorithmIdentifierOwned { oid: self.pair.sha().oid(), parameters: None };
        let attributes = self.attributes(message, at)?;
        let to_sign = attributes.to_der()?;
        let (signature_algorithm, signature) = self.pair.sign(&to_sign, &self.seed)?;
        let own = &self.certificate.inner.tbs_certificate;
        let info = SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: own.issuer.clone(),
                serial_number: own.serial_number.clone(),
            }),
            digest_alg: digest.clone(),
            signed_attrs: Some(attributes),
            signature_algorithm,
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        };
        let all = std::iter::once(&self.certificate).chain(&self.issuers);
        let all = all.map(|one| CertificateChoices::Certificate(one.inner.clone()));
        let data = SignedData {
            version: CmsVersion::V1,
            digest_algorithms: SetOfVec::try_from(vec![digest])?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: rfc5911::ID_DATA,
                econtent: None,
            },
            certificates: Some(CertificateSet::try_from(all.collect::<Vec<_>>())?),
            crls: None,
            signer_infos: SignerInfos::try_from(vec![info])?,
        };
        let content = Any::encode_from(&data)?;
        ContentInfo { content_type: rfc5911::ID_SIGNED_DATA, content }.to_der()
    }

    fn attributes(&self, message: &[u8], at: i64) -> der::Result<SignedAttributes> {
        let named = SigningCertificate {
            certificates: vec![CertificateId {
                hash: None,
                value: OctetString::new(Sha256::digest(self.certificate.der()).to_vec())?,
                issuer: None,
            }],
            policies: None,
        };
        let digest = OctetString::new(self.pair.sha().digest(message))?;
        let all = vec![
            attribute(rfc5911::ID_CONTENT_TYPE, &rfc5911::ID_DATA)?,
            attribute(rfc5911::ID_SIGNING_TIME, &time(at)?)?,
            attribute(rfc5911::ID_MESSAGE_DIGEST, &digest)?,
            attribute(rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2, &named)?,
        ];
        SignedAttributes::try_from(all)
    }
}

fn unmade(error: &impl ToString) -> Error {
    Error::Cms { reason: format!("it cannot be made: {}", error.to_string()) }
}

fn attribute<T: Tagged + der::EncodeValue>(
    oid: ObjectIdentifier,
    value: &T,
) -> der::Result<Attribute> {
    Ok(Attribute { oid, values: SetOfVec::try_from(vec![Any::encode_from(value)?])? })
}

/// UTCTime up to 2049, as RFC 5652, 11.3 demands.
fn time(at: i64) -> der::Result<Time> {
    let since = std::time::Duration::from_secs(u64::try_from(at).unwrap_or_default());
    let time = DateTime::from_unix_duration(since)?;
    match UtcTime::from_date_time(time) {
        Ok(time) => Ok(Time::UtcTime(time)),
        Err(_) => Ok(Time::GeneralTime(der::asn1::GeneralizedTime::from_date_time(time))),
    }
}

/// Reads the PEM file of a key.
fn private_key(text: &[u8], passphrase: Option<&[u8]>) -> Result<SecretDocument, Error> {
    let refused = |reason: String| Error::Key { reason };
    if text.len() > LIMIT_KEY_BYTES {
        let (what, actual) = ("a key", text.len());
        return Err(Error::TooLong { what, limit: LIMIT_KEY_BYTES, actual });
    }
    let text = std::str::from_utf8(text).map_err(|error| refused(error.to_string()))?;
    let (label, document) =
        SecretDocument::from_pem(text).map_err(|error| refused(error.to_string()))?;
    match label {
        "PRIVATE KEY" => Ok(document),
        "ENCRYPTED PRIVATE KEY" => {
            let passphrase =
                passphrase.ok_or_else(|| refused("it is locked with a passphrase".to_owned()))?;
            let locked = pkcs8::EncryptedPrivateKeyInfo::from_der(document.as_bytes())
                .map_err(|error| refused(error.to_string()))?;
            let opened = locked.decrypt(passphrase);
            opened.map_err(|_| refused("the passphrase does not open it".to_owned()))
        }
        label => Err(refused(format!(
            "it is {label:?}, not in PKCS #8: `openssl pkcs8 -topk8 -in KEY -out NEW` writes that"
        ))),
    }
}

impl Pair {
    fn read(der: &[u8]) -> Result<Self, Error> {
        let refused = |reason: String| Error::Key { reason };
        let info = PrivateKeyInfo::try_from(der).map_err(|error| refused(error.to_string()))?;
        let curve = info.algorithm.parameters_oid().ok();
        match (info.algorithm.oid, curve) {
            (rfc5912::RSA_ENCRYPTION, _) => rsa::RsaPrivateKey::from_pkcs8_der(der)
                .map(|key| Self::Rsa(Box::new(key)))
                .map_err(|error| refused(error.to_string())),
            (rfc5912::ID_EC_PUBLIC_KEY, Some(rfc5912::SECP_256_R_1)) => {
                let key = p256::ecdsa::SigningKey::from_pkcs8_der(der);
                key.map(Self::P256).map_err(|error| refused(error.to_string()))
            }
            (rfc5912::ID_EC_PUBLIC_KEY, Some(rfc5912::SECP_384_R_1)) => {
                let key = p384::ecdsa::SigningKey::from_pkcs8_der(der);
                key.map(Self::P384).map_err(|error| refused(error.to_string()))
            }
            (other, _) => Err(refused(format!(
                "its algorithm is {other}; RSA and ECDSA on P-256 or P-384 sign with certificates"
            ))),
        }
    }

    /// Returns the SubjectPublicKeyInfo.
    fn public(&self) -> Result<Vec<u8>, Error> {
        let document = match self {
            Self::P256(key) => key.verifying_key().to_public_key_der(),
            Self::P384(key) => key.verifying_key().to_public_key_der(),
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
        };
        let document = document.map_err(|error| Error::Key { reason: error.to_string() })?;
        Ok(document.into_vec())
    }

    /// Returns the digest that goes with the key: one that is as strong.
    const fn sha(&self) -> Sha {
        match self {
            Self::P256(_) | Self::Rsa(_) => Sha::Sha256,
            Self::P384(_) => Sha::Sha384,
        }
    }

    fn sign(
        &self,
        message: &[u8],
        seed: &[u8; 32],
    ) -> der::Result<(AlgorithmIdentifierOwned, Vec<u8>)> {
        let failed = |_| der::Error::from(der::ErrorKind::Failed);
        let ecdsa = |oid| AlgorithmIdentifierOwned { oid, parameters: None };
        match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.try_sign(message).map_err(failed)?;
                Ok((ecdsa(rfc5912::ECDSA_WITH_SHA_256), signature.as_bytes().to_vec()))
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.try_sign(message).map_err(failed)?;
                Ok((ecdsa(rfc5912::ECDSA_WITH_SHA_384), signature.as_bytes().to_vec()))
            }
            Self::Rsa(key) => {
                let scheme = Pss::new_with_salt::<rsa::sha2::Sha256>(SALT_BYTES);
                let digest = Sha256::digest(message);
                let mut random = Stream { seed: *seed, message: digest.to_vec(), count: 0 };
                let signature = key
                    .sign_with_rng(&mut random, scheme, &digest)
                    .map_err(|_| der::Error::from(der::ErrorKind::Failed))?;
                let algorithm = rsa::pss::get_default_pss_signature_algo_id::<rsa::sha2::Sha256>()
                    .map_err(|_| der::Error::from(der::ErrorKind::Failed))?;
                Ok((algorithm, signature))
            }
        }
    }
}

/// Random bytes for one signature: HMAC-SHA-256 of the message's digest and a counter, keyed with
/// what the caller drew. The same seed never gives two messages one salt.
struct Stream {
    seed: [u8; 32],
    message: Vec<u8>,
    count: u64,
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&self.seed)
                .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
            mac.update(&self.message);
            mac.update(&self.count.to_be_bytes());
            self.count = self.count.wrapping_add(1);
            let block = mac.finalize().into_bytes();
            chunk.iter_mut().zip(block).for_each(|(out, byte)| *out = byte);
        }
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), RandomError> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Stream {}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests hand files to openssl")]
mod tests {
    use super::*;
    use crate::unix_seconds;
    use std::process::Command;

    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../fixtures/x509/", $name)).as_slice()
        };
    }

    #[test]
    fn openssl_accepts_what_each_kind_of_key_signs() {
        let at = unix_seconds("2026-11-25T12:00:00Z").unwrap();
        let roots = Certificates::from_pem(file!("root.pem")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("root.pem"), file!("root.pem")).unwrap();
        std::fs::write(path("message"), file!("message")).unwrap();
        for (key, passphrase, chain) in [
            (file!("ana.pk8.pem"), None, file!("ana-chain.pem")),
            (file!("ana.locked.pem"), Some(&b"test"[..]), file!("ana-chain.pem")),
            (file!("rsa.pk8.pem"), None, file!("rsa-chain.pem")),
            (file!("p384.pk8.pem"), None, file!("p384.pem")),
        ] {
            let key = CertifiedKey::from_pem(key, passphrase, chain, [7; 32]).unwrap();
            let signature = key.sign(file!("message"), at).unwrap();
            let signer = check_cms(&signature, file!("message"), Some(&roots), at).unwrap();
            assert_eq!(&signer, key.certificate());
            std::fs::write(path("p7s"), &signature).unwrap();
            let checked = Command::new("openssl")
                .args(["cms", "-verify", "-binary", "-inform", "DER", "-in", "p7s"])
                .args(["-content", "message", "-CAfile", "root.pem", "-cades", "-out", "out"])
                .current_dir(folder.path())
                .output();
            let Ok(checked) = checked else {
                println!("skipped: openssl is not installed");
                continue;
            };
            assert!(checked.status.success(), "{}: {checked:?}", signer.subject());
        }
    }

    #[test]
    fn keys_that_cannot_sign_say_why() {
        let read = |key: &[u8], passphrase, chain| {
            let read = CertifiedKey::from_pem(key, passphrase, chain, [7; 32]);
            read.err().map(|error| error.to_string()).unwrap_or_default()
        };
        let chain = file!("ana-chain.pem");
        assert!(read(file!("ana.locked.pem"), None, chain).contains("locked"));
        assert!(read(file!("ana.locked.pem"), Some(b"no"), chain).contains("does not open"));
        assert!(read(file!("rsa.pk8.pem"), None, chain).contains("none in the chain"));
        assert!(read(file!("root.pem"), None, chain).contains("PKCS #8"));
        assert!(read(b"", None, chain).contains("cannot be used"));
        let key = CertifiedKey::from_pem(file!("ana.pk8.pem"), None, chain, [7; 32]).unwrap();
        assert!(key.sign(b"x", 0).unwrap_err().to_string().contains("not at 1970-01-01"));
    }
}
