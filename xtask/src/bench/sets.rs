//! `bench sets`: imports and lookups beside hfind, hashdeep and sqlite3, and what a set of 10^8
//! digests costs a scan. Interleaved like the other benches; the lists are random digests.
//!
//! Everything is measured from outside, as whole processes: what a person waits for. Rates of
//! lookups therefore include starting the program, opening the set and printing the answers.

mod lists;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use self::lists::Lists;
use super::group::page::{self, Page};
use super::group::{self, Group, Side};
use super::{Scratch, corpus, floors, machine};
use crate::error::{Outcome, at};
use crate::process;
use crate::workspace::root;

/// Writes the page.
const COMMAND: &str = "cargo xtask bench sets";
/// What a reader must know before the figures.
const OPENING: &str = "\
# Performance of hash sets

Whole processes, as a person waits for them: starting, opening the set, reading the digests from
standard input and writing the answers are included. All sides of a table are measured in one run,
in turns; the rate is that of the fastest pass, `spread` is (slowest - fastest) / fastest, and the
ratio is our rate over the peer's. Lists are random MD5. Peers that are slower are asked for fewer
lookups; rates are compared.
";

/// What the task is asked.
#[derive(Args)]
pub(crate) struct SetsArgs {
    /// Lists of a hundredth of the rows
    #[arg(long)]
    quick: bool,
    /// Only these groups: build, lookup, match, nsrl, large; comma-separated
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where lists and sets are made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Rows of the lists, and how many digests are looked up in them.
#[derive(Clone, Copy)]
struct Sizes {
    /// Of a list that every peer can take.
    common: u64,
    /// Of the large list, ours alone.
    large: u64,
    /// Looked up by us.
    asked: u64,
    /// Looked up by peers, which need as much time for fewer.
    asked_of_peers: u64,
}

const FULL: Sizes =
    Sizes { common: 10_000_000, large: 100_000_000, asked: 1_000_000, asked_of_peers: 20_000 };
const QUICK: Sizes =
    Sizes { common: 100_000, large: 1_000_000, asked: 100_000, asked_of_peers: 2_000 };

/// A part of a run.
type Part = fn(&mut Bench<'_>) -> Outcome;

/// One run.
struct Bench<'a> {
    binary: &'a Path,
    lists: Lists<'a>,
    sizes: Sizes,
    groups: Vec<Group>,
    facts: Vec<String>,
}

/// Measures, prints, writes docs/performance-sets.md (whole runs only) and judges the floors.
///
/// # Errors
/// A list cannot be made, our binary or a peer fails, or a floor is not reached.
pub(super) fn run(args: &SetsArgs) -> Outcome {
    let floors = floors::read_sets(&root().join("xtask/bench-floors.toml"))?;
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().map_err(at("find", binary))?,
        None => super::release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let sizes = if args.quick { QUICK } else { FULL };
    let lists = Lists { folder: &scratch.0 };
    let (groups, facts) = (Vec::new(), Vec::new());
    let mut bench = Bench { binary: &binary, lists, sizes, groups, facts };
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let parts: [(&str, Part); 5] = [
        ("build", |bench| bench.build()),
        ("lookup", |bench| bench.lookup()),
        ("match", |bench| bench.match_files()),
        ("nsrl", |bench| bench.nsrl()),
        ("large", |bench| bench.large()),
    ];
    for (name, part) in parts {
        if wanted(name) {
            println!("== {name}");
            let before = bench.groups.len();
            part(&mut bench)?;
            bench.groups.iter().skip(before).for_each(|group| println!("{}", page::group(group)));
        }
    }
    bench.facts.iter().for_each(|fact| println!("- {fact}"));
    if args.only.is_empty() {
        let path = root().join("docs/performance-sets.md");
        let command = if args.quick { "cargo xtask bench sets --quick" } else { COMMAND };
        let (machine, facts) = (&machine::words(&machine::HASHERS), &bench.facts);
        let page = Page { command, opening: OPENING, machine, facts };
        let page = page::render(&page, &bench.groups);
        fs::write(&path, page).map_err(at("write", &path))?;
        println!("wrote {path:?}");
    }
    group::judge("bench sets", &floors, &bench.groups, |_| args.only.is_empty())
}

impl Bench<'_> {
    /// A side of ours.
    fn ours(&self, line: &str) -> Side {
        Side::new("triage", self.binary, line)
    }

    /// An index is built of the same list.
    fn build(&mut self) -> Outcome {
        for rows in [self.sizes.common / 10, self.sizes.common] {
            let list = self.lists.gnu(rows)?;
            let (index, ours) = (self.lists.path("build.thx"), self.ours("sets import -q"));
            let list_word = list.to_string_lossy().into_owned();
            let mut sides =
                vec![ours.arg(&list).arg("-o").arg(&index).removes(vec![index.clone()])];
            if process::find("hfind").is_some() {
                let made =
                    ["-md5.idx", "-md5.idx2"].map(|end| PathBuf::from(format!("{list_word}{end}")));
                let hfind = Side::new("hfind", Path::new("hfind"), "-i md5sum");
                sides.push(hfind.arg(&list).removes(made.to_vec()));
            }
            let words = format!("an index of a list of md5sum, {rows} rows");
            let group = Group::measure("build", words, rows, "rows", sides)?;
            self.groups.push(group);
        }
        Ok(())
    }

    /// The same digests are looked up, of which none or all are in the set.
    fn lookup(&mut self) -> Outcome {
        for rows in [self.sizes.common / 10, self.sizes.common] {
            let list = self.lists.gnu(rows)?;
            let index = self.lists.path(&format!("lookup-{rows}.thx"));
            self.ours("sets import -q").arg(&list).arg("-o").arg(&index).once()?;
            let has_hfind = process::find("hfind").is_some();
            if has_hfind {
                Side::new("hfind", Path::new("hfind"), "-i md5sum").arg(&list).once()?;
            }
            for (name, seed) in [("misses", lists::OTHER_SEED), ("hits", lists::SEED)] {
                let asked = self.lists.plain(self.sizes.asked.min(rows), seed)?;
                let ours = self.ours("sets lookup -q --sets").arg(&index).arg("-").reads(&asked);
                let few = self.sizes.asked_of_peers;
                let asked_of_peers = self.lists.plain(few, seed)?;
                let mut sides = vec![ours.exits(&[0, 1]).does(self.sizes.asked.min(rows))];
                if has_hfind {
                    let hfind = Side::new("hfind", Path::new("hfind"), "-f");
                    sides.push(hfind.arg(&asked_of_peers).arg(&list).does(few));
                }
                let words = format!("lookups in {rows} rows, {name}");
                self.groups.push(Group::measure(name, words, 0, "lookups", sides)?);
            }
        }
        Ok(())
    }

    /// A few files are matched with a list; the peer reads the list each time.
    fn match_files(&mut self) -> Outcome {
        let rows = self.sizes.common / 10;
        let files = self.lists.files()?;
        let (list, known) = (self.lists.gnu(rows)?, self.lists.hashdeep(rows)?);
        let index = self.lists.path("match.thx");
        self.ours("sets import -q").arg(&list).arg("-o").arg(&index).once()?;
        let case = self.lists.path("match-case");
        let ours = self.ours("scan -q --algorithms md5").arg(&files).arg("--sets").arg(&index);
        let mut sides = vec![ours.arg("--case").arg(&case).removes(vec![case.clone()])];
        if process::find("hashdeep").is_some() {
            let hashdeep = Side::new("hashdeep", Path::new("hashdeep"), "-c md5 -m -r -k");
            sides.push(hashdeep.arg(&known).arg(&files).exits(&[0, 1, 2]));
        }
        let words = format!("100 small files matched with {rows} rows");
        self.groups.push(Group::measure("match", words, 100, "files", sides)?);
        Ok(())
    }

    /// A database like that of the NSRL: imported, and asked, against an index made by sqlite3.
    fn nsrl(&mut self) -> Outcome {
        if process::find("sqlite3").is_none() {
            return Ok(());
        }
        let rows = self.sizes.common;
        let database = self.lists.nsrl(rows)?;
        let index = self.lists.path("nsrl.thx");
        let ours = self.ours("sets import -q --disposition known-good").arg(&database);
        let ours = ours.arg("-o").arg(&index).removes(vec![index.clone()]);
        let sqlite = || Side::new("sqlite3", Path::new("sqlite3"), "").arg(&database);
        let create = "DROP INDEX IF EXISTS by_md5; CREATE INDEX by_md5 ON FILE(md5);";
        let words = format!(
            "an index of a database like the NSRL's, {rows} rows, three digests each; the peer's has one"
        );
        let sides = vec![ours, sqlite().arg(create)];
        self.groups.push(Group::measure("nsrl-build", words, rows, "rows", sides)?);
        self.ours("sets import -q --disposition known-good")
            .arg(&database)
            .arg("-o")
            .arg(&index)
            .once()?;
        let asked = self.sizes.asked;
        let list = self.lists.plain(asked, lists::OTHER_SEED)?;
        let queries = self.lists.queries(asked, lists::OTHER_SEED)?;
        let ours = self.ours("sets lookup -q --sets").arg(&index).arg("-").reads(&list);
        let sides = vec![ours.does(asked), sqlite().reads(&queries).does(asked)];
        let words = format!("lookups in it, {asked} misses");
        self.groups.push(Group::measure("nsrl-misses", words, 0, "lookups", sides)?);
        Ok(())
    }

    /// The large list: ours alone; then scans with it and with a list of ten.
    fn large(&mut self) -> Outcome {
        let rows = self.sizes.large;
        let list = self.lists.categorised(rows)?;
        let index = self.lists.path("large.thx");
        let import = self.ours("sets import -q --scheme own").arg(&list).arg("-o").arg(&index);
        let (seconds, peak) = import.once_with_peak()?;
        let bytes = fs::metadata(&index).map_err(at("examine", &index))?.len();
        self.facts.push(format!(
            "{rows} rows of MD5 with category (CSV) imported once: {seconds:.1} s, {:.0} rows/s, peak memory {} MiB, {:.2} bytes a row on disk",
            rows as f64 / seconds, peak >> 10, bytes as f64 / rows as f64
        ));
        fs::remove_file(&list).map_err(at("remove", &list))?;
        rustix::fs::sync();
        let info = self.ours("sets info").arg(&index);
        self.groups.push(Group::measure(
            "open",
            format!("opened and described, {rows} rows"),
            1,
            "opens",
            vec![info],
        )?);
        for (name, seed) in [("large-misses", lists::OTHER_SEED), ("large-hits", lists::SEED)] {
            let asked = self.lists.plain(self.sizes.asked, seed)?;
            let side = self.ours("sets lookup -q --sets").arg(&index).arg("-").reads(&asked);
            let words = format!("lookups in {rows} rows on one core");
            let side = side.exits(&[0, 1]).does(self.sizes.asked);
            self.groups.push(Group::measure(name, words, 0, "lookups", vec![side])?);
        }
        self.scans(&index)
    }

    /// The same scan with the large set and with ten entries.
    fn scans(&mut self, large: &Path) -> Outcome {
        let ten = self.lists.path("ten.thx");
        let list = self.lists.plain(10, lists::TEN_SEED)?;
        self.ours("sets import -q").arg(&list).arg("-o").arg(&ten).once()?;
        for (name, of) in [("scan-medium", "medium"), ("scan-small", "small")] {
            let recipes = corpus::recipes(self.sizes.large < FULL.large);
            let Some(recipe) = recipes.into_iter().find(|recipe| recipe.name == of) else {
                continue;
            };
            let corpus = recipe.make(self.lists.folder)?;
            // What was written before must not be written meanwhile.
            rustix::fs::sync();
            let case = self.lists.path("scan-case");
            let side = |program, set: &Path| {
                let mut side = self.ours("scan -q --io ssd --algorithms md5,sha1,sha256");
                side.program = program;
                side.arg(&corpus.dir)
                    .arg("--sets")
                    .arg(set)
                    .arg("--case")
                    .arg(&case)
                    .removes(vec![case.clone()])
            };
            let sides = vec![side("triage", large), side("ten", &ten)];
            let words =
                format!("{}: scanned with {} entries and with 10", corpus.words, self.sizes.large);
            let group = Group::measure_closely(name, words, corpus.files, "files", sides)?;
            self.groups.push(group);
            corpus.remove()?;
        }
        Ok(())
    }
}
