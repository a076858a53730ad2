//! Writes an algorithm by its name (`sha3-256`) in serialised forms and reads it back.

use serde::{Deserialize, Deserializer, Serializer, de};
use triage_hash::Algorithm;

/// Writes the name.
pub(crate) fn serialize<S: Serializer>(
    algorithm: &Algorithm,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(algorithm.name())
}

/// Reads the name.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Algorithm, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}
