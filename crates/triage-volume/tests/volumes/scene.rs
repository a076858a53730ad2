//! What the tests share: fixtures, a generator, and disks of which most is zeros.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use triage_evidence::{ByteSource, Problem};

/// Returns a fixture, unpacked.
pub(crate) fn disk(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let packed = std::fs::File::open(folder.join(format!("{name}.img.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Zeros of any length, with some bytes here and there, and sectors of any size.
pub(crate) struct Mostly {
    pub(crate) size_bytes: u64,
    pub(crate) sector_bytes: u32,
    pub(crate) bytes: Vec<(u64, Vec<u8>)>,
}

impl Mostly {
    pub(crate) fn zeros(size_bytes: u64) -> Self {
        Self { size_bytes, sector_bytes: 512, bytes: Vec::new() }
    }

    pub(crate) fn with(mut self, at: u64, bytes: &[u8]) -> Self {
        self.bytes.push((at, bytes.to_vec()));
        self
    }
}

impl ByteSource for Mostly {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn sector_bytes(&self) -> u32 {
        self.sector_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let length = (self.size_bytes.saturating_sub(offset)).min(buffer.len() as u64) as usize;
        buffer[..length].fill(0);
        for (at, bytes) in &self.bytes {
            for (place, byte) in (*at..).zip(bytes) {
                if (offset..offset + length as u64).contains(&place) {
                    buffer[(place - offset) as usize] = *byte;
                }
            }
        }
        Ok(length)
    }
}

/// A file that a tool made, read where it is asked for.
pub(crate) struct Made(pub(crate) std::fs::File);

impl ByteSource for Made {
    fn size_bytes(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        use std::os::unix::fs::FileExt as _;
        Ok(self.0.read_at(buffer, offset).unwrap())
    }
}

/// Runs a stock tool on a new file of that size; `None`, with a word, if that cannot be done.
#[expect(clippy::print_stdout, reason = "a skipped check is named in the output")]
pub(crate) fn made(size_bytes: u64, tool: &str, args: &[&str]) -> Option<Arc<dyn ByteSource>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume");
    std::fs::File::create(&path).unwrap().set_len(size_bytes).unwrap();
    std::fs::create_dir(folder.path().join("tree")).unwrap();
    std::fs::write(folder.path().join("tree/file"), "harmless content\n".repeat(1000)).unwrap();
    let mut command = Command::new(tool);
    command.args(args).current_dir(folder.path()).stdin(Stdio::null());
    let Ok(ran) = command.output() else {
        println!("skipped: {tool} is not installed");
        return None;
    };
    assert!(ran.status.success(), "{tool}: {}", String::from_utf8_lossy(&ran.stderr));
    Some(Arc::new(Made(std::fs::File::open(path).unwrap())))
}
