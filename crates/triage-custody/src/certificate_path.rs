//! From a signer's certificate to a root that was given from outside: RFC 5280, section 6, without
//! policies, name constraints and revocation.

use der::Encode as _;
use der::asn1::ObjectIdentifier;
use der::oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_EMAIL_PROTECTION, ID_KP_TIME_STAMPING};

use crate::certificate::{Certificate, Usage};
use crate::public_signature::check_signature;
use crate::time::utc_text;
use crate::{Certificates, Error};

/// The longest path, root and signer included: public authorities have three or four.
const LIMIT_PATH: usize = 8;
/// The most signatures that are checked to find one path: a file may hold many issuers of one name.
const LIMIT_CHECKS: usize = 64;

/// id-kp-documentSigning (RFC 9336).
const DOCUMENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.36");
/// Document signing as Microsoft and Adobe name it; national cards bear them.
const MS_DOCUMENT_SIGNING: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.12");
const ADOBE_AUTHENTIC_DOCUMENTS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.5");

/// For what a certificate is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To sign a document.
    Sign,
    /// To sign a time-stamp: RFC 3161, section 2.3.
    Stamp,
}

/// Checks a signer's certificate at a time in seconds since 1970, and with roots its path to one of
/// them. Issuers may come from anywhere: their signatures are checked.
///
/// # Errors
/// [`Error::Certificate`] with the first reason.
pub(crate) fn check_path(
    signer: &Certificate,
    issuers: &[Certificate],
    roots: Option<&Certificates>,
    purpose: Purpose,
    at: i64,
) -> Result<(), Error> {
    check_purpose(signer, &signer.usage()?, purpose)?;
    check_time(signer, at)?;
    let Some(roots) = roots else { return Ok(()) };
    let mut climb = Climb { issuers, roots, at, checks: 0 };
    climb.from(signer, 0)
}

/// The signer's own certificate must be meant for what it does.
fn check_purpose(signer: &Certificate, usage: &Usage, purpose: Purpose) -> Result<(), Error> {
    let signs = |usage: &Usage| {
        let key = usage.key_usage.as_ref();
        key.is_none_or(|key| key.digital_signature() || key.non_repudiation())
    };
    if !signs(usage) {
        return Err(signer.refused("its key usage does not allow signatures"));
    }
    let known = [
        ANY_EXTENDED_KEY_USAGE,
        ID_KP_EMAIL_PROTECTION,
        DOCUMENT_SIGNING,
        MS_DOCUMENT_SIGNING,
        ADOBE_AUTHENTIC_DOCUMENTS,
    ];
    match (purpose, &usage.extended) {
        (Purpose::Sign, None) => Ok(()),
        (Purpose::Sign, Some((_, purposes))) => {
            if purposes.iter().any(|purpose| known.contains(purpose)) {
                return Ok(());
            }
            Err(signer.refused("its extended key usage is not for signing documents"))
        }
        (Purpose::Stamp, Some((true, purposes))) if *purposes == [ID_KP_TIME_STAMPING] => Ok(()),
        (Purpose::Stamp, _) => Err(signer.refused(
            "its extended key usage is not time-stamping alone, and critical (RFC 3161, 2.3)",
        )),
    }
}

fn check_time(certificate: &Certificate, at: i64) -> Result<(), Error> {
    if certificate.is_valid_at(at) {
        return Ok(());
    }
    let (from, until) = certificate.validity();
    let reason =
        format!("valid {} to {}, not at {}", utc_text(from), utc_text(until), utc_text(at));
    Err(certificate.refused(&reason))
}

/// The way up from one certificate, depth first.
struct Climb<'a> {
    issuers: &'a [Certificate],
    roots: &'a Certificates,
    at: i64,
    checks: usize,
}

impl Climb<'_> {
    /// `below` is how many issuers stand between `certificate` and the signer, itself included.
    fn from(&mut self, certificate: &Certificate, below: usize) -> Result<(), Error> {
        if self.roots.all().iter().any(|root| root.der() == certificate.der()) {
            return Ok(());
        }
        let unknown = format!("its issuer {} leads to no given root", certificate.issuer());
        let mut reason = certificate.refused(&unknown);
        if below.saturating_add(2) > LIMIT_PATH {
            return Err(certificate.refused(&format!("its path is longer than {LIMIT_PATH}")));
        }
        let roots = self.roots.all().iter().map(|root| (root, true));
        let issuers = self.issuers.iter().map(|issuer| (issuer, false));
        for (issuer, is_root) in roots.chain(issuers) {
            if !issuer.could_have_issued(certificate) || issuer.der() == certificate.der() {
                continue;
            }
            let checked = self.issued(issuer, certificate, below);
            let checked = match checked {
                Ok(()) if is_root => return Ok(()),
                Ok(()) => self.from(issuer, below.saturating_add(1)),
                Err(error) => Err(error),
            };
            match checked {
                Ok(()) => return Ok(()),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn issued(
        &mut self,
        issuer: &Certificate,
        certificate: &Certificate,
        below: usize,
    ) -> Result<(), Error> {
        let usage = issuer.usage()?;
        if !usage.is_ca || usage.key_usage.is_some_and(|key| !key.key_cert_sign()) {
            return Err(issuer.refused("it may not issue certificates"));
        }
        if usage.longest_path.is_some_and(|longest| usize::from(longest) < below) {
            return Err(issuer.refused("its path length is exceeded"));
        }
        check_time(issuer, self.at)?;
        self.checks = self.checks.saturating_add(1);
        if self.checks > LIMIT_CHECKS {
            return Err(issuer.refused(&format!("more than {LIMIT_CHECKS} issuers were tried")));
        }
        let signed = &certificate.inner;
        let message = signed.tbs_certificate.to_der().unwrap_or_default();
        if signed.tbs_certificate.signature != signed.signature_algorithm {
            return Err(certificate.refused("it names two signature algorithms"));
        }
        check_signature(
            &issuer.inner.tbs_certificate.subject_public_key_info,
            &signed.signature_algorithm,
            None,
            &message,
            signed.signature.raw_bytes(),
        )
        .map_err(|reason| certificate.refused(&reason))
    }
}
