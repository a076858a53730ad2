//! Encrypted sets: an index inside an age file (age-encryption.org/v1), read into memory only.
//!
//! For recipients it is a plain age file that the stock tool opens too. For a passphrase there is a
//! head before it with the parameters of Argon2id (RFC 9106), and the age file is for what Argon2id
//! makes of the passphrase: docs/formats/index.md. Decrypted bytes never touch the disk.

use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor};
use argon2::{Argon2, Params, Version};

use crate::index::{Index, write_new_with};
use crate::set_keys::BadKey;
use crate::{Error, SetKeys};

/// The first bytes of every age file.
const AGE_MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// The first bytes of a set under a passphrase.
const PASSPHRASE_MAGIC: &[u8; 8] = b"TRIAGEPW";
/// Length of the head of a set under a passphrase: magic, version, memory, passes, lanes, salt.
const HEAD_LEN: usize = 40;
/// The version of that head.
const HEAD_VERSION: u32 = 1;
/// Memory of Argon2id in KiB: half a second on a laptop of the field, and much for who guesses.
const MEMORY_KIB: u32 = 256 << 10;
/// Passes of Argon2id over its memory.
const PASSES: u32 = 3;
/// Lanes of Argon2id.
const LANES: u32 = 4;
/// Most memory that a foreign file may ask for, in KiB: 1 GiB.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// Most passes and lanes that a foreign file may ask for.
const MAX_PASSES: u32 = 16;
/// Work of age's own scrypt, which is given a key of 256 bits here and need not be slow.
const SCRYPT_LOG_N: u8 = 10;

/// Who can open an encrypted set.
pub enum Lock {
    /// The owners of these age identities.
    Recipients(Vec<Recipient>),
    /// Whoever knows the passphrase. The salt is random.
    Passphrase {
        /// The passphrase.
        passphrase: String,
        /// The salt.
        salt: [u8; 16],
    },
}

/// The public key of somebody who can open an encrypted set: `age1...`.
#[derive(Clone, Debug)]
pub struct Recipient(age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let recipient = age::x25519::Recipient::from_str(text.trim());
        recipient.map(Self).map_err(|_| BadKey { line: 1, reason: "no age recipient (age1...)" })
    }
}

/// Says whether the first bytes of a file are those of an encrypted set.
#[must_use]
pub fn is_encrypted(head: &[u8]) -> bool {
    head.starts_with(PASSPHRASE_MAGIC)
        || (head.len() >= 8 && AGE_MAGIC.starts_with(head))
        || head.starts_with(AGE_MAGIC)
}

/// Writes an index encrypted to a new file: complete or not at all, never over another.
///
/// # Errors
/// [`Error::Exists`], or [`Error::Io`] if the disk refuses.
pub fn encrypt(index: &Index, lock: &Lock, output: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "write", path: output.to_owned(), source };
    let locked = |reason: String| Error::Locked { path: output.to_owned(), reason };
    let mut head = Vec::new();
    let mut recipients: Vec<Box<dyn age::Recipient>> = Vec::new();
    match lock {
        Lock::Recipients(all) => {
            recipients.extend(all.iter().map(|r| Box::new(r.0.clone()) as Box<_>));
        }
        Lock::Passphrase { passphrase, salt } => {
            let work = Work { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt: *salt };
            let key = work.derive(passphrase).ok_or_else(|| locked("Argon2id failed".into()))?;
            let mut recipient = age::scrypt::Recipient::new(key);
            recipient.set_work_factor(SCRYPT_LOG_N);
            recipients.push(Box::new(recipient));
            head = work.head();
        }
    }
    let encryptor = Encryptor::with_recipients(recipients.iter().map(|one| &**one as _));
    let encryptor = encryptor.map_err(|error| locked(error.to_string()))?;
    write_new_with(output, |file| {
        file.write_all(&head).map_err(failed)?;
        let out = io::BufWriter::with_capacity(1 << 20, file);
        let mut stream = encryptor.wrap_output(out).map_err(failed)?;
        for piece in index.as_bytes().chunks(1 << 20) {
            stream.write_all(piece).map_err(failed)?;
        }
        stream.finish().and_then(|mut out| out.flush()).map_err(failed)
    })
}

/// Decrypts a set into memory.
///
/// # Errors
/// [`Error::Locked`] if no key fits or the file is damaged, [`Error::BadIndex`] if something else
/// than an index is in it, [`Error::Io`] if the file cannot be read.
pub(crate) fn decrypt(path: &Path, keys: &SetKeys) -> Result<Index, Error> {
    let locked = |reason: &str| Error::Locked { path: path.to_owned(), reason: reason.to_owned() };
    let failed = |action| move |source| Error::Io { action, path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed("open"))?;
    let len = file.metadata().map_err(failed("examine"))?.len();
    let mut input = io::BufReader::with_capacity(1 << 20, file);
    let mut start = [0; HEAD_LEN];
    let begun = io::BufRead::fill_buf(&mut input).map_err(failed("read"))?;
    let with_passphrase = begun.starts_with(PASSPHRASE_MAGIC);
    let mut identities: Vec<Box<dyn age::Identity>> = Vec::new();
    if with_passphrase {
        input.read_exact(&mut start).map_err(|_| locked("it breaks off in its head"))?;
        let work = Work::read(&start).ok_or_else(|| locked("its head is damaged or too new"))?;
        if keys.passphrases.is_empty() {
            return Err(locked("it needs its passphrase"));
        }
        for passphrase in &keys.passphrases {
            let key = work.derive(passphrase).ok_or_else(|| locked("its head is damaged"))?;
            let mut identity = age::scrypt::Identity::new(key);
            identity.set_max_work_factor(SCRYPT_LOG_N);
            identities.push(Box::new(identity));
        }
    } else {
        if keys.identities.is_empty() {
            return Err(locked("it needs the age identity of one of its recipients"));
        }
        identities.extend(keys.identities.iter().map(|one| Box::new(one.clone()) as Box<_>));
    }
    let words = |error: &DecryptError| match error {
        DecryptError::NoMatchingKeys if with_passphrase => {
            "the passphrase is wrong, or the head is damaged"
        }
        DecryptError::NoMatchingKeys => "it is for none of the given identities",
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            "the passphrase or key is wrong, or the head is damaged"
        }
        DecryptError::ExcessiveWork { .. } => "it asks for more work than a set of ours",
        _ => "its head is damaged",
    };
    let decryptor = Decryptor::new_buffered(input).map_err(|error| locked(words(&error)))?;
    let stream = decryptor.decrypt(identities.iter().map(|one| &**one as _));
    let mut stream = stream.map_err(|error| locked(words(&error)))?;
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    stream.read_to_end(&mut bytes).map_err(|_| locked("it is damaged or breaks off"))?;
    Index::from_decrypted(bytes, path, keys)
}

/// What Argon2id is asked to do.
struct Work {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
}

impl Work {
    /// Returns the head of a file: magic, four little-endian numbers, salt.
    fn head(&self) -> Vec<u8> {
        let mut head = PASSPHRASE_MAGIC.to_vec();
        for number in [HEAD_VERSION, self.memory_kib, self.passes, self.lanes] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        head.extend_from_slice(&self.salt);
        head
    }

    /// Reads a head; nothing of it is trusted.
    fn read(head: &[u8; HEAD_LEN]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let work = Self {
            memory_kib: number(12)?,
            passes: number(16)?,
            lanes: number(20)?,
            salt: *head.get(24..)?.first_chunk()?,
        };
        let bounded = work.memory_kib <= MAX_MEMORY_KIB
            && (1..=MAX_PASSES).contains(&work.passes)
            && (1..=MAX_PASSES).contains(&work.lanes);
        (number(8)? == HEAD_VERSION && bounded).then_some(work)
    }

    /// Returns what age is given for the passphrase.
    fn derive(&self, passphrase: &str) -> Option<SecretString> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let argon2 = Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params);
        let mut key = [0; 32];
        argon2.hash_password_into(passphrase.as_bytes(), &self.salt, &mut key).ok()?;
        Some(SecretString::from(blake3::Hash::from_bytes(key).to_hex().to_string()))
    }
}
