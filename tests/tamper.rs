//! The tamper campaign: each attack by name, and the finding that refuses it. The table of
//! docs/validation/tamper.md is made from this one: `TRIAGE_UPDATE_TABLE=1 cargo test tamper`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use triage_custody::{FileList, Listed, jcs, sha256_hex};

use crate::harness::Scene;
use crate::tamper_certified;

/// An attack on the package `C`; `D` is another exhibit of the same signer, `E` one of another.
pub(crate) struct Attack {
    name: &'static str,
    finding: &'static str,
    make: fn(&Scene),
}

const MANIFEST: &str = "data/manifest.ndjson";
const SEAL: &str = "seals/0001.json";

pub(crate) const fn attack(name: &'static str, finding: &'static str, make: fn(&Scene)) -> Attack {
    Attack { name, finding, make }
}

const ATTACKS: &[Attack] = &[
    attack("two lines of the manifest change places", "manifest line is not valid", |s| {
        lines(s, MANIFEST, |lines| lines.swap(1, 2));
    }),
    attack("the last line of the manifest is dropped", "number of entries differs", |s| {
        lines(s, MANIFEST, |lines| drop(lines.pop()));
    }),
    attack("a line of the manifest stands twice", "manifest line is not valid", |s| {
        lines(s, MANIFEST, |lines| lines.insert(1, lines[1].clone()));
    }),
    attack("the last line feed is cut off", "manifest has a torn last line", |s| {
        text(s, MANIFEST, |text| text.trim_end().to_owned());
    }),
    attack("a name is replaced by a look-alike", "manifest was changed", |s| {
        text(s, MANIFEST, |text| text.replace("\"path\":\"a\"", "\"path\":\"\u{430}\""));
    }),
    attack("a key stands twice in a line", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replacen("\"v\":1}", "\"v\":1,\"v\":1}", 1));
    }),
    attack("a number is written 1e0", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replacen("\"v\":1}", "\"v\":1e0}", 1));
    }),
    attack("a number is above 2^53", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replacen("\"seq\":1,", "\"seq\":9007199254740993,", 1));
    }),
    attack("the manifest gets CRLF line ends", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replace('\n', "\r\n"));
    }),
    attack("the manifest gets a byte order mark", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| format!("\u{feff}{text}"));
    }),
    attack("a line gets a trailing space", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replacen("}\n", "} \n", 1));
    }),
    attack("a line is spaced as people write JSON", "manifest line is not valid", |s| {
        text(s, MANIFEST, |text| text.replacen("\":", "\": ", 1));
    }),
    attack("the manifest of another exhibit is put in", "manifest was changed", |s| {
        copy(s, "D", MANIFEST);
    }),
    attack(
        "the manifest is replaced and every unsigned digest computed again",
        "signature is not valid",
        |s| {
            text(s, MANIFEST, |text| text.replace("\"path\":\"b\"", "\"path\":\"c\""));
            remake(s);
        },
    ),
    attack("a hit is made no hit, lists computed again", "manifest was changed", |s| {
        text(s, MANIFEST, |text| {
            text.replace("\"disposition\":\"alert\"", "\"disposition\":\"known-good\"")
        });
        relist(s);
    }),
    attack("the only event of the log is dropped", "custody log is shorter than sealed", |s| {
        text(s, "custody.ndjson", |_| String::new());
    }),
    attack("an event is edited", "sealed custody event was changed", |s| {
        text(s, "custody.ndjson", |text| text.replace("examiner", "cleaner"));
    }),
    attack("the log of another exhibit is put in", "sealed custody event was changed", |s| {
        let other = fs::read_to_string(s.path("D/custody.ndjson")).unwrap();
        text(s, "custody.ndjson", |_| other);
    }),
    attack("an event is added without its chain", "custody log is broken", |s| {
        text(s, "custody.ndjson", |text| format!("{text}{text}"));
    }),
    attack("the log is spaced as people write JSON", "custody log is broken", |s| {
        text(s, "custody.ndjson", |text| text.replacen("\":", "\": ", 1));
    }),
    attack("the seal is edited", "signature is not valid", |s| {
        text(s, SEAL, |text| text.replace("\"hits\":1", "\"hits\":0"));
    }),
    attack("the seal is removed", "seal is missing", |s| {
        fs::remove_file(s.path("C").join(SEAL)).unwrap();
    }),
    attack("the seal gets another number", "seal has another number", |s| {
        text(s, SEAL, |text| text.replace("\"seal\":1,", "\"seal\":2,"));
    }),
    attack("the seal of another exhibit is put in", "sealed file list was changed", |s| {
        copy(s, "D", SEAL);
        copy(s, "D", "seals/0001.json.sig");
    }),
    attack("the seal names a list outside the package", "seal names another file list", |s| {
        text(s, SEAL, |text| text.replace("seals/0001.sha256", "../0001.sha256"));
    }),
    attack("the seal says that nobody signs", "signature of an unsigned seal", |s| {
        text(s, SEAL, |text| text.replace("\"signer\":\"ana@lab.example\"", "\"signer\":null"));
    }),
    attack("the signature is removed", "signature is missing", |s| {
        fs::remove_file(s.path("C/seals/0001.json.sig")).unwrap();
    }),
    attack("the signature is cut short", "signature is not valid", |s| {
        text(s, "seals/0001.json.sig", |text| text[..text.len() / 2].to_owned());
    }),
    attack("the signature of another package is put in", "signature is not valid", |s| {
        copy(s, "D", "seals/0001.json.sig");
    }),
    attack("the public key is exchanged", "public key is not the signer's", |s| {
        copy(s, "E", "keys/signer.pub");
    }),
    attack("the package is made again with another key", "signature is not valid", |s| {
        swap(s, "E");
    }),
    attack("the package is made again without a key", "seal is not signed", |s| swap(s, "F")),
    attack("the report is exchanged", "file was changed", |s| {
        text(s, "data/report/report.html", |text| text.replace("1 entry", "0 entry"));
    }),
    attack("the report is exchanged and listed again", "sealed file list was changed", |s| {
        text(s, "data/report/hits.csv", |text| text.lines().next().unwrap().to_owned());
        relist(s);
    }),
    attack(
        "the report is exchanged and every unsigned digest computed again",
        "derived file differs from its rendering",
        |s| {
            text(s, "data/report/report.html", |text| text.replace("1 entry", "0 entry"));
            remake(s);
        },
    ),
    attack("a table is removed and every list computed again", "derived file is missing", |s| {
        fs::remove_file(s.path("C/data/report/not-read.csv")).unwrap();
        remake(s);
    }),
    attack("a report of another kind is put in", "extra file in the package", |s| {
        fs::write(s.path("C/data/report/summary.html"), "nothing was found").unwrap();
        remake(s);
    }),
    attack("run.json gets another salt", "Merkle root differs", |s| {
        let other = fs::read(s.path("D/data/run.json")).unwrap();
        let other: Value = serde_json::from_slice(&other).unwrap();
        let salt = other["salt_seed"].as_str().unwrap().to_owned();
        json(s, "data/run.json", |run| run["salt_seed"] = salt.into());
    }),
    attack("run.json gets other counts", "coverage of the run does not add up", |s| {
        json(s, "data/run.json", |run| run["counts"]["read"] = 99.into());
    }),
    attack("case.json names another person", "file was changed", |s| {
        json(s, "data/case.json", |case| case["examiner"] = "Somebody".into());
    }),
    attack("case.json is written as people write JSON", "document is not canonical JSON", |s| {
        text(s, "data/case.json", |text| text.replacen("\":", "\": ", 1));
    }),
    attack("an extra file is put in", "file is not listed", |s| {
        fs::write(s.path("C/data/extra"), "x").unwrap();
    }),
    attack("an extra file is put beside the bag's", "extra file in the package", |s| {
        fs::write(s.path("C/notes.txt"), "x").unwrap();
    }),
    attack("a file is removed", "listed file is missing", |s| {
        fs::remove_file(s.path("C/data/evidence.sha256")).unwrap();
    }),
    attack("a file is renamed in case only", "listed file is missing", |s| {
        fs::rename(s.path("C/data/case.json"), s.path("C/data/Case.json")).unwrap();
    }),
    attack("a file becomes a symbolic link", "foreign entry in the package", |s| {
        fs::rename(s.path("C/data/run.json"), s.path("run.json")).unwrap();
        symlink(s.path("run.json"), s.path("C/data/run.json")).unwrap();
    }),
    attack("a file gets a second name", "foreign entry in the package", |s| {
        fs::hard_link(s.path("C/data/run.json"), s.path("second")).unwrap();
    }),
    attack("a pipe is put in", "foreign entry in the package", |s| {
        let made = std::process::Command::new("mkfifo").arg(s.path("C/data/pipe")).status();
        assert!(made.unwrap().success());
    }),
    attack("Payload-Oxum is wrong", "payload size or count differs", |s| {
        text(s, "bag-info.txt", |text| text.replace("Payload-Oxum: ", "Payload-Oxum: 1"));
    }),
    attack(
        "the bag names another person",
        "bag information does not follow from the package",
        |s| {
            text(s, "bag-info.txt", |text| text + "Contact-Name: Somebody Else\n");
            relist(s);
        },
    ),
    attack("bagit.txt states another version", "bag declaration differs", |s| {
        text(s, "bagit.txt", |text| text.replace("1.0", "0.97"));
    }),
    attack("a list leads out of the package", "file list is not well-formed", |s| {
        text(s, "manifest-sha256.txt", |text| text.replacen("  data/", "  data/../../", 1));
    }),
    attack("a line stands twice in a list", "file list is not well-formed", |s| {
        lines(s, "manifest-sha256.txt", |lines| lines.insert(0, lines[0].clone()));
    }),
    attack(
        "the check list of the evidence is exchanged",
        "evidence list does not follow from the manifest",
        |s| {
            copy(s, "D", "data/evidence.sha256");
        },
    ),
    attack("the newest seal is taken away", "seal that the log names is missing", |s| {
        seal(s, "C", &["--sign-key", "key"]);
        remove_seal(s, 2);
        relist(s);
    }),
    attack("a seal between two others is taken away", "seal is missing", |s| {
        seal(s, "C", &["--sign-key", "key"]);
        seal(s, "C", &["--sign-key", "key"]);
        remove_seal(s, 2);
        relist(s);
    }),
    attack("the second seal of another exhibit is put in", "seal is over another package", |s| {
        seal(s, "C", &["--sign-key", "key"]);
        seal(s, "D", &["--sign-key", "key"]);
        SECOND.iter().for_each(|name| copy(s, "D", name));
        relist(s);
    }),
    attack("the first seal stands as the second too", "seal has another number", |s| {
        for ending in ["json", "json.sig", "sha256"] {
            let (from, to) = (format!("seals/0001.{ending}"), format!("seals/0002.{ending}"));
            fs::copy(at(s, &from), at(s, &to)).unwrap();
        }
        relist(s);
    }),
    attack("the first seal is edited below a second", "seal chain is broken", |s| {
        seal(s, "C", &["--sign-key", "key"]);
        text(s, SEAL, |text| text.replace("\"hits\":1", "\"hits\":0"));
    }),
    attack("the second seal is by a key of the same name", "signature is not valid", |s| {
        seal(s, "C", &["--sign-key", "other"]);
    }),
    attack("the second seal is by nobody", "seal is not signed", |s| seal(s, "C", &[])),
    attack("an event that the second seal covers is dropped", SHORTER, |s| {
        seal(s, "C", &["--sign-key", "key"]);
        lines(s, "custody.ndjson", |lines| drop(lines.pop()));
    }),
    attack("a witness's signature is exchanged", "signature is not valid", |s| {
        s.triage(["custody", "sign", "C", "--sign-key", "other"]).exits(0);
        fs::copy(at(s, "seals/0001.json.sig"), at(s, "seals/0001.json.2.sig")).unwrap();
        relist(s);
    }),
    attack("a file that no seal has is put beside it", "extra file in the package", |s| {
        fs::write(at(s, "seals/0001.json.10.sig"), "x").unwrap();
        relist(s);
    }),
    attack(
        "the commands for stock tools are made to say nothing",
        "script does not follow from the package",
        |s| {
            text(s, "verify-with-stock-tools.sh", |text| text.replace("sha256sum --", "true --"));
            relist(s);
        },
    ),
];

const SHORTER: &str = "custody log is shorter than sealed";
const SECOND: [&str; 4] =
    ["seals/0002.json", "seals/0002.json.sig", "seals/0002.json.sig.signer", "seals/0002.sha256"];

/// Seals a package again, as its holder would.
fn seal(scene: &Scene, package: &str, more: &[&str]) {
    let args = ["custody", "seal", package, "--by", "Ana"];
    scene.triage(args.iter().chain(more)).exits(0);
}

/// Removes every file of a seal.
fn remove_seal(scene: &Scene, number: u32) {
    for entry in fs::read_dir(at(scene, "seals")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with(&format!("{number:04}.")) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

fn at(scene: &Scene, name: &str) -> PathBuf {
    scene.path("C").join(name)
}

fn text(scene: &Scene, name: &str, change: impl FnOnce(String) -> String) {
    let before = fs::read_to_string(at(scene, name)).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after, "{name} was not changed");
    fs::write(at(scene, name), after).unwrap();
}

fn lines(scene: &Scene, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    text(scene, name, |text| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.into_iter().map(|line| line + "\n").collect()
    });
}

fn json(scene: &Scene, name: &str, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&fs::read(at(scene, name)).unwrap()).unwrap();
    change(&mut value);
    let mut bytes = jcs::to_vec(&value).unwrap();
    bytes.push(b'\n');
    fs::write(at(scene, name), bytes).unwrap();
}

fn copy(scene: &Scene, from: &str, name: &str) {
    fs::copy(scene.path(from).join(name), at(scene, name)).unwrap();
}

fn swap(scene: &Scene, other: &str) {
    fs::remove_dir_all(scene.path("C")).unwrap();
    fs::rename(scene.path(other), scene.path("C")).unwrap();
}

fn files(folder: &Path, below: &str, out: &mut Vec<Listed>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if folder.join(&path).is_dir() {
            files(folder, &path, out);
        } else {
            let sha256 = sha256_hex(&fs::read(folder.join(&path)).unwrap());
            out.push(Listed { path, sha256 });
        }
    }
}

/// Computes the list again that holds these files.
fn list(scene: &Scene, name: &str, wanted: fn(&str) -> bool) {
    let mut found = Vec::new();
    files(&scene.path("C"), "", &mut found);
    found.retain(|file| wanted(&file.path));
    fs::write(at(scene, name), FileList::new(found).to_bytes()).unwrap();
}

/// Computes every list of the bag again, as whoever can write the package can.
pub(crate) fn relist(scene: &Scene) {
    list(scene, "manifest-sha256.txt", |path| path.starts_with("data/"));
    list(scene, "seals/0001.sha256", |path| {
        path.starts_with("data/") || path.starts_with("keys/") || path == "bagit.txt"
    });
    list(scene, "tagmanifest-sha256.txt", |path| {
        !path.starts_with("data/") && path != "tagmanifest-sha256.txt" && path != "custody.ndjson"
    });
}

/// Computes the lists and everything that the seal says of files again.
pub(crate) fn remake(scene: &Scene) {
    let mut payload = Vec::new();
    files(&scene.path("C"), "data", &mut payload);
    let size = |file: &Listed| fs::metadata(at(scene, &file.path)).unwrap().len();
    let bytes: u64 = payload.iter().map(size).sum();
    let about = fs::read_to_string(at(scene, "bag-info.txt")).unwrap();
    let about = about.lines().map(|line| match line.starts_with("Payload-Oxum: ") {
        true => format!("Payload-Oxum: {bytes}.{}\n", payload.len()),
        false => format!("{line}\n"),
    });
    fs::write(at(scene, "bag-info.txt"), about.collect::<String>()).unwrap();
    relist(scene);
    let digest = |name: &str| sha256_hex(&fs::read(at(scene, name)).unwrap());
    let (listed, manifest) = (digest("seals/0001.sha256"), digest(MANIFEST));
    let list = fs::read_to_string(at(scene, "seals/0001.sha256")).unwrap();
    json(scene, SEAL, |seal| {
        seal["files"]["sha256"] = listed.into();
        seal["files"]["count"] = list.lines().count().into();
        seal["manifest"]["sha256"] = manifest.into();
    });
    relist(scene);
}

/// The packages: `C`, which is attacked, and those that an attacker has.
fn packages() -> Scene {
    let scene = Scene::new();
    scene.file("a", "1").file("b", "2").file("d/e", "3");
    scene.set("known.txt", &[b"2"]);
    for (key, signer) in [("key", "ana@lab.example"), ("other", "ana@lab.example")] {
        scene.triage(["custody", "keygen", key, "--signer", signer]).exits(0);
    }
    let scan = |case: &str, more: &[&str]| {
        let args = ["scan", "evidence", "--sets", "known.txt", "--case", case];
        scene.triage(args.iter().chain(more)).exits(1);
    };
    scan("C", &["--sign-key", "key", "--exhibit", "AB/1"]);
    scan("E", &["--sign-key", "other", "--exhibit", "AB/1"]);
    scan("F", &["--exhibit", "AB/1"]);
    scene.file("a", "another");
    scan("D", &["--sign-key", "key", "--exhibit", "AB/2"]);
    fs::copy(scene.path("C/keys/allowed_signers"), scene.path("trusted")).unwrap();
    scene
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copied(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn every_attack_is_refused_with_its_own_finding() {
    let (mut rows, mut wrong) = (String::new(), Vec::new());
    let scene = packages();
    run(&scene, &["C", "D", "E", "F"], ATTACKS, &[], &mut rows, &mut wrong);
    let certified = tamper_certified::packages();
    if let Some(scene) = &certified {
        let trust = ["--cms-root", "x/root.pem", "--tsa-root", "x/root.pem"];
        run(scene, &["C", "D"], tamper_certified::ATTACKS, &trust, &mut rows, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ATTACKS.len() >= 30);
    if certified.is_some() {
        table(&rows);
    }
}

/// Makes each attack, verifies, and puts the packages back.
fn run(
    scene: &Scene,
    packages: &[&str],
    attacks: &[Attack],
    trust: &[&str],
    rows: &mut String,
    wrong: &mut Vec<String>,
) {
    for package in packages {
        copied(&scene.path(package), &scene.path(&format!("{package}.kept")));
    }
    let verify = ["verify", "C", "--allowed-signers", "trusted", "--json"];
    let verify = || scene.triage(verify.iter().chain(trust));
    verify().exits(0);
    for attack in attacks {
        (attack.make)(scene);
        let ran = verify();
        let found: Vec<Value> =
            ran.lines().into_iter().filter(|line| line["type"] == "finding").collect();
        let code = attack.finding.to_lowercase().replace([' ', '\''], "-");
        if ran.code != 5 || !found.iter().any(|finding| finding["code"] == code) {
            let codes: Vec<_> = found.iter().map(|finding| finding["code"].clone()).collect();
            wrong.push(format!("{}: exit {}, found {codes:?}", attack.name, ran.code));
        }
        rows.push_str(&format!("| {} | {} | `{code}` | 5 |\n", attack.name, attack.finding));
        for package in packages {
            let _absent = fs::remove_dir_all(scene.path(package));
            copied(&scene.path(&format!("{package}.kept")), &scene.path(package));
        }
    }
}

/// Writes the table, or compares it with the one in the pages.
fn table(rows: &str) {
    let page = format!(
        "<!-- Generated by tests/tamper.rs: TRIAGE_UPDATE_TABLE=1 cargo test --test e2e \
         tamper -->\n\n\
         # The tamper campaign\n\n\
         Each attack is made on a signed package; `verify --allowed-signers` (for certificates and \
         time-stamps with\n`--cms-root` and `--tsa-root`) must end with this finding and exit \
         code. Other findings may stand beside it. The code is the `code` of the \
         finding with `--json`.\n\n\
         | Attack | Finding | Code | Exit |\n|--|--|--|--|\n{rows}\n\
         **What needs the key from outside.** A package that is made again as a whole, with \
         another key or with none, is in itself sound: plain\n`verify` accepts it and warns. \
         Only `--allowed-signers`, or the seal's digest noted elsewhere, refuses it. The same \
         holds for an older\ncopy of the whole package, and for one that was cut back to an \
         earlier seal with its log.\n"
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/validation/tamper.md");
    if std::env::var_os("TRIAGE_UPDATE_TABLE").is_some() {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, page).unwrap();
        return;
    }
    // A laboratory that runs the tests on its own program may have no pages.
    if let Ok(known) = fs::read_to_string(path) {
        assert_eq!(known, page, "write it again with TRIAGE_UPDATE_TABLE=1");
    }
}

#[test]
fn a_package_made_again_as_a_whole_passes_without_the_key_from_outside() {
    let scene = packages();
    for package in ["E", "F"] {
        let ran = scene.triage(["verify", package, "--json"]).exits(0);
        let warnings = ran.summary()["warnings"].to_string();
        assert!(warnings.contains("proves nothing") || warnings.contains("NOT SIGNED"));
        scene.triage(["verify", package, "--allowed-signers", "trusted"]).exits(5);
    }
}
