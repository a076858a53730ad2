//! Bloom filters as sets: found with a stated rate of mistakes, and never taken for more.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::io::Write;
use std::path::Path;

use scene::{Numbers, expected, fixture, options};
use triage_hash::Algorithm::{Md5, Sha1};
use triage_hash::{Digest, Digests};
use triage_hashset::{
    Certainty, Description, DigestKey, Disposition, Error, ExportOptions, ImportOptions, Index,
    SetSource, Sets, diff, export, import, import_to, merge, with_keyed_digests,
};

/// Twenty SHA-1 in capitals, made for two hundred, one mistake in a million: 5751 bits. Made by a
/// writer of its own, read by DCSO's.
const SAMPLE: &str = "bloom/hashlookup_sha1_upper.bloom";

fn of_sha1() -> ImportOptions {
    ImportOptions { algorithm: Some(Sha1), ..options() }
}

fn described(disposition: Disposition) -> ImportOptions {
    let description = Description { disposition: Some(disposition), ..Description::default() };
    ImportOptions { description, ..of_sha1() }
}

fn other_files() -> impl Iterator<Item = Digests> {
    let mut numbers = Numbers(7);
    std::iter::repeat_with(move || {
        let bytes: Vec<u8> = (0..3).flat_map(|_| numbers.next().to_le_bytes()).take(20).collect();
        Digests::from_iter([Digest::from_bytes(Sha1, &bytes).unwrap()])
    })
}

/// Checks that the filter knows the twenty files, and says that it is not certain.
fn knows_the_files(index: Index) {
    let report = index.probable().unwrap();
    // The head says one in a million; the filter is a tenth full, and by far better.
    assert_eq!((report.items, report.bits, report.false_positives_per_billion), (20, 5751, 2));
    assert!((300..=400).contains(&report.ones), "20 items of 20 bits: {}", report.ones);
    assert_eq!((index.record_count(), index.entry_count()), (0, 20));
    assert_eq!(index.algorithms().iter().collect::<Vec<_>>(), [Sha1]);
    let disposition = index.identity().disposition;
    let sets = Sets::from_indexes(vec![index]);
    for file in expected() {
        let found = sets.lookup(&file.only(Sha1), file.size);
        assert_eq!((found.len(), found[0].algorithm, found[0].disposition), (1, Sha1, disposition));
        assert_eq!(found[0].certainty, Certainty::Probable { false_positives_per_billion: 2 });
        assert!(sets.lookup(&file.only(Md5), file.size).is_empty(), "no digest of it");
    }
    assert_eq!(other_files().take(20_000).filter(|d| !sets.lookup(d, 1).is_empty()).count(), 0);
    assert!(sets.lists_size(12_345), "any size may be in it");
    assert_eq!(sets.without_all_sizes().count(), 1);
}

/// The 28 bits of a filter for one item fall into four classes that the generator never leaves: it
/// holds a quarter of all files, whatever its head and the number of its bits say.
#[test]
fn the_rate_of_a_small_filter_is_tried_and_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.bloom");
    let head = [1, 1, 1e-6_f64.to_bits(), 20, 28, 1].map(u64::to_le_bytes).concat();
    let bits = 0b0001_0001_0001_0001_0001_0001_0001_u64.to_le_bytes();
    std::fs::write(&path, [&head[..], &bits].concat()).unwrap();
    let error = import(&path, &of_sha1()).unwrap_err().to_string();
    assert!(error.contains("by chance"), "{error}");
}

#[test]
fn a_filter_is_a_set_whose_matches_are_probable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    let index = import(&fixture(SAMPLE), &of_sha1()).unwrap();
    assert_eq!(index.identity().disposition, Disposition::Informational, "unless it is asked for");
    assert_eq!(index.identity().source.format, "bloom");
    knows_the_files(index);
    import_to(&fixture(SAMPLE), &described(Disposition::Alert), &path, 1 << 24).unwrap();
    let opened = Index::open(&path).unwrap();
    opened.verify().unwrap();
    assert_eq!(opened.identity().disposition, Disposition::Alert);
    knows_the_files(opened);
    // As it is handed out: packed.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&std::fs::read(fixture(SAMPLE)).unwrap()).unwrap();
    let packed = folder.path().join("filter.gz");
    std::fs::write(&packed, gzip.finish().unwrap()).unwrap();
    knows_the_files(import(&packed, &of_sha1()).unwrap());
    // What the writer has put behind the bits changes nothing.
    let long = [std::fs::read(fixture(SAMPLE)).unwrap(), b"{\"free\":1}\r".to_vec()].concat();
    std::fs::write(&packed, long).unwrap();
    knows_the_files(import(&packed, &of_sha1()).unwrap());
}

#[test]
fn the_bits_are_read_as_they_are_whatever_text_they_look_like() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.bloom");
    let mut bytes = std::fs::read(fixture(SAMPLE)).unwrap();
    // A line end of the Mac of old among the bits, and none of any other kind.
    let (_, bits) = bytes.split_at_mut(48);
    bits.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte |= 1);
    *bits.iter_mut().find(|byte| **byte == 0).unwrap() = b'\r';
    let ones: u64 =
        bits[..5751_usize.div_ceil(64) * 8].iter().map(|b| u64::from(b.count_ones())).sum();
    std::fs::write(&path, bytes).unwrap();
    let index = import(&path, &of_sha1()).unwrap();
    assert_eq!(index.probable().unwrap().ones, ones);
    // What we write ourselves is such a filter.
    let list = import(&fixture("plain/md5.txt"), &options()).unwrap();
    let path = folder.path().join("own.bloom");
    export(&list, "bloom".parse().unwrap(), ExportOptions::default(), &path).unwrap();
    let index = import(&path, &ImportOptions { algorithm: Some(Md5), ..options() }).unwrap();
    // A filter is made for a thousand digests at least: these few hardly ever match by chance.
    let rate = index.probable().unwrap().false_positives_per_billion;
    assert!(rate < 500, "{rate}");
    let sets = Sets::from_indexes(vec![index]);
    for file in expected() {
        assert_eq!(sets.lookup(&file.only(Md5), file.size).len(), 1, "file {}", file.n);
    }
}

#[test]
fn a_probable_match_never_makes_a_file_known_good() {
    let error = import(&fixture(SAMPLE), &described(Disposition::KnownGood)).unwrap_err();
    assert!(matches!(error, Error::ProbableKnownGood { .. }), "{error}");
    let error = import(&fixture(SAMPLE), &options()).unwrap_err();
    assert!(matches!(error, Error::AlgorithmNeeded { .. }), "{error}");
}

#[test]
fn what_needs_the_digests_themselves_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let filter = || import(&fixture(SAMPLE), &described(Disposition::Alert)).unwrap();
    let list = || import(&fixture("plain/sha1.txt"), &options()).unwrap();
    let refusals = [
        export(&filter(), "plain".parse().unwrap(), ExportOptions::default(), &path).unwrap_err(),
        diff(&list(), &filter(), &mut |_| Ok(())).unwrap_err(),
        merge(&[list(), filter()], Description::default(), &path, 1 << 24).unwrap_err(),
        with_keyed_digests(&filter(), &DigestKey::new([1; 32]), None, 1 << 24).unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Error::Unfit { .. }), "{refusal}");
        assert!(refusal.to_string().contains("bloom filter"), "{refusal}");
    }
    assert!(!path.exists());
}

fn attempt(folder: &Path, bytes: &[u8]) -> Result<Index, Error> {
    let path = folder.join("bad.bloom");
    std::fs::write(&path, bytes).unwrap();
    import(&path, &of_sha1())
}

#[test]
fn a_filter_that_is_cut_empty_or_overfull_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(fixture(SAMPLE)).unwrap();
    let bits_end = 48 + 5751_usize.div_ceil(64) * 8;
    for cut in [49, 500, bits_end - 1] {
        let error = attempt(folder.path(), &good[..cut]).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{cut}: {error}");
    }
    for (fill, words) in [(0_u8, "nothing is in it"), (0xff, "by chance")] {
        let mut bytes = good.clone();
        bytes[48..bits_end].fill(fill);
        let error = attempt(folder.path(), &bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // The filter that DCSO's tests have as broken: no capacity, 2^63 probes.
    let mut broken = good;
    broken[8..16].fill(0);
    broken[24..32].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    let error = attempt(folder.path(), &broken).unwrap_err();
    assert!(matches!(error, Error::Unrecognised { .. }), "{error}");
    assert!(error.to_string().contains("head makes no sense"), "{error}");
}

#[test]
fn every_flipped_byte_of_a_compiled_filter_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.thx");
    import_to(&fixture(SAMPLE), &of_sha1(), &path, 1 << 24).unwrap();
    let good = std::fs::read(&path).unwrap();
    let flipped = folder.path().join("flipped.thx");
    for place in (0..good.len()).step_by(41) {
        let mut bytes = good.clone();
        bytes[place] ^= 0x10;
        std::fs::write(&flipped, bytes).unwrap();
        let source = SetSource { path: flipped.clone(), ..SetSource::default() };
        let opened = Sets::open(&[source]).and_then(|sets| sets.verify());
        assert!(opened.is_err(), "byte {place}");
    }
}
