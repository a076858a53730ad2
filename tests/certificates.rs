//! Seals signed with certificates and stamped with the time: `custody seal`, `sign`, `stamp` and
//! `verify`, with a test authority that openssl runs, checked by openssl.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::harness::{Ran, Scene, skip, stock};
use crate::seals::run_script;

/// The certificates, keys and the authority's configuration.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../triage-custody/fixtures/x509");

/// With the certificate of Ana Kovac, below an intermediate.
pub(crate) const ANA: [&str; 4] = ["--cms-key", "x/ana.pk8.pem", "--cms-chain", "x/ana-chain.pem"];
const TRUST: [&str; 4] = ["--cms-root", "x/root.pem", "--tsa-root", "x/root.pem"];

/// Puts the test authority into a scene; `false`, with a word, if it cannot run here.
pub(crate) fn authority(scene: &Scene) -> bool {
    if !Path::new(FIXTURES).is_dir() {
        skip("the certificates for tests are not there");
        return false;
    }
    fs::create_dir(scene.path("x")).unwrap();
    for entry in fs::read_dir(FIXTURES).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), scene.path("x").join(entry.file_name())).unwrap();
    }
    fs::write(scene.path("x/stamps"), "01\n").unwrap();
    stock("openssl", &[OsStr::new("version")], &scene.path("")).is_some()
}

fn openssl(scene: &Scene, command: &str) -> Ran {
    let args: Vec<&OsStr> = command.split(' ').map(OsStr::new).collect();
    stock("openssl", &args, &scene.path("x")).unwrap()
}

/// The authority answers a query; `section` says how.
pub(crate) fn reply(scene: &Scene, query: &str, section: &str, out: &str) {
    let files = format!("-queryfile ../{query} -out ../{out}");
    openssl(scene, &format!("ts -reply -config openssl.cnf -section {section} {files}")).exits(0);
}

/// Has the newest seal of a package stamped.
pub(crate) fn stamp(scene: &Scene, package: &str) {
    let _earlier = fs::remove_file(scene.path("own.tsq"));
    scene.triage(["custody", "stamp", package, "--request", "own.tsq"]).exits(0);
    reply(scene, "own.tsq", "good", "own.tsr");
    take(scene, package, "own.tsr", "own.tsq").exits(0);
}

fn take(scene: &Scene, package: &str, reply: &str, query: &str) -> Ran {
    let args = ["custody", "stamp", package, "--response", reply, "--query", query];
    scene.triage([&args[..], &["--tsa-root", "x/root.pem"]].concat())
}

fn verify(scene: &Scene, more: &[&str]) -> Ran {
    scene.triage([&["verify", "C", "--json"], more].concat())
}

/// A package `C` of a signer with a certificate and no other key; and the authority.
fn package(signed: &[&str]) -> Option<Scene> {
    let scene = Scene::new();
    scene.file("a", "1");
    if !authority(&scene) {
        return None;
    }
    // A court asks for somebody's signature: a certificate is one.
    let profile = if signed.is_empty() { "lab" } else { "court" };
    let scan = ["scan", "evidence", "--case", "C", "--profile", profile];
    scene.triage([&scan, signed].concat()).exits(0);
    Some(scene)
}

#[test]
fn seals_with_certificates_and_stamps_are_checked_by_openssl_too() {
    let Some(scene) = package(&ANA) else { return };
    let verified = verify(&scene, &["--cms-root", "x/root.pem"]).exits(0);
    assert_eq!(verified.summary()["signed_by"], "CN=Ana Kovac,O=Example Lab");
    assert_eq!(verified.summary()["trusted"], true);
    stamp(&scene, "C");
    // The next seal: with RSA and a key of OpenSSH, and a witness with P-384.
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    let seal = ["custody", "seal", "C", "--by", "Ana", "--sign-key", "key"];
    let rsa = ["--cms-key", "x/rsa.pk8.pem", "--cms-chain", "x/rsa-chain.pem"];
    scene.triage([&seal[..], &rsa].concat()).exits(0);
    let sign = ["custody", "sign", "C", "--cms-key", "x/p384.pk8.pem", "--cms-chain", "x/p384.pem"];
    scene.triage(sign).exits(0);
    stamp(&scene, "C");
    let verified = verify(&scene, &TRUST).exits(0);
    let summary = verified.summary();
    let stamped: Vec<_> =
        summary["stamps"].as_array().unwrap().iter().map(|stamp| &stamp["stamps"]).collect();
    assert_eq!(stamped, ["seals/0001.json.p7s", "seals/0002.json.sig"]);
    assert_eq!(summary["stamps"][0]["authority"], "CN=TEST TSA,O=Example Lab");
    for words in ["seal 2: signature by CN=Ana RSA", "seal 2: signature by CN=Ana P384"] {
        assert!(verified.stderr.contains(words), "{words} in {}", verified.stderr);
    }
    drafts_name_what_stands_beside_the_seals(&scene);
    fs::copy(scene.path("C/seals/0002.json.sig.signer"), scene.path("signers")).unwrap();
    let trust = [
        ("CMS_ROOT", "../x/root.pem"),
        ("TSA_ROOT", "../x/root.pem"),
        ("ALLOWED_SIGNERS", "../signers"),
        ("EVIDENCE", "../evidence"),
    ];
    if let Some(ran) = run_script(&scene, &trust) {
        assert!(ran.exits(0).stdout.ends_with("stock tools agree\n"));
    }
    if let Some(ran) = run_script(&scene, &trust[1..]) {
        let ran = ran.exits(0);
        for name in ["0001.json.p7s", "0002.json.p7s", "0002.json.2.p7s"] {
            let said = format!("NOT TRUSTED: seals/{name}");
            assert!(ran.stderr.contains(&said), "{said} in {}", ran.stderr);
        }
    }
    let wrong = [("CMS_ROOT", "../x/other.pem")];
    if let Some(ran) = run_script(&scene, &wrong) {
        assert_ne!(ran.code, 0, "another root");
    }
}

/// The statement that a person signs names every stamp, signature and seal of the record, and says
/// of none that it is to be trusted.
fn drafts_name_what_stands_beside_the_seals(scene: &Scene) {
    for name in ["fre902-14", "uk-s9", "iso27037"] {
        let draft =
            scene.triage(["report", "C", "--certificate", name, "--format", "text"]).exits(0);
        let words: Vec<&str> = draft.stdout.split_whitespace().collect();
        let text = words.join(" ");
        for said in [
            "seals/0001.json.p7s existed at 20",
            "seals/0002.json.sig existed at 20",
            "as CN=TEST TSA,O=Example Lab states (whether that authority is to be trusted:",
            "seals/0002.json.p7s, by CN=Ana RSA",
            "seals/0002.json.2.p7s, by CN=Ana P384",
            "seals/0002.json.sig, by ana@lab.example",
            "seals/0001.json, made 20",
        ] {
            assert!(text.contains(said), "{said:?} in {name}: {text}");
        }
    }
    // A stamp or signature of something else is named as what it is.
    for (name, other) in [
        ("0002.json.sig.tsr", "0001.json.p7s.tsr"),
        ("0002.json.p7s", "0001.json.p7s"),
        ("0002.json.sig", "of-other.sig"),
    ] {
        let path = scene.path("C/seals").join(name);
        let kept = fs::read(&path).unwrap();
        let other = match other {
            "of-other.sig" => signature_of_another_seal(scene),
            other => fs::read(scene.path("C/seals").join(other)).unwrap(),
        };
        fs::write(&path, other).unwrap();
        let args = ["report", "C", "--certificate", "fre902-14", "--format", "text"];
        let draft = scene.triage(args).exits(0);
        let words: Vec<&str> = draft.stdout.split_whitespace().collect();
        let (text, said) = (words.join(" "), format!("seals/{name} is NO valid"));
        assert!(text.contains(&said), "{said:?} in {text}");
        fs::write(&path, kept).unwrap();
    }
}

/// What the key of the second seal signs elsewhere.
fn signature_of_another_seal(scene: &Scene) -> Vec<u8> {
    scene.triage(["scan", "evidence", "--case", "D", "--sign-key", "key"]).exits(0);
    fs::read(scene.path("D/seals/0001.json.sig")).unwrap()
}

#[test]
fn a_signature_of_a_card_is_taken_from_a_file() {
    let Some(scene) = package(&[]) else { return };
    fs::copy(scene.path("C/seals/0001.json"), scene.path("x/seal")).unwrap();
    let made = "cms -sign -binary -in seal -signer web.pem -inkey web.key -md sha256 -outform DER";
    openssl(&scene, &format!("{made} -out web.der")).exits(0);
    let args = ["custody", "sign", "C", "--cms-signature"];
    let refused = scene.triage([&args[..], &["x/web.der"]].concat()).exits(5);
    assert!(refused.stderr.contains("not for signing documents"), "{}", refused.stderr);
    let other = scene.triage([&args[..], &["x/ec.p7s"]].concat()).exits(5);
    assert!(other.stderr.contains("it is over other bytes"), "{}", other.stderr);
    let made = made.replace("web.pem", "ana.pem").replace("web.key", "ana.pk8.pem");
    openssl(&scene, &format!("{made} -out ana.der")).exits(0);
    scene.triage([&args[..], &["x/ana.der"]].concat()).exits(0);
    let verified = verify(&scene, &[]).exits(0);
    assert!(verified.stderr.contains("signature by CN=Ana Kovac"), "{}", verified.stderr);
}

#[test]
fn trust_in_certificates_comes_from_outside() {
    let Some(scene) = package(&ANA) else { return };
    let plain = verify(&scene, &[]).exits(0);
    assert!(plain.stderr.contains("nobody vouches for the certificate"), "{}", plain.stderr);
    assert_eq!(plain.summary()["trusted"], false);
    let codes = |ran: &Ran| -> Vec<String> {
        let found = ran.lines().into_iter().filter(|line| line["type"] == "finding");
        found.map(|line| line["code"].as_str().unwrap().to_owned()).collect()
    };
    let other = verify(&scene, &["--cms-root", "x/other.pem"]).exits(5);
    assert_eq!(codes(&other), ["signature-is-not-valid"]);
    assert!(other.stdout.contains("leads to no given root"), "{}", other.stdout);
    // Whoever trusts keys of OpenSSH only, or asks for stamps, is not content with this package.
    fs::write(scene.path("signers"), "").unwrap();
    let keys = verify(&scene, &["--allowed-signers", "signers"]).exits(5);
    assert_eq!(codes(&keys), ["seal-is-not-signed"]);
    let stamps = verify(&scene, &["--tsa-root", "x/root.pem"]).exits(5);
    assert_eq!(codes(&stamps), ["package-has-no-time-stamp"]);
    // A package of a stranger with a key, for a reader who trusts certificates.
    scene.triage(["custody", "keygen", "key"]).exits(0);
    fs::remove_dir_all(scene.path("C")).unwrap();
    scene.triage(["scan", "evidence", "--case", "C", "--sign-key", "key"]).exits(0);
    let stranger = verify(&scene, &["--cms-root", "x/root.pem"]).exits(5);
    assert_eq!(codes(&stranger), ["seal-is-not-signed"]);
}

#[test]
fn keys_and_certificates_that_cannot_sign_are_refused_before_the_scan() {
    let Some(scene) = package(&[]) else { return };
    let scan = |key: &str, chain: &str, more: &[&str]| {
        let args = ["scan", "evidence", "--case", "D", "--cms-key", key, "--cms-chain", chain];
        scene.triage([&args[..], more].concat())
    };
    let ran = scan("x/rsa.pk8.pem", "x/ana-chain.pem", &[]).exits(2);
    assert!(ran.stderr.contains("none in the chain is for the key"), "{}", ran.stderr);
    let ran = scan("x/tsa.key", "x/tsa.pem", &[]).exits(2);
    assert!(ran.stderr.contains("not for signing documents"), "{}", ran.stderr);
    let ran = scan("x/ana.locked.pem", "x/ana-chain.pem", &[]).exits(2);
    assert!(ran.stderr.contains("--cms-passphrase-file"), "{}", ran.stderr);
    assert!(!scene.path("D").exists());
    fs::write(scene.path("words"), "test\n").unwrap();
    scan("x/ana.locked.pem", "x/ana-chain.pem", &["--cms-passphrase-file", "words"]).exits(0);
}

#[test]
fn stamps_that_prove_nothing_are_refused_with_the_reason() {
    let Some(scene) = package(&ANA) else { return };
    scene.triage(["custody", "stamp", "C", "--request", "a.tsq"]).exits(0);
    scene.triage(["custody", "stamp", "C", "--request", "a.tsq"]).exits(6);
    scene.triage(["custody", "stamp", "C", "--request", "b.tsq"]).exits(0);
    let of = ["custody", "stamp", "C", "--request", "c.tsq", "--of"];
    scene.triage([&of[..], &["seals/0001.sha256"]].concat()).exits(5);
    fs::write(scene.path("other"), "other").unwrap();
    openssl(&scene, "ts -query -data ../other -sha256 -cert -out ../other.tsq").exits(0);
    openssl(&scene, "ts -query -data ../C/seals/0001.json.p7s -sha1 -cert -out ../sha1.tsq")
        .exits(0);
    for (query, section, out) in [
        ("a.tsq", "good", "good.tsr"),
        ("a.tsq", "late", "late.tsr"),
        ("a.tsq", "sha1", "signed-sha1.tsr"),
        ("other.tsq", "good", "other.tsr"),
        ("sha1.tsq", "good", "sha1.tsr"),
    ] {
        reply(&scene, query, section, out);
    }
    purpose(&scene);
    for (reply, query, reason) in [
        ("late.tsr", "a.tsq", "valid 2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z, not at 20"),
        ("web.tsr", "a.tsq", "not time-stamping alone, and critical"),
        ("good.tsr", "b.tsq", "its nonce is not that of the query"),
        ("other.tsr", "a.tsq", "its imprint is of other bytes"),
        ("other.tsr", "other.tsq", "it is for no file of the newest seal"),
        ("sha1.tsr", "sha1.tsq", "imprint: it uses SHA-1, which is broken"),
        ("sha1.tsr", "a.tsq", "imprint: it uses SHA-1, which is broken"),
        ("signed-sha1.tsr", "a.tsq", "it uses SHA-1, which is broken"),
        ("other", "a.tsq", "the reply cannot be read"),
    ] {
        let refused = take(&scene, "C", reply, query).exits(5);
        assert!(refused.stderr.contains(reason), "{reason} in {}", refused.stderr);
    }
    let rooted = ["--response", "good.tsr", "--query", "a.tsq", "--tsa-root", "x/other.pem"];
    let ran = scene.triage([&["custody", "stamp", "C"][..], &rooted].concat()).exits(5);
    assert!(ran.stderr.contains("leads to no given root"), "{}", ran.stderr);
    assert!(!scene.path("C/seals/0001.json.p7s.tsr").exists());
    take(&scene, "C", "good.tsr", "a.tsq").exits(0);
    take(&scene, "C", "good.tsr", "a.tsq").exits(6);
    let stamped = "ts -verify -data ../C/seals/0001.json.p7s -in ../C/seals/0001.json.p7s.tsr";
    openssl(&scene, &format!("{stamped} -CAfile root.pem")).exits(0);
}

/// Makes a reply with a certificate that is not for time-stamping, which `openssl ts` refuses to.
fn purpose(scene: &Scene) {
    openssl(scene, "ts -reply -in ../good.tsr -token_out -out token").exits(0);
    openssl(scene, "cms -verify -noverify -binary -inform DER -in token -out statement").exits(0);
    let kind = "-econtent_type 1.2.840.113549.1.9.16.1.4 -nodetach -cades";
    let by = "-signer web.pem -inkey web.key -md sha256 -outform DER -out token";
    openssl(scene, &format!("cms -sign -binary -in statement {kind} {by}")).exits(0);
    let token = fs::read(scene.path("x/token")).unwrap();
    let length = u16::try_from(token.len() + 5).unwrap().to_be_bytes();
    let status = [0x30, 3, 2, 1, 0];
    let reply = [&[0x30, 0x82][..], &length, &status, &token].concat();
    fs::write(scene.path("web.tsr"), reply).unwrap();
}

#[test]
fn a_certificate_that_is_newer_than_the_seal_needs_a_seal_of_its_own() {
    let Some(scene) = package(&ANA) else { return };
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    openssl(&scene, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out new.key").exits(0);
    let request = "req -x509 -new -key new.key -subj /CN=Newcomer -days 2 -out new.pem";
    let uses =
        "-addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature";
    openssl(&scene, &format!("{request} {uses}")).exits(0);
    let with = ["--cms-key", "x/new.key", "--cms-chain", "x/new.pem"];
    let ran = scene.triage([&["custody", "sign", "C"][..], &with].concat()).exits(5);
    assert!(ran.stderr.contains("valid"), "{}", ran.stderr);
    scene.triage(["custody", "keygen", "key"]).exits(0);
    let both = ["custody", "sign", "C", "--sign-key", "key"];
    scene.triage([&both[..], &with].concat()).exits(5);
    // Nothing was written, by the key neither, that would not hold.
    assert!(!scene.path("C/seals/0001.json.2.sig").exists());
    verify(&scene, &["--cms-root", "x/root.pem"]).exits(0);
    scene.triage([&["custody", "seal", "C", "--by", "Newcomer"][..], &with].concat()).exits(0);
    verify(&scene, &[]).exits(0);
}
