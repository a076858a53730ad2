//! Lists that are broken in the ways that the field breaks them, and in those that an adversary
//! would: a clear error or a counted row, never a row that is missing without a word.

#![expect(clippy::disallowed_methods, reason = "tests write their own scratch files")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scene;

use std::io::Write;

use scene::{SAMPLES, fixture, options};
use triage_hashset::{Error, Format, ImportOptions, ImportReport, Index, Reason, import};

const ONE: &str = "462d283d443ab2b6f256a6b5b2c7f104";
const TWO: &str = "d93152be207c083787b7deb76939a1e5";
const THREE: &str = "03c77910f0666ce35c782b26b34a89db";

/// Imports bytes, in a format that is named or told by content.
fn attempt(bytes: &[u8], format: Option<&str>) -> Result<Index, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    std::fs::write(&path, bytes).unwrap();
    let format = format.map(|name| name.parse().unwrap());
    import(&path, &ImportOptions { scheme: Some("test".to_owned()), format, ..options() })
}

/// Every sample with its bytes and the format that it is told to have.
fn samples() -> Vec<(&'static str, Vec<u8>, String)> {
    let told = |sample: &&'static str| {
        let bytes = std::fs::read(fixture(sample)).unwrap();
        let format = attempt(&bytes, None).unwrap().identity().source.format.clone();
        (*sample, bytes, format)
    };
    SAMPLES.iter().map(told).collect()
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

fn counts(report: &ImportReport) -> (u64, u64, u64, u64, u64) {
    (report.rows, report.accepted, report.duplicates, report.rejects(), report.exclusions())
}

#[test]
fn lines_that_end_with_cr_alone_are_lines_in_every_format() {
    let mut tried = 0;
    for (sample, bytes, format) in samples().into_iter().filter(|(_, bytes, _)| is_text(bytes)) {
        let whole = attempt(&bytes, None).unwrap();
        let text: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'\r').collect();
        let text: Vec<u8> =
            text.iter().map(|byte| if *byte == b'\n' { b'\r' } else { *byte }).collect();
        let index = attempt(&text, None).unwrap_or_else(|error| panic!("{sample}: {error}"));
        assert_eq!(index.identity().source.format, format, "{sample}");
        assert_eq!(counts(index.report()), counts(whole.report()), "{sample}");
        tried += 1;
    }
    assert!(tried > 25, "{tried}");
    let utf16 = format!("{ONE}\r{TWO}\r");
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(attempt(&utf16, None).unwrap().report().accepted, 2);
}

#[test]
fn a_row_behind_a_bare_cr_or_a_nul_is_counted() {
    let header = "%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n";
    let insert = |md5: &str| format!("INSERT INTO FILE(md5,file_size) VALUES('{md5}',1);");
    let (first, second) = (insert(ONE), insert(TWO));
    for end in ['\r', '\0'] {
        for (format, text) in [
            ("plain", format!("{ONE} a word{end}{TWO}\n{THREE}\n")),
            ("gnu", format!("{ONE}  a{end}{TWO}  b\n{THREE}  c\n")),
            ("bsd-reversed", format!("{ONE} a{end}{TWO} b\n{THREE} c\n")),
            ("bsd", format!("MD5 (a{end}MD5 (b) = {TWO}\nMD5 (c) = {THREE}\n")),
            ("delimited", format!("md5,name\n{ONE},a{end}{TWO},b\n{THREE},c\n")),
            ("hashdeep", format!("{header}1,{ONE},a{end}1,{TWO},b\n1,{THREE},c\n")),
            ("nsrl-delta", format!("{first}{end}{second}\n{}\n", insert(THREE))),
        ] {
            let index = attempt(text.as_bytes(), Some(format)).unwrap();
            let report = index.report();
            let found = (report.accepted, report.rejects());
            assert_eq!(found, (1, 1), "{format} {end:?}: {:?}", report.rejected);
        }
    }
    // A program that writes text twice as text; no row is in doubt.
    let index = attempt(format!("{ONE}\r\r\n{TWO}\r\r\n").as_bytes(), None).unwrap();
    assert_eq!(counts(index.report()), (2, 2, 0, 0, 0));
    let index = attempt(format!("md5,n\r\r\n{ONE},a\r\r\n").as_bytes(), None).unwrap();
    assert_eq!(counts(index.report()), (1, 1, 0, 0, 0));
}

/// Two values under one name: readers of JSON usually keep the last and say nothing.
#[test]
fn a_row_with_two_values_where_there_can_be_one_is_counted() {
    let vics = |members: &str| format!(r#"{{"value":[{{"MD5":"{THREE}"}},{{{members}}}]}}"#);
    let dfxml = |inner: &str| {
        let object = |inner: &str| format!("<fileobject>{inner}</fileobject>");
        let good = object(&format!("<hashdigest type='md5'>{THREE}</hashdigest>"));
        format!("<dfxml>{good}{}</dfxml>", object(inner))
    };
    let md5 = |hex: &str| format!("<hashdigest type='md5'>{hex}</hashdigest>");
    let stix = |inner: &str| {
        let good = format!(r#"{{"type":"file","hashes":{{"MD5":"{THREE}"}}}}"#);
        format!(r#"{{"type":"bundle","objects":[{good},{{"type":"file",{inner}}}]}}"#)
    };
    let misp = |inner: &str| {
        let good = format!(r#"{{"type":"md5","to_ids":true,"value":"{THREE}"}}"#);
        format!(r#"{{"Event":{{"Attribute":[{good},{{"type":"md5","to_ids":true,{inner}}}]}}}}"#)
    };
    let lookup = |inner: &str| format!("{{\"MD5\":\"{THREE}\"}}\n{{{inner}}}\n");
    for (format, text) in [
        ("vics", vics(&format!(r#""MD5":"{ONE}","MD5":"{TWO}""#))),
        ("vics", vics(&format!(r#""MD5":"{ONE}","md5":"{TWO}""#))),
        ("vics", vics(&format!(r#""MD5":"{ONE}","MediaSize":1,"MediaSize":2"#))),
        ("vics", vics(&format!(r#""MD5":"{ONE}","Category":1,"Category":0"#))),
        ("dfxml", dfxml(&(md5(ONE) + &md5(TWO)))),
        ("dfxml", dfxml(&format!("{}<filesize>1</filesize><filesize>2</filesize>", md5(ONE)))),
        ("stix", stix(&format!(r#""hashes":{{"MD5":"{ONE}","MD5":"{TWO}"}}"#))),
        ("misp", misp(&format!(r#""value":"{ONE}","value":"{TWO}""#))),
        ("hashlookup", lookup(&format!(r#""MD5":"{ONE}","MD5":"{TWO}""#))),
        ("hashlookup", lookup(&format!(r#""MD5":"{ONE}","FileSize":"1","FileSize":"2""#))),
    ] {
        let index = attempt(text.as_bytes(), Some(format));
        let index = index.unwrap_or_else(|error| panic!("{format}: {error}"));
        let report = index.report();
        assert_eq!((report.rows, report.accepted), (2, 1), "{text}");
        assert_eq!(report.rejected.get(&Reason::Contradiction), Some(&1), "{text}");
    }
    for text in [
        vics(&format!(r#""MD5":"{ONE}","MD5":"{ONE}","MediaSize":1,"MediaSize":"1""#)),
        dfxml(&(md5(ONE) + &md5(ONE))),
        lookup(&format!(r#""MD5":"{ONE}","MD5":"{ONE}""#)),
    ] {
        assert_eq!(attempt(text.as_bytes(), None).unwrap().report().accepted, 2, "{text}");
    }
}

#[test]
fn a_list_of_nul_bytes_is_no_list_in_any_format() {
    let zeros = vec![0; 3 << 20];
    let error = attempt(&zeros, None).unwrap_err();
    assert!(
        matches!(error, Error::Unrecognised { looks_like, .. } if looks_like.contains("zero")),
        "{error}"
    );
    for format in Format::all() {
        let error = attempt(&zeros, Some(format.name())).unwrap_err();
        let sound =
            matches!(error, Error::NoDigests { .. } | Error::Damaged { .. } | Error::BadMap(_));
        assert!(sound, "{format}: {error}");
    }
    // What a failing disk leaves behind the good part of a list.
    let half = [format!("{ONE}\n{TWO}\n").as_bytes(), &zeros].concat();
    let error = attempt(&half, None).unwrap_err();
    assert!(error.to_string().contains("NUL bytes"), "{error}");
    let index = attempt(&half, Some("plain")).unwrap();
    assert_eq!(counts(index.report()), (3, 2, 0, 1, 0));
}

/// Takes the last digit from everything that is as long as a digest.
fn shortened(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.first() {
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let (word, more) = rest.split_at(word.max(1));
        let is_digest = first.is_ascii_hexdigit() && matches!(word.len(), 32 | 40 | 64 | 128);
        let is_digest = is_digest && word.iter().all(u8::is_ascii_hexdigit);
        out.extend_from_slice(&word[..word.len() - usize::from(is_digest)]);
        rest = more;
    }
    out
}

#[test]
fn digests_that_lack_a_digit_are_refused_in_every_format() {
    for (sample, bytes, format) in samples().into_iter().filter(|(_, bytes, _)| is_text(bytes)) {
        let bad = shortened(&bytes);
        assert!(bad.len() < bytes.len(), "{sample}");
        for format in [None, Some(format.as_str())] {
            match attempt(&bad, format) {
                Err(Error::NoDigests { report, .. }) => {
                    assert!(report.rejects() >= 2 && report.rejects() == report.rows, "{sample}");
                }
                Err(Error::Unrecognised { .. }) if format.is_none() => {}
                Err(error) => panic!("{sample}: {error}"),
                Ok(index) => panic!("{sample}: {:?}", index.report()),
            }
        }
    }
}

/// Formats whose end is known must notice each cut; of lists of lines, a row is cut at most.
#[test]
fn lists_that_break_off_anywhere() {
    const WITH_END: [&str; 8] = ["vics", "misp", "stix", "ncmec", "dfxml", "encase", "nsrl", "tsk"];
    for (sample, bytes, format) in samples() {
        let whole = attempt(&bytes, None).unwrap();
        let content =
            bytes.len() - bytes.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
        for part in 1..40 {
            let cut = content * part / 40;
            let broken = attempt(&bytes[..cut], Some(&format));
            match broken {
                Err(_) => {}
                Ok(_) if WITH_END.contains(&format.as_str()) => panic!("{sample}: cut at {cut}"),
                Ok(index) => {
                    let (cut, all) = (index.report(), whole.report());
                    assert!(cut.rows <= all.rows, "{sample}");
                    let lost = cut.rejects().saturating_sub(all.rejects());
                    assert!(lost <= 1, "{sample}: {:?}", cut.first_bad);
                }
            }
        }
    }
}

/// A frame of zstd with one line and then 262 MiB of line ends (RFC 8878, 3.1.1).
fn zstd_bomb() -> Vec<u8> {
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x38".to_vec();
    let block = |kind: u32, len: u32, last: u32| (len << 3 | kind << 1 | last).to_le_bytes();
    let line = format!("{ONE}\n");
    frame.extend_from_slice(&block(0, 33, 0)[..3]);
    frame.extend_from_slice(line.as_bytes());
    for number in 0..2000 {
        frame.extend_from_slice(&block(1, 128 << 10, u32::from(number == 1999))[..3]);
        frame.push(b'\n');
    }
    frame
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let fill = |packer: &mut dyn Write| {
        packer.write_all(format!("{ONE}\n").as_bytes()).unwrap();
        for _ in 0..128 {
            packer.write_all(&vec![b'\n'; 1 << 20]).unwrap();
        }
    };
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("list", zip::write::SimpleFileOptions::default()).unwrap();
    fill(&mut zip);
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    fill(&mut xz);
    let zip = zip.finish().unwrap().into_inner();
    // The directory of this one says that its member is packed to 3 GiB.
    let mut liar = zip.clone();
    let entry = liar.windows(4).rposition(|part| part == b"PK\x01\x02").unwrap();
    liar[entry + 20..entry + 24].copy_from_slice(&0xc000_0000_u32.to_le_bytes());
    vec![("zip", zip), ("lying zip", liar), ("xz", xz.finish().unwrap()), ("zstd", zstd_bomb())]
}

#[test]
fn bombs_end_early_whatever_they_are_packed_with() {
    for (how, bomb) in bombs() {
        assert!(bomb.len() < 1 << 20, "{how}");
        let error = attempt(&bomb, None).unwrap_err();
        assert!(format!("{error:?}").contains("200 times"), "{how}: {error:?}");
    }
    // A window that would take 3.75 TiB.
    let window = b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00";
    assert!(matches!(attempt(window, None), Err(Error::Io { .. })));
}

/// What needs to jump in a file cannot come from a pipe: opening it again would wait for ever.
#[test]
fn a_database_from_a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let (_, zip) = bombs().swap_remove(0);
    for bytes in [std::fs::read(fixture("tsk/known.kdb")).unwrap(), zip] {
        let into = path.clone();
        let writer = std::thread::spawn(move || std::fs::write(into, bytes));
        let error = import(&path, &options()).unwrap_err();
        assert!(error.to_string().contains("from a pipe"), "{error}");
        // Whether the writer got rid of everything does not matter.
        let _ = writer.join();
    }
}
