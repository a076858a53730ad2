//! Time-stamps of RFC 3161: the query that is carried to an authority, and the reply that comes
//! back. Bytes in and out: who carries them is elsewhere.

use cms::content_info::ContentInfo;
use der::asn1::{BitString, Int, ObjectIdentifier, OctetString};
use der::oid::db::rfc5912;
use der::{Any, Decode as _, Encode as _, Tag, Tagged as _};
use sha2::{Digest as _, Sha256};
use x509_cert::ext::Extensions;
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::certificate_path::Purpose;
use crate::cms_signature::{LIMIT_CMS_BYTES, NamesCertificate, Signed};
use crate::public_signature::Sha;
use crate::time::generalized;
use crate::{Certificate, Certificates, Error};

/// id-ct-TSTInfo (RFC 3161, 2.4.2).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// The longest query: one of ours has 69 bytes.
const LIMIT_QUERY_BYTES: usize = 4096;

/// MessageImprint (RFC 3161, 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq, der::Sequence)]
struct Imprint {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// TimeStampReq (RFC 3161, 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq, der::Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    #[asn1(optional = "true")]
    policy: Option<ObjectIdentifier>,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(default = "Default::default")]
    wants_certificate: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// PKIStatusInfo (RFC 4210, 5.2.3).
#[derive(der::Sequence)]
struct Status {
    status: u8,
    #[asn1(optional = "true")]
    words: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

/// TimeStampResp (RFC 3161, 2.4.2).
#[derive(der::Sequence)]
struct Reply {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// Accuracy (RFC 3161, 2.4.2).
#[derive(der::Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// TSTInfo (RFC 3161, 2.4.2). The time is taken as it is: it may have a fraction.
#[derive(der::Sequence)]
struct Statement {
    version: u8,
    policy: ObjectIdentifier,
    imprint: Imprint,
    serial: Int,
    time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// A query for a time-stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampQuery(Request);

impl StampQuery {
    /// Makes the query for some bytes: their SHA-256, a nonce of eight bytes that the caller drew,
    /// and the wish for the authority's certificate.
    ///
    /// # Errors
    /// [`Error::Stamp`] if it cannot be written.
    pub fn new(message: &[u8], mut nonce: [u8; 8]) -> Result<Self, Error> {
        // A positive number without leading zeros: one that every authority reads alike.
        if let Some(first) = nonce.first_mut() {
            *first = (*first & 0x7f) | 0x40;
        }
        let algorithm =
            AlgorithmIdentifierOwned { oid: rfc5912::ID_SHA_256, parameters: Some(Any::null()) };
        let digest = OctetString::new(Sha256::digest(message).to_vec()).map_err(torn("query"))?;
        Ok(Self(Request {
            version: 1,
            imprint: Imprint { algorithm, digest },
            policy: None,
            nonce: Some(Int::new(&nonce).map_err(torn("query"))?),
            wants_certificate: true,
            extensions: None,
        }))
    }

    /// Returns the bytes of the query, as `openssl ts -query` writes one.
    ///
    /// # Errors
    /// [`Error::Stamp`] if it cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.0.to_der().map_err(torn("query"))
    }

    /// Reads a query.
    ///
    /// # Errors
    /// [`Error::Stamp`] if it is none, is over SHA-1, or has no nonce.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LIMIT_QUERY_BYTES {
            let (what, actual) = ("a query for a time-stamp", bytes.len());
            return Err(Error::TooLong { what, limit: LIMIT_QUERY_BYTES, actual });
        }
        let request = Request::from_der(bytes).map_err(torn("query"))?;
        imprint_digest(&request.imprint)?;
        if request.nonce.is_none() {
            return Err(refused("the query has no nonce: an old reply would answer it too"));
        }
        Ok(Self(request))
    }

    /// Says whether the query is for these bytes.
    #[must_use]
    pub fn is_for(&self, message: &[u8]) -> bool {
        imprint_digest(&self.0.imprint)
            .is_ok_and(|sha| self.0.imprint.digest.as_bytes() == sha.digest(message))
    }
}

/// A time-stamp that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time that it states, in seconds since 1970.
    pub seconds: i64,
    /// The certificate of the authority.
    pub authority: Certificate,
}

impl Stamp {
    /// Checks the reply of an authority: status, imprint of `message`, the query's nonce, the
    /// signature, the certificate's purpose, and with roots its path to one of them, at the time
    /// that is stated. No path without roots.
    ///
    /// # Errors
    /// [`Error::Stamp`], [`Error::Cms`] or [`Error::Certificate`] with the reason.
    pub fn check(
        reply: &[u8],
        query: &StampQuery,
        message: &[u8],
        roots: Option<&Certificates>,
    ) -> Result<Self, Error> {
        if reply.len() > LIMIT_CMS_BYTES {
            let (what, actual) = ("a time-stamp", reply.len());
            return Err(Error::TooLong { what, limit: LIMIT_CMS_BYTES, actual });
        }
        let reply = Reply::from_der(reply).map_err(torn("reply"))?;
        let token = match (reply.status.status, reply.token) {
            (0 | 1, Some(token)) => token.to_der().map_err(torn("reply"))?,
            (0 | 1, None) => return Err(refused("the reply holds no time-stamp")),
            (status, _) => {
                let words = reply.status.words.unwrap_or_default().join("; ");
                return Err(refused(&format!("the authority refused: status {status} {words}")));
            }
        };
        let signed = Signed::read(&token, TST_INFO, None, NamesCertificate::Must)?;
        let content = signed.content.as_deref().unwrap_or_default();
        let statement = Statement::from_der(content).map_err(torn("time-stamp"))?;
        let seconds = statement.check(query, message)?;
        signed.check_signer(roots, Purpose::Stamp, seconds)?;
        Ok(Self { seconds, authority: signed.signer })
    }
}

impl Statement {
    /// Checks what was stamped, and returns when.
    fn check(&self, query: &StampQuery, message: &[u8]) -> Result<i64, Error> {
        if self.version != 1 {
            return Err(refused(&format!("its version is {}, not 1", self.version)));
        }
        let sha = imprint_digest(&self.imprint)?;
        if self.imprint.digest.as_bytes() != sha.digest(message) {
            return Err(refused("its imprint is of other bytes"));
        }
        if !query.is_for(message) || self.imprint.algorithm.oid != query.0.imprint.algorithm.oid {
            return Err(refused("the query is for other bytes"));
        }
        if self.nonce != query.0.nonce {
            return Err(refused("its nonce is not that of the query"));
        }
        if query.0.policy.is_some_and(|policy| policy != self.policy) {
            return Err(refused("its policy is not the one that was asked for"));
        }
        let critical = |all: &Extensions| all.iter().any(|extension| extension.critical);
        if self.extensions.as_ref().is_some_and(critical) {
            return Err(refused("it has a critical extension, which is not known here"));
        }
        if self.time.tag() != Tag::GeneralizedTime {
            return Err(refused("its time is not a GeneralizedTime"));
        }
        generalized(self.time.value()).ok_or_else(|| refused("its time cannot be read"))
    }
}

fn imprint_digest(imprint: &Imprint) -> Result<Sha, Error> {
    Sha::from_oid(imprint.algorithm.oid).map_err(|reason| refused(&format!("imprint: {reason}")))
}

fn refused(reason: &str) -> Error {
    Error::Stamp { reason: reason.to_owned() }
}

fn torn(what: &'static str) -> impl Fn(der::Error) -> Error {
    move |error| Error::Stamp { reason: format!("the {what} cannot be read: {error}") }
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

    fn check(reply: &[u8], query: &[u8], root: &[u8]) -> Result<Stamp, String> {
        let roots = Certificates::from_pem(root).unwrap();
        let query = StampQuery::parse(query).map_err(|error| error.to_string())?;
        Stamp::check(reply, &query, file!("message"), Some(&roots)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_query_is_the_one_that_openssl_writes() {
        let query = StampQuery::new(file!("message"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        let bytes = query.to_bytes().unwrap();
        assert_eq!(StampQuery::parse(&bytes).unwrap(), query);
        assert!(query.is_for(file!("message")) && !query.is_for(b"another"));
        // The same but for the nonce, which is 12 bytes before the end.
        let theirs = file!("nonce.tsq");
        assert_eq!(bytes[2..bytes.len() - 13], theirs[2..bytes.len() - 13]);
        for nonce in [[0; 8], [0xff; 8]] {
            let bytes = StampQuery::new(b"", nonce).unwrap().to_bytes().unwrap();
            assert!(StampQuery::parse(&bytes).is_ok());
        }
    }

    #[test]
    fn stamps_of_an_openssl_authority_hold() {
        for reply in [file!("good.tsr"), file!("precise.tsr")] {
            let stamp = check(reply, file!("good.tsq"), file!("root.pem")).unwrap();
            assert_eq!(stamp.authority.subject(), "CN=TEST TSA,O=Example Lab");
            assert!(stamp.seconds > unix_seconds("2026-11-24T00:00:00Z").unwrap());
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let (good, root) = (file!("good.tsq"), file!("root.pem"));
        for (reply, query, root, reason) in [
            (file!("good.tsr"), good, file!("other.pem"), "leads to no given root"),
            (file!("late.tsr"), good, root, "valid 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z"),
            (file!("purpose-web.tsr"), good, root, "not time-stamping alone"),
            (file!("purpose-ana.tsr"), good, root, "not time-stamping alone"),
            (file!("good.tsr"), file!("nonce.tsq"), root, "its nonce is not that of the query"),
            (file!("good.tsr"), file!("no-nonce.tsq"), root, "the query has no nonce"),
            (file!("other.tsr"), good, root, "its imprint is of other bytes"),
            (file!("good.tsr"), file!("other.tsq"), root, "the query is for other bytes"),
            (file!("sha1.tsr"), good, root, "imprint: it uses SHA-1, which is broken"),
            (file!("good.tsr"), file!("sha1.tsq"), root, "imprint: it uses SHA-1"),
            (file!("signed-sha1.tsr"), good, root, "it uses SHA-1, which is broken"),
            (file!("named-sha1.tsr"), good, root, "names its certificate by SHA-1"),
            (file!("rejected.tsr"), good, root, "the authority refused: status 2 x"),
            (file!("ec.p7s"), good, root, "the reply cannot be read"),
        ] {
            let refused = check(reply, query, root).unwrap_err();
            assert!(refused.contains(reason), "{refused} has not {reason}");
        }
    }

    #[test]
    fn no_changed_byte_passes_as_another_stamp_and_none_panics() {
        let whole = file!("good.tsr");
        let known = check(whole, file!("good.tsq"), file!("root.pem")).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[place] ^= 1;
            if let Ok(stamp) = check(&changed, file!("good.tsq"), file!("root.pem")) {
                assert_eq!(stamp, known, "byte {place}");
            }
            assert!(check(&whole[..place], file!("good.tsq"), file!("root.pem")).is_err());
        }
        for place in 0..file!("good.tsq").len() {
            let _refused = StampQuery::parse(&file!("good.tsq")[..place]).unwrap_err();
        }
    }
}
