//! Published vectors: RFC 1321 appendix A.5, NIST CAVP byte vectors, BLAKE3 test vectors, FIPS 202.
//!
//! Each goes through one stream and, with all others of its file, through a batch.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use triage_hash::{Algorithm, Algorithms, Digest, hash_batch, hash_bytes};

/// A message and its published digest.
struct Case {
    message: Vec<u8>,
    digest: Digest,
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn check(algorithm: Algorithm, cases: &[Case], expected_count: usize) {
    assert_eq!(cases.len(), expected_count, "the fixture was not read whole");
    let algorithms = Algorithms::NONE.with(algorithm);
    let messages: Vec<&[u8]> = cases.iter().map(|case| case.message.as_slice()).collect();
    let batch = hash_batch(algorithms, &messages);
    let together = hash_batch(Algorithms::DEFAULT.with(algorithm), &messages);
    for (i, case) in cases.iter().enumerate() {
        let len = case.message.len();
        let alone = hash_bytes(algorithms, &case.message);
        for digests in [&alone, &batch[i], &together[i]] {
            assert_eq!(digests.get(algorithm), Some(case.digest), "{len} bytes");
        }
    }
}

/// Reads a CAVP response file; a message of no bits is written as one zero byte.
fn cavp(algorithm: Algorithm, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut len_bytes, mut message) = (0, Vec::new());
    for line in text.lines() {
        match line.trim().split_once(" = ") {
            Some(("Len", bits)) => len_bytes = bits.parse::<usize>().unwrap() / 8,
            Some(("Msg", hex)) => {
                message = bytes_of_hex(hex);
                message.truncate(len_bytes);
                assert_eq!(message.len(), len_bytes);
            }
            Some(("MD", hex)) => {
                let digest = Digest::from_hex(algorithm, hex.as_bytes()).unwrap();
                cases.push(Case { message: std::mem::take(&mut message), digest });
            }
            _ => {}
        }
    }
    cases
}

#[test]
fn md5_of_rfc_1321() {
    let digits = "1234567890".repeat(8);
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let cases: Vec<Case> = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (letters, "d174ab98d277d9f5a5611c2c9f419d9f"),
        (&digits, "57edf4a22be3c955ac49da2e2107b67a"),
    ]
    .into_iter()
    .map(|(message, hex)| Case {
        message: message.as_bytes().to_vec(),
        digest: Digest::from_hex(Algorithm::Md5, hex.as_bytes()).unwrap(),
    })
    .collect();
    check(Algorithm::Md5, &cases, 7);
}

#[test]
fn sha1_of_cavp() {
    let short = cavp(Algorithm::Sha1, include_str!("fixtures/SHA1ShortMsg.rsp"));
    check(Algorithm::Sha1, &short, 65);
    let long = cavp(Algorithm::Sha1, include_str!("fixtures/SHA1LongMsg.rsp"));
    check(Algorithm::Sha1, &long, 12);
}

#[test]
fn sha256_of_cavp() {
    let short = cavp(Algorithm::Sha256, include_str!("fixtures/SHA256ShortMsg.rsp"));
    check(Algorithm::Sha256, &short, 65);
    let long = cavp(Algorithm::Sha256, include_str!("fixtures/SHA256LongMsg.rsp"));
    check(Algorithm::Sha256, &long, 12);
}

#[test]
fn sha512_of_cavp() {
    let short = cavp(Algorithm::Sha512, include_str!("fixtures/SHA512ShortMsg.rsp"));
    check(Algorithm::Sha512, &short, 129);
}

/// The message of 1,600 bits is the example that NIST published with FIPS 202.
#[test]
fn sha3_256_of_nist_examples() {
    let cases = [
        (Vec::new(), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"),
        (vec![0xa3; 200], "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787"),
    ]
    .map(|(message, hex)| Case {
        message,
        digest: Digest::from_hex(Algorithm::Sha3_256, hex.as_bytes()).unwrap(),
    });
    check(Algorithm::Sha3_256, &cases, 2);
}

#[test]
fn blake3_of_its_authors() {
    let text = include_str!("fixtures/blake3_test_vectors.json");
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let cases: Vec<Case> = vectors["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let len = usize::try_from(case["input_len"].as_u64().unwrap()).unwrap();
            let hex = &case["hash"].as_str().unwrap().as_bytes()[..64];
            Case {
                message: (0..=250u8).cycle().take(len).collect(),
                digest: Digest::from_hex(Algorithm::Blake3, hex).unwrap(),
            }
        })
        .collect();
    check(Algorithm::Blake3, &cases, 35);
}
