//! The formats of known-file sets, investigators and threat feeds: every sample gives exactly the
//! digests that its files have, and every row is accounted for.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use scene::{SAMPLES, check, clean, expected, fixture, options};
use triage_hash::Algorithm::{self, Md5, Sha1, Sha256};
use triage_hashset::{
    Disposition, Error, Exclusion, ImportOptions, Index, Reason, Sets, import, import_to,
};

const THREE: &[Algorithm] = &[Md5, Sha1, Sha256];

/// Returns rows, accepted, duplicates, rejected.
fn counts(index: &Index) -> (u64, u64, u64, u64) {
    let report = index.report();
    (report.rows, report.accepted, report.duplicates, report.rejects())
}

#[test]
fn nsrl_text_and_databases() {
    let v2 = check("nsrl_v2/NSRLFile.txt", "nsrl-text", &[Md5, Sha1], &options());
    assert_eq!(counts(&v2), (22, 20, 2, 0));
    let v1 = check("nsrl_v1.5/NSRLFile.txt", "nsrl-text", &[Md5, Sha1], &options());
    assert_eq!(v1.report().rejects(), 0);
    assert_eq!(v1.report().ignored_fields["MD4"], 1);
    for sample in ["minimal", "full_subset"] {
        let path = format!("nsrl_v3/RDS_2026.01.1_synthetic_{sample}.db");
        let index = check(&path, "nsrl", THREE, &options());
        assert_eq!(counts(&index), (22, 20, 2, 0), "{sample}");
    }
}

#[test]
fn a_delta_gives_what_is_new_and_counts_what_it_takes_back() {
    let sample = "nsrl_v3/RDS_2026.02.1_synthetic_minimal_delta.sql";
    let index = import(&fixture(sample), &options()).unwrap();
    assert_eq!(index.identity().source.format, "nsrl-delta");
    assert_eq!(counts(&index), (2, 1, 0, 1));
    assert_eq!(index.report().rejected[&Reason::Removal], 1);
    assert_eq!(index.report().first_bad[0].line, 2);
    let sets = Sets::from_indexes(vec![index]);
    let digest = "c92b0013d513cf8f75c715c6ffa8249c21a8824e447c6ee666c47dfe0bebbd9c";
    let digest = triage_hash::Digest::from_hex(Sha256, digest.as_bytes()).unwrap();
    assert_eq!(sets.lookup(&[digest].into_iter().collect(), 17).len(), 1);
}

#[test]
fn sets_of_forensic_tools() {
    clean(&check("tsk/known.kdb", "tsk", &[Md5], &options()));
    clean(&check("tsk/known.txt-md5.idx", "tsk-index", &[Md5], &options()));
    clean(&check("encase/synthetic.hash", "encase", &[Md5], &options()));
    clean(&check("hashkeeper/Z99001.hsh", "hashkeeper", &[Md5], &options()));
    clean(&check("ilook/v3.hsh", "ilook", THREE, &options()));
    clean(&check("ilook/v4.hsh", "ilook", &[Md5, Sha1], &options()));
    clean(&check("xways/md5.txt", "xways", &[Md5], &options()));
    clean(&check("xways/sha1.txt", "xways", &[Sha1], &options()));
    clean(&check("xways/sha256.txt", "xways", &[Sha256], &options()));
    clean(&check("hashdeep/hashes.dfxml", "dfxml", THREE, &options()));
}

#[test]
fn the_files_of_a_block_database_are_rows_and_its_blocks_are_not() {
    let index = check("nps_hashdb/export.json", "nps-hashdb", &[Md5], &options());
    let report = index.report();
    assert_eq!((report.rows, report.accepted, report.rejects()), (40, 20, 0));
    assert_eq!(report.excluded, BTreeMap::from([(Exclusion::OfBlock, 20)]));
    assert!(index.has_all_sizes());
    let index = check("nps_hashdb/import.tab", "nps-hashdb", &[Md5], &options());
    assert_eq!(counts(&index), (40, 20, 20, 0));
}

#[test]
fn feeds_and_exchange() {
    clean(&check("hashlookup/records.ndjson", "hashlookup", THREE, &options()));
    clean(&check("malwarebazaar/full.csv", "malwarebazaar", THREE, &options()));
    let misp = "misp_feed/128c603e-2e18-5914-b465-80cc4821378a.json";
    let misp = import(&fixture(misp), &options()).unwrap();
    assert_eq!((misp.identity().source.format.as_str(), misp.report().rejects()), ("misp", 0));
    let stix = import(&fixture("stix/bundle_2.1.json"), &options()).unwrap();
    assert_eq!((stix.identity().source.format.as_str(), stix.report().rejects()), ("stix", 0));
    let sets = Sets::from_indexes(vec![misp, stix]);
    for file in expected() {
        let found = sets.lookup(&file.all(), file.size);
        assert_eq!(found.len(), 2, "file {}", file.n);
    }
}

#[test]
fn baseline_and_classification_keep_their_own_scheme() {
    for sample in ["icse/icse_12col.csv", "icse/icse_16col.csv"] {
        let index = check(sample, "icse", &[Md5, Sha1], &options());
        clean(&index);
        assert_eq!(index.identity().scheme.as_deref(), Some("icse"));
        let sets = Sets::from_indexes(vec![index]);
        let labels: Vec<_> = expected()
            .iter()
            .map(|file| sets.lookup(&file.all(), file.size)[0].category.clone())
            .map(|category| category.and_then(|category| category.label))
            .collect();
        assert_eq!(labels[0].as_deref(), Some("Baseline"), "{sample}");
        assert!(labels.iter().any(Option::is_none), "{sample}: row 4 is not in the baseline");
    }
    let ncmec = check("ncmec/entries_v2.xml", "ncmec", &[Md5, Sha1], &options());
    assert_eq!(ncmec.identity().scheme.as_deref(), Some("ncmec"));
    let sets = Sets::from_indexes(vec![ncmec]);
    let first = &expected()[0];
    let category = sets.lookup(&first.all(), first.size)[0].category.clone().unwrap();
    assert_eq!(category.label.as_deref(), Some("A2"));
}

#[test]
fn iped_rows_go_only_into_a_set_of_their_disposition() {
    let path = fixture("iped/iped-hashes.db");
    let mut good = options();
    good.description.disposition = Some(Disposition::KnownGood);
    let as_good = import(&path, &good);
    let alert = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
    let as_alert = import(&path, &alert);
    let accepted = |result: &Result<Index, Error>| match result {
        Ok(index) => index.report().accepted,
        Err(Error::NoDigests { .. }) => 0,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(accepted(&as_good) + accepted(&as_alert), 20);
    for result in [as_good, as_alert] {
        let report = match result {
            Ok(index) => index.report().clone(),
            Err(Error::NoDigests { report, .. }) => *report,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(report.rows, report.accepted + report.rejects());
    }
}

#[test]
fn every_sample_is_told_by_its_content_alone() {
    for sample in SAMPLES {
        let us = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
        if let Err(error) = import(&fixture(sample), &us) {
            panic!("{sample}: {error}");
        }
    }
    for other in [
        "hashkeeper/Z99001.hke",
        "misp_feed/manifest.json",
        "misp_feed/hashes.csv",
        "nsrl_v2/NSRLProd.txt",
        "nsrl_v3/RDS_2026.01.1_synthetic_minimal.schema.sql",
    ] {
        let error = import(&fixture(other), &options()).unwrap_err();
        assert!(matches!(error, Error::Unrecognised { .. }), "{other}: {error}");
    }
}

/// Packs bytes in each of the ways.
fn packings(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).unwrap();
    let gzip = gzip.finish().unwrap();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(bytes, level);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("readme.txt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"Read me first.\n").unwrap();
    zip.start_file("list", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(bytes).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(bytes).unwrap();
    vec![("gzip", gzip), ("zstd", zstd), ("xz", xz.finish().unwrap()), ("zip", zip)]
}

#[test]
fn packed_lists_are_read_as_if_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed");
    for sample in ["plain/md5.txt", "vics/vics_1.3_hashset.json", "encase/synthetic.hash"] {
        let bytes = std::fs::read(fixture(sample)).unwrap();
        let plain = import(&fixture(sample), &options()).unwrap();
        for (how, packed) in packings(&bytes) {
            std::fs::write(&path, &packed).unwrap();
            let index = import(&path, &options()).unwrap_or_else(|e| panic!("{how}: {e}"));
            assert_eq!(index.report(), plain.report(), "{how} {sample}");
            assert_eq!(index.identity().source.size_bytes, packed.len() as u64);
            let cut = &packed[..packed.len() - packed.len() / 3];
            std::fs::write(&path, cut).unwrap();
            assert!(import(&path, &options()).is_err(), "{how} {sample}: cut off");
        }
    }
    // Two members of gzip and two frames of zstd are one list.
    let bytes = std::fs::read(fixture("plain/md5.txt")).unwrap();
    for (how, packed) in packings(&bytes).into_iter().filter(|(how, _)| *how != "zip") {
        std::fs::write(&path, [packed.clone(), packed].concat()).unwrap();
        let index = import(&path, &options()).unwrap();
        assert_eq!(counts(&index), (40, 20, 20, 0), "{how}");
    }
}

#[test]
fn a_bomb_and_an_archive_of_two_lists_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    bomb.write_all(b"462d283d443ab2b6f256a6b5b2c7f104\n").unwrap();
    for _ in 0..200 {
        bomb.write_all(&vec![b'\n'; 1 << 20]).unwrap();
    }
    std::fs::write(&path, bomb.finish().unwrap()).unwrap();
    let error = import(&path, &options()).unwrap_err();
    assert!(format!("{error:?}").contains("200 times"), "{error:?}");

    let list = std::fs::read(fixture("plain/md5.txt")).unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.txt", "b.txt"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&list).unwrap();
    }
    std::fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
    let error = import(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("a.txt, b.txt"), "{error}");
}

#[test]
fn a_packed_database_is_unpacked_beside_the_index_and_nowhere_else() {
    let (lists, sets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (path, output) = (lists.path().join("packed"), sets.path().join("set.thx"));
    let names = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    for sample in ["tsk/known.kdb", "nsrl_v3/RDS_2026.01.1_synthetic_minimal.db"] {
        let bytes = std::fs::read(fixture(sample)).unwrap();
        let plain = import(&fixture(sample), &options()).unwrap();
        for (how, packed) in packings(&bytes) {
            std::fs::write(&path, &packed).unwrap();
            let index = import_to(&path, &options(), &output, 1 << 24).unwrap();
            assert_eq!(index.report(), plain.report(), "{how} {sample}");
            assert_eq!(index.identity().source.size_bytes, packed.len() as u64);
            assert_eq!((names(lists.path()), names(sets.path())), (1, 1), "nothing else stays");
            std::fs::remove_file(&output).unwrap();
            // What breaks off or is damaged leaves nothing either.
            std::fs::write(&path, &packed[..packed.len() - packed.len() / 3]).unwrap();
            assert!(import_to(&path, &options(), &output, 1 << 24).is_err(), "{how}: cut off");
            let cut = &packings(&bytes[..bytes.len() - 100])[0].1;
            std::fs::write(&path, cut).unwrap();
            let error = import_to(&path, &options(), &output, 1 << 24).unwrap_err();
            assert!(error.to_string().contains("inside a page"), "{error}");
            assert_eq!((names(lists.path()), names(sets.path())), (1, 0));
            // Without an index there is no place for it.
            std::fs::write(&path, &packed).unwrap();
            let error = import(&path, &options()).unwrap_err().to_string();
            assert!(error.contains("sets import"), "{error}");
        }
    }
}

#[test]
fn an_encase_set_whose_count_is_wrong_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.hash");
    let bytes = std::fs::read(fixture("encase/synthetic.hash")).unwrap();
    for cut in [bytes.len() - 1, bytes.len() - 18, 1152, 100] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(matches!(import(&path, &options()), Err(Error::Damaged { .. })), "{cut}");
    }
}
