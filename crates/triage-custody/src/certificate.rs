//! X.509 certificates (RFC 5280) from files and from signatures: what they say. Whether one is to
//! be believed is the question of [`crate::Certificates`] that came from outside, in
//! `certificate_path`. Revocation is not asked: that needs a network.

use der::{Decode as _, Encode as _, asn1::ObjectIdentifier};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::{Error, sha256_hex};

/// The largest file of certificates: a laboratory's roots are a few kilobytes each.
const LIMIT_FILE_BYTES: usize = 1024 * 1024;
/// The most certificates of one file or signature.
const LIMIT_CERTIFICATES: usize = 64;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub(crate) inner: x509_cert::Certificate,
    der: Vec<u8>,
}

/// What a certificate may be used for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Whether it may issue others.
    pub(crate) is_ca: bool,
    /// How many issuers may stand between it and the signer.
    pub(crate) longest_path: Option<u8>,
    /// Its key usage, if it says one.
    pub(crate) key_usage: Option<KeyUsage>,
    /// Its extended key usage, and whether that is critical, if it says one.
    pub(crate) extended: Option<(bool, Vec<ObjectIdentifier>)>,
}

impl Certificate {
    pub(crate) fn new(inner: x509_cert::Certificate) -> Result<Self, Error> {
        let der = inner.to_der().map_err(|error| unreadable(&error))?;
        Ok(Self { inner, der })
    }

    /// Returns the subject as RFC 4514 writes it. The text is the certificate's: escape it.
    #[must_use]
    pub fn subject(&self) -> String {
        self.inner.tbs_certificate.subject.to_string()
    }

    /// Returns the SHA-256 of its DER form, as `openssl x509 -fingerprint -sha256` has it.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_hex(&self.der)
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn issuer(&self) -> String {
        self.inner.tbs_certificate.issuer.to_string()
    }

    /// Says whether the other certificate's issuer is called like this one's subject.
    pub(crate) fn could_have_issued(&self, other: &Self) -> bool {
        self.inner.tbs_certificate.subject == other.inner.tbs_certificate.issuer
    }

    /// Returns the first and last second of its validity, since 1970.
    pub(crate) fn validity(&self) -> (i64, i64) {
        let validity = &self.inner.tbs_certificate.validity;
        let seconds = |time: &x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
        };
        (seconds(&validity.not_before), seconds(&validity.not_after))
    }

    /// Says whether it was valid at a time in seconds since 1970.
    #[must_use]
    pub fn is_valid_at(&self, seconds: i64) -> bool {
        let (from, until) = self.validity();
        (from..=until).contains(&seconds)
    }

    /// Reads what it may be used for.
    ///
    /// # Errors
    /// [`Error::Certificate`] if an extension cannot be read, stands twice, or is critical and not
    /// one that is minded here (RFC 5280, 4.2).
    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        use der::oid::db::rfc5280::{
            ID_CE_BASIC_CONSTRAINTS, ID_CE_CERTIFICATE_POLICIES, ID_CE_EXT_KEY_USAGE,
            ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME,
        };
        let mut usage = Usage::default();
        let mut seen: Vec<ObjectIdentifier> = Vec::new();
        for extension in self.inner.tbs_certificate.extensions.iter().flatten() {
            let (id, value) = (extension.extn_id, extension.extn_value.as_bytes());
            if seen.contains(&id) {
                return Err(self.refused(&format!("extension {id} stands twice")));
            }
            seen.push(id);
            let torn = |_| self.refused(&format!("extension {id} cannot be read"));
            match id {
                ID_CE_BASIC_CONSTRAINTS => {
                    let constraints = BasicConstraints::from_der(value).map_err(torn)?;
                    usage.is_ca = constraints.ca;
                    usage.longest_path = constraints.path_len_constraint;
                }
                ID_CE_KEY_USAGE => {
                    usage.key_usage = Some(KeyUsage::from_der(value).map_err(torn)?);
                }
                ID_CE_EXT_KEY_USAGE => {
                    let purposes = ExtendedKeyUsage::from_der(value).map_err(torn)?;
                    usage.extended = Some((extension.critical, purposes.0));
                }
                ID_CE_CERTIFICATE_POLICIES | ID_CE_SUBJECT_ALT_NAME => {}
                _ if extension.critical => {
                    return Err(self.refused(&format!("critical extension {id} is not known")));
                }
                _ => {}
            }
        }
        Ok(usage)
    }

    pub(crate) fn refused(&self, reason: &str) -> Error {
        Error::Certificate { reason: format!("{}: {reason}", self.subject()) }
    }
}

/// Certificates in the order of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates(Vec<Certificate>);

impl Certificates {
    /// Reads the certificates of a PEM file (RFC 7468); what stands between them is passed over.
    ///
    /// # Errors
    /// [`Error::Certificate`] if there is none, one cannot be read, or there are too many.
    pub fn from_pem(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LIMIT_FILE_BYTES {
            let (what, actual) = ("a file of certificates", bytes.len());
            return Err(Error::TooLong { what, limit: LIMIT_FILE_BYTES, actual });
        }
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        let mut found = Vec::new();
        for part in text.split(BEGIN).skip(1) {
            let Some((body, _)) = part.split_once(END) else {
                return Err(unreadable(&"one has no end"));
            };
            let base64: String = body.split_ascii_whitespace().collect();
            let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64)
                .map_err(|error| unreadable(&error))?;
            let inner = x509_cert::Certificate::from_der(&der).map_err(|e| unreadable(&e))?;
            found.push(Certificate::new(inner)?);
        }
        Self::new(found)
    }

    /// Takes certificates that were read elsewhere.
    pub(crate) fn new(found: Vec<Certificate>) -> Result<Self, Error> {
        match found.len() {
            0 => Err(unreadable(&"there is none")),
            1..=LIMIT_CERTIFICATES => Ok(Self(found)),
            more => Err(unreadable(&format!("{more}, at most {LIMIT_CERTIFICATES} are read"))),
        }
    }

    /// Returns them.
    #[must_use]
    pub fn all(&self) -> &[Certificate] {
        &self.0
    }
}

pub(crate) fn unreadable(error: &impl ToString) -> Error {
    Error::Certificate { reason: format!("cannot be read: {}", error.to_string()) }
}
