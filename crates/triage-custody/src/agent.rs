//! Messages to and from a key agent: draft-miller-ssh-agent, sections 3 and 4. Bytes only: who
//! holds the socket is elsewhere.

use crate::{Error, PublicKey};

/// The longest answer: a list of keys, or a signature.
pub const LIMIT_ANSWER_BYTES: usize = 256 * 1024;
/// The most keys that are looked at.
const LIMIT_KEYS: u32 = 1024;

/// SSH_AGENTC_REQUEST_IDENTITIES and its answer (5.1).
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
/// SSH_AGENTC_SIGN_REQUEST and its answer.
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// SSH_AGENT_RSA_SHA2_512: RSA never signs with SHA-1 for us.
const RSA_SHA2_512: u32 = 4;

/// Returns the request for the list of keys.
#[must_use]
pub fn ask_keys() -> Vec<u8> {
    framed(&[REQUEST_IDENTITIES])
}

/// Returns the request for a signature over bytes.
///
/// # Errors
/// [`Error::Key`] if the key cannot be written.
pub fn ask_signature(key: &PublicKey, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut message = vec![SIGN_REQUEST];
    for part in [key.to_blob()?.as_slice(), bytes] {
        message.extend(length(part));
        message.extend(part);
    }
    message.extend(RSA_SHA2_512.to_be_bytes());
    Ok(framed(&message))
}

/// Reads the list of keys, each with its comment; kinds that are not known are passed over.
///
/// # Errors
/// [`Error::Key`] if the answer is no such list.
pub fn read_keys(answer: &[u8]) -> Result<Vec<(PublicKey, String)>, Error> {
    let mut rest = body(answer, IDENTITIES_ANSWER)?;
    let count = take_number(&mut rest)?;
    let mut keys = Vec::new();
    for _ in 0..count.min(LIMIT_KEYS) {
        let blob = take_string(&mut rest)?;
        let comment = take_string(&mut rest)?;
        if let Ok(key) = PublicKey::from_blob(blob) {
            keys.push((key, String::from_utf8_lossy(comment).into_owned()));
        }
    }
    Ok(keys)
}

/// Reads a signature.
///
/// # Errors
/// [`Error::Key`] if the agent refused, or the answer is no signature.
pub fn read_signature(answer: &[u8]) -> Result<Vec<u8>, Error> {
    let mut rest = body(answer, SIGN_RESPONSE)?;
    take_string(&mut rest).map(<[u8]>::to_vec)
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

fn framed(message: &[u8]) -> Vec<u8> {
    [length(message).as_slice(), message].concat()
}

fn wrong(reason: &str) -> Error {
    Error::Key { reason: format!("the agent {reason}") }
}

/// Returns what follows the kind of an answer (without the length before it).
fn body(answer: &[u8], expected: u8) -> Result<&[u8], Error> {
    match answer.split_first() {
        Some((kind, rest)) if *kind == expected => Ok(rest),
        Some(_) => Err(wrong("refused")),
        None => Err(wrong("answered nothing")),
    }
}

fn take_number(rest: &mut &[u8]) -> Result<u32, Error> {
    let (number, more) =
        rest.split_first_chunk::<4>().ok_or_else(|| wrong("sent a torn answer"))?;
    *rest = more;
    Ok(u32::from_be_bytes(*number))
}

fn take_string<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let length = usize::try_from(take_number(rest)?).unwrap_or(usize::MAX);
    let (string, more) =
        rest.split_at_checked(length).ok_or_else(|| wrong("sent a torn answer"))?;
    *rest = more;
    Ok(string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn every_cut_of_an_answer_is_refused() {
        let key = SigningKey::from_seed(&[7; 32], "").unwrap().public();
        let blob = key.to_blob().unwrap();
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
        for part in [blob.as_slice(), b"ana"] {
            answer.extend(length(part));
            answer.extend(part);
        }
        let keys = read_keys(&answer).unwrap();
        assert!(keys.len() == 1 && keys[0].0.is(&key) && keys[0].1 == "ana");
        for cut in 0..answer.len() {
            assert!(read_keys(&answer[..cut]).is_err(), "cut at {cut}");
        }
        answer[1] = 0xff;
        assert!(read_keys(&answer).is_err(), "more keys stated than there are");
        assert!(read_signature(&[5]).is_err());
        assert_eq!(read_signature(&[14, 0, 0, 0, 1, 9]).unwrap(), [9]);
        assert_eq!(ask_keys(), [0, 0, 0, 1, 11]);
    }
}
