//! `verify-with-stock-tools.sh`: the commands that check a package without this program, for
//! exactly what is in it. It is derived, and `verify` compares it with what it must be.

use std::collections::BTreeSet;

use crate::seals::{SealFile, seal_path};

/// The name of the script in the package.
pub(crate) const SCRIPT: &str = "verify-with-stock-tools.sh";

const HEAD: &str = r#"#!/bin/sh
# Checks this package with stock tools, without the program that made it. Every command is for
# something that is in the package. Read them and run them one by one, or all of them:
#   sh verify-with-stock-tools.sh
# Needed: sha256sum (GNU coreutils), sed, grep; ssh-keygen (OpenSSH 8.9) for .sig; openssl (1.1.1)
# for .p7s and .tsr.
# Nothing in this package proves who signed. Set, from OUTSIDE the package, such as from the signed
# statement:
#   ALLOWED_SIGNERS  file with the signers' keys (ssh-keygen(1), ALLOWED SIGNERS); else the copies
#                    in the package are used
#   CMS_ROOT         file with the roots of the signers' certificates (PEM); else it is not asked
#                    who issued them
#   TSA_ROOT         file with the roots of the time-stamping authorities (PEM); else the
#                    time-stamps are NOT CHECKED
#   AT               seconds since 1970 at which certificates must be valid, if they ended since
#   EVIDENCE         folder where the exhibit is mounted read-only; else the evidence is not read
set -eu
cd "$(dirname "$0")"
digest() { sha256sum < "$1" | cut -c1-64; }
pinned() { grep -q -F "$2" "$1" || { echo "FAILED: $1 does not hold $2" >&2; exit 1; }; }
cms() { # signature, what is signed, more options
  if [ -n "${CMS_ROOT:-}" ]; then
    openssl cms -verify -binary -inform DER -in "$1" -content "$2" -purpose any -CAfile "$CMS_ROOT" \
      ${AT:+-attime "$AT"} -out /dev/null
  else
    openssl cms -verify -noverify -binary -inform DER -in "$1" -content "$2" -out /dev/null
  fi
}
certificate() { # SHA-256 of the certificate that signed
  openssl cms -verify -noverify -binary -inform DER -in "$1" -content "$2" -out /dev/null \
    -signer /dev/stdout 2> /dev/null | openssl x509 -outform DER | sha256sum | cut -c1-64
}
stamp() { # what is stamped; its stamp and query stand beside it
  if [ -n "${TSA_ROOT:-}" ]; then
    openssl ts -verify -data "$1" -in "$1.tsr" -CAfile "$TSA_ROOT" ${AT:+-attime "$AT"}
    openssl ts -verify -queryfile "$1.tsq" -in "$1.tsr" -CAfile "$TSA_ROOT" ${AT:+-attime "$AT"}
  else
    echo "NOT CHECKED: $1.tsr (set TSA_ROOT)" >&2
  fi
}

# Which files: nothing changed, nothing missing.
sha256sum --strict --quiet -c manifest-sha256.txt tagmanifest-sha256.txt

# The custody log: each line holds the digest of the line before it.
previous=0000000000000000000000000000000000000000000000000000000000000000
while IFS= read -r line; do
  case "$line" in *"\"prev\":\"$previous\""*) ;; *) echo "FAILED: the custody log is broken" >&2; exit 1 ;; esac
  previous=$(printf %s "$line" | sha256sum | cut -c1-64)
done < custody.ndjson
"#;

/// Writes the script for the files of a package and its seals.
pub(crate) fn render_script<'a>(
    paths: impl Iterator<Item = &'a str>,
    seals: &[SealFile],
) -> String {
    let paths: BTreeSet<&str> = paths.collect();
    let mut text = HEAD.to_owned();
    for sealed in seals {
        seal_commands(sealed, &paths, &mut text);
    }
    if let Some(newest) = seals.last() {
        let name = seal_path(newest.number, ".json");
        text.push_str(&format!(
            "\n# The manifest is the sealed one.\npinned {name} \"\\\"sha256\\\":\\\"$(digest data/manifest.ndjson)\\\",\\\"tree\\\"\"\n"
        ));
    }
    evidence_commands(&paths, &mut text);
    text.push_str("echo \"stock tools agree\"\n");
    text
}

fn seal_commands(sealed: &SealFile, paths: &BTreeSet<&str>, text: &mut String) {
    let number = sealed.number;
    let at = |ending: &str| seal_path(number, ending);
    let (name, list, custody) = (at(".json"), at(".sha256"), &sealed.seal.custody);
    text.push_str(&format!(
        "\n# Seal {number}: it pins its list of files, the seal before it, and the custody log up to event {}.\n",
        custody.events
    ));
    text.push_str(&format!("sha256sum --strict --quiet -c {list}\n"));
    text.push_str(&format!(
        "pinned {name} \"\\\"list\\\":\\\"{list}\\\",\\\"sha256\\\":\\\"$(digest {list})\\\"\"\n"
    ));
    if let Some(before) = number.checked_sub(1).filter(|&before| before > 0) {
        let before = seal_path(before, ".json");
        text.push_str(&format!(
            "pinned {name} \"\\\"prev_seal_sha256\\\":\\\"$(digest {before})\\\"\"\n"
        ));
    }
    if custody.events > 0 {
        text.push_str(&format!(
            "pinned {name} \"\\\"events\\\":{},\\\"head_sha256\\\":\\\"$(sed -n {}p custody.ndjson | tr -d '\\n' | sha256sum | cut -c1-64)\\\"\"\n",
            custody.events, custody.events
        ));
    }
    let own = paths.iter().filter(|path| path.starts_with(&name) && path.ends_with(".sig"));
    own.for_each(|path| signature_command(sealed, path, text));
    let of = |ending: &'static str| {
        paths.iter().filter(move |path| path.ends_with(ending)).filter(|p| p.starts_with(&name))
    };
    for path in of(".p7s") {
        text.push_str(&format!("cms {path} {name}\n"));
    }
    if sealed.seal.certificate.is_some() {
        let own = at(".json.p7s");
        text.push_str(&format!(
            "pinned {name} \"\\\"certificate\\\":{{\\\"sha256\\\":\\\"$(certificate {own} {name})\\\"\"\n"
        ));
    }
    for path in of(".tsr") {
        text.push_str(&format!("stamp {}\n", path.trim_end_matches(".tsr")));
    }
}

/// The signer is taken from the seal or, for a further signature, from the file beside it.
fn signature_command(sealed: &SealFile, path: &str, text: &mut String) {
    let name = seal_path(sealed.number, ".json");
    let is_main = path == seal_path(sealed.number, ".json.sig");
    let beside = if is_main && sealed.number == 1 {
        "keys/allowed_signers".to_owned()
    } else {
        format!("{path}.signer")
    };
    let who = match &sealed.seal.signer {
        Some(signer) if is_main => format!("'{}'", signer.replace('\'', r"'\''")),
        _ => format!("\"$(cut -d' ' -f1 {beside})\""),
    };
    text.push_str(&format!(
        "ssh-keygen -Y verify -f \"${{ALLOWED_SIGNERS:-{beside}}}\" -I {who} -n triage-seal-v1 -s {path} < {name}\n"
    ));
}

fn evidence_commands(paths: &BTreeSet<&str>, text: &mut String) {
    let tools = [
        ("sha256", "sha256sum"),
        ("sha512", "sha512sum"),
        ("b3", "b3sum"),
        ("sha1", "sha1sum"),
        ("md5", "md5sum"),
    ];
    let mut commands = String::new();
    for stem in ["evidence", "evidence-escaped"] {
        for (ending, tool) in tools {
            let name = format!("data/{stem}.{ending}");
            if paths.contains(name.as_str()) {
                let options =
                    if tool == "b3sum" { "--quiet --check" } else { "--strict --quiet -c" };
                commands.push_str(&format!(
                    "  (cd \"$EVIDENCE\" && {tool} {options} \"$package/{name}\") | cat -v\n"
                ));
            }
        }
    }
    if !commands.is_empty() {
        text.push_str(
            "\n# The evidence. \"cat -v\" because a file name may hold control codes that would drive your terminal.\n",
        );
        text.push_str(&format!(
            "package=$PWD\nif [ -n \"${{EVIDENCE:-}}\" ]; then\n{commands}fi\n"
        ));
    }
}
