//! Perceptual digests stand beside a set: kept, counted, written back, and never matched.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::path::Path;

use scene::{expected, fixture, options};
use triage_hash::Algorithm::{Md5, Sha256};
use triage_hash::{Digest, Digests};
use triage_hashset::{
    Description, DigestKey, Exclusion, ExportOptions, ImportOptions, Index, PerceptualKind,
    PerceptualRow, Sets, export, import, import_to, merge, with_keyed_digests,
};

const PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
const ONE: &str = "462d283d443ab2b6f256a6b5b2c7f104";

fn rows(index: &Index) -> Vec<PerceptualRow> {
    index.perceptual_rows().map(Result::unwrap).collect()
}

fn md5(hex: &str) -> Digest {
    Digest::from_hex(Md5, hex.as_bytes()).unwrap()
}

fn of_text(folder: &Path, text: &str) -> Index {
    let path = folder.join("list");
    std::fs::write(&path, text).unwrap();
    import(&path, &options()).unwrap()
}

#[test]
fn two_formats_give_the_same_photodna_of_the_same_files() {
    // VICS writes base64 and ICSE hex, of the same files 1 and 2.
    let vics = import(&fixture("vics/vics_1.3_hashset.json"), &options()).unwrap();
    let icse = import(&fixture("icse/icse_16col.csv"), &options()).unwrap();
    let of_vics = rows(&vics);
    assert!(of_vics.len() >= 2 && of_vics.iter().all(|row| row.digest.as_bytes().len() == 144));
    assert_eq!(vics.report().perceptual["photodna"], of_vics.len() as u64);
    assert_eq!(vics.perceptual_count(PerceptualKind::PhotoDna), of_vics.len() as u64);
    let first = md5(ONE);
    assert_eq!(vics.perceptual_of(&first).unwrap(), icse.perceptual_of(&first).unwrap());
    assert_eq!(vics.perceptual_of(&first).unwrap().len(), 1);
    assert!(vics.perceptual_of(&md5(&"0".repeat(32))).unwrap().is_empty());
    let of_icse = rows(&icse);
    assert!(of_vics.iter().all(|row| of_icse.contains(row)), "which has two more");
    assert_eq!((of_vics.len(), of_icse.len()), (2, 4));
    let dropped = ImportOptions { drop_perceptual: true, ..options() };
    let without = import(&fixture("icse/icse_16col.csv"), &dropped).unwrap();
    assert!(rows(&without).is_empty() && without.report().perceptual.is_empty());
    assert_eq!(without.report().ignored_fields["photodna"], of_icse.len() as u64);
}

#[test]
fn a_perceptual_digest_never_matches_and_never_spoils_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let two = "d93152be207c083787b7deb76939a1e5";
    let text = format!("md5,pdq,photodna\n{ONE},{PDQ},\n{two},nonsense,AAAA\n,{PDQ},\n");
    let index = of_text(folder.path(), &text);
    let report = index.report().clone();
    assert_eq!((report.rows, report.accepted, report.rejects()), (3, 2, 0));
    assert_eq!(report.excluded[&Exclusion::PerceptualOnly], 1, "kept, and cannot match");
    assert_eq!(report.ignored_fields["perceptual digests that are none"], 2);
    assert_eq!(report.perceptual["pdq"], 2);
    let kept = rows(&index);
    assert_eq!(kept.iter().map(|row| row.owner).collect::<Vec<_>>(), [None, Some(md5(ONE))]);
    assert!(kept.iter().all(|row| row.digest.to_text() == PDQ));
    assert!(!format!("{kept:?}").contains("f8f8"), "never printed by accident");
    // 64 hex digits look like SHA-256. They are not looked up as such.
    let sets = Sets::from_indexes(vec![index]);
    assert_eq!(sets.algorithms().iter().collect::<Vec<_>>(), [Md5]);
    let pdq = Digest::from_hex(Sha256, PDQ.as_bytes()).unwrap();
    assert!(sets.lookup(&Digests::from_iter([pdq]), 1).is_empty());
    assert_eq!(sets.lookup(&Digests::from_iter([md5(ONE)]), 1).len(), 1);
}

#[test]
fn vics_gets_them_back_if_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    let json = std::fs::read_to_string(fixture("vics/vics_1.3_hashset.json")).unwrap();
    let json = json.replacen("\"AlternativeHashes\": []", &alternative(), 1);
    let index = of_text(folder.path(), &json);
    assert_eq!(index.report().perceptual["pdq"], 1);
    let written = export(&index, "vics".parse().unwrap(), ExportOptions::default(), &path).unwrap();
    assert_eq!(written.lost["perceptual digests"], rows(&index).len() as u64);
    assert!(rows(&import(&path, &options()).unwrap()).is_empty());
    std::fs::remove_file(&path).unwrap();
    let all = ExportOptions { perceptual: true, ..ExportOptions::default() };
    let written = export(&index, "vics".parse().unwrap(), all, &path).unwrap();
    assert!(!written.lost.contains_key("perceptual digests"));
    let again = import(&path, &options()).unwrap();
    assert_eq!(rows(&again), rows(&index));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("\"PhotoDNA\":\"") && text.contains("{\"HashName\":\"PDQ\",\"HashValue\"")
    );
    // A format that has none says that it leaves them out.
    let path = folder.path().join("out.csv");
    let written = export(&index, "csv".parse().unwrap(), all, &path).unwrap();
    assert_eq!(written.lost["perceptual digests"], rows(&index).len() as u64);
}

/// The alternatives of a medium that has a PDQ.
fn alternative() -> String {
    format!("\"AlternativeHashes\": [{{\"HashName\": \"PDQ\", \"HashValue\": \"{PDQ}\"}}]")
}

#[test]
fn they_go_through_files_and_merges_and_not_into_keyed_sets() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let compiled = |sample: &str, output: &str| {
        import_to(&fixture(sample), &options(), &path(output), 1 << 24).unwrap()
    };
    let vics = compiled("vics/vics_1.3_hashset.json", "vics.thx");
    let in_memory = import(&fixture("vics/vics_1.3_hashset.json"), &options()).unwrap();
    assert_eq!(vics.digest(), in_memory.digest(), "the memory leaves no trace");
    vics.verify().unwrap();
    let sets = Sets::from_indexes(vec![vics]);
    for file in expected() {
        assert_eq!(sets.lookup(&file.only(Md5), file.size).len(), 1);
    }
    let vics = sets.into_indexes().pop().unwrap();
    let all = rows(&vics);
    let keyed = with_keyed_digests(&vics, &DigestKey::new([3; 32]), None, 1 << 24).unwrap();
    assert!(rows(&keyed).is_empty() && keyed.report().perceptual.is_empty());
    let twice = [Index::open(&path("vics.thx")).unwrap(), vics];
    let merged = merge(&twice, Description::default(), &path("merged.thx"), 1 << 24).unwrap();
    assert_eq!(rows(&merged), all);
    assert_eq!(merged.report().perceptual["photodna"], all.len() as u64);
    let good = std::fs::read(path("vics.thx")).unwrap();
    for place in (0..good.len()).step_by(211) {
        let mut bytes = good.clone();
        bytes[place] ^= 4;
        std::fs::write(path("flipped.thx"), bytes).unwrap();
        let opened = Index::open(&path("flipped.thx"));
        assert!(opened.and_then(|index| index.verify()).is_err(), "byte {place}");
    }
}
