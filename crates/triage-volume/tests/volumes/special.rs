//! Volumes whose files are not listed, each by its name: made by stock tools, or byte by byte
//! after their specification where no tool makes them in a file.

use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};
use triage_volume::{Content, identify};

use crate::limits::Draw;
use crate::scene::{Mostly, made};

const MIB: u64 = 1 << 20;

/// Volumes by hand: what they are, their bytes, and the kind of problem that they are.
pub(crate) fn by_hand() -> Vec<(&'static str, Mostly, ProblemKind)> {
    use ProblemKind::{Encrypted, Unsupported};
    let zeros = || Mostly::zeros(8 * MIB);
    let guid = b"\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01";
    let raid = 0xa92b_4efc_u32.to_le_bytes();
    let uberblock = 0x00ba_b10c_u64.to_be_bytes();
    let apfs = "the volume is a part of an APFS container";
    let mirror = 8 * MIB;
    vec![
        ("encrypted (BitLocker)", zeros().with(3, b"-FVE-FS-"), Encrypted),
        ("encrypted (BitLocker To Go)", zeros().with(3, b"MSWIN4.1").with(424, guid), Encrypted),
        ("encrypted (LUKS1)", zeros().with(0, b"LUKS\xba\xbe\x00\x01"), Encrypted),
        ("encrypted (LUKS2)", zeros().with(0, b"LUKS\xba\xbe\x00\x02"), Encrypted),
        (apfs, zeros().with(32, b"NXSB"), Unsupported),
        ("APFS container with a key bag (FileVault)", key_bag(), Unsupported),
        ("FileVault 2", zeros().with(88, b"CS\x01\x00"), Unsupported),
        ("LVM2", zeros().with(512, b"LABELONE"), Unsupported),
        ("Linux RAID", zeros().with(0, &raid), Unsupported),
        ("Linux RAID", zeros().with(4096, &raid), Unsupported),
        // Version 1.0 stands 8 KiB before the end, 0.90 in the last whole 64 KiB but one.
        ("Linux RAID", zeros().with(mirror - 8192, &raid), Unsupported),
        ("Linux RAID", Mostly::zeros(mirror + 5000).with(mirror - 65536, &raid), Unsupported),
        ("ZFS", zeros().with(132 * 1024, &uberblock), Unsupported),
        // The first label is gone; the last one, in the last 256 KiB, is not.
        ("ZFS", zeros().with(mirror - 128 * 1024 + 2048, &uberblock), Unsupported),
        ("bcache", zeros().with(4096, BCACHE), Unsupported),
        ("Windows dynamic disk", zeros().with(3072, b"PRIVHEAD"), Unsupported),
        ("swap", zeros().with(4086, b"SWAPSPACE2"), Unsupported),
        ("refs", zeros().with(3, b"ReFS\0\0\0\0"), Unsupported),
        ("hfsplus", zeros().with(1024, b"H+\x00\x04"), Unsupported),
        ("hfsplus", zeros().with(1024, b"HX\x00\x05"), Unsupported),
        ("jfs", zeros().with(32768, b"JFS1"), Unsupported),
        ("reiserfs", zeros().with(65588, b"ReIsEr2Fs"), Unsupported),
        ("erofs", zeros().with(1024, b"\xe2\xe1\xf5\xe0"), Unsupported),
        ("blank", zeros(), Unsupported),
        ("unknown", zeros().with(5 * MIB, &[b'x'; 70_000]), Unsupported),
    ]
}

const BCACHE: &[u8] = b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81";

/// An APFS container whose superblock leads to a key bag.
fn key_bag() -> Mostly {
    Mostly::zeros(8 * MIB).with(32, b"NXSB").with(1296, &[9]).with(1304, &[1])
}

/// Says what a volume is, in the words of a record and of a table.
fn told(source: &dyn ByteSource) -> (String, ProblemKind) {
    let content = identify(source);
    let problem = content.problem();
    (format!("{content}: {}", problem.text), problem.kind)
}

#[test]
fn volumes_made_by_hand_are_named_and_never_taken_for_read() {
    for (name, source, kind) in by_hand() {
        let (text, found) = told(&source);
        assert!(text.contains(name), "{name}: {text}");
        assert_eq!(found, kind, "{name}");
    }
}

#[test]
fn volumes_that_stock_tools_made_are_named() {
    let luks = ["--batch-mode", "--pbkdf-force-iterations", "1000", "--pbkdf", "pbkdf2"];
    let luks = |kind: &'static str, key: &'static str| {
        let format = ["luksFormat", "--type", kind, "--key-file", key, "volume"];
        [&luks[..], &format].concat()
    };
    let tools: [(&str, u64, &str, &[&str]); 9] = [
        ("encrypted (LUKS1)", 20 * MIB, "cryptsetup", &luks("luks1", "tree/file")),
        ("encrypted (LUKS2)", 20 * MIB, "cryptsetup", &luks("luks2", "tree/file")),
        ("swap", 8 * MIB, "mkswap", &["volume"]),
        ("btrfs", 120 * MIB, "mkfs.btrfs", &["-q", "volume"]),
        ("xfs", 320 * MIB, "mkfs.xfs", &["-q", "-f", "volume"]),
        ("iso9660", 0, "genisoimage", &["-quiet", "-o", "volume", "tree"]),
        ("udf", 8 * MIB, "mkudffs", &["volume"]),
        ("f2fs", 64 * MIB, "mkfs.f2fs", &["-q", "volume"]),
        ("squashfs", 0, "mksquashfs", &["tree", "volume", "-quiet", "-noappend"]),
    ];
    for (name, size_bytes, tool, args) in tools {
        let Some(source) = made(size_bytes, tool, args) else { continue };
        let (text, kind) = told(&source);
        assert!(text.contains(name), "{tool}: {text}");
        let is_encrypted = name.starts_with("encrypted");
        assert_eq!(kind == ProblemKind::Encrypted, is_encrypted, "{tool}");
    }
}

#[test]
fn random_bytes_are_a_suspicion_and_pictures_and_text_are_none() {
    let mut draw = Draw(7);
    let random: Vec<u8> = (0..2 * MIB).map(|_| draw.next(256) as u8).collect();
    assert_eq!(identify(&random), Content::Random);
    let problem = Content::Random.problem();
    assert_eq!(problem.kind, ProblemKind::Unsupported);
    assert!(problem.text.contains("perhaps encrypted"), "{}", problem.text);
    // Compressed content has headers and skewed bytes between.
    let skewed: Vec<u8> =
        (0..2 * MIB).map(|at| if at % 40 == 0 { 0 } else { draw.next(256) as u8 }).collect();
    assert_eq!(identify(&skewed), Content::Unknown);
    assert_eq!(identify(&b"text ".repeat(100_000)), Content::Unknown);
}

/// A volume of which a range cannot be read.
struct Bad(Mostly, std::ops::Range<u64>);

impl ByteSource for Bad {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let end = offset + buffer.len() as u64;
        if offset < self.1.end && end > self.1.start {
            let at = offset.max(self.1.start);
            let problem = Problem::new(ProblemKind::Unreadable, "bad sector");
            return Err(problem.at(at).losing(self.1.end - at));
        }
        self.0.read_at(offset, buffer)
    }
}

#[test]
fn a_bad_sector_hides_no_signature_beside_it_and_is_never_called_zero() {
    let volume = || Mostly::zeros(8 * MIB).with(0x10040, b"_BHRfS_M");
    let beside = Bad(volume(), 4096..4608);
    assert_eq!(identify(&beside), Content::FileSystem("btrfs"));
    let upon = Bad(volume(), 0x10000..0x10200);
    assert_eq!(identify(&upon), Content::Unreadable);
    assert_eq!(identify(&upon).problem().kind, ProblemKind::Unreadable);
    let all: Arc<dyn ByteSource> = Arc::new(Bad(volume(), 0..8 * MIB));
    assert_eq!(identify(&all), Content::Unreadable);
    assert_eq!(triage_volume::read_volumes(&all).volumes.len(), 1);
}
