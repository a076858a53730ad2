//! `verify-proof`: does a proof show what it says, and is the seal in it the right one?

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use triage_custody::{AllowedSigner, Claim, Proof, Seal, sha256_hex};

use super::scan_args::read_text;
use crate::console::Console;
use crate::failure::Failure;
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
    /// The keys to trust, from outside the package, as `ssh-keygen -Y` reads them
    #[arg(long, value_name = "FILE", env = "TRIAGE_ALLOWED_SIGNERS")]
    allowed_signers: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &VerifyProofArgs, console: Console) -> Result<u8, Failure> {
    let text = read_text(&args.proof, "the proof")?;
    let refused = |what: &str| Failure::new(exit::VERIFY_FAILED, what).at(shown::path(&args.proof));
    let proof = Proof::parse(text.as_bytes())
        .map_err(|error| refused("this is no proof").caused_by(&error))?;
    let seal =
        proof.check().map_err(|error| refused("the proof does not hold").caused_by(&error))?;
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
    let key = match &args.allowed_signers {
        Some(path) => Some(
            signed(&proof, &seal, path)
                .map_err(|failure| Failure { at: Some(shown::path(&args.proof)), ..failure })?,
        ),
        None => None,
    };
    let trusted = args.seal.is_some() || key.is_some();
    tell(&proof, &seal, key.as_deref(), trusted, console);
    Ok(if trusted { exit::COMPLETE } else { exit::INCOMPLETE })
}

/// Checks the signature that the proof carries, and returns the key's fingerprint.
fn signed(proof: &Proof, seal: &Seal, allowed: &Path) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new(exit::VERIFY_FAILED, "the seal in the proof is not signed by a trusted key")
            .because(why)
    };
    let signers = AllowedSigner::parse(&read_text(allowed, "the allowed signers")?)?;
    let Some(signer) = &seal.signer else {
        return Err(failed(match &seal.certificate {
            Some(named) => format!(
                "it is signed with the certificate of {}, and a proof carries no such signature: \
                 check the package with --cms-root, then give its seal with --seal",
                safe(&named.subject)
            ),
            None => "it is not signed".to_owned(),
        }));
    };
    let signature = proof.signature.as_deref().unwrap_or_default();
    let mut why = format!("no key for {signer} among the allowed signers");
    for known in signers.iter().filter(|known| known.is_for(signer)) {
        match known.key.verify(&proof.seal_bytes(), signature.as_bytes()) {
            Ok(()) => return Ok(known.key.fingerprint()),
            Err(error) => why = error.to_string(),
        }
    }
    Err(failed(why))
}

fn tell(proof: &Proof, seal: &Seal, key: Option<&str>, trusted: bool, console: Console) {
    let claim = match &proof.claim {
        Claim::Inclusion(claim) => {
            let of = seal.manifest.entries;
            console.line(&format!("line {} of {of} (from 0): {}", claim.index, safe(&claim.line)));
            json!({ "claim": "inclusion", "index": claim.index, "redacted": claim.redacted,
                "line": serde_json::from_str::<Value>(&claim.line).unwrap_or_default() })
        }
        Claim::Absence(claim) => {
            let text = value_text(&claim.kind, &claim.value);
            console
                .line(&format!("no line of {} has {} {text}", seal.manifest.entries, claim.kind));
            console.line(&format!(
                "  what was not read has no digest, what was not listed no path: {}",
                gaps(&seal.counts)
            ));
            json!({ "claim": "absence", "kind": claim.kind, "value": text })
        }
    };
    let digest = sha256_hex(&proof.seal_bytes());
    let (case, exhibit) = (safe(&seal.case), safe(&seal.exhibit));
    console.line(&format!("seal {} of case {case}, exhibit {exhibit}, {}", seal.seal, seal.time));
    console.line(&format!("  SHA-256 {digest}"));
    match (key, &seal.signer) {
        (Some(key), Some(signer)) => console.line(&format!("  signed by {signer} with key {key}")),
        (_, Some(signer)) => console.line(&format!("  says that {signer} signed it: NOT CHECKED")),
        (_, None) => console.line("  NOT SIGNED: compare its SHA-256 with one noted elsewhere"),
    }
    console.line(if trusted {
        "the proof holds"
    } else {
        "the proof holds against the seal in it, which NOTHING vouches for: give --allowed-signers \
         or --seal (exit 3)"
    });
    let code = if trusted { exit::COMPLETE } else { exit::INCOMPLETE };
    console.record(&json!({
        "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code), "proof": claim,
        "seal_sha256": digest, "seal": seal.seal, "case": seal.case, "exhibit": seal.exhibit,
        "signer": seal.signer, "key": key, "trusted": trusted, "counts": seal.counts,
    }));
}

/// A line of a stranger's proof, fit for a terminal.
fn safe(text: &str) -> String {
    triage_evidence::escape(text.as_bytes()).replace("\\\\", "\\")
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

/// What the seal counts as not examined, in words.
fn gaps(counts: &Value) -> String {
    let of = |name: &str| counts[name].as_u64().unwrap_or(0);
    let parts: Vec<String> = triage_case::Status::ALL
        .into_iter()
        .filter(|status| status.is_gap() || *status == triage_case::Status::Excluded)
        .filter(|status| of(status.name()) > 0)
        .map(|status| format!("{} {}", of(status.name()), status.words()))
        .collect();
    if parts.is_empty() { "none, everything was read".to_owned() } else { parts.join(", ") }
}
