//! `verify-proof`: does a proof show what it says, and is the seal in it the right one?

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use triage_case::Status;
use triage_custody::{
    AllowedSigner, AllowedSigners, Claim, Proof, Seal, sha256_hex, unix_seconds, utc_text,
};

use super::scan_args::read_text;
use super::verify::safe;
use crate::clock::now;
use crate::console::Console;
use crate::failure::Failure;
use crate::trust::SignerKeyArgs;
use crate::{exit, shown};

/// Check a proof of one line, or of the absence of a path or digest
///
/// The package is not needed. A proof leads to a seal and carries it: give the keys that may sign
/// with --allowed-signers, or the seal that you trust with --seal. With neither, the proof is
/// checked against the seal that it brings along itself, and the exit code is 3, never 0.
#[derive(Args, Debug)]
pub(crate) struct VerifyProofArgs {
    /// The proof
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The seal that the proof must lead to
    #[arg(long, value_name = "FILE")]
    seal: Option<PathBuf>,
    #[command(flatten)]
    keys: SignerKeyArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &VerifyProofArgs, console: Console) -> Result<u8, Failure> {
    let allowed = args.keys.resolve()?;
    let text = read_text(&args.proof, "the proof")?;
    let refused = |what: &str| Failure::new(exit::VERIFY_FAILED, what).at(shown::path(&args.proof));
    // The reasons quote a stranger's file.
    let because = |error: triage_custody::Error| safe(&error.to_string());
    let proof = Proof::parse(text.as_bytes())
        .map_err(|error| refused("this is no proof").because(because(error)))?;
    let seal = proof
        .check()
        .map_err(|error| refused("the proof does not hold").because(because(error)))?;
    if let Some(path) = &args.seal {
        let bytes = std::fs::read(path)
            .map_err(|error| Failure::usage("cannot read the seal").caused_by(&error))?;
        if bytes != proof.seal_bytes() {
            return Err(refused("the proof leads to another seal").because(format!(
                "its seal has SHA-256 {}, {} has {}",
                sha256_hex(&proof.seal_bytes()),
                shown::path(path),
                sha256_hex(&bytes)
            )));
        }
    }
    let signed = match &allowed {
        Some(allowed) => Some(signed(&proof, &seal, allowed).map_err(|why| {
            refused("the seal in the proof is not signed by a trusted key").because(safe(&why))
        })?),
        None => None,
    };
    let trusted = args.seal.is_some() || signed.is_some();
    let told = Told { proof: &proof, seal: &seal, signed, trusted };
    told.tell(console);
    Ok(told.code())
}

/// Checks the signature that the proof carries, and returns the line of its key, or why it is not
/// to be believed.
fn signed<'a>(
    proof: &Proof,
    seal: &Seal,
    allowed: &'a AllowedSigners,
) -> Result<&'a AllowedSigner, String> {
    let Some(signer) = &seal.signer else {
        return Err(match &seal.certificate {
            Some(named) => format!(
                "it is signed with the certificate of {}, and a proof carries no such signature: \
                 check the package with --cms-root, then give its seal with --seal",
                named.subject
            ),
            None => "it is not signed".to_owned(),
        });
    };
    let signature = proof.signature.as_deref().unwrap_or_default();
    allowed
        .check(signer, &proof.seal_bytes(), signature.as_bytes(), unix_seconds(&seal.time))
        .map_err(|refused| refused.to_string())
}

/// A proof that holds, and who vouches for the seal in it.
struct Told<'a> {
    proof: &'a Proof,
    seal: &'a Seal,
    signed: Option<&'a AllowedSigner>,
    trusted: bool,
}

impl Told<'_> {
    fn code(&self) -> u8 {
        if self.trusted { exit::COMPLETE } else { exit::INCOMPLETE }
    }

    fn tell(&self, console: Console) {
        let (seal, code) = (self.seal, self.code());
        let claim = self.tell_claim(console);
        let digest = sha256_hex(&self.proof.seal_bytes());
        let (case, exhibit, time) = (safe(&seal.case), safe(&seal.exhibit), safe(&seal.time));
        console.line(&format!("seal {} of case {case}, exhibit {exhibit}, {time}", seal.seal));
        console.line(&format!("  SHA-256 {digest}"));
        console.line(&format!("  {}", self.signers()));
        let warnings: Vec<String> = self.ended().into_iter().collect();
        for warning in &warnings {
            console.say(&format!("warning: {warning}"));
        }
        console.line(if self.trusted {
            "the proof holds"
        } else {
            "the proof holds against the seal in it, which NOTHING vouches for: give \
             --allowed-signers or --seal (exit 3)"
        });
        console.record(&json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code), "proof": claim,
            "seal_sha256": digest, "seal": seal.seal, "case": seal.case, "exhibit": seal.exhibit,
            "signer": seal.signer,
            "certificate": seal.certificate.as_ref().map(|named| &named.subject),
            "key": self.signed.map(|line| line.key.fingerprint()),
            "trusted": self.trusted, "counts": seal.counts, "warnings": warnings,
        }));
    }

    fn tell_claim(&self, console: Console) -> Value {
        let entries = self.seal.manifest.entries;
        match &self.proof.claim {
            Claim::Inclusion(claim) => {
                let line = safe_line(&claim.line);
                console.line(&format!("line {} of {entries} (from 0): {line}", claim.index));
                json!({ "claim": "inclusion", "index": claim.index, "redacted": claim.redacted,
                    "line": serde_json::from_str::<Value>(&claim.line).unwrap_or_default() })
            }
            Claim::Absence(claim) => {
                let (kind, text) = (safe(&claim.kind), value_text(&claim.kind, &claim.value));
                console.line(&format!("no line of {entries} has {kind} {text}"));
                console.line(&format!(
                    "  what was not read has no digest, what was not listed no path: {}",
                    unread(&self.seal.counts, entries)
                ));
                json!({ "claim": "absence", "kind": claim.kind, "value": text })
            }
        }
    }

    /// Says who signed the seal, and whether that was checked.
    fn signers(&self) -> String {
        let key = self.signed.map(|line| line.key.fingerprint());
        let signer = self.seal.signer.as_deref().map(safe);
        let subject = self.seal.certificate.as_ref().map(|named| safe(&named.subject));
        let by_certificate = match &subject {
            Some(subject) => format!(
                "the certificate of {subject} signed it: NOT CHECKED, a proof carries no such \
                 signature; check the package with --cms-root"
            ),
            None => String::new(),
        };
        match (key, signer, subject.is_some()) {
            (Some(key), Some(signer), false) => format!("signed by {signer} with key {key}"),
            (Some(key), Some(signer), true) => {
                format!("signed by {signer} with key {key}; says that {by_certificate}")
            }
            (_, Some(signer), false) => format!("says that {signer} signed it: NOT CHECKED"),
            (_, Some(signer), true) => {
                format!("says that {signer} signed it: NOT CHECKED; and that {by_certificate}")
            }
            (_, None, true) => format!("says that {by_certificate}"),
            (_, None, false) => {
                "NOT SIGNED: compare its SHA-256 with one noted elsewhere".to_owned()
            }
        }
    }

    /// A key whose time has ended since: whoever holds it could put their clock back.
    fn ended(&self) -> Option<String> {
        let (line, now) = (self.signed?, unix_seconds(&now())?);
        (!line.validity.holds_at(Some(now))).then(|| {
            format!(
                "the key is not valid at {} any more; only the computer's clock says that it was \
                 when the seal was made, unless a time-stamp in the package does",
                utc_text(now)
            )
        })
    }
}

/// A line of JSON of a stranger, fit for a terminal. In JSON a backslash begins one of its own
/// escapes or another backslash, so that ours stay apart without being doubled.
fn safe_line(text: &str) -> String {
    safe(text).replace("\\\\", "\\")
}

fn value_text(kind: &str, value: &str) -> String {
    if kind != "path" {
        return value.to_owned();
    }
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).unwrap_or_default()
    };
    let bytes = value.as_bytes().chunks(2).map(byte).collect();
    triage_evidence::Location::from_path(bytes).to_text()
}

/// What a seal counts as not read at its examination, in words. The seal is a stranger's: its
/// counts say something only if they add up to the lines of its manifest.
fn unread(counts: &Value, lines: u64) -> String {
    let of = |status: Status| counts[status.name()].as_u64().unwrap_or(0);
    let sum = Status::ALL.into_iter().map(of).fold(0, u64::saturating_add);
    if sum != lines {
        return format!("NOT KNOWN: the seal counts {sum} entries, and its manifest has {lines}");
    }
    let parts: Vec<String> = Status::ALL
        .into_iter()
        .filter(|status| !matches!(status, Status::Read | Status::NotRegular) && of(*status) > 0)
        .map(|status| format!("{} {}", of(status), status.words()))
        .collect();
    if parts.is_empty() { "none, everything was read".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_that_was_not_read_is_named() {
        for status in Status::ALL {
            let said = unread(&json!({ status.name(): 2, "hits": 1 }), 2);
            if matches!(status, Status::Read | Status::NotRegular) {
                assert_eq!(said, "none, everything was read");
            } else {
                assert_eq!(said, format!("2 {}", status.words()));
            }
        }
    }

    #[test]
    fn counts_that_do_not_add_up_say_nothing() {
        for counts in [Value::Null, json!({}), json!({ "read": 1 }), json!({ "read": "2" })] {
            assert!(unread(&counts, 2).starts_with("NOT KNOWN"), "{counts}");
        }
    }
}
