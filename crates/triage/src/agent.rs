//! The socket of an ssh-agent: a file of this computer, never the network.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use triage_custody::agent::{
    LIMIT_ANSWER_BYTES, ask_keys, ask_signature, read_keys, read_signature,
};
use triage_custody::{Error, PublicKey, SigningKey};

use crate::failure::Failure;
use crate::shown;

/// How long an agent may take: a person may have to touch a token.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Finds the key that was named, by its `.pub` file or its fingerprint, among those of the agent.
pub(crate) fn key(socket: Option<&Path>, named: &str) -> Result<(SigningKey, String), Failure> {
    let failed = || Failure::usage("cannot sign with the ssh-agent");
    let socket = socket.ok_or_else(|| {
        failed().because("no agent is running").hint("set SSH_AUTH_SOCK, or give --agent-socket")
    })?;
    let answer = ask(socket, &ask_keys())
        .map_err(|error| failed().at(shown::path(socket)).caused_by(&error))?;
    let keys = read_keys(&answer)?;
    let wanted = match std::fs::read_to_string(named) {
        Ok(line) => PublicKey::from_line(line.trim_end())?.fingerprint(),
        Err(_) => named.to_owned(),
    };
    let found = keys.into_iter().find(|(key, _)| key.fingerprint() == wanted);
    let (public, comment) = found.ok_or_else(|| {
        failed()
            .because(format!("it does not hold {}", triage_evidence::escape(wanted.as_bytes())))
            .hint("`ssh-add -l` lists its keys; `ssh-add FILE` adds one")
    })?;
    let (socket, asked) = (socket.to_path_buf(), public.clone());
    let sign = move |bytes: &[u8]| sign(&socket, &asked, bytes);
    Ok((SigningKey::remote(public, Box::new(sign)), comment))
}

fn sign(socket: &Path, key: &PublicKey, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let answer = ask(socket, &ask_signature(key, bytes)?)
        .map_err(|error| Error::Key { reason: format!("the agent does not answer: {error}") })?;
    read_signature(&answer)
}

/// Sends a message and returns the answer without the length before it.
fn ask(socket: &Path, message: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(message)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LIMIT_ANSWER_BYTES {
        let reason = format!("it wants to send {length} bytes");
        return Err(std::io::Error::other(reason));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
