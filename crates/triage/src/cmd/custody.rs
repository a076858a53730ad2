//! `custody`: the verbs of the chain of custody, and keys for seals.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use triage_custody::SigningKey;

use super::custody_add::{self, AddArgs};
use super::custody_log::{self, LogArgs};
use super::custody_merge::{self, MergeArgs};
use super::custody_repair::{self, RepairArgs};
use super::custody_seal::{self, SealArgs};
use super::custody_sign::{self, SignArgs};
use super::custody_stamp::{self, StampArgs};
use crate::console::Console;
use crate::failure::Failure;
use crate::{exit, facts, shown, write};

/// Keys for seals, and the chain of custody of a package
#[derive(Subcommand, Debug)]
pub(crate) enum CustodyVerb {
    Keygen(KeygenArgs),
    Log(LogArgs),
    Add(Box<AddArgs>),
    Seal(Box<SealArgs>),
    Sign(SignArgs),
    Stamp(StampArgs),
    Merge(MergeArgs),
    Repair(RepairArgs),
    Prove(super::custody_prove::ProveArgs),
}

/// Make an Ed25519 key pair for seals, in the format of OpenSSH
///
/// Writes FILE, to be kept secret, and FILE.pub. The fingerprint belongs into the laboratory's
/// register of keys and into the signed statement.
#[derive(Args, Debug)]
pub(crate) struct KeygenArgs {
    /// The file of the private key; must not exist
    #[arg(value_name = "FILE")]
    out: PathBuf,
    /// The name under which the key will be known, such as an address
    #[arg(long, value_name = "NAME", default_value = "triage")]
    signer: String,
}

/// Runs the verb.
pub(crate) fn run(verb: &CustodyVerb, console: Console) -> Result<u8, Failure> {
    match verb {
        CustodyVerb::Keygen(args) => keygen(args, console),
        CustodyVerb::Log(args) => custody_log::run(args, console),
        CustodyVerb::Add(args) => custody_add::run(args, console),
        CustodyVerb::Seal(args) => custody_seal::run(args, console),
        CustodyVerb::Sign(args) => custody_sign::run(args, console),
        CustodyVerb::Stamp(args) => custody_stamp::run(args, console),
        CustodyVerb::Merge(args) => custody_merge::run(args, console),
        CustodyVerb::Repair(args) => custody_repair::run(args, console),
        CustodyVerb::Prove(args) => super::custody_prove::run(args, console),
    }
}

fn keygen(args: &KeygenArgs, console: Console) -> Result<u8, Failure> {
    let key = SigningKey::from_seed(&facts::random::<32>()?, &args.signer)?;
    let mut public = args.out.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    let line = format!("{}\n", key.public().to_line()?);
    for (path, mode, bytes) in [(&args.out, 0o600, key.to_openssh()?), (&public, 0o644, line)] {
        write::new_file(path, mode, bytes.as_bytes()).map_err(|error| {
            let code = match error.kind() {
                std::io::ErrorKind::AlreadyExists => exit::REFUSED,
                _ => exit::USAGE,
            };
            Failure::new(code, "cannot write the key").at(shown::path(path)).caused_by(&error)
        })?;
    }
    let fingerprint = key.public().fingerprint();
    console.line(&format!("{fingerprint}  {}", shown::path(&public)));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "fingerprint": fingerprint,
        "public_key": shown::path(&public),
    }));
    Ok(exit::COMPLETE)
}
