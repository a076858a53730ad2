//! Every sample of every format gives exactly the digests that its files have.
//!
//! The truth in `expected.json` was computed by other programs than this one.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::collections::BTreeMap;

use scene::{Expected, check, clean, expected, fixture, options};
use triage_hash::Algorithm::{Blake3, Md5, Sha1, Sha256};
use triage_hashset::{
    Description, Disposition, Error, Exclusion, ExportOptions, ImportOptions, Index, Reason, Sets,
    export, import, merge,
};

#[test]
fn plain_lists() {
    for (sample, algorithm) in [
        ("plain/md5.txt", Md5),
        ("plain/md5_bom_crlf_upper.txt", Md5),
        ("plain/md5_utf16le_bom.txt", Md5),
        ("plain/virusshare_style.md5", Md5),
        ("plain/sha1.txt", Sha1),
        ("plain/sha256.txt", Sha256),
    ] {
        clean(&check(sample, "plain", &[algorithm], &options()));
    }
}

#[test]
fn a_plain_list_may_mix_algorithms() {
    let sets = Sets::from_indexes(vec![
        import(&fixture("plain/mixed_algorithms.txt"), &options()).unwrap(),
    ]);
    assert_eq!(sets.algorithms().len(), 3);
    for file in expected() {
        let found = sets.lookup(&file.all(), file.size);
        assert_eq!(found.len(), 1, "file {}", file.n);
        assert!(!found[0].inconsistent);
    }
}

#[test]
fn a_dirty_list_is_accounted_for_row_by_row() {
    let index = check("plain/dirty_md5.txt", "plain", &[Md5], &options());
    let report = index.report();
    assert_eq!((report.rows, report.accepted, report.duplicates, report.merged), (31, 20, 3, 0));
    let excluded = BTreeMap::from([(Exclusion::EmptyFile, 1), (Exclusion::AllZero, 1)]);
    assert_eq!(report.excluded, excluded);
    assert_eq!(report.rejects(), 6);
    assert_eq!(report.rejected, BTreeMap::from([(Reason::NotHex, 4), (Reason::WrongLength, 2)]));
    let first = report.first_bad[0];
    assert_eq!((first.line, first.column, first.reason), (26, 1, Reason::NotHex));
    assert!(report.first_bad.iter().any(|bad| (bad.line, bad.column) == (30, 2)), "0x");

    let strict = ImportOptions { strict: true, ..options() };
    let error = import(&fixture("plain/dirty_md5.txt"), &strict).unwrap_err();
    assert!(matches!(error, Error::Strict { bad, .. } if bad.line == 26));
}

#[test]
fn check_files() {
    for (sample, format, algorithm) in [
        ("checkfile/gnu.md5", "gnu", Md5),
        ("checkfile/gnu.sha256", "gnu", Sha256),
        ("checkfile/gnu_binary.sha1", "gnu", Sha1),
        ("checkfile/bsd_tag.md5", "bsd", Md5),
        ("checkfile/bsd_tag.sha256", "bsd", Sha256),
        ("checkfile/bsd_reversed.md5", "bsd-reversed", Md5),
        ("checkfile/openssl.md5", "openssl", Md5),
        ("checkfile/openssl3.sha256", "openssl", Sha256),
    ] {
        clean(&check(sample, format, &[algorithm], &options()));
    }
}

#[test]
fn a_b3sum_list_must_be_named_and_is_sha256_otherwise() {
    let b3 = ImportOptions { algorithm: Some(Blake3), ..options() };
    clean(&check("checkfile/b3sum.b3", "b3sum", &[Blake3], &b3));
    let named = ImportOptions { format: Some("b3sum".parse().unwrap()), ..options() };
    clean(&check("checkfile/b3sum.b3", "b3sum", &[Blake3], &named));
    let index = import(&fixture("checkfile/b3sum.b3"), &options()).unwrap();
    assert!(index.algorithms().contains(Sha256) && index.report().algorithm_by_length);
}

#[test]
fn hashdeep_files() {
    let two = [Md5, Sha256];
    clean(&check("hashdeep/md5_sha256.hashdeep", "hashdeep", &two, &options()));
    let three = [Md5, Sha1, Sha256];
    clean(&check("hashdeep/md5_sha1_sha256.hashdeep", "hashdeep", &three, &options()));
    clean(&check("hashdeep/md5deep_size.txt", "md5deep-size", &[Md5], &options()));
}

/// Checks that every file has the category of the truth.
fn check_categories(index: Index, of: impl Fn(&Expected) -> i32, labels: bool) {
    let sets = Sets::from_indexes(vec![index]);
    for file in expected() {
        let found = sets.lookup(&file.all(), file.size);
        let category = found[0].category.clone().unwrap();
        assert_eq!(category.number, Some(of(&file)), "file {}", file.n);
        assert_eq!(category.label.is_some(), labels);
    }
}

#[test]
fn delimited_files() {
    let all = [Md5, Sha1, Sha256];
    let us = ImportOptions { scheme: Some("vics-us".to_owned()), ..options() };
    for sample in [
        "delimited/generic_comma.csv",
        "delimited/generic_semicolon_cp1252.csv",
        "delimited/generic.tsv",
    ] {
        let index = check(sample, "delimited", &all, &us);
        clean(&index);
        assert_eq!(index.report().ignored_fields.keys().collect::<Vec<_>>(), ["File Name", "Set"]);
        check_categories(index, |file| file.category, true);
    }
    let map = "md5=1,category=2".parse().unwrap();
    let mapped = ImportOptions { columns: Some(map), ..us.clone() };
    let index = check("delimited/no_header_md5_category.csv", "delimited", &[Md5], &mapped);
    clean(&index);
    check_categories(index, |file| file.category, true);
}

#[test]
fn a_scheme_of_ones_own_keeps_number_and_label() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let md5 = "462d283d443ab2b6f256a6b5b2c7f104";
    let text = format!("md5,category,label\n{md5},7,\"Of our own, indeed\"\n");
    std::fs::write(path("own.csv"), text).unwrap();
    let own = ImportOptions { scheme: Some("own".to_owned()), ..options() };
    let listed = import(&path("own.csv"), &own).unwrap();
    let merged = merge(
        &[import(&path("own.csv"), &own).unwrap(), import(&path("own.csv"), &own).unwrap()],
        Description::default(),
        &path("merged.thx"),
        1 << 24,
    );
    let csv = "csv".parse().unwrap();
    export(&listed, csv, ExportOptions::default(), &path("again.csv")).unwrap();
    let again = import(&path("again.csv"), &own).unwrap();
    for index in [listed, merged.unwrap(), again] {
        let category = index.record(0).unwrap().category.unwrap();
        let said = (category.scheme.as_str(), category.number, category.label.as_deref());
        assert_eq!(said, ("own", Some(7), Some("Of our own, indeed")));
    }
}

#[test]
fn a_file_without_header_or_scheme_is_refused() {
    let path = fixture("delimited/no_header_md5_category.csv");
    assert!(matches!(import(&path, &options()), Err(Error::Unrecognised { .. })));
    let path = fixture("delimited/generic_comma.csv");
    assert!(matches!(import(&path, &options()), Err(Error::SchemeNeeded { .. })));
}

#[test]
fn vics_hash_sets_and_cases() {
    for (sample, scheme, labels) in [
        ("vics/vics_1.3_hashset.json", "vics", false),
        ("vics/vics_2.0_hashset.json", "vics-default", false),
        ("vics/vics_2.0_hashset_bom_pretty.json", "vics-uk", false),
    ] {
        let index = import(&fixture(sample), &options()).unwrap();
        clean(&index);
        assert_eq!(index.identity().scheme.as_deref(), Some(scheme), "{sample}");
        assert_eq!((index.digest_count(Md5), index.digest_count(Sha1)), (20, 20));
        let sets = Sets::from_indexes(vec![index]);
        for file in expected() {
            for algorithm in [Md5, Sha1] {
                let found = sets.lookup(&file.only(algorithm), file.size);
                assert_eq!((found.len(), found[0].inconsistent), (1, false), "{sample}");
            }
            assert!(!sets.lookup(&file.all(), file.size)[0].inconsistent, "{sample}");
        }
        let index = import(&fixture(sample), &options()).unwrap();
        check_categories(index, |file| file.category, labels);
    }
    let index = check("vics/vics_1.2_nist_caid_known.json", "vics", &[Md5, Sha1], &options());
    check_categories(index, |_| 8, false);
    let index = check("vics/vics_2.0_case.json", "vics", &[Md5, Sha1], &options());
    clean(&index);
    assert_eq!(index.identity().scheme, None);
}

#[test]
fn a_vics_file_that_breaks_off_fails_as_a_whole() {
    let whole = std::fs::read(fixture("vics/vics_2.0_hashset.json")).unwrap();
    let whole = whole.trim_ascii_end().to_vec();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.json");
    for cut in [whole.len() - 1, whole.len() - 3, whole.len() / 2] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = import(&path, &options()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{cut}: {error}");
    }
    std::fs::write(&path, [&whole[..], b"{}"].concat()).unwrap();
    assert!(matches!(import(&path, &options()), Err(Error::Damaged { .. })), "trailing data");
}

#[test]
fn known_good_with_categories_is_refused() {
    let mut good = options();
    good.description.disposition = Some(Disposition::KnownGood);
    let error = import(&fixture("vics/vics_1.2_nist_caid_known.json"), &good).unwrap_err();
    assert!(matches!(error, Error::CategorisedKnownGood { .. }));
    assert!(import(&fixture("vics/vics_2.0_case.json"), &good).is_ok());
}

#[test]
fn what_fits_nothing_or_yields_nothing_is_refused_with_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let attempt = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        import(&path, &options()).unwrap_err()
    };
    assert!(matches!(attempt(b""), Error::Unrecognised { looks_like: "empty", .. }));
    assert!(matches!(attempt(b"SQLite format 3\0"), Error::Unrecognised { .. }));
    assert!(matches!(attempt(b"{\"a\":1}"), Error::Unrecognised { looks_like: "JSON", .. }));
    let empty = attempt(b"d41d8cd98f00b204e9800998ecf8427e\n");
    assert!(matches!(empty, Error::NoDigests { report, .. } if report.exclusions() == 1));
    let sleuth_kit = b"00000000000000000000000000000000000000000|md5sum\n";
    assert!(matches!(attempt(sleuth_kit), Error::NoDigests { .. }));
    let ilook = b"V3Hash,HashSHA1,FileName\n";
    assert!(matches!(attempt(ilook), Error::Unrecognised { .. }));
    let half = b"462d283d443ab2b6f256a6b5b2c7f104\nMD5 (a) = 462d283d443ab2b6f256a6b5b2c7f104\n";
    assert!(matches!(attempt(half), Error::Unrecognised { .. }), "neither has more than half");
    let forced = ImportOptions { format: Some("bsd".parse().unwrap()), ..options() };
    let index = import(&path, &forced).unwrap();
    assert_eq!((index.report().accepted, index.report().rejects()), (1, 1));
}
