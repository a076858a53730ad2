//! The samples as they arrive: packed in each of the ways that an import unpacks.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The ways, by the name of the target.
pub(super) const WAYS: [&str; 4] = ["packed gzip", "packed xz", "packed zip", "packed zstd"];

/// Returns the bytes packed in one of the [`WAYS`]. Packing into memory cannot fail; should it,
/// the result is what came before.
pub(super) fn pack(way: &str, bytes: &[u8]) -> Vec<u8> {
    let packed = match way {
        "packed gzip" => gzip(bytes),
        "packed xz" => xz(bytes),
        "packed zip" => zip(bytes),
        _ => Ok(compress_to_vec(bytes, CompressionLevel::Fastest)),
    };
    packed.unwrap_or_default()
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}

fn xz(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = XzWriter::new(Vec::new(), XzOptions::with_preset(0))?;
    packer.write_all(bytes)?;
    packer.finish()
}

/// With a readme beside the list, as publishers do.
fn zip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("readme.txt", &b"Read me first.\n"[..]), ("list", bytes)] {
        packer.start_file(name, SimpleFileOptions::default())?;
        packer.write_all(content)?;
    }
    Ok(packer.finish()?.into_inner())
}
