//! Signatures that `ssh-keygen -Y verify` checks: SSHSIG (OpenSSH PROTOCOL.sshsig) with Ed25519.

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, SshSig};

use crate::Error;

/// The namespace of our signatures: one made for another purpose is never valid for a seal.
pub const NAMESPACE: &str = "triage-seal-v1";

fn unusable(error: &impl ToString) -> Error {
    Error::Key { reason: error.to_string() }
}

/// A private key that signs seals.
pub struct SigningKey(PrivateKey);

impl SigningKey {
    /// Makes a key of 32 random bytes that the caller drew.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be built.
    pub fn from_seed(seed: &[u8; 32], comment: &str) -> Result<Self, Error> {
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(seed));
        PrivateKey::new(pair, comment).map(Self).map_err(|error| unusable(&error))
    }

    /// Reads a private key in the format of OpenSSH.
    ///
    /// # Errors
    /// [`Error::Key`] if it is none, is encrypted, or is not Ed25519.
    pub fn from_openssh(text: &[u8]) -> Result<Self, Error> {
        let key = PrivateKey::from_openssh(text).map_err(|error| unusable(&error))?;
        if key.is_encrypted() {
            return Err(Error::Key { reason: "it is locked with a passphrase".to_owned() });
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(Error::Key {
                reason: format!("it is {}, not ssh-ed25519", key.algorithm()),
            });
        }
        Ok(Self(key))
    }

    /// Returns the private key in the format of OpenSSH. To be kept secret.
    ///
    /// # Errors
    /// [`Error::Key`] if it cannot be written.
    pub fn to_openssh(&self) -> Result<String, Error> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(|error| unusable(&error))?;
        Ok(text.to_string())
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    /// Signs bytes and returns the armoured signature file.
    ///
    /// # Errors
    /// [`Error::Signature`] if the signature cannot be made.
    pub fn sign(&self, message: &[u8]) -> Result<String, Error> {
        let failed = |error: ssh_key::Error| Error::Signature { reason: error.to_string() };
        let signature = self.0.sign(NAMESPACE, HashAlg::Sha512, message).map_err(failed)?;
        signature.to_pem(LineEnding::LF).map_err(failed)
    }
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
        let failed = |error: ssh_key::Error| Error::Signature { reason: error.to_string() };
        let signature = SshSig::from_pem(signature).map_err(failed)?;
        self.0.verify(NAMESPACE, message, &signature).map_err(failed)
    }
}

/// A line of an `allowed_signers` file (ssh-keygen(1), ALLOWED SIGNERS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// The principals, as written.
    pub principals: String,
    /// The options, as written.
    pub options: String,
    /// The key.
    pub key: PublicKey,
}

impl AllowedSigner {
    /// Reads a file; comments and empty lines are passed over.
    ///
    /// # Errors
    /// [`Error::Key`] with the number of the line that cannot be read.
    pub fn parse(text: &str) -> Result<Vec<Self>, Error> {
        let mut signers = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || Error::Key { reason: format!("line {number} of the allowed signers") };
            let (principals, rest) = line.split_once(' ').ok_or_else(bad)?;
            let start = rest.find("ssh-ed25519 ").ok_or_else(bad)?;
            let (options, key) = rest.split_at_checked(start).ok_or_else(bad)?;
            let namespaces = options.split("namespaces=\"").nth(1);
            let listed = namespaces.and_then(|rest| rest.split('"').next());
            if listed.is_some_and(|list| list.split(',').all(|name| name != NAMESPACE)) {
                continue;
            }
            let key = PublicKey::from_line(key).map_err(|_| bad())?;
            signers.push(Self {
                principals: principals.to_owned(),
                options: options.trim().to_owned(),
                key,
            });
        }
        Ok(signers)
    }

    /// Returns the line for a key that may sign seals, with its line end.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be written.
    pub fn line(principal: &str, key: &PublicKey) -> Result<String, Error> {
        let line = key.to_line()?;
        let mut words = line.split(' ');
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(Error::Key { reason: "the key has no text form".to_owned() });
        };
        Ok(format!("{principal} namespaces=\"{NAMESPACE}\" {kind} {base64}\n"))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests hand files to ssh-keygen")]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32], "ana@lab.example").unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_key_alone() {
        let key = SigningKey::from_openssh(key().to_openssh().unwrap().as_bytes()).unwrap();
        let signature = key.sign(b"seal").unwrap();
        key.public().verify(b"seal", signature.as_bytes()).unwrap();
        assert!(key.public().verify(b"sea1", signature.as_bytes()).is_err());
        let other = SigningKey::from_seed(&[8; 32], "").unwrap().public();
        assert!(other.verify(b"seal", signature.as_bytes()).is_err());
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
        assert_eq!(
            AllowedSigner::parse(&allowed).unwrap()[0].key.0.key_data(),
            key().public().0.key_data()
        );
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
