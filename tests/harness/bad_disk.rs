//! A disk of which chosen sectors cannot be read: a file that this process serves to the kernel
//! through FUSE (Linux `include/uapi/linux/fuse.h`, version 7.31). It needs the right to mount.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::skip;

/// The length of the head of a request and of an answer.
const REQUEST_BYTES: usize = 40;
const ANSWER_BYTES: u32 = 16;
/// What the kernel asks.
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const RELEASE: u32 = 18;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;
/// What is answered.
const EIO: i32 = 5;
const ENOSYS: i32 = 38;
/// Every read comes here as it was asked: no page cache before it.
const DIRECT_IO: u32 = 1;
const SECTOR: u64 = 512;

/// A file whose bad sectors give `EIO`, as long as this lives.
pub(crate) struct BadDisk {
    pub(crate) path: PathBuf,
    /// How many reads were refused.
    failures: Arc<AtomicU64>,
}

impl BadDisk {
    /// Mounts a disk at a path; `None`, with a word, where this is not allowed.
    pub(crate) fn mount(path: &Path, content: Vec<u8>, bad: &[u64]) -> Option<Self> {
        let wanting = "this computer lets no file be served through FUSE";
        let Ok(device) = OpenOptions::new().read(true).write(true).open("/dev/fuse") else {
            skip(wanting);
            return None;
        };
        File::create(path).unwrap();
        let input = device.try_clone().unwrap();
        // A file as the root of a mount; the kernel finds the device as the input of this program.
        let options = "ro,fd=0,rootmode=100444,user_id=0,group_id=0,allow_other";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", options, "bad-disk"]).arg(path).stdin(input);
        let mounted = mount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            skip(wanting);
            return None;
        }
        let failures = Arc::new(AtomicU64::new(0));
        let served = Served { content, bad: bad.to_vec(), failures: Arc::clone(&failures) };
        std::thread::spawn(move || served.serve(device));
        Some(Self { path: path.to_owned(), failures })
    }

    /// Returns how many reads were refused.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }
}

impl Drop for BadDisk {
    fn drop(&mut self) {
        let _left = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// What the thread knows that answers the kernel.
struct Served {
    content: Vec<u8>,
    bad: Vec<u64>,
    failures: Arc<AtomicU64>,
}

impl Served {
    /// Answers until the mount ends.
    fn serve(self, mut device: File) {
        let mut request = vec![0; 256 * 1024];
        while let Ok(length) = device.read(&mut request) {
            if length < REQUEST_BYTES {
                return;
            }
            let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().unwrap());
            let wide = |at: usize| u64::from_ne_bytes(request[at..at + 8].try_into().unwrap());
            let answer = match word(4) {
                FORGET | BATCH_FORGET | INTERRUPT => continue,
                INIT => Ok(init()),
                GETATTR => Ok(self.attributes()),
                OPEN => Ok([&[0; 8][..], &DIRECT_IO.to_ne_bytes(), &[0; 4]].concat()),
                READ => self.read(wide(REQUEST_BYTES + 8), u64::from(word(REQUEST_BYTES + 16))),
                RELEASE | FLUSH => Ok(Vec::new()),
                _ => Err(ENOSYS),
            };
            let (error, body) = answer.map_or_else(|errno| (-errno, Vec::new()), |body| (0, body));
            let length = ANSWER_BYTES + body.len() as u32;
            let mut all = [&length.to_ne_bytes()[..], &error.to_ne_bytes()].concat();
            all.extend(wide(8).to_ne_bytes());
            all.extend(body);
            // A request may have been taken back by then.
            let _gone = device.write(&all);
        }
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, i32> {
        let end = (offset + length).min(self.content.len() as u64);
        let touches = |sector: &u64| sector * SECTOR < end && (sector + 1) * SECTOR > offset;
        if self.bad.iter().any(touches) {
            self.failures.fetch_add(1, Ordering::SeqCst);
            return Err(EIO);
        }
        Ok(self.content.get(offset as usize..end as usize).unwrap_or_default().to_vec())
    }

    /// `fuse_attr_out`: valid for an hour, a regular file of that size.
    fn attributes(&self) -> Vec<u8> {
        let size = self.content.len() as u64;
        let mut out = [3600_u64, 0, 1, size, size / 512, 0, 0, 0].map(u64::to_ne_bytes).concat();
        let (mode, links, block) = (0o100_444, 1, 4096);
        let words = [0, 0, 0, mode, links, 0, 0, 0, block, 0];
        out.extend(words.map(u32::to_ne_bytes).concat());
        out
    }
}

/// `fuse_init_out` of version 7.31, without any feature.
fn init() -> Vec<u8> {
    let mut out = [7_u32, 31, 128 * 1024, 0].map(u32::to_ne_bytes).concat();
    out.extend([0; 4]);
    out.extend([128 * 1024_u32, 1].map(u32::to_ne_bytes).concat());
    out.resize(64, 0);
    out
}
