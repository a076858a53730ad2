//! What the other side's expert does, with stock tools alone.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use crate::harness::{Scene, skip, stock};

/// The commands of data/README-VERIFY.txt, in one script.
const SCRIPT: &str = r#"set -eu
cd C
ssh-keygen -lf keys/signer.pub > /dev/null
ssh-keygen -Y verify -f keys/allowed_signers -I "$(jq -r .signer seals/0001.json)" \
    -n triage-seal-v1 -s seals/0001.json.sig < seals/0001.json > /dev/null
test "$(sha256sum < seals/0001.sha256 | cut -c1-64)" = "$(jq -r .files.sha256 seals/0001.json)"
sha256sum --quiet --strict -c seals/0001.sha256
sha256sum --quiet --strict -c manifest-sha256.txt tagmanifest-sha256.txt
(cd ../evidence && sha256sum --quiet --strict -c ../C/data/evidence.sha256)
(cd ../evidence && sha256sum --quiet --strict -c ../C/data/evidence-escaped.sha256)
test "$(sed -n 1p custody.ndjson | tr -d '\n' | sha256sum | cut -c1-64)" = "$(jq -r .custody.head_sha256 seals/0001.json)"
test "$(sha256sum < data/manifest.ndjson | cut -c1-64)" = "$(jq -r .manifest.sha256 seals/0001.json)"
# The Merkle root over three lines: leaf = SHA-256(00 || W || R), node = SHA-256(01 || l || r).
hx() { printf "$(printf %s "$1" | sed 's/../\\x&/g')"; }
seed=$(jq -r .salt_seed data/run.json)
leaf() {
    salts=$(printf %s "$1" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$seed" -r | cut -c1-64)
    line=$(sed -n "$(($1 + 1))p" data/manifest.ndjson)
    whole=$({ hx "$(printf %s "$salts" | cut -c1-32)"; printf %s "$line"; } | sha256sum | cut -c1-64)
    redacted=$(printf %s "$line" | jq -cSj 'del(.facts, .path, .path_hex, .target, .target_hex)')
    redacted=$({ hx "$(printf %s "$salts" | cut -c33-64)"; printf %s "$redacted"; } | sha256sum | cut -c1-64)
    { printf '\x00'; hx "$whole"; hx "$redacted"; } | sha256sum | cut -c1-64
}
node() { { printf '\x01'; hx "$1"; hx "$2"; } | sha256sum | cut -c1-64; }
root=$(node "$(node "$(leaf 0)" "$(leaf 1)")" "$(leaf 2)")
test "$root" = "$(jq -r .manifest.merkle_root seals/0001.json)"
echo "stock tools agree"
"#;

fn package() -> Scene {
    let scene = Scene::new();
    scene.file("a b", "1").file("back\\slash", "2");
    scene.triage(["custody", "keygen", "key", "--signer", "ana@lab.example"]).exits(0);
    scene.triage(["scan", "evidence", "--case", "C", "--sign-key", "key"]).exits(0);
    scene
}

#[test]
fn the_commands_in_the_package_hold() {
    for tool in ["ssh-keygen", "jq", "openssl", "sha256sum"] {
        if Command::new("which").arg(tool).output().map_or(true, |found| !found.status.success()) {
            skip(&format!("{tool} is not installed"));
            return;
        }
    }
    let scene = package();
    let run = || stock("bash", &["-c", SCRIPT].map(OsStr::new), &scene.path("")).unwrap();
    assert_eq!(run().exits(0).stdout, "stock tools agree\n");
    let seal = scene.path("C").join("seals/0001.json");
    let text = fs::read_to_string(&seal).unwrap();
    fs::write(&seal, text.replace("\"entries\":3", "\"entries\":4")).unwrap();
    assert_ne!(run().code, 0, "a changed seal must not pass");
}

#[test]
fn a_bagit_validator_accepts_the_package() {
    let Some(bagit) = std::env::var_os("TRIAGE_TEST_BAGIT") else {
        skip("TRIAGE_TEST_BAGIT names no bagit.py");
        return;
    };
    let scene = package();
    let bagit = bagit.into_string().unwrap();
    let args = ["--validate", "--quiet", "C"].map(OsStr::new);
    stock(&bagit, &args, &scene.path("")).unwrap().exits(0);
    fs::write(scene.path("C").join("data/run.json"), "{}\n").unwrap();
    assert_ne!(stock(&bagit, &args, &scene.path("")).unwrap().code, 0);
}

#[test]
fn every_exit_code_of_the_table_has_a_meaning() {
    let codes: Vec<u8> = triage::exit::EXIT_CODES.iter().map(|(code, _, _)| *code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 70, 130]);
}
