//! The lines of an `allowed_signers` file: ssh-keygen(1), ALLOWED SIGNERS.
//!
//! Lines with `cert-authority` are passed over: certificates of OpenSSH are not read.

use crate::{Error, NAMESPACE, PublicKey};

/// The longest file that is read; a laboratory has tens of keys.
const LIMIT_FILE_BYTES: usize = 1024 * 1024;
/// The kinds of keys whose signatures are checked.
const KEY_TYPES: [&str; 6] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

/// A line of an `allowed_signers` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// The principals, as written.
    pub principals: String,
    /// The options, as written.
    pub options: String,
    /// The key.
    pub key: PublicKey,
}

impl AllowedSigner {
    /// Reads a file; comments, empty lines and keys for other namespaces are passed over.
    ///
    /// # Errors
    /// [`Error::Key`] with the number of the line that cannot be read.
    pub fn parse(text: &str) -> Result<Vec<Self>, Error> {
        if text.len() > LIMIT_FILE_BYTES {
            let (what, actual) = ("the allowed signers", text.len());
            return Err(Error::TooLong { what, limit: LIMIT_FILE_BYTES, actual });
        }
        let mut signers = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = || Error::Key { reason: format!("line {number} of the allowed signers") };
            let (principals, rest) = line.split_once(' ').ok_or_else(bad)?;
            let start = key_start(rest).ok_or_else(bad)?;
            let (options, key) = rest.split_at_checked(start).ok_or_else(bad)?;
            let listed = option(options, "namespaces");
            let elsewhere =
                listed.is_some_and(|list| list.split(',').all(|name| name != NAMESPACE));
            if elsewhere || options.split(',').any(|option| option.trim() == "cert-authority") {
                continue;
            }
            let key = PublicKey::from_line(key).map_err(|_| bad())?;
            signers.push(Self {
                principals: principals.to_owned(),
                options: options.trim().to_owned(),
                key,
            });
        }
        Ok(signers)
    }

    /// Says whether the line is for that name: one of the principals, or all of them.
    #[must_use]
    pub fn is_for(&self, principal: &str) -> bool {
        self.principals.split(',').any(|name| name == principal)
    }

    /// Says whether the key may be used at a time, given as digits `YYYYMMDDHHMMSS` in UTC. A
    /// bound without `Z` is taken as UTC too, where OpenSSH takes the zone of the computer.
    #[must_use]
    pub fn is_valid_at(&self, digits: &str) -> bool {
        let bound = |name: &str| {
            let text = option(&self.options, name)?.trim_end_matches('Z');
            Some(format!("{text:0<14}"))
        };
        bound("valid-after").is_none_or(|after| after.as_str() <= digits)
            && bound("valid-before").is_none_or(|before| digits <= before.as_str())
    }

    /// Returns the line for a key that may sign seals, with its line end.
    ///
    /// # Errors
    /// [`Error::Key`] if the key cannot be written.
    pub fn line(principal: &str, key: &PublicKey) -> Result<String, Error> {
        let line = key.to_line()?;
        let mut words = line.split(' ');
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else {
            return Err(Error::Key { reason: "the key has no text form".to_owned() });
        };
        Ok(format!("{principal} namespaces=\"{NAMESPACE}\" {kind} {base64}\n"))
    }
}

/// Returns where the kind of the key begins; words within quotes are not looked at.
fn key_start(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut start = 0;
    for (place, letter) in text.char_indices() {
        if letter == '"' {
            quoted = !quoted;
        } else if letter == ' ' && !quoted {
            if KEY_TYPES.contains(&text.get(start..place)?) {
                return Some(start);
            }
            start = place + 1;
        }
    }
    None
}

/// Returns the value of an option.
fn option<'a>(options: &'a str, name: &str) -> Option<&'a str> {
    options.split(&format!("{name}=\"")).nth(1)?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn names_namespaces_and_times_are_kept_apart() {
        let key = SigningKey::from_seed(&[7; 32], "").unwrap().public();
        let ours = AllowedSigner::line("ana@lab.example", &key).unwrap();
        let key = ours.split_once("ssh-ed25519").unwrap().1;
        let text = format!(
            "# a comment\n\n{ours}\
             a,b valid-after=\"20260101\",valid-before=\"20270101Z\" ssh-ed25519{key}\
             c namespaces=\"file,git\" ssh-ed25519{key}\
             d cert-authority ssh-ed25519{key}"
        );
        let signers = AllowedSigner::parse(&text).unwrap();
        assert_eq!(signers.len(), 2);
        assert!(signers[0].is_for("ana@lab.example") && !signers[0].is_for("ana"));
        assert!(signers[1].is_for("a") && signers[1].is_for("b") && !signers[1].is_for("a,b"));
        assert!(signers[0].is_valid_at("19700101000000"));
        assert!(signers[1].is_valid_at("20260101000000"));
        assert!(!signers[1].is_valid_at("20251231235959"));
        assert!(!signers[1].is_valid_at("20270101000001"));
        for bad in ["x", "x y", "x ssh-ed25519 AAAA", "x ssh-dss AAAA", "x \" ssh-ed25519 A"] {
            assert!(AllowedSigner::parse(bad).is_err(), "{bad}");
        }
    }
}
