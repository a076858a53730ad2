//! What the tests share: the samples and their truth.

#![allow(dead_code, reason = "every test binary uses its part")]

use std::path::{Path, PathBuf};

use triage_hash::{Algorithm, Digest, Digests};
use triage_hashset::ImportOptions;

/// One of the twenty files that every sample lists.
pub(crate) struct Expected {
    /// Its number.
    pub(crate) n: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its category.
    pub(crate) category: i32,
    digests: Digests,
}

impl Expected {
    /// Returns all its digests.
    pub(crate) fn all(&self) -> Digests {
        self.digests.clone()
    }

    /// Returns one of its digests.
    pub(crate) fn only(&self, algorithm: Algorithm) -> Digests {
        self.digests.get(algorithm).into_iter().collect()
    }
}

/// Returns the truth about the samples.
pub(crate) fn expected() -> Vec<Expected> {
    let text = std::fs::read(fixture("expected.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let files = json["files"].as_array().unwrap().iter().map(|file| Expected {
        n: file["n"].as_u64().unwrap(),
        size: file["size"].as_u64().unwrap(),
        category: i32::try_from(file["category"].as_i64().unwrap()).unwrap(),
        digests: ["md5", "sha1", "sha256", "blake3"]
            .map(|name| {
                let hex = file[name].as_str().unwrap();
                Digest::from_hex(name.parse().unwrap(), hex.as_bytes()).unwrap()
            })
            .into_iter()
            .collect(),
    });
    files.collect()
}

/// Returns the path of a sample.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Returns options that leave everything to the file.
pub(crate) fn options() -> ImportOptions {
    ImportOptions::default()
}

/// Every sample that can be read without options.
pub(crate) const SAMPLES: &[&str] = &[
    "plain/dirty_md5.txt",
    "plain/md5_utf16le_bom.txt",
    "plain/mixed_algorithms.txt",
    "checkfile/gnu.md5",
    "checkfile/bsd_tag.sha256",
    "checkfile/bsd_reversed.md5",
    "checkfile/openssl3.sha256",
    "checkfile/b3sum.b3",
    "hashdeep/md5_sha1_sha256.hashdeep",
    "hashdeep/md5deep_size.txt",
    "delimited/generic_comma.csv",
    "delimited/generic.tsv",
    "vics/vics_1.3_hashset.json",
    "vics/vics_2.0_case.json",
    "vics/vics_2.0_hashset_bom_pretty.json",
];

/// A small generator of numbers with a fixed seed (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}
