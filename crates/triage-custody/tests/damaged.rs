//! Damaged signatures, time-stamps, queries and certificates: an error or the same answer, never a
//! panic, never another signer.

use std::path::Path;

use triage_custody::{Certificates, Stamp, StampQuery, check_cms, unix_seconds};

/// Damages of each file.
const EACH: u64 = 300;

/// A xorshift generator: the same damages on every computer.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 1).unwrap_or_default() % most.max(1)
    }
}

/// Changes bytes, moves a piece, cuts, or doubles.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bad = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let (place, value) = (random.below(bad.len()), random.below(256));
        match random.below(5) {
            0 => bad.truncate(place),
            // Where a length stands, it becomes as large as it can be.
            1 => bad.iter_mut().skip(place).take(4).for_each(|byte| *byte = 0xff),
            2 => {
                let piece = bad.get(place..).unwrap_or_default().to_vec();
                bad.extend(piece);
            }
            3 if place < bad.len() => drop(bad.remove(place)),
            _ => {
                if let Some(byte) = bad.get_mut(place) {
                    *byte = u8::try_from(value).unwrap_or_default();
                }
            }
        }
    }
    bad
}

#[test]
fn damaged_documents_never_panic_and_never_name_another_signer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/x509");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let roots = Certificates::from_pem(&read("root.pem")).unwrap();
    let (message, at) = (read("message"), unix_seconds("2026-11-25T12:00:00Z").unwrap());
    let query = StampQuery::parse(&read("good.tsq")).unwrap();
    let known = ["CN=Ana Kovac,O=Example Lab", "CN=Ana RSA,O=Example Lab"];
    let known = [&known[..], &["CN=Ana P384,O=Example Lab", "CN=TEST TSA,O=Example Lab"]].concat();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let (mut random, mut cases, mut held) = (Random(88_172_645_463_325_252), 0, 0);
    for name in names {
        let name = name.into_string().unwrap();
        if !["p7s", "tsr", "tsq", "pem"].iter().any(|ending| name.ends_with(ending)) {
            continue;
        }
        let whole = read(&name);
        for _ in 0..EACH {
            let bad = damaged(&whole, &mut random);
            let _read = Certificates::from_pem(&bad);
            let _query = StampQuery::parse(&bad);
            let signer = check_cms(&bad, &message, Some(&roots), at).ok();
            let stamp = Stamp::check(&bad, &query, &message, Some(&roots)).ok();
            for certificate in signer.into_iter().chain(stamp.map(|stamp| stamp.authority)) {
                assert!(known.contains(&certificate.subject().as_str()), "{name}");
                held += 1;
            }
            cases += 1;
        }
    }
    assert!(cases > 5_000 && held < cases / 10, "{held} of {cases} held");
}
