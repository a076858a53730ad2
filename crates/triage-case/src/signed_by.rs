//! Who signs a seal, and whom a reader of a package trusts.

use triage_custody::{AllowedSigners, Certificates, CertifiedKey, SealedCertificate, SigningKey};

/// A key of OpenSSH and the name under which it is known, such as an address.
pub struct NamedKey {
    /// The name.
    pub principal: String,
    /// The key.
    pub key: SigningKey,
}

/// Who signs a seal: with a key of OpenSSH, with a certificate, or with both.
#[derive(Default)]
pub struct SignedBy {
    /// Signs as `ssh-keygen -Y sign` does.
    pub key: Option<NamedKey>,
    /// Signs as `openssl cms -sign` does.
    pub certificate: Option<CertifiedKey>,
}

impl SignedBy {
    /// Returns the name that the seal gives its signer; `None` if only a certificate signs.
    #[must_use]
    pub fn principal(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.principal.as_str())
    }

    /// Returns the signer as people read it: the name of the key, else the certificate's subject.
    #[must_use]
    pub fn name(&self) -> String {
        let subject = || self.certificate.as_ref().map(|key| key.certificate().subject());
        self.principal().map(str::to_owned).or_else(subject).unwrap_or_default()
    }

    /// Returns what the seal says of the certificate.
    pub(crate) fn sealed_certificate(&self) -> Option<SealedCertificate> {
        let certificate = self.certificate.as_ref()?.certificate();
        let (sha256, subject) = (certificate.sha256(), certificate.subject());
        Some(SealedCertificate { sha256, subject })
    }
}

/// What comes from outside a package and is believed. Without it, a package proves only that it
/// was made by whoever holds the keys that it names itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// The keys of OpenSSH that may sign, for whom and when.
    pub allowed_signers: Option<&'a AllowedSigners>,
    /// The roots of certificates that sign seals.
    pub cms_roots: Option<&'a Certificates>,
    /// The roots of authorities that stamp the time.
    pub tsa_roots: Option<&'a Certificates>,
    /// The time now, in seconds since 1970, for what has ended since.
    pub now: Option<i64>,
}

impl Trust<'_> {
    /// Says whether the newest seal must be signed by somebody who is trusted.
    pub(crate) fn expects_signer(&self) -> bool {
        self.allowed_signers.is_some() || self.cms_roots.is_some()
    }
}
