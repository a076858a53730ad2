//! Every verb with `--json`: lines that the published schemas describe, the last one a summary.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Ran, Scene, ran, skip, stock};

/// Reads standard input: on each line the name of a schema and what it must describe.
const VALIDATOR: &str = "
import json, pathlib, sys
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
schemas = {p.stem: json.loads(p.read_bytes()) for p in pathlib.Path(sys.argv[1]).glob('*.json')}
found = [(s['$id'], Resource.from_contents(s)) for s in schemas.values()]
registry = Registry().with_resources(found)
ask = {name: Draft202012Validator(s, registry=registry) for name, s in schemas.items()}
for s in schemas.values():
    Draft202012Validator.check_schema(s)
    assert s['properties']['v'] == {'const': 1}, s['title']
wrong = 0
for text in sys.stdin:
    name, line = json.loads(text)
    for error in ask[name].iter_errors(line):
        wrong += 1
        print(f'{name}: {error.json_path}: {error.message}: {line}')
sys.exit(1 if wrong else 0)
";

/// The published schemas, as a laboratory has them, and lines that they must describe.
struct Schemas {
    names: BTreeSet<String>,
    lines: String,
}

/// Where the schemas are.
const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/schemas");

impl Schemas {
    fn read() -> Option<Self> {
        let Ok(entries) = fs::read_dir(SCHEMAS) else {
            skip("the schemas are not there");
            return None;
        };
        let names = entries
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        Some(Self { names: names.collect(), lines: String::new() })
    }

    /// Keeps a line for [`Schemas::validate`].
    #[track_caller]
    fn keep(&mut self, name: &str, line: &Value) {
        assert!(self.names.contains(name), "no schema of {name}: {line}");
        self.lines.push_str(&format!("{}\n", json!([name, line])));
    }

    /// Has every line looked at by a validator that is not ours.
    fn validate(&self, scene: &Scene) {
        let python = std::env::var_os("TRIAGE_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let has = Command::new(&python).args(["-c", "import jsonschema, referencing"]).output();
        if !has.is_ok_and(|has| has.status.success()) {
            skip("the Python package jsonschema is not installed");
            return;
        }
        fs::write(scene.path("lines"), &self.lines).unwrap();
        let mut command = Command::new(python);
        command.args(["-c", VALIDATOR, SCHEMAS]);
        command.stdin(fs::File::open(scene.path("lines")).unwrap());
        let looked = ran(&command.output().unwrap());
        assert_eq!(looked.code, 0, "{}{}", looked.stdout, looked.stderr);
    }
}

/// Runs verbs and keeps in mind what was run and which types of lines came.
struct Tour {
    scene: Scene,
    schemas: Schemas,
    verbs: BTreeSet<String>,
    types: BTreeSet<String>,
    has_jq: bool,
}

impl Tour {
    fn new() -> Option<Self> {
        let scene = Scene::new();
        let has_jq = stock("jq", &[OsStr::new("--version")], Path::new("/")).is_some();
        let schemas = Schemas::read()?;
        Some(Self { scene, schemas, verbs: BTreeSet::new(), types: BTreeSet::new(), has_jq })
    }

    /// Runs a verb, given as typed, and checks every line.
    #[track_caller]
    fn goes(&mut self, code: i32, line: &str) -> Ran {
        let words: Vec<&str> = line.split(' ').collect();
        self.runs(code, &words)
    }

    /// Runs a verb whose exit code is another test's matter.
    #[track_caller]
    fn answers(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let code = self.scene.triage(&words).code;
        self.runs(code, &words);
    }

    #[track_caller]
    fn runs(&mut self, code: i32, words: &[&str]) -> Ran {
        let groups = ["batch", "custody", "sets"];
        let depth = if groups.contains(&words[0]) { 2 } else { 1 };
        self.verbs.insert(words[..depth].join(" "));
        let said = self.scene.triage(words.iter().copied().chain(["--json"])).exits(code);
        let lines = said.lines();
        for line in &lines {
            let kind = line["type"].as_str().unwrap_or_else(|| panic!("no type: {line}"));
            self.schemas.keep(kind, line);
            self.types.insert(kind.to_owned());
        }
        let summaries = lines.iter().filter(|line| line["type"] == "summary").count();
        assert_eq!(summaries, 1, "{words:?}");
        assert_eq!(lines.last().map(|line| &line["exit"]), Some(&code.into()), "{words:?}");
        if self.has_jq {
            let file = self.scene.path("said.ndjson");
            fs::write(&file, &said.stdout).unwrap();
            let program = r#"last | select(.type == "summary") | .exit"#;
            let args: Vec<&OsStr> = vec![OsStr::new("-s"), OsStr::new(program), file.as_os_str()];
            let jq = stock("jq", &args, Path::new("/")).unwrap();
            assert_eq!(jq.exits(0).stdout.trim(), code.to_string(), "{words:?}");
        }
        said
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.scene.path(name)
    }
}

/// Evidence with a hit, a pipe, a name that steers terminals, and a file that is too large.
fn evidence(scene: &Scene) {
    scene.file("a/known", "known").file("b\x1b[31m", "x").file("large", "y".repeat(5000));
    let pipe = scene.evidence().join("pipe");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    scene.set("known.txt", &[b"known"]);
    let image = fs::File::create(scene.path("disk.img")).unwrap();
    image.set_len(1 << 20).unwrap();
}

/// Looks, scans, compares, verifies, reports.
fn examine(tour: &mut Tour) {
    tour.goes(0, "probe evidence");
    tour.goes(3, "probe disk.img");
    tour.goes(2, "probe nothing");
    let planned = ["plan evidence --max-size 4000 --shards 2 --shards-to lists", "plan evidence"];
    tour.goes(3, planned[0]);
    tour.goes(0, planned[1]);
    tour.goes(1, "scan evidence --case C --sets known.txt --report pdf");
    tour.goes(6, "scan evidence --case evidence/C");
    tour.goes(3, "scan evidence --case D --max-size 4000 --exhibit D/1");
    tour.goes(0, "hash -r evidence/a");
    let sums = tour.scene.triage(["hash", "-r", "evidence/a", "--algorithms", "sha256"]).exits(0);
    fs::write(tour.path("sums"), sums.stdout).unwrap();
    tour.goes(0, "hash --check sums");
    fs::write(tour.scene.evidence().join("a/known"), "changed").unwrap();
    tour.goes(5, "hash --check sums");
    tour.goes(1, "match C --sets known.txt");
    tour.goes(1, "diff C D");
    many(tour);
    tour.goes(0, "verify C");
    tour.goes(5, "verify C evidence");
    fs::write(tour.path("D/data/run.json"), "{}").unwrap();
    tour.goes(5, "verify D");
    tour.goes(0, "report C --format csv --output out.csv");
    tour.goes(0, "doctor");
    tour.goes(0, "doctor --validate records");
    let mut filed = fs::read_dir(tour.path("records")).unwrap().map(|entry| entry.unwrap().path());
    let filed = filed.find(|path| path.extension() == Some(OsStr::new("json"))).unwrap();
    let filed = serde_json::from_slice(&fs::read(filed).unwrap()).unwrap();
    tour.schemas.keep("validation", &filed);
    tour.types.insert("validation".to_owned());
}

/// Many packages at once. What they answer is not asked here.
fn many(tour: &mut Tour) {
    tour.scene.set("older.txt", &[b"x"]);
    fs::create_dir(tour.path("none")).unwrap();
    tour.answers("match C D --sets known.txt --changed-from older.txt");
    tour.answers("correlate C D");
    tour.answers("correlate C D none");
}

/// Hash sets.
fn sets(tour: &mut Tour) {
    tour.goes(0, "sets import known.txt -o known.thx");
    tour.goes(0, "sets list .");
    fs::copy(tour.path("known.thx"), tour.path("torn.thx")).unwrap();
    let torn = fs::File::options().write(true).open(tour.path("torn.thx")).unwrap();
    torn.set_len(100).unwrap();
    let listed = tour.goes(3, "sets list .");
    assert!(listed.stdout.contains("not_opened"), "{}", listed.stdout);
    tour.goes(0, "sets info known.thx");
    tour.goes(0, "sets verify known.thx");
    let unknown = "ea4e8d3c3a2cbb7d8a7b1ad0a4a4e8d3";
    tour.goes(3, &format!("sets lookup --sets known.thx {unknown}"));
    tour.goes(0, &format!("sets lookup --sets known.thx {unknown}{unknown}"));
    let list = fs::read_to_string(tour.path("known.txt")).unwrap();
    tour.goes(1, &format!("sets lookup --sets known.thx {}", list.trim()));
    tour.goes(0, "sets export known.thx --format csv -o known.csv");
    tour.scene.set("other.txt", &[b"other"]);
    tour.goes(1, "sets diff known.txt other.txt");
    tour.goes(0, "sets merge known.txt other.txt -o both.thx");
    fs::write(tour.path("words"), "a passphrase\n").unwrap();
    tour.goes(0, "sets encrypt known.thx --passphrase-file words -o locked.thx");
}

/// The chain of custody.
fn custody(tour: &mut Tour) {
    tour.goes(0, "custody keygen lab.key --signer lab@example");
    tour.goes(0, "custody log C");
    let released = ["custody", "add", "C", "noted", "--by", "Ana Kovac", "--note", "on the shelf"];
    tour.runs(0, &released);
    tour.runs(0, &["custody", "seal", "C", "--by", "Ana Kovac", "--sign-key", "lab.key"]);
    tour.runs(0, &["custody", "seal", "C", "--by", "Ana Kovac"]);
    tour.goes(0, "custody sign C --sign-key lab.key");
    tour.goes(0, "custody stamp C --request seal.tsq");
    tour.goes(6, "custody stamp C --request seal.tsq");
    fs::copy(tour.path("C/custody.ndjson"), tour.path("copy.ndjson")).unwrap();
    tour.goes(0, "custody merge --check C copy.ndjson");
    tour.runs(0, &["custody", "repair", "C", "--by", "Ana Kovac"]);
    tour.goes(0, "custody prove C a/known -o line.proof.json");
    tour.goes(0, "custody prove C --absent path:a/other -o absent.proof.json");
    tour.goes(1, "custody prove C --absent path:a/known -o no.proof.json");
    tour.goes(3, "verify-proof line.proof.json");
}

/// Many exhibits.
fn batch(tour: &mut Tour) {
    let jobs = "exhibit,source,storage\nA,evidence/a,one\nB,evidence,one\nGone,gone,one\n";
    fs::create_dir(tour.path("gone")).unwrap();
    fs::write(tour.path("jobs.csv"), jobs).unwrap();
    tour.goes(0, "batch plan jobs.csv -o p.json --shards 1 --simulate 2");
    fs::remove_dir(tour.path("gone")).unwrap();
    let at = "--plan p.json --results out";
    tour.goes(3, &format!("batch status {at}"));
    tour.goes(0, &format!("batch submit {at} --engine slurm --dry-run"));
    tour.goes(3, &format!("batch submit {at} --engine local"));
    tour.goes(3, &format!("batch run {at} --shard 0"));
    tour.goes(3, &format!("batch merge {at}"));
}

#[test]
fn every_verb_says_what_the_schemas_say_and_ends_with_a_summary() {
    let Some(mut tour) = Tour::new() else { return };
    evidence(&tour.scene);
    examine(&mut tour);
    sets(&mut tour);
    custody(&mut tour);
    batch(&mut tour);
    tour.goes(2, "scan --no-such-option");
    for line in tour.scene.manifest("C") {
        tour.schemas.keep("record", &line);
    }
    tour.schemas.validate(&tour.scene);
    let mut missing = BTreeSet::new();
    for verb in triage::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let below: Vec<_> = verb.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
        let names = below.iter().map(|below| format!("{} {}", verb.get_name(), below.get_name()));
        let all: Vec<String> =
            if below.is_empty() { vec![verb.get_name().to_owned()] } else { names.collect() };
        missing.extend(all.into_iter().filter(|verb| !tour.verbs.contains(verb)));
    }
    assert_eq!(missing, BTreeSet::new(), "verbs whose lines nobody has checked");
    // Volumes and open encryption need devices; their lines are checked where there are some.
    let rare = ["record", "volume", "gap", "mount", "open_encrypted", "failed"].map(str::to_owned);
    let unseen: Vec<_> =
        tour.schemas.names.difference(&tour.types).filter(|t| !rare.contains(t)).collect();
    assert!(unseen.is_empty(), "schemas of lines that never came: {unseen:?}");
}

/// The program of docs/guides/scripting.md, as it stands there.
#[test]
fn the_python_of_the_guide_reads_every_output() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/scripting.md");
    let Ok(page) = fs::read_to_string(page) else {
        skip("the pages are not there");
        return;
    };
    let scene = Scene::new();
    evidence(&scene);
    let (_, rest) = page.split_once("```python\n").expect("the guide has a program");
    let (program, _) = rest.split_once("```").expect("the program ends");
    fs::write(scene.path("read_triage.py"), program).unwrap();
    let python = |args: &[&str]| {
        let mut command = Command::new("python3");
        command.arg("read_triage.py").args(args).current_dir(scene.path(""));
        command.output().ok().map(|output| ran(&output))
    };
    let save = |code, line: &str, name: &str| {
        let said = scene.triage(line.split(' ').chain(["--json"])).exits(code);
        fs::write(scene.path(name), &said.stdout).unwrap();
    };
    save(1, "scan evidence --case C --sets known.txt", "scan.ndjson");
    save(0, "verify C", "verify.ndjson");
    fs::write(scene.path("jobs.csv"), "exhibit,source\nA,evidence\n").unwrap();
    save(0, "batch plan jobs.csv -o p.json --sets known.txt", "plan.ndjson");
    save(1, "batch submit --plan p.json --results out --engine local", "submit.ndjson");
    let Some(read) = python(&["scan.ndjson", "verify.ndjson", "plan.ndjson", "C", "out"]) else {
        skip("python3 is not installed");
        return;
    };
    let read = read.exits(0);
    for said in ["scan.ndjson: 1 hit, exit 1 (hit)", "C: 6 entries, 1 hit", "A: hits"] {
        assert!(read.stdout.contains(said), "{said}\n{}", read.stdout);
    }
    // A stream without its summary is torn, and a changed manifest is not the sealed one.
    let scanned = fs::read_to_string(scene.path("scan.ndjson")).unwrap();
    let torn = scanned.trim_end().rsplit_once('\n').unwrap().0;
    fs::write(scene.path("torn.ndjson"), torn).unwrap();
    assert!(python(&["torn.ndjson"]).unwrap().exits(1).stderr.contains("no summary"));
    let manifest = scene.path("C/data/manifest.ndjson");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("a/known", "a/other", 1)).unwrap();
    assert!(python(&["C"]).unwrap().exits(1).stderr.contains("not the sealed manifest"));
}
