//! The part of the tamper campaign that is about certificates and time-stamps. `C` is signed by a
//! key and by a certificate and stamped; `D`, another exhibit, too.

use std::fs;

use crate::certificates::{ANA, authority, stamp};
use crate::harness::Scene;
use crate::tamper::{Attack, attack, relist};

const SEALS: &str = "C/seals";
const P7S: &str = "0001.json.p7s";
const INVALID: &str = "signature is not valid";
const NO_STAMP: &str = "time-stamp is not valid";
const ORPHAN: &str = "file of a seal belongs to nothing";

pub(crate) const ATTACKS: &[Attack] = &[
    attack("the signature with a certificate is removed", "signature is missing", |s| {
        for ending in ["", ".tsr", ".tsq"] {
            let _absent = fs::remove_file(at(s, &format!("{P7S}{ending}")));
        }
        relist(s);
    }),
    attack("the signature of another package's certificate is put in", INVALID, |s| {
        put(s, "D/seals/0001.json.p7s", P7S);
    }),
    attack(
        "the seal is signed with another certificate of the same root",
        "certificate is not the one that the seal names",
        |s| {
            s.triage(["custody", "sign", "C"].iter().chain(&P384)).exits(0);
            fs::rename(at(s, "0001.json.2.p7s"), at(s, P7S)).unwrap();
            relist(s);
        },
    ),
    attack("a certificate is cut out of the signature", INVALID, |s| {
        let bytes = fs::read(at(s, P7S)).unwrap();
        let name = b"TEST middle";
        let place = bytes.windows(name.len()).position(|part| part == name).unwrap();
        fs::write(at(s, P7S), [&bytes[..place], &bytes[place + 1..]].concat()).unwrap();
        relist(s);
    }),
    attack("an issuer in the signature is renamed", INVALID, |s| {
        let mut bytes = fs::read(at(s, P7S)).unwrap();
        let name = b"TEST middle";
        let all: Vec<usize> = (0..bytes.len() - name.len())
            .filter(|&place| bytes[place..].starts_with(name))
            .collect();
        all.iter().for_each(|&place| bytes[place] = b'B');
        fs::write(at(s, P7S), bytes).unwrap();
        relist(s);
    }),
    attack("the signature with a certificate is cut short", INVALID, |s| {
        let bytes = fs::read(at(s, P7S)).unwrap();
        fs::write(at(s, P7S), &bytes[..bytes.len() / 2]).unwrap();
        relist(s);
    }),
    attack("a certificate signs a seal that names none", "signature of an unsigned seal", |s| {
        s.triage(["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"]).exits(0);
        s.triage(["custody", "sign", "C"].iter().chain(&P384)).exits(0);
        fs::rename(at(s, "0002.json.2.p7s"), at(s, "0002.json.p7s")).unwrap();
        relist(s);
    }),
    attack("the stamp of another package is put in", NO_STAMP, |s| {
        put(s, "D/seals/0001.json.sig.tsr", "0001.json.sig.tsr");
    }),
    attack("the stamp of another package is put in with its query", NO_STAMP, |s| {
        put(s, "D/seals/0001.json.sig.tsq", "0001.json.sig.tsq");
        put(s, "D/seals/0001.json.sig.tsr", "0001.json.sig.tsr");
    }),
    attack("the stamp of a seal is put beside the next one", NO_STAMP, |s| {
        s.triage(["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"]).exits(0);
        for ending in ["tsr", "tsq"] {
            let from = format!("C/seals/0001.json.sig.{ending}");
            put(s, &from, &format!("0002.json.sig.{ending}"));
        }
    }),
    attack("the stamp of one signature is put beside another", NO_STAMP, |s| {
        for ending in ["tsr", "tsq"] {
            put(s, &format!("C/seals/0001.json.sig.{ending}"), &format!("{P7S}.{ending}"));
        }
    }),
    attack("the query of a stamp gets another nonce", NO_STAMP, |s| {
        let mut bytes = fs::read(at(s, "0001.json.sig.tsq")).unwrap();
        let nonce = bytes.len() - 5;
        bytes[nonce] ^= 1;
        fs::write(at(s, "0001.json.sig.tsq"), bytes).unwrap();
        relist(s);
    }),
    attack("the time in a stamp is put back", NO_STAMP, |s| {
        let mut bytes = fs::read(at(s, "0001.json.sig.tsr")).unwrap();
        let tag = (0..bytes.len()).find(|&place| bytes[place..].starts_with(b"\x18\x0f20"));
        bytes[tag.unwrap() + 5] = b'1';
        fs::write(at(s, "0001.json.sig.tsr"), bytes).unwrap();
        relist(s);
    }),
    attack("the stamps are removed", "package has no time-stamp", |s| {
        for ending in ["tsr", "tsq"] {
            fs::remove_file(at(s, &format!("0001.json.sig.{ending}"))).unwrap();
        }
        relist(s);
    }),
    attack("the query of a stamp is removed", ORPHAN, |s| {
        fs::remove_file(at(s, "0001.json.sig.tsq")).unwrap();
        relist(s);
    }),
    attack("a stamp is put beside a signature that is not there", ORPHAN, |s| {
        for ending in ["tsr", "tsq"] {
            put(
                s,
                &format!("C/seals/0001.json.sig.{ending}"),
                &format!("0001.json.7.sig.{ending}"),
            );
        }
    }),
    attack("a signer's name is put beside no signature", ORPHAN, |s| {
        let line = fs::read(s.path("C/keys/allowed_signers")).unwrap();
        fs::write(at(s, "0001.json.3.sig.signer"), line).unwrap();
        relist(s);
    }),
    attack("a second name is put beside the first signature", ORPHAN, |s| {
        let line = fs::read(s.path("C/keys/allowed_signers")).unwrap();
        fs::write(at(s, "0001.json.sig.signer"), line).unwrap();
        relist(s);
    }),
];

const P384: [&str; 4] = ["--cms-key", "x/p384.pk8.pem", "--cms-chain", "x/p384.pem"];

fn at(scene: &Scene, name: &str) -> std::path::PathBuf {
    scene.path(SEALS).join(name)
}

fn put(scene: &Scene, from: &str, name: &str) {
    fs::copy(scene.path(from), at(scene, name)).unwrap();
    relist(scene);
}

/// The packages, and how they are verified; `None` if openssl is not there.
pub(crate) fn packages() -> Option<Scene> {
    let scene = Scene::new();
    scene.file("a", "1").file("b", "2");
    if !authority(&scene) {
        return None;
    }
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    for (package, exhibit) in [("C", "AB/1"), ("D", "AB/2")] {
        let scan = ["scan", "evidence", "--case", package, "--exhibit", exhibit];
        let signed = [&scan[..], &["--sign-key", "key"], &ANA].concat();
        scene.triage(signed).exits(0);
        stamp(&scene, package);
    }
    fs::copy(scene.path("C/keys/allowed_signers"), scene.path("trusted")).unwrap();
    Some(scene)
}
