//! What the tests share: the samples and their truth.

#![allow(dead_code, reason = "every test binary uses its part")]

use std::path::{Path, PathBuf};

use triage_hash::{Algorithm, Digest, Digests};
use triage_hashset::{ImportOptions, Index, Sets, import};

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

/// Reads a sample and checks that it holds these algorithms of the twenty files and nothing else.
pub(crate) fn check(
    sample: &str,
    format: &str,
    algorithms: &[Algorithm],
    options: &ImportOptions,
) -> Index {
    let index = import(&fixture(sample), options).unwrap_or_else(|e| panic!("{sample}: {e}"));
    assert_eq!(index.identity().source.format, format, "{sample}");
    let report = index.report().clone();
    assert_eq!(
        report.rows,
        report.accepted
            + report.duplicates
            + report.merged
            + report.rejects()
            + report.exclusions()
    );
    assert_eq!(index.algorithms(), algorithms.iter().copied().collect(), "{sample}");
    for algorithm in algorithms {
        assert_eq!(index.digest_count(*algorithm), 20, "{sample} {algorithm}");
        assert_eq!(report.digests[algorithm.name()], 20);
    }
    let sets = Sets::from_indexes(vec![index]);
    for file in expected() {
        for algorithm in algorithms {
            let found = sets.lookup(&file.only(*algorithm), file.size);
            assert_eq!(found.len(), 1, "{sample}: file {} by {algorithm}", file.n);
            assert_eq!((found[0].algorithm, found[0].inconsistent), (*algorithm, false));
        }
    }
    import(&fixture(sample), options).unwrap()
}

/// Checks that every row was kept.
pub(crate) fn clean(index: &Index) {
    let report = index.report();
    let counts = (report.accepted, report.rows, report.rejects(), report.exclusions());
    assert_eq!(counts, (20, 20, 0, 0), "{:?}", report.first_bad);
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
    "encase/synthetic.hash",
    "hashdeep/hashes.dfxml",
    "hashkeeper/Z99001.hsh",
    "hashlookup/records.ndjson",
    "icse/icse_12col.csv",
    "icse/icse_16col.csv",
    "ilook/v3.hsh",
    "ilook/v4.hsh",
    "malwarebazaar/full.csv",
    "misp_feed/128c603e-2e18-5914-b465-80cc4821378a.json",
    "ncmec/entries_v2.xml",
    "nps_hashdb/export.json",
    "nps_hashdb/import.tab",
    "nsrl_v1.5/NSRLFile.txt",
    "nsrl_v2/NSRLFile.txt",
    "nsrl_v3/RDS_2026.01.1_synthetic_full_subset.db",
    "nsrl_v3/RDS_2026.01.1_synthetic_minimal.db",
    "nsrl_v3/RDS_2026.02.1_synthetic_minimal_delta.sql",
    "stix/bundle_2.1.json",
    "tsk/known.kdb",
    "tsk/known.txt-md5.idx",
    "xways/md5.txt",
    "xways/sha1.txt",
    "xways/sha256.txt",
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
