//! `verify-with-stock-tools.sh`: the commands that check a package without this program, for
//! exactly what is in it. It is derived, and `verify` compares it with what it must be.

use std::collections::BTreeSet;

use triage_custody::{unix_seconds, utc_digits};

use crate::seals::{SealFile, seal_path};

/// The name of the script in the package.
pub(crate) const SCRIPT: &str = "verify-with-stock-tools.sh";

const HEAD: &str = r#"#!/bin/sh
# Checks this package with stock tools, without the program that made it. Every command is for
# something that is in the package. Read them and run them one by one, or all of them:
#   sh verify-with-stock-tools.sh
# It ends with 0 only if nothing failed. What was NOT CHECKED or is NOT TRUSTED is said each time,
# and again at the end.
# Needed: sha256sum (GNU coreutils), sed, grep; ssh-keygen (OpenSSH 9.1) for .sig; openssl (1.1.1)
# for .p7s and .tsr.
# Nothing in this package proves who signed. Set, from OUTSIDE the package, such as from the signed
# statement:
#   ALLOWED_SIGNERS  file with the signers' keys (ssh-keygen(1), ALLOWED SIGNERS); else the copies
#                    in the package are used, and are NOT TRUSTED
#   CMS_ROOT         file with the roots of the signers' certificates (PEM); else it is not asked
#                    who issued them, and they are NOT TRUSTED
#   TSA_ROOT         file with the roots of the time-stamping authorities (PEM); else the
#                    time-stamps are NOT CHECKED
#   AT               seconds since 1970 at which the certificates of time-stamps must be valid, if
#                    they ended since
#   EVIDENCE         folder where the exhibit is mounted read-only; else the evidence is NOT CHECKED
# Paths begin at / or at the folder of this script. If ALLOWED_SIGNERS or CMS_ROOT is set, one of
# them must vouch for the newest seal.
# Keys and certificates of signers are judged as of the time that the seal states.
set -eu
cd "$(dirname "$0")"
package=$PWD
open=0
trusted=
fail() { echo "FAILED: $*" >&2; exit 1; }
remains() { echo "$*" >&2; open=$((open + 1)); }
shown() { # a command; names in what it says may hold control codes that would drive your terminal
  { code=$({ { "$@" 2>&1 || echo "$?" >&3; } | cat -v >&4; } 3>&1) || code=cat; } 4>&1
  [ -z "$code" ]
}
listed() { shown sha256sum --strict --quiet -c "$@" || fail "a file is not as $* says"; }
digest() { sha256sum < "$1" | cut -c1-64; }
pinned() { grep -q -F "$2" "$1" || fail "$1 does not hold $2"; }
keygen() { # keys, signature, what is signed, name, time
  ssh-keygen -Y verify -O verify-time="$5" -f "$1" -I "$4" -n triage-seal-v1 -s "$2" < "$3"
}
signed() { # signature, what is signed, name, time, keys in the package: the seal's own signature
  shown keygen "${ALLOWED_SIGNERS:-$5}" "$1" "$2" "$3" "$4" || fail "$1 is not by an allowed signer"
  if [ -n "${ALLOWED_SIGNERS:-}" ]; then
    trusted=$2
  else
    remains "NOT TRUSTED: $1, with a key of the package (set ALLOWED_SIGNERS)"
  fi
}
signed_too() { # the same for a further signature, such as a witness's
  shown keygen "$5" "$1" "$2" "$3" "$4" || fail "$1 is not by the key in $5"
  [ -n "${ALLOWED_SIGNERS:-}" ] && keygen "$ALLOWED_SIGNERS" "$1" "$2" "$3" "$4" > /dev/null 2>&1 ||
    remains "NOT TRUSTED: $1, whose key is not given by ALLOWED_SIGNERS"
}
cms() { # signature, what is signed, options
  signature=$1 content=$2
  shift 2
  openssl cms -verify -binary -inform DER -in "$signature" -content "$content" -out /dev/null "$@"
}
certified() { # signature, what is signed, seconds since 1970: the seal's own signature
  shown cms "$1" "$2" -noverify || fail "$1 does not hold"
  if [ -n "${CMS_ROOT:-}" ]; then
    shown cms "$1" "$2" -purpose any -CAfile "$CMS_ROOT" -attime "$3" || fail "$1 is not by CMS_ROOT"
    trusted=$2
  else
    remains "NOT TRUSTED: $1 (set CMS_ROOT)"
  fi
}
certified_too() { # the same for a further signature
  shown cms "$1" "$2" -noverify || fail "$1 does not hold"
  [ -n "${CMS_ROOT:-}" ] &&
    cms "$1" "$2" -purpose any -CAfile "$CMS_ROOT" -attime "$3" > /dev/null 2>&1 ||
    remains "NOT TRUSTED: $1, whose certificate is not given by CMS_ROOT"
}
certificate() { # SHA-256 of the certificate that signed
  openssl cms -verify -noverify -binary -inform DER -in "$1" -content "$2" -out /dev/null \
    -signer /dev/stdout 2> /dev/null | openssl x509 -outform DER | sha256sum | cut -c1-64
}
stamp() { # what is stamped; its stamp and query stand beside it
  if [ -n "${TSA_ROOT:-}" ]; then
    for by in "-data $1" "-queryfile $1.tsq"; do
      shown openssl ts -verify $by -in "$1.tsr" -CAfile "$TSA_ROOT" ${AT:+-attime "$AT"} ||
        fail "$1.tsr is no time-stamp of $1"
    done
  else
    remains "NOT CHECKED: $1.tsr (set TSA_ROOT)"
  fi
}
evidence() { cd "$EVIDENCE" && "$@"; }

# Which files: nothing changed, nothing missing.
listed manifest-sha256.txt tagmanifest-sha256.txt

# The custody log: each line holds the digest of the line before it.
previous=0000000000000000000000000000000000000000000000000000000000000000
while IFS= read -r line || [ -n "$line" ]; do
  case "$line" in *"\"prev\":\"$previous\""*) ;; *) fail "the custody log is broken" ;; esac
  previous=$(printf %s "$line" | sha256sum | cut -c1-64)
done < custody.ndjson
"#;

const END: &str = r#"
if [ "$open" -eq 0 ]; then
  echo "stock tools agree"
else
  echo "stock tools agree with what they could check; $open NOT CHECKED or NOT TRUSTED, see above"
fi
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
            "\n# Somebody who is trusted signed the newest seal.\n[ -z \"${{ALLOWED_SIGNERS:-}}${{CMS_ROOT:-}}\" ] || [ \"$trusted\" = {name} ] ||\n  fail \"{name} is signed by nobody who is trusted\"\n"
        ));
        text.push_str(&format!(
            "\n# The manifest is the sealed one.\npinned {name} \"\\\"sha256\\\":\\\"$(digest data/manifest.ndjson)\\\",\\\"tree\\\"\"\n"
        ));
    }
    evidence_commands(&paths, &mut text);
    text.push_str(END);
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
    text.push_str(&format!("listed {list}\n"));
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
    signature_commands(sealed, paths, text);
    for path in paths.iter().filter(|path| path.starts_with(&name)) {
        if let Some(stamped) = path.strip_suffix(".tsr") {
            text.push_str(&format!("stamp {stamped}\n"));
        }
    }
}

/// The signatures that the seal names must be there, and must be of the time that it states; for a
/// further one of OpenSSH the file beside it says whose it is.
fn signature_commands(sealed: &SealFile, paths: &BTreeSet<&str>, text: &mut String) {
    let name = seal_path(sealed.number, ".json");
    let seal = &sealed.seal;
    let at = unix_seconds(&seal.time);
    let (Some(seconds), Some(digits)) = (at, at.and_then(utc_digits)) else {
        text.push_str(&format!("fail \"{name} states no time\"\n"));
        return;
    };
    let (sig, p7s) = (format!("{name}.sig"), format!("{name}.p7s"));
    if seal.signer.is_none() && seal.certificate.is_none() {
        text.push_str(&format!("remains \"NOT SIGNED: {name}\"\n"));
    }
    if let Some(signer) = &seal.signer {
        let who = signer.replace('\'', r"'\''");
        let beside = match sealed.number {
            1 => "keys/allowed_signers".to_owned(),
            _ => format!("{sig}.signer"),
        };
        text.push_str(&format!("signed {sig} {name} '{who}' {digits}Z {beside}\n"));
    }
    if seal.certificate.is_some() {
        text.push_str(&format!(
            "certified {p7s} {name} {seconds}\npinned {name} \"\\\"certificate\\\":{{\\\"sha256\\\":\\\"$(certificate {p7s} {name})\\\"\"\n"
        ));
    }
    for path in paths.iter().filter(|path| path.starts_with(&name)) {
        let unnamed = (**path == sig && seal.signer.is_none())
            || (**path == p7s && seal.certificate.is_none());
        let command = if unnamed {
            format!("fail \"{name} names no signer for {path}\"\n")
        } else if path.ends_with(".sig") && **path != sig {
            format!(
                "signed_too {path} {name} \"$(cut -d' ' -f1 {path}.signer)\" {digits}Z {path}.signer\n"
            )
        } else if path.ends_with(".p7s") && **path != p7s {
            format!("certified_too {path} {name} {seconds}\n")
        } else {
            continue;
        };
        text.push_str(&command);
    }
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
                    "  shown evidence {tool} {options} \"$package/{name}\" || fail \"the evidence is not as {name} lists it\"\n"
                ));
            }
        }
    }
    text.push_str("\n# The evidence.\n");
    if commands.is_empty() {
        text.push_str("remains \"NOT CHECKED: the evidence, of which nothing is listed here\"\n");
        return;
    }
    text.push_str(&format!(
        "if [ -n \"${{EVIDENCE:-}}\" ]; then\n{commands}else\n  remains \"NOT CHECKED: the evidence (set EVIDENCE)\"\nfi\n"
    ));
}
