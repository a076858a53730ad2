//! Name-based identifiers (RFC 9562, 5.5): the same name gives the same identifier.

use triage_hash::{Algorithm, Algorithms};

/// Returns the version 5 UUID of a name in a namespace.
pub(super) fn of_name(namespace: [u8; 16], name: &[u8]) -> String {
    let mut hasher = triage_hash::Hasher::new(Algorithms::NONE.with(Algorithm::Sha1));
    hasher.update(&namespace);
    hasher.update(name);
    let digest = hasher.finish().get(Algorithm::Sha1);
    let mut bytes = [0; 16];
    if let Some(digest) = digest {
        bytes.copy_from_slice(digest.as_bytes().get(..16).unwrap_or(&[0; 16]));
    }
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_published_name_has_its_published_identifier() {
        // RFC 9562, A.4: www.example.com in the namespace of names of hosts.
        let dns = [
            0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4,
            0x30, 0xc8,
        ];
        let uuid = super::of_name(dns, b"www.example.com");
        assert_eq!(uuid, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }
}
