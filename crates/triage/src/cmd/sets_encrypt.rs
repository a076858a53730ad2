//! `sets encrypt`: a set for a stick that may be lost.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use triage_hashset::{DigestKey, Index, Lock, Recipient, encrypt, with_keyed_digests};

use super::sets::{LEAST_MEMORY_BYTES, open};
use crate::console::Console;
use crate::failure::Failure;
use crate::set_args::{ReadingArgs, read_secret};
use crate::{exit, facts, measure, shown, write};

/// Encrypt a set, or replace its digests by keyed ones, for a stick that may be lost
///
/// For recipients the result is a plain age file (`age -d` opens it too); for a passphrase the key
/// is made by Argon2id. `scan`, `match` and `sets` open it with --set-key or --set-passphrase, in
/// memory only. A digest key makes the digests themselves useless without it: who has the set and
/// not the key can neither read them nor test whether a file is listed.
#[derive(Args, Debug)]
#[command(group(clap::ArgGroup::new("how").required(true).multiple(true)))]
pub(crate) struct EncryptArgs {
    /// A compiled set, or a list
    #[arg(value_name = "SET")]
    set: PathBuf,
    /// The file to write; must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Somebody who can open it: an age recipient (age1...); may be given several times
    #[arg(long, value_name = "AGE1", group = "how", conflicts_with = "passphrase_file")]
    recipient: Vec<String>,
    /// A file whose first line is the passphrase that opens it
    #[arg(long, value_name = "FILE", group = "how")]
    passphrase_file: Option<PathBuf>,
    /// Replace the digests by those keyed with the key in this file
    #[arg(long, value_name = "FILE", group = "how", conflicts_with = "new_digest_key")]
    digest_key: Option<PathBuf>,
    /// The same with a new random key, written to this file; must not exist
    #[arg(long, value_name = "FILE", group = "how")]
    new_digest_key: Option<PathBuf>,
    /// How much memory to sort keyed digests in, if nothing is encrypted
    #[arg(long, value_name = "SIZE", default_value = "512M", value_parser = measure::size)]
    memory: u64,
    #[command(flatten)]
    reading: ReadingArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &EncryptArgs, console: Console) -> Result<u8, Failure> {
    if std::fs::symlink_metadata(&args.output).is_ok() {
        return Err(Failure::new(exit::REFUSED, "refused to write over existing output")
            .at(shown::path(&args.output)));
    }
    let lock = lock(args)?;
    let failed = |error: triage_hashset::Error| Failure::from(error).at(shown::path(&args.set));
    let mut index = open(&args.set, &args.reading)?;
    index.verify().map_err(failed)?;
    if let Some(key) = digest_key(args)? {
        let perceptual: u64 = index.report().perceptual.values().sum();
        if perceptual > 0 {
            console.say(&format!(
                "note: {perceptual} perceptual digests are left out: no key hides them"
            ));
        }
        // An encrypted set has no file of its own before.
        let output = lock.is_none().then_some(args.output.as_path());
        let memory = usize::try_from(args.memory).unwrap_or(usize::MAX).max(LEAST_MEMORY_BYTES);
        index = with_keyed_digests(&index, &key, output, memory).map_err(failed)?;
    }
    if let Some(lock) = &lock {
        encrypt(&index, lock, &args.output).map_err(failed)?;
    }
    told(&index, lock.as_ref(), args, console);
    Ok(exit::COMPLETE)
}

fn told(index: &Index, lock: Option<&Lock>, args: &EncryptArgs, console: Console) {
    let how = match lock {
        None => "not encrypted".to_owned(),
        Some(Lock::Passphrase { .. }) => "encrypted under a passphrase".to_owned(),
        Some(Lock::Recipients(all)) => format!("encrypted for {} recipients", all.len()),
    };
    let keyed = match index.keyed_by() {
        None => "digests as in the list".to_owned(),
        Some(id) => format!("digests keyed by {id}"),
    };
    let records = measure::count(index.entry_count());
    console.line(&format!("{}: {records} records, {how}, {keyed}", shown::path(&args.output)));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "records": index.record_count(),
        "encrypted": lock.is_some(), "keyed_by": index.keyed_by(),
    }));
}

fn lock(args: &EncryptArgs) -> Result<Option<Lock>, Failure> {
    if let Some(path) = &args.passphrase_file {
        let text = read_secret(path)?;
        let passphrase = text.lines().next().unwrap_or_default().to_owned();
        if passphrase.is_empty() {
            return Err(Failure::usage("the passphrase is empty").at(shown::path(path)));
        }
        return Ok(Some(Lock::Passphrase { passphrase, salt: facts::random()? }));
    }
    let recipient = |text: &String| {
        text.parse::<Recipient>().map_err(|error| {
            Failure::usage("cannot use --recipient").at(text.clone()).caused_by(&error)
        })
    };
    let all = args.recipient.iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
    Ok(if all.is_empty() { None } else { Some(Lock::Recipients(all)) })
}

/// Reads the digest key, or makes one.
fn digest_key(args: &EncryptArgs) -> Result<Option<DigestKey>, Failure> {
    if let Some(path) = &args.new_digest_key {
        let key = DigestKey::new(facts::random()?);
        write::new_file(path, 0o600, key.to_line().as_bytes()).map_err(|error| {
            Failure::new(exit::REFUSED, "cannot write the digest key")
                .at(shown::path(path))
                .caused_by(&error)
        })?;
        return Ok(Some(key));
    }
    let Some(path) = &args.digest_key else { return Ok(None) };
    let mut keys = triage_hashset::SetKeys::default();
    let bad = |reason: String| {
        Failure::usage("cannot use the digest key").at(shown::path(path)).because(reason)
    };
    keys.add_file(&read_secret(path)?).map_err(|error| bad(error.to_string()))?;
    match keys.digest_keys() {
        [key] => Ok(Some(key.clone())),
        several => Err(bad(format!("it holds {} digest keys, expected 1", several.len()))),
    }
}
