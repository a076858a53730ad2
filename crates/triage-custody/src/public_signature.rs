//! One signature by the key of a certificate: RSA (PKCS #1 v1.5 and PSS, RFC 8017) and ECDSA on
//! P-256 and P-384, with SHA-2. SHA-1 and MD5 are refused by name.

use der::oid::db::rfc5912;
use der::{Decode as _, Encode as _, asn1::ObjectIdentifier};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::Digest as _;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// The shortest RSA key: NIST SP 800-131A, table 2.
const LEAST_RSA_BITS: usize = 2048;

/// ecdsa-with-SHA1 (RFC 3279, 2.2.3).
const ECDSA_WITH_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

/// The digests that a signature may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sha {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Sha {
    /// Returns the digest of that identifier.
    ///
    /// # Errors
    /// The reason why another is refused.
    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Result<Self, String> {
        match oid {
            rfc5912::ID_SHA_256 => Ok(Self::Sha256),
            rfc5912::ID_SHA_384 => Ok(Self::Sha384),
            rfc5912::ID_SHA_512 => Ok(Self::Sha512),
            rfc5912::ID_SHA_1 => Err("it uses SHA-1, which is broken".to_owned()),
            other => {
                Err(format!("it uses digest algorithm {other}; known are SHA-256, -384, -512"))
            }
        }
    }

    pub(crate) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => rfc5912::ID_SHA_256,
            Self::Sha384 => rfc5912::ID_SHA_384,
            Self::Sha512 => rfc5912::ID_SHA_512,
        }
    }

    pub(crate) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }
}

/// RSASSA-PSS-params (RFC 8017, A.2.3), every field stated.
#[derive(der::Sequence)]
struct PssParams {
    #[asn1(context_specific = "0", optional = "true")]
    hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", optional = "true")]
    salt_bytes: Option<u8>,
    #[asn1(context_specific = "3", optional = "true")]
    trailer: Option<u8>,
}

/// Checks a signature over bytes. `digest` is what a CMS signer states beside an algorithm that
/// does not say it.
///
/// # Errors
/// The reason, in words that go on from the signer's name.
pub(crate) fn check_signature(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    digest: Option<Sha>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let ecdsa = |sha: Sha| check_ecdsa(key, &sha.digest(message), signature);
    let pkcs1 = |sha: Sha| {
        let digest = sha.digest(message);
        let scheme = match sha {
            Sha::Sha256 => Pkcs1v15Sign::new::<rsa::sha2::Sha256>(),
            Sha::Sha384 => Pkcs1v15Sign::new::<rsa::sha2::Sha384>(),
            Sha::Sha512 => Pkcs1v15Sign::new::<rsa::sha2::Sha512>(),
        };
        rsa_key(key)?.verify(scheme, &digest, signature).map_err(|_| wrong())
    };
    match algorithm.oid {
        rfc5912::ECDSA_WITH_SHA_256 => ecdsa(Sha::Sha256),
        rfc5912::ECDSA_WITH_SHA_384 => ecdsa(Sha::Sha384),
        rfc5912::ECDSA_WITH_SHA_512 => ecdsa(Sha::Sha512),
        rfc5912::SHA_256_WITH_RSA_ENCRYPTION => pkcs1(Sha::Sha256),
        rfc5912::SHA_384_WITH_RSA_ENCRYPTION => pkcs1(Sha::Sha384),
        rfc5912::SHA_512_WITH_RSA_ENCRYPTION => pkcs1(Sha::Sha512),
        rfc5912::RSA_ENCRYPTION => pkcs1(digest.ok_or("its signature names no digest")?),
        rfc5912::ID_RSASSA_PSS => check_pss(key, algorithm, message, signature),
        rfc5912::SHA_1_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_1 => {
            Err("it is signed with SHA-1, which is broken".to_owned())
        }
        rfc5912::MD_5_WITH_RSA_ENCRYPTION => {
            Err("it is signed with MD5, which is broken".to_owned())
        }
        other => Err(format!("it is signed with algorithm {other}, which is not known here")),
    }
}

fn wrong() -> String {
    "its signature does not hold".to_owned()
}

fn rsa_key(key: &SubjectPublicKeyInfoOwned) -> Result<RsaPublicKey, String> {
    if key.algorithm.oid != rfc5912::RSA_ENCRYPTION {
        return Err("an RSA signature by a key that is no RSA key".to_owned());
    }
    let der = key.to_der().map_err(|error| error.to_string())?;
    // The library refuses moduli above 4,096 bits, whose arithmetic is slow.
    let key = RsaPublicKey::from_public_key_der(&der).map_err(|error| error.to_string())?;
    let bits = key.size().saturating_mul(8);
    if bits < LEAST_RSA_BITS {
        return Err(format!("the RSA key has {bits} bits, at least {LEAST_RSA_BITS} are asked"));
    }
    Ok(key)
}

fn check_pss(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    let stated = algorithm.parameters.as_ref().ok_or("its PSS parameters are missing")?;
    let params = stated
        .to_der()
        .and_then(|der| PssParams::from_der(&der))
        .map_err(|error| format!("its PSS parameters cannot be read: {error}"))?;
    // What is not stated is SHA-1 (RFC 8017, A.2.3).
    let sha = Sha::from_oid(params.hash.map_or(rfc5912::ID_SHA_1, |hash| hash.oid))?;
    let mask = params.mask.ok_or("its mask uses SHA-1, which is broken")?;
    let masked = mask.parameters.as_ref().and_then(|inner| inner.to_der().ok());
    let masked = masked.and_then(|der| AlgorithmIdentifierOwned::from_der(&der).ok());
    let same = masked.map(|hash| Sha::from_oid(hash.oid)) == Some(Ok(sha));
    if mask.oid != rfc5912::ID_MGF_1 || !same || params.trailer.is_some_and(|one| one != 1) {
        return Err("its PSS parameters are not MGF1 with the same digest".to_owned());
    }
    let salt = usize::from(params.salt_bytes.unwrap_or(20));
    let scheme = match sha {
        Sha::Sha256 => Pss::new_with_salt::<rsa::sha2::Sha256>(salt),
        Sha::Sha384 => Pss::new_with_salt::<rsa::sha2::Sha384>(salt),
        Sha::Sha512 => Pss::new_with_salt::<rsa::sha2::Sha512>(salt),
    };
    rsa_key(key)?.verify(scheme, &sha.digest(message), signature).map_err(|_| wrong())
}

fn check_ecdsa(
    key: &SubjectPublicKeyInfoOwned,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), String> {
    if key.algorithm.oid != rfc5912::ID_EC_PUBLIC_KEY {
        return Err("an ECDSA signature by a key that is no EC key".to_owned());
    }
    let unusable = |_| "its key is no point of its curve".to_owned();
    let point = key.subject_public_key.raw_bytes();
    let curve = key.algorithm.parameters.as_ref();
    match curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok()) {
        Some(rfc5912::SECP_256_R_1) => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(unusable)?;
            let signature = p256::ecdsa::Signature::from_der(signature).map_err(|_| wrong())?;
            key.verify_prehash(digest, &signature).map_err(|_| wrong())
        }
        Some(rfc5912::SECP_384_R_1) => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(unusable)?;
            let signature = p384::ecdsa::Signature::from_der(signature).map_err(|_| wrong())?;
            key.verify_prehash(digest, &signature).map_err(|_| wrong())
        }
        Some(other) => Err(format!("its key is on curve {other}; known are P-256 and P-384")),
        None => Err("its key names no curve".to_owned()),
    }
}
