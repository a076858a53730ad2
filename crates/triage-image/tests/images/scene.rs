//! What the tests share: fixtures, disks with a known content, and reading to the end.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use md5::{Digest, Md5};
use triage_evidence::{ByteSource, Problem};
use triage_image::{Image, open_image};

use crate::limits::Draw;

/// The MD5 that the image `ext2.E01` stores of its volume, as `ewfinfo` prints it.
pub(crate) const EXT2_MD5: &str = "196066add11fb71c4c49cf1bb50d6d24";

/// Returns the path of a fixture.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Unpacks a fixture into a folder and returns its path there.
pub(crate) fn unpacked(name: &str, folder: &Path) -> PathBuf {
    let file = std::fs::File::open(fixture(&format!("{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A disk of random, repeated and zero parts.
pub(crate) fn disk(sectors: usize) -> Vec<u8> {
    let mut draw = Draw(sectors as u64);
    let mut bytes = Vec::with_capacity(sectors * 512);
    while bytes.len() < sectors * 512 {
        let length = (1 + draw.next(300)) * 512;
        match draw.next(3) {
            0 => bytes.extend((0..length).map(|_| draw.next(256) as u8)),
            1 => bytes.extend(std::iter::repeat_n(draw.next(256) as u8, length)),
            _ => bytes.extend(std::iter::repeat_n(0, length)),
        }
    }
    bytes.truncate(sectors * 512);
    bytes
}

/// Opens an image whose signature is known.
pub(crate) fn open(path: &Path) -> Result<Image, Problem> {
    open_image(path, &|_| false).map(|image| image.expect("it holds a disk"))
}

/// Reads a source from start to end in steps of odd lengths.
pub(crate) fn read_all(source: &dyn ByteSource, step: usize) -> Result<Vec<u8>, Problem> {
    let mut all = Vec::new();
    let mut buffer = vec![0; step];
    loop {
        match source.read_at(all.len() as u64, &mut buffer)? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Returns the MD5 in hex.
pub(crate) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Says which check is left out, and why.
#[expect(clippy::print_stdout, reason = "a skipped check is named in the output")]
pub(crate) fn skip(why: &str) {
    println!("skipped: {why}");
}

/// Runs a stock tool; `None`, said aloud, if it is not installed.
pub(crate) fn stock(name: &str, args: &[&str]) -> Option<()> {
    match Command::new(name).args(args).output() {
        Ok(ran) => {
            assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
            Some(())
        }
        Err(_) => {
            skip(&format!("{name} is not installed"));
            None
        }
    }
}
