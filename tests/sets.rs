//! `sets`: import, list, info, lookup, verify, export, diff, merge.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Ran, Scene, ran};

const ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

#[test]
fn a_list_becomes_an_index_that_hits_with_its_provenance() {
    let scene = Scene::new();
    scene.file("abc", "abc");
    fs::write(
        scene.path("list.csv"),
        format!(
            "md5,category,size\n{ABC},1,3\nnonsense,1,3\nd41d8cd98f00b204e9800998ecf8427e,1,0\n"
        ),
    )
    .unwrap();
    scene.triage(["sets", "import", "list.csv", "-o", "x.thx"]).exits(2);
    let args =
        ["sets", "import", "list.csv", "-o", "x.thx", "--scheme", "own", "--name", "Test set"];
    let of = ["--publisher", "A unit", "--date", "2026-11", "--licence", "none"];
    let more = ["--set-version", "7", "--json"];
    let ran = scene.triage(args.into_iter().chain(of).chain(more)).exits(0);
    let report = &ran.lines()[0]["report"];
    assert_eq!((&report["rows"], &report["accepted"]), (&3.into(), &1.into()));
    assert_eq!(ran.summary()["rejected"], 1);
    scene.triage(args).exits(6);
    let ran = scene.triage(["scan", "evidence", "--case", "C", "--sets", "x.thx"]).exits(1);
    assert!(ran.stdout.contains("[own 1] Test set (md5)"), "{}", ran.stdout);
    let run = fs::read_to_string(scene.path("C/data/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    let found = &scene.line("C", "abc")["match"][0];
    let place = usize::try_from(found["set_index"].as_u64().unwrap()).unwrap();
    let provenance = &run["plan"]["sets"][place]["provenance"];
    for (field, value) in
        [("publisher", "A unit"), ("date", "2026-11"), ("licence", "none"), ("format", "delimited")]
    {
        assert_eq!(provenance[field], value, "{provenance}");
    }
    assert_eq!(provenance["rejected_rows"], 1);
    let page = fs::read_to_string(scene.path("C/data/report/report.html")).unwrap();
    let words = "by A unit, of 2026-11, licence none, scheme own, read as delimited, from list.csv";
    assert!(page.contains(words), "the report says it of the set");
    let told = scene.triage(["sets", "lookup", "--sets", "x.thx", ABC, "--json"]).exits(1);
    assert_eq!(told.lines()[0]["provenance"]["publisher"], "A unit");
    assert_eq!((&found["version"], &found["category"]["number"]), (&"7".into(), &1.into()));
    assert!(scene.triage(["sets", "list", "."]).exits(0).stdout.contains("Test set"));
    assert!(scene.triage(["sets", "info", "x.thx"]).exits(0).stdout.contains("1 rejected"));
    scene.triage(["sets", "verify", "x.thx"]).exits(0);
    let mut bytes = fs::read(scene.path("x.thx")).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::write(scene.path("x.thx"), bytes).unwrap();
    let code = scene.triage(["sets", "verify", "x.thx"]).code;
    assert!(code == 5 || code == 2, "{code}");
    scene.triage(["scan", "evidence", "--case", "D", "--sets", "x.thx"]).exits(2);
}

#[test]
fn lookups_say_found_by_their_exit_code() {
    let scene = Scene::new();
    fs::write(scene.path("list"), format!("{ABC}\n")).unwrap();
    scene.triage(["sets", "lookup", "--sets", "list", ABC]).exits(1);
    scene.triage(["sets", "lookup", "--sets", "list", &"0".repeat(31), "x"]).exits(2);
    scene.triage(["sets", "lookup", "--sets", "list", &"1".repeat(32)]).exits(0);
    fs::write(scene.path("asked"), format!("{}\n\n{ABC}\n", "1".repeat(32))).unwrap();
    let told = scene.triage(["sets", "lookup", "--sets", "list", "--from", "asked"]).exits(1);
    assert!(told.stdout.starts_with(ABC) && told.stderr.contains("1 of 2"), "{}", told.stderr);
    scene.triage(["sets", "lookup", "--sets", "list", "--from", "nothing"]).exits(2);
    scene.triage(["sets", "lookup", "--sets", "list"]).exits(2);
    let as_format = |name| ["sets", "import", "list", "-o", name, "--format", name];
    scene.triage(as_format("plain")).exits(0);
    scene.triage(as_format("vics")).exits(2);
    let mut command = scene.command(["sets", "lookup", "--sets", "list", "-", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("{ABC}\n{}\n", "2".repeat(64)).as_bytes())
        .unwrap();
    let summary = ran(&child.wait_with_output().unwrap()).exits(4).summary();
    assert_eq!((&summary["asked"], &summary["found"]), (&2.into(), &1.into()));
    assert_eq!(summary["unanswered"], 1);
}

#[test]
fn releases_are_compared_exported_and_merged() {
    let scene = Scene::new();
    let list = |name: &str, text: &str| {
        fs::write(scene.path(name), format!("md5,category\n{text}")).unwrap();
        let index = format!("{name}.thx");
        scene.triage(["sets", "import", name, "-o", &index, "--scheme", "own"]).exits(0);
    };
    let other = "1".repeat(32);
    list("old", &format!("{ABC},1\n"));
    list("new", &format!("{ABC},2\n{other},1\n"));
    scene.triage(["sets", "diff", "old.thx", "old.thx"]).exits(0);
    let ran = scene.triage(["sets", "diff", "old.thx", "new.thx", "--json"]).exits(1);
    let summary = ran.summary();
    let counts = ["added", "removed", "recategorised", "same"].map(|name| summary[name].clone());
    assert_eq!(counts, [1, 0, 1, 0].map(serde_json::Value::from));
    let ran = scene.triage(["sets", "diff", "old.thx", "new.thx"]).exits(1);
    assert!(ran.stdout.contains(&format!("~ md5:{ABC}  own 1 -> own 2")), "{}", ran.stdout);
    let export = ["sets", "export", "new.thx", "--format", "plain", "-o", "list.txt", "--json"];
    let summary = scene.triage(export).exits(0).summary();
    assert_eq!((&summary["written"], &summary["lost"]["categories"]), (&2.into(), &2.into()));
    assert_eq!(fs::read_to_string(scene.path("list.txt")).unwrap(), format!("{other}\n{ABC}\n"));
    scene.triage(export).exits(6);
    let ran = scene.triage(["sets", "merge", "old.thx", "new.thx", "-o", "m.thx"]).exits(0);
    assert!(ran.stdout.contains("records      3"), "{}", ran.stdout);
    scene.triage(["sets", "lookup", "--sets", "m.thx", ABC]).exits(1);
}

#[test]
fn an_alert_wins_over_known_good() {
    let scene = Scene::new();
    scene.file("both", "both").file("good", "good");
    scene.set("alert", &[b"both"]);
    scene.set("fine", &[b"both", b"good"]);
    let args =
        ["scan", "evidence", "--case", "C", "--sets", "alert", "--known-good", "fine", "--json"];
    assert_eq!(scene.triage(args).exits(1).summary()["coverage"]["hits"], 1);
    assert_eq!(scene.line("C", "both")["match"].as_array().unwrap().len(), 2);
    assert_eq!(scene.line("C", "good")["match"][0]["disposition"], "known-good");
}

/// Digests in no order, one a line.
#[test]
fn a_bloom_filter_is_never_shown_as_a_certain_hit() {
    let scene = Scene::new();
    scene.file("abc", "abc");
    scene.file("other", "something else");
    fs::write(scene.path("list"), format!("{ABC}\n")).unwrap();
    scene.triage(["sets", "export", "list", "--format", "bloom", "-o", "f.bloom"]).exits(0);
    let import = ["sets", "import", "f.bloom", "-o", "f.thx"];
    assert!(scene.triage(import).exits(2).stderr.contains("--set-algorithm"));
    let md5 = ["--set-algorithm", "md5"];
    let good = ["--disposition", "known-good"];
    let refused = scene.triage(import.into_iter().chain(md5).chain(good)).exits(2);
    assert!(refused.stderr.contains("--informational"), "{}", refused.stderr);
    let told = scene.triage(import.into_iter().chain(md5)).exits(0).stdout;
    assert!(
        told.contains("disposition  informational") && told.contains("PROBABLE ONLY"),
        "{told}"
    );
    for verb in ["info", "verify"] {
        let told = scene.triage(["sets", verb, "f.thx"]).exits(0).stdout;
        assert!(told.contains("bloom filter"), "{told}");
    }
    let listed = scene.triage(["sets", "list"]).exits(0).stdout;
    assert!(listed.contains("f.bloom") && listed.contains("probable only"), "{listed}");
    let found = scene.triage(["sets", "lookup", "--informational", "f.thx", ABC]).exits(1);
    assert!(found.stdout.contains("PROBABLE ONLY") && found.stderr.contains("1 of 1"));
    let sized = ["scan", "evidence", "--case", "S", "--sets", "f.thx", "--size-filter"];
    scene.triage(sized).exits(2);
    // Noted, and no hit.
    scene.triage(["scan", "evidence", "--case", "N", "--sets", "f.thx"]).exits(0);
    let noted = &scene.line("N", "abc")["match"][0];
    assert_eq!(noted["disposition"], "informational");
    assert!(noted["false_positives_per_billion"].as_u64().unwrap() > 0);
    assert!(noted.get("record").is_none() && scene.line("N", "other").get("match").is_none());
    // As it was asked: it alerts, and whatever names the hit says what it is.
    let args = ["scan", "evidence", "--case", "A", "--sets", "f.bloom", "--set-algorithm", "md5"];
    let ran = scene.triage(args).exits(1);
    assert!(
        ran.stdout.contains("PROBABLE HIT ") && !ran.stdout.contains("\nHIT "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("1 hit (1 of them PROBABLE ONLY)"), "{}", ran.stdout);
    for page in ["report/report.html", "report/hits.csv", "report/all.csv"] {
        let Ok(page) = fs::read_to_string(scene.path(&format!("A/data/{page}"))) else { continue };
        assert!(page.contains("PROBABLE ONLY"), "{page}");
    }
    let page = fs::read_to_string(scene.path("A/data/report/report.html")).unwrap();
    assert!(page.contains("of them PROBABLY ONLY"), "the answer says it");
    scene.triage(["verify", "A"]).exits(0);
    // A certain match beside it makes it a hit like any other.
    let both = ["match", "A", "--sets", "f.thx", "--sets", "list", "--json"];
    let summary = scene.triage(both).exits(1).summary();
    let coverage = &summary["coverage"];
    assert_eq!((&coverage["hits"], &coverage["probable_hits"]), (&1.into(), &0.into()));
}

fn many_digests(count: u64) -> String {
    let mut number = 88_172_645_463_325_252_u64;
    let mut next = || {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        number
    };
    (0..count).map(|_| format!("{:016x}{:016x}\n", next(), next())).collect()
}

#[test]
fn a_killed_import_is_done_again_and_leaves_nothing() {
    let scene = Scene::new();
    fs::create_dir(scene.path("sets")).unwrap();
    fs::write(scene.path("list"), many_digests(300_000)).unwrap();
    let args = ["sets", "import", "list", "-o", "sets/x.thx", "--memory", "16M", "-q"];
    scene.triage(["sets", "import", "list", "-o", "whole.thx", "-q"]).exits(0);
    let mut kills = 0;
    for round in 0..40 {
        let mut command = scene.command(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(5 + 7 * round));
        child.kill().unwrap();
        let killed = child.wait().unwrap().code().is_none();
        // A kill may come behind the last act; then the set is there, whole.
        if scene.path("sets/x.thx").exists() {
            break;
        }
        assert!(killed, "an import ended without its set");
        kills += 1;
    }
    assert!(kills > 0, "no import was killed");
    if !scene.path("sets/x.thx").exists() {
        scene.triage(args).exits(0);
    }
    let whole = fs::read(scene.path("whole.thx")).unwrap();
    assert!(fs::read(scene.path("sets/x.thx")).unwrap() == whole, "other bytes after a kill");
    let left: Vec<_> = fs::read_dir(scene.path("sets")).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_million_lookups_from_standard_input_are_answered_in_words_and_in_json() {
    let scene = Scene::new();
    let list = many_digests(20_000);
    fs::write(scene.path("list"), &list).unwrap();
    fs::write(scene.path("asked"), list.repeat(50)).unwrap();
    for (json, lines) in [(false, 1_000_000), (true, 1_000_001)] {
        let mut command = scene.command(["sets", "lookup", "--sets", "list", "-"]);
        command.args(json.then_some("--json")).stdin(fs::File::open(scene.path("asked")).unwrap());
        let ran = ran(&command.output().unwrap()).exits(1);
        assert_eq!(ran.stdout.lines().count(), lines);
        assert!(ran.stderr.contains("1000000 of 1000000 digests found"), "{}", ran.stderr);
        if json {
            let first = ran.stdout.lines().next().unwrap();
            let first: serde_json::Value = serde_json::from_str(first).unwrap();
            assert_eq!((&first["type"], &first["algorithm"]), (&"match".into(), &"md5".into()));
        }
    }
}

/// A set of more than 64 MiB is not read whole before a scan: each page is checked as it is used.
#[test]
fn a_damaged_page_of_a_large_set_never_looks_clean() {
    let scene = Scene::new();
    scene.file("abc", "abc").file("other", "other");
    let sha512 = |content: &str| {
        let algorithms = "sha512".parse().unwrap();
        let digests = triage_hash::hash_bytes(algorithms, content.as_bytes());
        digests.get(triage_hash::Algorithm::Sha512).unwrap().to_string()
    };
    let random = many_digests(4 * 1_100_000).replace('\n', "");
    let mut list = fs::File::create(scene.path("list")).map(std::io::BufWriter::new).unwrap();
    for digest in random.as_bytes().chunks_exact(128) {
        list.write_all(digest).unwrap();
        list.write_all(b"\n").unwrap();
    }
    list.write_all(sha512("abc").as_bytes()).unwrap();
    list.into_inner().unwrap();
    scene.triage(["sets", "import", "list", "-o", "x.thx", "-q"]).exits(0);
    let mut bytes = fs::read(scene.path("x.thx")).unwrap();
    assert!(bytes.len() > 64 << 20, "{}", bytes.len());
    let scan = |case: &str| {
        let args =
            ["scan", "evidence", "--algorithms", "sha512", "--sets", "x.thx", "--case", case];
        scene.triage(args)
    };
    scan("sound").exits(1);
    // The section of keys, kind 17: a byte of each of its pages.
    let word = |bytes: &[u8], at: usize| {
        let eight: [u8; 8] = bytes[at..at + 8].try_into().unwrap();
        usize::try_from(u64::from_le_bytes(eight)).unwrap()
    };
    let entry = (64..).step_by(64).find(|at| bytes[*at..*at + 4] == [17, 0, 0, 0]).unwrap();
    let (start, len) = (word(&bytes, entry + 8), word(&bytes, entry + 16));
    (start..start + len).step_by(4096).for_each(|at| bytes[at] ^= 0x10);
    fs::write(scene.path("x.thx"), bytes).unwrap();
    let ran = scan("damaged");
    assert!(matches!(ran.code, 3 | 4), "{}: {}", ran.code, ran.stderr);
    assert!(ran.stderr.contains("DOUBT: the hash set \"list\" is damaged"), "{}", ran.stderr);
    let ran = scene.triage(["sets", "lookup", "--sets", "x.thx", &sha512("abc")]).exits(2);
    assert!(ran.stderr.contains("a hash set is damaged"), "{}", ran.stderr);
    scene.triage(["match", "sound", "--sets", "x.thx"]).exits(2);
    scene.triage(["sets", "verify", "x.thx"]).exits(5);
    scene.triage(["sets", "export", "x.thx", "--format", "plain", "-o", "out"]).exits(2);
}

/// One line of 1 GiB from a pipe, in 768 MiB of address space: it cannot be held, nor ended early.
#[test]
fn an_endless_line_from_a_pipe_takes_neither_the_memory_nor_for_ever() {
    let scene = Scene::new();
    let pipe = scene.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let limited = |format: &str, head: &str, piece: &'static [u8]| {
        let mut command =
            scene.command(["sets", "import", "/dev/stdin", "-o", "x.thx", "--set-format"]);
        command.args([format, "--json", "--scheme", "own"]);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "ulimit -v 786432; exec \"$0\" \"$@\" < pipe"])
            .arg(command.get_program());
        shell.args(command.get_args()).current_dir(scene.path("."));
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = shell.spawn().unwrap();
        let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        let block = piece.repeat((1 << 20) / piece.len());
        // Whoever gives up closes the pipe: writing fails.
        let written = writer.write_all(head.as_bytes()).is_ok()
            && (0..1024).all(|_| writer.write_all(&block).is_ok());
        drop(writer);
        (ran(&child.wait_with_output().unwrap()), written)
    };
    let begun = Instant::now();
    let (ran, written) = limited("plain", &format!("{ABC}\n"), b"f");
    let report = ran.exits(0).lines()[0]["report"].clone();
    assert!(written, "a list of lines is read to its end");
    assert_eq!((&report["accepted"], &report["rejected"]["line-too-long"]), (&1.into(), &1.into()));
    let csv = format!("md5,name\n{ABC},a\n1,\"");
    fs::remove_file(scene.path("x.thx")).unwrap();
    limited("delimited", &csv, b"f").0.exits(0);
    fs::remove_file(scene.path("x.thx")).unwrap();
    for (format, head, piece) in [
        ("vics", "{\"value\":[{\"MD5\":\"", &b"f"[..]),
        ("vics", "{\"value\":[{\"x\":", &b"["[..]),
        ("stix", "{\"type\":\"bundle\",\"objects\":[{\"id\":\"", &b"\\n"[..]),
        ("dfxml", "<dfxml><fileobject><filename>", &b"f"[..]),
        ("dfxml", "<dfxml>", &b"<a>"[..]),
    ] {
        let (ran, written) = limited(format, head, piece);
        assert!(ran.exits(2).stderr.contains("damaged") && !written, "{format}");
    }
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn a_digest_of_an_algorithm_that_no_set_holds_is_not_answered() {
    let scene = Scene::new();
    fs::write(scene.path("list"), format!("{ABC}\n")).unwrap();
    for digits in [40, 64, 128] {
        let digest = "1".repeat(digits);
        let ran = scene.triage(["sets", "lookup", "--sets", "list", &digest]).exits(3);
        let told = format!("{digest}  NOT ANSWERED: no set holds");
        assert!(ran.stdout.contains(&told), "{}", ran.stdout);
        assert!(ran.stdout.contains("the sets hold md5"), "{}", ran.stdout);
        assert!(ran.stderr.contains("INCOMPLETE: 1 digest is of no algorithm"), "{}", ran.stderr);
    }
    let sha1 = "1".repeat(40);
    let asked = ["sets", "lookup", "--sets", "list", ABC, &sha1, "--json"];
    let ran = scene.triage(asked).exits(4);
    assert_eq!(ran.lines()[1]["type"], "not_answered");
    assert_eq!(ran.summary()["algorithms"], "md5");
    // Another set that holds it answers for both.
    fs::write(scene.path("other"), format!("{}\n", "2".repeat(40))).unwrap();
    scene.triage(asked.into_iter().chain(["--sets", "other"])).exits(1);
}

/// Digests are looked up many at a time: what is told keeps the order of the questions, up to the
/// one that cannot be read, and 64 digits of two algorithms are one digest that was found.
#[test]
fn lookups_are_told_in_the_order_of_the_questions() {
    let scene = Scene::new();
    let both = "b".repeat(64);
    let known: Vec<String> = (1..701).map(|number| format!("{number:032x}")).collect();
    fs::write(scene.path("list"), known.join("\n")).unwrap();
    fs::write(scene.path("sha256"), format!("SHA256 (a) = {both}\n")).unwrap();
    fs::write(scene.path("blake3"), format!("blake3,name\n{both},a\n")).unwrap();
    let sha1 = "1".repeat(40);
    let (mut asked, mut expected) = (Vec::new(), Vec::new());
    for (number, digest) in known.iter().enumerate() {
        asked.extend([digest.clone(), format!("{:032x}", 1_000_000 + number)]);
        expected.push(digest.clone());
        if number % 90 == 7 {
            asked.extend([sha1.clone(), both.clone()]);
            expected.extend([sha1.clone(), both.clone(), both.clone()]);
        }
    }
    let sets = ["--sets", "list", "--sets", "sha256", "--sets", "blake3"];
    let lookup = |asked: &[String]| {
        fs::write(scene.path("asked"), asked.join("\n")).unwrap();
        scene.triage(["sets", "lookup", "--from", "asked"].into_iter().chain(sets))
    };
    let told = |ran: &Ran| -> Vec<String> {
        let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
        ran.stdout.lines().map(first).collect()
    };
    let ran = lookup(&asked).exits(4);
    assert_eq!(told(&ran), expected);
    assert!(ran.stderr.contains("708 of 1416 digests found"), "{}", ran.stderr);
    asked.insert(2, "no digest".into());
    assert_eq!(told(&lookup(&asked).exits(2)), known[..1]);
}

#[test]
fn a_damaged_set_among_others_is_named_by_the_list() {
    let scene = Scene::new();
    fs::write(scene.path("list"), format!("{ABC}\n")).unwrap();
    let import = |name: &str| scene.triage(["sets", "import", "list", "-o", name]).exits(0);
    import("a.thx");
    import("b.thx");
    scene.triage(["sets", "list"]).exits(0);
    let sound = fs::read(scene.path("b.thx")).unwrap();
    let mut cases = vec![sound[..100].to_vec(), sound[..10].to_vec(), Vec::new()];
    for place in [0, 40, sound.len() - 40] {
        let mut flipped = sound.clone();
        flipped[place] ^= 1;
        cases.push(flipped);
    }
    for (number, bytes) in cases.iter().enumerate() {
        fs::write(scene.path("b.thx"), bytes).unwrap();
        let ran = scene.triage(["sets", "list", "--json"]).exits(3);
        let not_opened = ran.lines().into_iter().find(|line| line["type"] == "not_opened");
        assert_eq!(not_opened.unwrap()["path"], "./b.thx", "{number}");
        let summary = ran.summary();
        assert_eq!((&summary["sets"], &summary["unusable"]), (&1.into(), &1.into()), "{number}");
        assert!(scene.triage(["sets", "list"]).exits(3).stderr.contains("1 set could not be used"));
    }
}
