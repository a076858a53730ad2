//! Signatures that `ssh-keygen -Y verify` checks: SSHSIG (OpenSSH PROTOCOL.sshsig) with Ed25519.

use base64::Engine as _;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig};

use crate::Error;

/// The namespace of our signatures: one made for another purpose is never valid for a seal.
pub const NAMESPACE: &str = "triage-seal-v1";

/// The longest signature file: one by RSA with 16,384 bits has 5 KiB.
const LIMIT_SIGNATURE_BYTES: usize = 64 * 1024;

fn unusable(error: &impl ToString) -> Error {
    Error::Key { reason: error.to_string() }
}

/// Signs the bytes that it is given and returns the signature as the agent protocol has it.
type RemoteSigner = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + Send + Sync>;

/// A private key that signs seals: at hand, or behind an agent that never shows it.
pub struct SigningKey(Holder);

enum Holder {
    File(Box<PrivateKey>),
    Remote { public: PublicKey, sign: RemoteSigner },
}

impl SigningKey {
    /// Makes a key of 32 random bytes that the caller drew.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be built.
    pub fn from_seed(seed: &[u8; 32], comment: &str) -> Result<Self, Error> {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
        let key = PrivateKey::new(pair, comment).map_err(|error| unusable(&error))?;
        Ok(Self(Holder::File(Box::new(key))))
    }

    /// Makes a key of which only the public half is at hand; `sign` asks whoever holds the other.
    #[must_use]
    pub fn remote(public: PublicKey, sign: RemoteSigner) -> Self {
        Self(Holder::Remote { public, sign })
    }

    /// Reads a private key in the format of OpenSSH, opening it with a passphrase if it is locked.
    ///
    /// # Errors
    /// [`Error::Key`] if it is none, is not Ed25519, or is locked and the passphrase is missing or
    /// wrong.
    pub fn from_openssh(text: &[u8], passphrase: Option<&[u8]>) -> Result<Self, Error> {
        let mut key = PrivateKey::from_openssh(text).map_err(|error| unusable(&error))?;
        if key.is_encrypted() {
            let Some(passphrase) = passphrase else {
                return Err(Error::Key { reason: "it is locked with a passphrase".to_owned() });
            };
            key = key
                .decrypt(passphrase)
                .map_err(|_| Error::Key { reason: "the passphrase does not open it".to_owned() })?;
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(Error::Key {
                reason: format!("it is {}, not ssh-ed25519; use an agent", key.algorithm()),
            });
        }
        Ok(Self(Holder::File(Box::new(key))))
    }

    /// Returns the private key in the format of OpenSSH. To be kept secret.
    ///
    /// # Errors
    /// [`Error::Key`] if it is behind an agent or cannot be written.
    pub fn to_openssh(&self) -> Result<String, Error> {
        match &self.0 {
            Holder::File(key) => {
                let text = key.to_openssh(LineEnding::LF).map_err(|error| unusable(&error))?;
                Ok(text.to_string())
            }
            Holder::Remote { .. } => {
                Err(Error::Key { reason: "an agent shows no private key".to_owned() })
            }
        }
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Holder::File(key) => PublicKey(key.public_key().clone()),
            Holder::Remote { public, .. } => public.clone(),
        }
    }

    /// Signs bytes and returns the armoured signature file. A signature by an agent is checked
    /// before it is returned.
    ///
    /// # Errors
    /// [`Error::Signature`] if the signature cannot be made, or the agent's does not hold.
    pub fn sign(&self, message: &[u8]) -> Result<String, Error> {
        match &self.0 {
            Holder::File(key) => {
                let signature = key.sign(NAMESPACE, HashAlg::Sha512, message).map_err(invalid)?;
                signature.to_pem(LineEnding::LF).map_err(invalid)
            }
            Holder::Remote { public, sign } => {
                let signed = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, message);
                let blob = sign(&signed.map_err(invalid)?)?;
                let armoured = armour(&public.to_blob()?, &blob);
                public.verify(message, armoured.as_bytes())?;
                Ok(armoured)
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn invalid(error: ssh_key::Error) -> Error {
    Error::Signature { reason: error.to_string() }
}

/// Returns a signature file: PROTOCOL.sshsig, "Armored format" and "Blob format". The signature
/// passes through as the agent made it, whatever its algorithm.
fn armour(public: &[u8], signature: &[u8]) -> String {
    let mut blob = b"SSHSIG".to_vec();
    blob.extend(1_u32.to_be_bytes());
    for part in [public, NAMESPACE.as_bytes(), b"", b"sha512", signature] {
        blob.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        blob.extend(part);
    }
    let base64 = base64::engine::general_purpose::STANDARD.encode(blob);
    let mut text = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(70));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text + "-----END SSH SIGNATURE-----\n"
}

/// A public key that checks seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ssh_key::PublicKey);

impl PublicKey {
    /// Reads a line of a `.pub` file.
    ///
    /// # Errors
    /// [`Error::Key`] if it is none.
    pub fn from_line(line: &str) -> Result<Self, Error> {
        ssh_key::PublicKey::from_openssh(line).map(Self).map_err(|error| unusable(&error))
    }

    /// Returns the line of a `.pub` file, without a line end.
    ///
    /// # Errors
    /// [`Error::Key`] if it cannot be written.
    pub fn to_line(&self) -> Result<String, Error> {
        self.0.to_openssh().map_err(|error| unusable(&error))
    }

    /// Reads a key as the agent protocol has it.
    ///
    /// # Errors
    /// [`Error::Key`] if it is none.
    pub fn from_blob(blob: &[u8]) -> Result<Self, Error> {
        ssh_key::PublicKey::from_bytes(blob).map(Self).map_err(|error| unusable(&error))
    }

    /// Returns the key as the agent protocol has it.
    ///
    /// # Errors
    /// [`Error::Key`] if it cannot be written.
    pub fn to_blob(&self) -> Result<Vec<u8>, Error> {
        self.0.to_bytes().map_err(|error| unusable(&error))
    }

    /// Returns the key that an armoured signature says it is by.
    ///
    /// # Errors
    /// [`Error::Signature`] if it is none.
    pub fn of_signature(signature: &[u8]) -> Result<Self, Error> {
        Ok(Self(read_signature(signature)?.public_key().clone().into()))
    }

    /// Says whether both are the same key, whatever their comments.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.key_data() == other.0.key_data()
    }

    /// Returns the fingerprint as `ssh-keygen -lf` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Checks an armoured signature over bytes.
    ///
    /// # Errors
    /// [`Error::Signature`] if it is not one of this key, in our namespace, over those bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.0.verify(NAMESPACE, message, &read_signature(signature)?).map_err(invalid)
    }
}

fn read_signature(armoured: &[u8]) -> Result<SshSig, Error> {
    if armoured.len() > LIMIT_SIGNATURE_BYTES {
        let (what, actual) = ("a signature", armoured.len());
        return Err(Error::TooLong { what, limit: LIMIT_SIGNATURE_BYTES, actual });
    }
    SshSig::from_pem(armoured).map_err(invalid)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests hand files to ssh-keygen")]
mod tests {
    use super::*;
    use crate::{AllowedSigner, AllowedSigners, TimeZone};
    use std::process::{Command, Stdio};

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32], "ana@lab.example").unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_key_alone() {
        let key = SigningKey::from_openssh(key().to_openssh().unwrap().as_bytes(), None).unwrap();
        let signature = key.sign(b"seal").unwrap();
        key.public().verify(b"seal", signature.as_bytes()).unwrap();
        assert!(key.public().verify(b"sea1", signature.as_bytes()).is_err());
        let other = SigningKey::from_seed(&[8; 32], "").unwrap().public();
        assert!(other.verify(b"seal", signature.as_bytes()).is_err());
    }

    #[test]
    fn what_an_agent_signs_is_the_same_file() {
        let remote = |seed: u8| {
            let held = SigningKey::from_seed(&[seed; 32], "").unwrap();
            let sign = move |bytes: &[u8]| -> Result<Vec<u8>, Error> {
                let Holder::File(key) = &held.0 else { panic!("a file") };
                let signature = signature::Signer::try_sign(key.as_ref(), bytes).unwrap();
                let mut blob = vec![0, 0, 0, 11];
                blob.extend(b"ssh-ed25519\0\0\0\x40");
                blob.extend(signature.as_bytes());
                Ok(blob)
            };
            SigningKey::remote(key().public(), Box::new(sign))
        };
        assert_eq!(remote(7).sign(b"seal").unwrap(), key().sign(b"seal").unwrap());
        assert!(remote(8).sign(b"seal").is_err(), "another key than the one asked for");
        assert!(remote(7).to_openssh().is_err());
    }

    #[test]
    fn a_locked_key_needs_its_passphrase() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "correct horse", "-f"])
            .arg(&path)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped: ssh-keygen is not installed");
            return;
        }
        let text = std::fs::read(&path).unwrap();
        assert!(SigningKey::from_openssh(&text, None).is_err());
        assert!(SigningKey::from_openssh(&text, Some(b"battery")).is_err());
        let key = SigningKey::from_openssh(&text, Some(b"correct horse")).unwrap();
        key.public().verify(b"x", key.sign(b"x").unwrap().as_bytes()).unwrap();
    }

    #[test]
    fn ssh_keygen_makes_and_checks_the_same_signatures() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("key"), key().to_openssh().unwrap()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(at("key"), mode).unwrap();
        std::fs::write(at("seal"), b"seal\n").unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
            .args([at("key"), at("seal")])
            .output();
        let Ok(made) = made else {
            println!("skipped: ssh-keygen is not installed");
            return;
        };
        assert!(made.status.success(), "{made:?}");
        let ours = key().sign(b"seal\n").unwrap();
        assert_eq!(std::fs::read_to_string(at("seal.sig")).unwrap(), ours);
        let allowed = AllowedSigner::line("ana@lab.example", &key().public()).unwrap();
        let read = AllowedSigners::parse(&allowed, &TimeZone::UTC).unwrap();
        assert!(read.all()[0].key.is(&key().public()));
        std::fs::write(at("allowed"), allowed).unwrap();
        let checked = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-I", "ana@lab.example", "-n", NAMESPACE])
            .arg("-f")
            .arg(at("allowed"))
            .arg("-s")
            .arg(at("seal.sig"))
            .stdin(Stdio::from(std::fs::File::open(at("seal")).unwrap()))
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
    }
}
