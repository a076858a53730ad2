//! Keys on a FIDO token: what one signs through an agent is a seal's signature, for us and for
//! `ssh-keygen`. The token is made here after OpenSSH's PROTOCOL.u2f: no device is at hand.
#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]
#![expect(clippy::disallowed_methods, reason = "tests hand files to ssh-keygen")]

use std::process::{Command, Stdio};

use p256::ecdsa;
use sha2::{Digest as _, Sha256};
use signature::Signer as _;
use ssh_key::private::Ed25519Keypair;
use triage_custody::{AllowedSigner, NAMESPACE, PublicKey, SigningKey};

/// What a token signs for: the relying party of OpenSSH.
const APPLICATION: &[u8] = b"ssh:";
/// The owner touched it.
const PRESENT: u8 = 1;
const SEAL: &[u8] = b"{\"seal\":1}\n";

fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    parts.iter().flat_map(|part| [&length(part)[..], part].concat()).collect()
}

/// PROTOCOL.u2f, "SSH U2F Signatures": the bytes that a token signs.
fn signed_by_token(message: &[u8], flags: u8, counter: u32) -> Vec<u8> {
    let (application, message) = (Sha256::digest(APPLICATION), Sha256::digest(message));
    [&application[..], &[flags], &counter.to_be_bytes(), &message].concat()
}

fn with_counter(blob: &[u8], flags: u8, counter: u32) -> Vec<u8> {
    [blob, &[flags], &counter.to_be_bytes()].concat()
}

fn ed25519() -> SigningKey {
    const KIND: &[u8] = b"sk-ssh-ed25519@openssh.com";
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    let public = strings(&[KIND, &pair.public.0, APPLICATION]);
    SigningKey::remote(
        PublicKey::from_blob(&public).unwrap(),
        Box::new(move |bytes| {
            let signature = pair.try_sign(&signed_by_token(bytes, PRESENT, 41)).unwrap();
            Ok(with_counter(&strings(&[KIND, signature.as_bytes()]), PRESENT, 41))
        }),
    )
}

fn p256() -> SigningKey {
    const KIND: &[u8] = b"sk-ecdsa-sha2-nistp256@openssh.com";
    let key = ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let point = key.verifying_key().to_encoded_point(false);
    let public = strings(&[KIND, b"nistp256", point.as_bytes(), APPLICATION]);
    // SSH numbers are signed: one with its highest bit set has a zero before it.
    let number = |bytes: &[u8]| -> Vec<u8> {
        let start = bytes.iter().position(|&byte| byte != 0).unwrap();
        let sign: &[u8] = if bytes[start] & 0x80 == 0 { &[] } else { &[0] };
        [sign, &bytes[start..]].concat()
    };
    SigningKey::remote(
        PublicKey::from_blob(&public).unwrap(),
        Box::new(move |bytes| {
            let signature: ecdsa::Signature = key.sign(&signed_by_token(bytes, PRESENT, 42));
            let (r, s) = signature.split_bytes();
            let numbers = strings(&[&number(&r), &number(&s)]);
            Ok(with_counter(&strings(&[KIND, &numbers]), PRESENT, 42))
        }),
    )
}

/// `ssh-keygen -Y verify`; `None` if it is not installed.
fn ssh_keygen(key: &PublicKey, signature: &str) -> Option<bool> {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("allowed"), AllowedSigner::line("ana@lab.example", key).unwrap()).unwrap();
    std::fs::write(at("seal.sig"), signature).unwrap();
    std::fs::write(at("seal"), SEAL).unwrap();
    let ran = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "ana@lab.example", "-n", NAMESPACE, "-f"])
        .arg(at("allowed"))
        .arg("-s")
        .arg(at("seal.sig"))
        .stdin(Stdio::from(std::fs::File::open(at("seal")).unwrap()))
        .output();
    ran.ok().map(|ran| ran.status.success())
}

#[test]
fn what_a_token_signs_is_checked_by_us_and_by_ssh_keygen() {
    for key in [ed25519(), p256()] {
        let public = key.public();
        let signature = key.sign(SEAL).unwrap();
        public.verify(SEAL, signature.as_bytes()).unwrap();
        assert!(public.verify(b"{\"seal\":2}\n", signature.as_bytes()).is_err());
        assert!(PublicKey::of_signature(signature.as_bytes()).unwrap().is(&public));
        let line = PublicKey::from_line(&public.to_line().unwrap()).unwrap();
        assert!(line.is(&public), "a .pub file of it is read back");
        match ssh_keygen(&public, &signature) {
            Some(holds) => assert!(holds, "{}", public.fingerprint()),
            None => println!("skipped: ssh-keygen is not installed"),
        }
    }
}

#[test]
fn a_token_that_signed_something_else_is_refused() {
    // The agent's answer is checked before it becomes a seal's signature.
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    let lying = SigningKey::remote(
        ed25519().public(),
        Box::new(move |bytes| {
            let signature = pair.try_sign(&signed_by_token(bytes, PRESENT, 41)).unwrap();
            let kind: &[u8] = b"sk-ssh-ed25519@openssh.com";
            // Another count of uses than the one that was signed.
            Ok(with_counter(&strings(&[kind, signature.as_bytes()]), PRESENT, 42))
        }),
    );
    assert!(lying.sign(SEAL).is_err());
}
