//! Figures of speed, on demand: `cargo test --release -p triage-hashset --test speed -- --ignored`.

#![expect(clippy::disallowed_methods, reason = "measures time and writes scratch files")]
#![allow(clippy::print_stdout, reason = "the figures are the result")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::io::{BufWriter, Write as _};
use std::time::Instant;

use scene::{Numbers, options};
use triage_hash::{Algorithm, Digest, Digests};
use triage_hashset::{ImportOptions, Index, Sets, import};

/// How many rows the lists have.
const ROWS: u64 = 1_000_000;

fn digest(algorithm: Algorithm, seed: u64) -> Digest {
    let mut numbers = Numbers(seed);
    let bytes: Vec<u8> = (0..8).flat_map(|_| numbers.next().to_le_bytes()).collect();
    Digest::from_bytes(algorithm, &bytes[..algorithm.len_bytes()]).unwrap()
}

fn digests(seed: u64) -> Digests {
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256];
    algorithms.map(|algorithm| digest(algorithm, seed)).into_iter().collect()
}

fn timed<T>(what: &str, count: u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let elapsed = start.elapsed();
    println!("{what}: {elapsed:.2?}, {} ns each", elapsed.as_nanos() / u128::from(count));
    result
}

#[test]
#[ignore = "measures; wants an optimised build"]
fn speed_of_import_and_lookup() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    let vics = folder.path().join("vics");
    let mut plain_file = BufWriter::new(std::fs::File::create(&plain).unwrap());
    let mut vics_file = BufWriter::new(std::fs::File::create(&vics).unwrap());
    write!(vics_file, "{{\"value\":[").unwrap();
    for n in 0..ROWS {
        let (md5, sha1) = (digest(Algorithm::Md5, n), digest(Algorithm::Sha1, n));
        writeln!(plain_file, "{md5}").unwrap();
        let comma = if n == 0 { "" } else { "," };
        let category = n % 4;
        write!(
            vics_file,
            "{comma}{{\"MediaID\":{n},\"Category\":{category},\"MD5\":\"{md5}\",\
             \"SHA1\":\"{sha1}\",\"MediaSize\":{n},\"VictimIdentified\":\"false\",\
             \"PhotoDNA\":\"{0}\"}}",
            "A".repeat(192)
        )
        .unwrap();
    }
    write!(vics_file, "]}}").unwrap();
    drop((plain_file, vics_file));
    let scheme = ImportOptions { scheme: Some("test".to_owned()), ..options() };
    let plain = timed("import plain MD5", ROWS, || import(&plain, &options()).unwrap());
    let vics = timed("import VICS", ROWS, || import(&vics, &scheme).unwrap());
    let path = folder.path().join("vics.thx");
    timed("write index", ROWS, || vics.write(&path).unwrap());
    println!("index of VICS: {} bytes", std::fs::metadata(&path).unwrap().len());
    let mapped = timed("open index", 1, || Index::open(&path).unwrap());
    timed("verify index", 1, || mapped.verify().unwrap());
    let sets = Sets::from_indexes(vec![plain, mapped]);
    let others: Vec<Digests> = (ROWS..2 * ROWS).map(digests).collect();
    let missed = timed("miss, two sets, three digests", ROWS, || {
        others.iter().filter(|others| sets.lookup(others, 11).is_empty()).count()
    });
    assert_eq!(missed, others.len());
    let known: Vec<Digests> = (0..ROWS).map(digests).collect();
    let hits = timed("hit in both sets", ROWS, || {
        known.iter().filter(|known| sets.lookup(known, 11).len() == 2).count()
    });
    assert_eq!(hits, known.len());
}
