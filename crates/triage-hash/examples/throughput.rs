//! Prints how many MiB each second this machine digests, one thread, data in cache.
#![expect(clippy::print_stdout, reason = "an example reports to the terminal")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]

use std::hint::black_box;
use std::time::Instant;

use triage_hash::{Algorithm, Algorithms, Hasher, hash_batch, simd_paths};

/// Passes of which the fastest counts.
const PASSES: usize = 9;

fn measure(name: &str, len_bytes: usize, mut work: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..PASSES {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:44} {:8.0} MiB/s", len_bytes as f64 / best / f64::from(1 << 20));
}

fn stream(algorithms: Algorithms, bytes: &[u8]) {
    let mut hasher = Hasher::new(algorithms);
    for chunk in bytes.chunks(256 << 10) {
        hasher.update(chunk);
    }
    black_box(hasher.finish());
}

fn main() {
    println!("paths: {}", simd_paths().join(" "));
    let bytes: Vec<u8> =
        (0..16u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let one = |algorithm| Algorithms::NONE.with(algorithm);
    for algorithm in Algorithm::ALL {
        measure(&format!("stream {algorithm}"), bytes.len(), || stream(one(algorithm), &bytes));
    }
    measure("stream md5,sha1,sha256", bytes.len(), || stream(Algorithms::DEFAULT, &bytes));
    for kib in [8, 256] {
        let buffers: Vec<&[u8]> = bytes.chunks(kib << 10).collect();
        let name = format!("batch md5,sha1,sha256 of {kib} KiB");
        measure(&name, bytes.len(), || drop(black_box(hash_batch(Algorithms::DEFAULT, &buffers))));
        for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256] {
            let name = format!("batch {algorithm} of {kib} KiB");
            measure(&name, bytes.len(), || drop(black_box(hash_batch(one(algorithm), &buffers))));
        }
    }
    for streams in 1..=16 {
        let buffers: Vec<&[u8]> = bytes.chunks(1 << 20).take(streams).collect();
        let name = format!("batch md5,sha1,sha256, {streams} of 1 MiB");
        let len = streams << 20;
        measure(&name, len, || drop(black_box(hash_batch(Algorithms::DEFAULT, &buffers))));
    }
}
