//! Files of allowed signers, read here and by ssh-keygen: both must judge alike.
#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]
#![expect(clippy::disallowed_methods, reason = "tests hand files to ssh-keygen")]
#![expect(clippy::print_stdout, reason = "a skipped check is named in the output")]

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use triage_custody::{AllowedSigners, NAMESPACE, SigningKey, TimeZone, unix_seconds, utc_digits};

const SEAL: &[u8] = b"seal\n";
/// One hour before UTC's noon in winter, with summer time.
const ZONE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Has ssh-keygen judge a signature; `None`, with a word, if it is not installed.
fn keygen(folder: &Path, allowed: &str, signature: &str, name: &str, at: &str) -> Option<bool> {
    let at_path = |name: &str| folder.join(name);
    std::fs::write(at_path("allowed"), allowed).unwrap();
    std::fs::write(at_path("sig"), signature).unwrap();
    std::fs::write(at_path("seal"), SEAL).unwrap();
    let digits = utc_digits(unix_seconds(at).unwrap()).unwrap();
    let ran = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", name, "-n", NAMESPACE, "-f"])
        .arg(at_path("allowed"))
        .arg("-s")
        .arg(at_path("sig"))
        .arg(format!("-Overify-time={digits}Z"))
        .env("TZ", ZONE)
        .stdin(Stdio::from(std::fs::File::open(at_path("seal")).unwrap()))
        .output();
    match ran {
        Ok(output) => Some(output.status.success()),
        Err(_) => {
            println!("skipped: ssh-keygen is not installed");
            None
        }
    }
}

fn ours(allowed: &str, signature: &str, name: &str, at: &str) -> bool {
    let zone = TimeZone::posix(ZONE).unwrap();
    let Ok(allowed) = AllowedSigners::parse(allowed, &zone) else { return false };
    allowed.check(name, SEAL, signature.as_bytes(), unix_seconds(at)).is_ok()
}

const NOON: &str = "2026-07-01T12:00:00Z";

/// What stands before the key, for whom, when, and whether it may sign.
const LINES: &[(&str, &str, &str, bool)] = &[
    ("ana", "ana", NOON, true),
    ("ana", "eva", NOON, false),
    ("*@lab,!eva@*", "ana@lab", NOON, true),
    ("*@lab,!eva@*", "eva@lab", NOON, false),
    ("!eva", "ana", NOON, false),
    ("a?a", "ana", NOON, true),
    ("  ana\t ", "ana", NOON, true),
    ("\"ana\"", "ana", NOON, true),
    ("\"ana\" namespaces=\"triage-*\"", "ana", NOON, true),
    ("ana namespaces=\"triage-seal-v1\"", "ana", NOON, true),
    ("ana NameSpaces=\"file,triage-seal-v1\"", "ana", NOON, true),
    ("ana namespaces=\"*\"", "ana", NOON, true),
    ("ana namespaces=\"*,!triage-*\"", "ana", NOON, false),
    ("ana namespaces=\"file\"", "ana", NOON, false),
    ("ana namespaces=\"\"", "ana", NOON, false),
    ("ana cert-authority", "ana", NOON, false),
    ("ana CERT-AUTHORITY,namespaces=\"*\"", "ana", NOON, false),
    ("ana valid-after=\"20260701120000Z\"", "ana", NOON, true),
    ("ana valid-after=\"20260701120001Z\"", "ana", NOON, false),
    ("ana valid-before=\"20260701120000UTC\"", "ana", NOON, true),
    ("ana VALID-BEFORE=\"20260701115959z\"", "ana", NOON, false),
    ("ana valid-before=\"202607011200Z\"", "ana", NOON, true),
    ("ana valid-before=\"20260701Z\"", "ana", NOON, false),
    // Without Z: the zone of the computer, an hour before UTC, without summer time.
    ("ana valid-after=\"20260701130000\"", "ana", NOON, true),
    ("ana valid-after=\"20260701130001\"", "ana", NOON, false),
    ("ana valid-before=\"20260701130000\"", "ana", NOON, true),
    ("ana valid-before=\"20260701125959\"", "ana", NOON, false),
    ("ana valid-before=\"20260101130000\"", "ana", "2026-01-01T12:00:00Z", true),
    ("ana valid-before=\"20260101125959\"", "ana", "2026-01-01T12:00:00Z", false),
    ("ana valid-after=\"20260101\",valid-before=\"20270101\"", "ana", NOON, true),
    ("ana valid-after=\"20270101\",valid-before=\"20260101\"", "ana", NOON, false),
    ("ana valid-before=\"2027\"", "ana", NOON, false),
    ("ana valid-before=\"never\"", "ana", NOON, false),
    ("ana valid-before=20270101", "ana", NOON, false),
    ("ana valid-untill=\"20270101\"", "ana", NOON, false),
    ("ana namespaces=\"*\",no-touch-required", "ana", NOON, false),
    ("ana namespaces=\"*\",", "ana", NOON, false),
    ("ana namespaces=\"*", "ana", NOON, false),
    ("ana namespaces=\"a\\\"b,*\"", "ana", NOON, true),
];

#[test]
fn ssh_keygen_judges_the_same_lines_alike() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::from_seed(&[7; 32], "a comment").unwrap();
    let line = key.public().to_line().unwrap();
    let signature = key.sign(SEAL).unwrap();
    for (before, name, at, expected) in LINES {
        let allowed = format!("# keys\n\n{before} {line}\n");
        assert_eq!(ours(&allowed, &signature, name, at), *expected, "{before}");
        if let Some(theirs) = keygen(dir.path(), &allowed, &signature, name, at) {
            assert_eq!(theirs, *expected, "ssh-keygen: {before}");
        }
    }
    // The key may stand in several lines: one that fits is enough.
    let ended = format!("ana valid-before=\"20200101Z\" {line}\nana {line}\n");
    assert!(ours(&ended, &signature, "ana", NOON));
    assert!(keygen(dir.path(), &ended, &signature, "ana", NOON).is_none_or(|holds| holds));
}

fn put(parts: &[&[u8]], out: &mut Vec<u8>) {
    for part in parts {
        out.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        out.extend(*part);
    }
}

/// What a FIDO key signs: PROTOCOL.u2f of OpenSSH, "SSH U2F Signatures". Returns the line of the
/// public key and the armoured signature.
fn token(message: &[u8], flags: u8) -> (String, String) {
    const KIND: &[u8] = b"sk-ssh-ed25519@openssh.com";
    let sha = |bytes: &[u8]| {
        let all = triage_hash::hash_bytes("sha256".parse().unwrap(), bytes);
        all.iter().next().unwrap().as_bytes().to_vec()
    };
    let sha512 = {
        let all = triage_hash::hash_bytes("sha512".parse().unwrap(), message);
        all.iter().next().unwrap().as_bytes().to_vec()
    };
    let pair = Ed25519Keypair::from_seed(&[9; 32]);
    let mut public = Vec::new();
    put(&[KIND, &pair.public.0, b"ssh:"], &mut public);
    let mut signed = b"SSHSIG".to_vec();
    put(&[NAMESPACE.as_bytes(), b"", b"sha512", &sha512], &mut signed);
    let counter = 5_u32.to_be_bytes();
    let asked = [&sha(b"ssh:")[..], &[flags], &counter, &sha(&signed)].concat();
    let private = ssh_key::PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap();
    let raw = signature::Signer::try_sign(&private, &asked).unwrap();
    let mut blob = Vec::new();
    put(&[KIND, raw.as_bytes()], &mut blob);
    blob.push(flags);
    blob.extend(counter);
    let mut file = b"SSHSIG".to_vec();
    file.extend(1_u32.to_be_bytes());
    put(&[&public, NAMESPACE.as_bytes(), b"", b"sha512", &blob], &mut file);
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<String> = base64(&file)
        .as_bytes()
        .chunks(70)
        .map(|c| String::from_utf8(c.to_vec()).unwrap())
        .collect();
    let armoured = format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    );
    (format!("sk-ssh-ed25519@openssh.com {}", base64(&public)), armoured)
}

#[test]
fn signatures_of_fido_keys_are_checked_like_ssh_keygen_checks_them() {
    let dir = tempfile::tempdir().unwrap();
    for flags in [0x01, 0x05] {
        let (line, signature) = token(SEAL, flags);
        let allowed = format!("ana {line}\n");
        assert!(ours(&allowed, &signature, "ana", NOON));
        assert!(keygen(dir.path(), &allowed, &signature, "ana", NOON).is_none_or(|holds| holds));
    }
    let (line, _) = token(SEAL, 1);
    let (_, other) = token(b"another", 1);
    assert!(!ours(&format!("ana {line}\n"), &other, "ana", NOON));
}
