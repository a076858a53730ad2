//! Prints how many MiB each second one thread digests, data in cache; with a file name, also of it.
//!
//! `cargo run --release -p triage-hash --example throughput [FILE]`. The fastest of nine passes.
#![expect(clippy::print_stdout, reason = "an example reports to the terminal")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

use sha2::Digest as _;
use triage_hash::{Algorithm, Algorithms, Hasher, hash_batch, self_test, simd_paths, update_many};

/// Passes of which the fastest counts.
const PASSES: usize = 9;

/// Returns the seconds of the fastest pass.
fn fastest(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..PASSES {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn measure(name: &str, len_bytes: usize, work: impl FnMut()) {
    let mib_each_second = len_bytes as f64 / fastest(work) / f64::from(1 << 20);
    println!("{name:44} {mib_each_second:8.0} MiB/s");
}

fn stream(algorithms: Algorithms, bytes: &[u8]) {
    let mut hasher = Hasher::new(algorithms);
    for chunk in bytes.chunks(256 << 10) {
        hasher.update(chunk);
    }
    black_box(hasher.finish());
}

/// The three digests by the plain crates, in steps of so many bytes: what this crate must beat.
fn plain(bytes: &[u8], step: usize) {
    let (mut md5, mut sha1, mut sha256) = (md5::Md5::new(), sha1::Sha1::new(), sha2::Sha256::new());
    for step in bytes.chunks(step) {
        md5.update(step);
        sha1.update(step);
        sha256.update(step);
    }
    black_box((md5.finalize(), sha1.finalize(), sha256.finalize()));
}

fn together(algorithms: Algorithms, streams: &[&[u8]]) {
    let mut hashers = vec![Hasher::new(algorithms); streams.len()];
    for at in (0..streams[0].len()).step_by(64 << 10) {
        let chunks = streams.iter().map(|stream| &stream[at..][..64 << 10]);
        update_many(hashers.iter_mut().zip(chunks).collect());
    }
    black_box(hashers);
}

fn hash_file(path: &Path, chunk: &mut [u8]) -> Result<(), Box<dyn Error>> {
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new(Algorithms::DEFAULT);
    loop {
        match file.read(chunk)? {
            0 => break,
            len => hasher.update(&chunk[..len]),
        }
    }
    black_box(hasher.finish());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("paths: {}", simd_paths().join(" "));
    println!("self-test: {:.1} ms", 1e3 * fastest(|| drop(black_box(self_test()))));
    if let Some(path) = std::env::args_os().nth(1) {
        let len = usize::try_from(std::fs::metadata(&path)?.len())?;
        let mut chunk = vec![0; 128 << 10];
        hash_file(path.as_ref(), &mut chunk)?;
        measure("file md5,sha1,sha256", len, || drop(hash_file(path.as_ref(), &mut chunk)));
    }
    let bytes: Vec<u8> =
        (0..16u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let one = |algorithm| Algorithms::NONE.with(algorithm);
    for algorithm in Algorithm::ALL {
        measure(&format!("stream {algorithm}"), bytes.len(), || stream(one(algorithm), &bytes));
    }
    for step in [64, 16 << 10] {
        let name = format!("plain crates md5,sha1,sha256, steps of {step}");
        measure(&name, bytes.len(), || plain(&bytes, step));
    }
    measure("stream md5,sha1,sha256", bytes.len(), || stream(Algorithms::DEFAULT, &bytes));
    for kib in [8, 256] {
        let buffers: Vec<&[u8]> = bytes.chunks(kib << 10).collect();
        for algorithms in [Algorithms::DEFAULT, one(Algorithm::Sha256), one(Algorithm::Blake3)] {
            let name = format!("batch {algorithms} of {kib} KiB");
            measure(&name, bytes.len(), || drop(black_box(hash_batch(algorithms, &buffers))));
        }
    }
    for count in 1..=16 {
        let buffers: Vec<&[u8]> = bytes.chunks(1 << 20).take(count).collect();
        let name = format!("batch md5,sha1,sha256, {count} of 1 MiB");
        let len = count << 20;
        measure(&name, len, || drop(black_box(hash_batch(Algorithms::DEFAULT, &buffers))));
        let name = format!("update_many md5,sha1,sha256, {count} of 1 MiB");
        measure(&name, len, || together(Algorithms::DEFAULT, &buffers));
        let name = format!("update_many sha256, {count} of 1 MiB");
        measure(&name, len, || together(one(Algorithm::Sha256), &buffers));
    }
    Ok(())
}
