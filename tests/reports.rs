//! Every form of the report, read by tools that are not ours, and what a redacted copy must not
//! show.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::harness::{Scene, skip, stock};

/// Every form that `report` knows.
const FORMS: &str = "html,pdf,json,csv,hits-csv,not-read-csv,dfxml,case,vics,hashdeep,parquet";
/// A name that must not stand in a redacted copy.
const SECRET: &str = "Zyxwvutsrq";

/// A package with a hit, a file that was not read, and names that fight back.
fn package(further: &[&str]) -> Scene {
    let scene = Scene::new();
    scene.file(format!("{SECRET}/{SECRET}.{SECRET}"), "known").file("a/big", [7; 5000]);
    scene.file(b"a/odd-\xff\n\x1b[2J".as_slice(), "x").file("=cmd|'c'!A0", "y");
    scene.file("<script>alert(1)<script>", "z").file("a/\u{202e}gpj.\u{5d0}\u{65e5}", "known");
    std::os::unix::fs::symlink(SECRET, scene.evidence().join("link")).unwrap();
    let set = scene.set("known.txt", &[b"known"]);
    let mut args = vec!["scan", "evidence", "--case", "C", "--max-size", "1K", "--sets"];
    args.push(set.to_str().unwrap());
    args.extend(["--case-number", "CASE-1", "--examiner", "Ana"]);
    args.extend(further);
    scene.triage(args).exits(4);
    scene
}

fn form(scene: &Scene, format: &str, out: &str) {
    scene.triage(["report", "C", "--format", format, "--out", out]).exits(0);
}

/// Runs a tool of the check's Python environment, which stands beside bagit.py.
fn python_tool(name: &str, args: &[&str], folder: &Path) -> Option<crate::harness::Ran> {
    let Some(bagit) = std::env::var_os("TRIAGE_TEST_BAGIT") else {
        skip(&format!("TRIAGE_TEST_BAGIT names no environment with {name}"));
        return None;
    };
    let tool = Path::new(&bagit).with_file_name(name);
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    stock(tool.to_str().unwrap(), &args, folder)
}

#[test]
fn the_pdf_is_one_that_others_accept_and_its_fonts_are_embedded() {
    let scene = package(&[]);
    form(&scene, "pdf", "r.pdf");
    form(&scene, "pdf", "again.pdf");
    let bytes = fs::read(scene.path("r.pdf")).unwrap();
    assert_eq!(bytes, fs::read(scene.path("again.pdf")).unwrap());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("<pdfaid:part>2</pdfaid:part>"));
    assert!(text.contains("<pdfaid:conformance>B</pdfaid:conformance>"));
    let folder = scene.path("");
    if let Some(ran) = stock("qpdf", &["--check", "r.pdf"].map(OsStr::new), &folder) {
        ran.exits(0);
    }
    if let Some(ran) = stock("pdffonts", &["r.pdf"].map(OsStr::new), &folder) {
        let fonts = ran.exits(0).stdout;
        let rows: Vec<&str> = fonts.lines().skip(2).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.contains("yes yes yes")), "{fonts}");
    }
    if let Some(ran) = stock("pdftotext", &["-layout", "r.pdf", "-"].map(OsStr::new), &folder) {
        let text = ran.exits(0).stdout;
        for part in ["What was examined", "What was not read", "SHA-256 of the seal", "INCOMPLETE"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(text.contains("\\u{65e5}") && !text.contains('\u{202e}'));
    }
}

#[test]
fn the_dfxml_is_valid_by_its_schema() {
    let scene = package(&[]);
    form(&scene, "dfxml", "d.xml");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/dfxml/dfxml.xsd");
    let args = ["--nonet", "--noout", "--schema", schema.to_str().unwrap(), "d.xml"];
    if let Some(ran) = stock("xmllint", &args.map(OsStr::new), &scene.path("")) {
        ran.exits(0);
        let text = fs::read_to_string(scene.path("d.xml")).unwrap();
        fs::write(scene.path("d.xml"), text.replace("<name_type>r", "<name_type>q")).unwrap();
        let ran = stock("xmllint", &args.map(OsStr::new), &scene.path("")).unwrap();
        assert_ne!(ran.code, 0, "a wrong value must not pass");
    }
}

#[test]
fn the_case_graph_is_valid_without_a_network() {
    let scene = package(&[]);
    form(&scene, "case", "c.jsonld");
    let args = ["--built-version", "case-1.5.0", "c.jsonld"];
    if let Some(ran) = python_tool("case_validate", &args, &scene.path("")) {
        assert!(ran.exits(0).stdout.contains("Conforms: True"));
    }
}

#[test]
fn a_database_opens_the_table_and_counts_the_same() {
    let scene = package(&[]);
    form(&scene, "parquet", "t.parquet");
    let script = "import duckdb; print(duckdb.sql(\"select count(*), count(sha256), \
                  sum(is_hit::int), sum(size) from 't.parquet'\").fetchall()[0])";
    if let Some(ran) = python_tool("python", &["-c", script], &scene.path("")) {
        if ran.stderr.contains("No module named 'duckdb'") {
            skip("duckdb is not installed");
            return;
        }
        let lines = scene.manifest("C");
        let read = lines.iter().filter(|line| line["status"] == "read").count();
        let sizes: u64 = lines.iter().filter_map(|line| line["size"].as_u64()).sum();
        let expected = format!("({}, {read}, 2, {sizes})\n", lines.len());
        assert_eq!(ran.exits(0).stdout, expected);
    }
}

#[test]
fn hashdeep_audits_the_exhibit_with_our_list() {
    let scene = Scene::new();
    scene.file("a b", "1").file("folder/c", "2");
    scene.triage(["scan", "evidence", "--case", "C"]).exits(0);
    form(&scene, "hashdeep", "list");
    let args = ["-r", "-l", "-a", "-k", "../list", "."].map(OsStr::new);
    if let Some(ran) = stock("hashdeep", &args, &scene.evidence()) {
        ran.exits(0);
        scene.file("folder/c", "changed");
        assert_ne!(stock("hashdeep", &args, &scene.evidence()).unwrap().code, 0);
    }
}

#[test]
fn vics_names_every_hit_and_is_read_back_as_a_set() {
    let scene = package(&[]);
    form(&scene, "vics", "v.json");
    let case: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.path("v.json")).unwrap()).unwrap();
    assert_eq!(case["value"][0]["Media"].as_array().unwrap().len(), 2);
    assert_eq!(case["value"][0]["TotalMediaFiles"], 2);
    let args = ["sets", "import", "v.json", "--output", "v.thx", "--scheme", "vics"];
    scene.triage(args).exits(0);
}

#[test]
fn no_cell_of_a_table_begins_a_formula() {
    let scene = package(&[]);
    form(&scene, "csv", "t.csv");
    let text = fs::read_to_string(scene.path("t.csv")).unwrap();
    let is_formula = |cell: &str| cell.trim_matches('"').starts_with(['=', '+', '-', '@', '\t']);
    assert!(text.lines().all(|line| !line.split(',').any(is_formula)), "{text}");
    assert!(text.contains("./=cmd|'c'!A0"));
}

#[test]
fn a_redacted_copy_shows_no_name_in_any_form() {
    let scene = package(&[]);
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let utf16: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let holds = |bytes: &[u8], part: &[u8]| {
        bytes.to_ascii_lowercase().windows(part.len()).any(|window| window == part)
    };
    for level in ["names", "paths", "all"] {
        for format in FORMS.split(',') {
            let out = format!("{level}-{format}");
            let args = ["report", "C", "--format", format, "--redact", level, "--out", &out];
            let ran = scene.triage(args);
            if level == "all" && ["vics", "hashdeep"].contains(&format) {
                ran.exits(2);
                assert!(!scene.path(&out).exists());
                continue;
            }
            ran.exits(0);
            let mut bytes = fs::read(scene.path(&out)).unwrap();
            if format == "pdf" {
                let args = [&out, "-"].map(OsStr::new);
                let Some(text) = stock("pdftotext", &args, &scene.path("")) else { continue };
                bytes = text.exits(0).stdout.into_bytes();
            }
            for part in encoded(SECRET).into_iter().chain([SECRET.into(), hex.clone()]) {
                assert!(!holds(&bytes, part.to_lowercase().as_bytes()), "{out}: {part}");
            }
            assert!(!holds(&bytes, &utf16.to_ascii_lowercase()), "{out}");
        }
    }
}

/// Returns what a name becomes in the encodings of URLs and mails: percent signs, and Base64 at
/// each of the three places that it can have in a longer text.
fn encoded(name: &str) -> Vec<String> {
    use base64::Engine as _;
    let whole_groups = |skip: usize| {
        let rest = &name.as_bytes()[skip..];
        let groups = &rest[..rest.len() / 3 * 3];
        base64::engine::general_purpose::STANDARD.encode(groups)
    };
    let percent = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    (0..3).map(whole_groups).chain([percent]).collect()
}

#[test]
fn a_redacted_row_keeps_the_leaf_of_its_sealed_line() {
    let scene = package(&[]);
    let args = ["report", "C", "--format", "json", "--redact", "all", "--out", "r.json"];
    scene.triage(args).exits(0);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.path("r.json")).unwrap()).unwrap();
    let row = &report["hit_rows"][0];
    let seq = row["seq"].as_u64().unwrap();
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.path("C/data/run.json")).unwrap()).unwrap();
    let hex = run["salt_seed"].as_str().unwrap();
    let mut seed = [0; 32];
    for (place, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).unwrap();
    }
    let manifest = fs::read_to_string(scene.path("C/data/manifest.ndjson")).unwrap();
    let line = manifest.lines().nth(usize::try_from(seq).unwrap()).unwrap();
    let leaf =
        triage_custody::line_leaf(&triage_custody::Salter::new(&seed).line(seq), line.as_bytes());
    let leaf: String = leaf.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(row["leaf_sha256"], leaf.as_str());
    assert!(report["run"]["salt_seed"].is_null());
}

#[test]
fn reports_under_the_seal_are_whole_and_verify() {
    let scene = package(&["--report", "pdf,csv,dfxml,case,vics,hashdeep,parquet"]);
    for name in ["report/report.pdf", "export/dfxml.xml", "export/entries.parquet"] {
        assert!(scene.path("C/data").join(name).is_file(), "{name}");
    }
    scene.triage(["verify", "C"]).exits(0);
    let args =
        ["scan", "evidence", "--case", "D", "--algorithms", "blake3", "--report", "hashdeep"];
    scene.triage(args).exits(2);
    assert!(!scene.path("D").exists());
}

#[test]
fn a_report_is_never_written_over_anything() {
    let scene = package(&[]);
    form(&scene, "html", "r.html");
    scene.triage(["report", "C", "--out", "r.html"]).exits(6);
    scene.triage(["report", "C", "--format", "html,csv"]).exits(2);
    scene.triage(["report", "C", "--format", "html,csv", "--out", "both"]).exits(0);
    assert!(scene.path("both/entries.csv").is_file());
    scene.triage(["report", "C", "--format", "html,csv", "--out", "both"]).exits(6);
}

#[test]
fn a_certificate_is_a_draft_with_blanks_and_claims_no_comparison_that_was_not_made() {
    let scene = package(&[]);
    for name in ["fre902-14", "uk-s9", "iso27037"] {
        for form in ["html", "text", "pdf"] {
            let out = format!("{name}.{form}");
            let args = ["report", "C", "--certificate", name, "--format", form, "--out", &out];
            scene.triage(args).exits(0);
        }
        let text = fs::read_to_string(scene.path(&format!("{name}.text"))).unwrap();
        assert!(text.contains("DRAFT") && text.contains("[____ to be filled in:"), "{text}");
        assert!(text.contains("Ana"));
    }
    let text = fs::read_to_string(scene.path("fre902-14.text")).unwrap();
    assert!(text.contains("NOT DONE") && !text.contains("They are identical"));
    scene.triage(["report", "C", "--certificate", "other"]).exits(2);
}
