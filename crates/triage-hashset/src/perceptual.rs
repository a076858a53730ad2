//! Perceptual digests, which similar pictures share: read from lists, kept, written back.
//!
//! What they deliberately are not here: matched. They say that two pictures look alike, not that
//! they are the same, and comparing PhotoDNA needs a licence. They are told apart by their own
//! type, so that none can come among the exact ones.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used))]

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Which perceptual digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PerceptualKind {
    /// Microsoft's PhotoDNA, 144 bytes: lists write it in base64 or hex.
    PhotoDna,
    /// Meta's PDQ, 256 bits: lists write it in hex.
    Pdq,
}

impl PerceptualKind {
    /// Every kind, in the order of an index.
    pub const ALL: [Self; 2] = [Self::PhotoDna, Self::Pdq];

    /// Returns the name in reports and column maps, such as `photodna`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PhotoDna => "photodna",
            Self::Pdq => "pdq",
        }
    }

    /// Returns the name that VICS files use.
    #[must_use]
    pub const fn vics_name(self) -> &'static str {
        match self {
            Self::PhotoDna => "PhotoDNA",
            Self::Pdq => "PDQ",
        }
    }

    /// Returns how many bytes it has.
    #[must_use]
    pub const fn len_bytes(self) -> usize {
        match self {
            Self::PhotoDna => 144,
            Self::Pdq => 32,
        }
    }

    /// Returns the kind that lists call so, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        const NAMES: [(&str, PerceptualKind); 5] = [
            ("photodna", PerceptualKind::PhotoDna),
            ("pdna", PerceptualKind::PhotoDna),
            ("photodnahash", PerceptualKind::PhotoDna),
            ("pdq", PerceptualKind::Pdq),
            ("pdqhash", PerceptualKind::Pdq),
        ];
        let found = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, kind)| *kind)
    }
}

impl fmt::Display for PerceptualKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One perceptual digest. Its bytes are never printed by accident: a picture can be guessed from
/// a PhotoDNA.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Perceptual {
    kind: PerceptualKind,
    bytes: Vec<u8>,
}

impl Perceptual {
    /// Takes the bytes; `None` if they are not as many as the kind has, or are all zeros, which
    /// lists write for none.
    pub(crate) fn from_bytes(kind: PerceptualKind, bytes: &[u8]) -> Option<Self> {
        let is_any = bytes.len() == kind.len_bytes() && bytes.iter().any(|byte| *byte != 0);
        is_any.then(|| Self { kind, bytes: bytes.to_vec() })
    }

    /// Reads the text of a list: hex, or base64 for PhotoDNA.
    pub(crate) fn from_text(kind: PerceptualKind, text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == kind.len_bytes().saturating_mul(2) {
            let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(of_hex).collect();
            return Self::from_bytes(kind, &bytes?);
        }
        let may_be_base64 = kind == PerceptualKind::PhotoDna;
        let bytes = may_be_base64.then(|| STANDARD.decode(text).ok()).flatten()?;
        Self::from_bytes(kind, &bytes)
    }

    /// Returns its kind.
    #[must_use]
    pub const fn kind(&self) -> PerceptualKind {
        self.kind
    }

    /// Returns its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the text that VICS files have: base64 of a PhotoDNA, hex of a PDQ.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self.kind {
            PerceptualKind::PhotoDna => STANDARD.encode(&self.bytes),
            PerceptualKind::Pdq => self.bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl fmt::Debug for Perceptual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Perceptual({})", self.kind)
    }
}

/// Reads two hex digits.
fn of_hex(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_digest_is_the_same() {
        let bytes: Vec<u8> = (0..144).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let from_hex = Perceptual::from_text(PerceptualKind::PhotoDna, &hex).unwrap();
        assert_eq!(from_hex.as_bytes(), bytes);
        let text = from_hex.to_text();
        assert_eq!(text.len(), 192);
        assert_eq!(Perceptual::from_text(PerceptualKind::PhotoDna, &text), Some(from_hex));
        let pdq = Perceptual::from_text(PerceptualKind::Pdq, &"0f".repeat(32)).unwrap();
        assert_eq!(pdq.to_text(), "0f".repeat(32));
    }

    #[test]
    fn what_is_none_is_none() {
        for text in ["", "x", &"0".repeat(288), &"g".repeat(288), &"0f".repeat(32), "AAAA"] {
            assert_eq!(Perceptual::from_text(PerceptualKind::PhotoDna, text), None, "{text}");
        }
        assert_eq!(Perceptual::from_text(PerceptualKind::Pdq, &"é".repeat(32)), None);
        assert_eq!(PerceptualKind::from_name("PhotoDNA"), Some(PerceptualKind::PhotoDna));
        assert_eq!(PerceptualKind::from_name("md5"), None);
    }
}
