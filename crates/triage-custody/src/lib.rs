//! Custody log, Merkle tree, seals and signatures, over bytes only.
