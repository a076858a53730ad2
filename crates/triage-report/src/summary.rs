//! The short report, for the file: one page of answers, then rows up to a limit, then how to check.
//!
//! It says what the HTML report says, with fewer rows. Facts only: nothing is concluded.

use serde_json::Value;
use triage_case::{Record, Status};
use triage_evidence::{count, escape};
use triage_hash::Algorithm;
use triage_hashset::Certainty;

use crate::document::{Block, Column, Document, Table};
use crate::redact::Redaction;
use crate::report::{Report, bytes, category, listed};
use crate::since;

/// How many rows a table has; a page holds about 40, and a report for the file is short.
const LIMIT_ROWS: usize = 200;
/// How many volumes are described.
const LIMIT_VOLUMES: usize = 24;

/// Returns the document.
pub(crate) fn document(report: &Report, redact: &Redaction) -> Document {
    let mut document = Document {
        title: report.title(),
        running: format!("{}  \u{2013}  made by triage, not edited", report.title()),
        time: report.run["clock"]["end"].as_str().unwrap_or_default().to_owned(),
        blocks: Vec::new(),
    };
    let put = &mut document;
    put.blocks.push(Block::Answer(report.answer()));
    if redact.hides_names() {
        put.flag(redact.notice());
    }
    for doubt in report.doubts() {
        put.flag(format!("Doubt: {}", redact.doubt(doubt)));
    }
    examined(report, redact, put);
    volumes(report, redact, put);
    found(report, redact, put);
    not_read(report, redact, put);
    since::summarise(report, redact, put);
    put.heading("4  Method and limits");
    put.blocks.push(Block::Items(report.method().into_iter().chain(report.limits()).collect()));
    checking(report, put);
    document
}

/// Returns a typed-in or measured text in display form.
pub(crate) fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if value.is_null() { String::new() } else { escape(text.as_bytes()).replace("\\\\", "\\") }
}

fn examined(report: &Report, redact: &Redaction, put: &mut Document) {
    let particulars = redact.particulars(&report.particulars);
    let (device, run) = (&particulars["device"], &report.run);
    let source =
        if redact.hides_names() { "left out".to_owned() } else { text(&run["plan"]["source"]) };
    put.heading("1  What was examined");
    put.facts(vec![
        ("Exhibit", text(&particulars["exhibit"])),
        ("Description", text(&particulars["description"])),
        ("Make, model", joined(&[&device["make"], &device["model"]])),
        ("Serial number", text(&device["serial"])),
        ("Capacity", text(&device["capacity"])),
        ("Seal of the bag", text(&device["seal_no"])),
        ("Write protection", text(&device["write_protection"])),
        ("Case", text(&particulars["case"])),
        ("Authority", text(&particulars["authority"])),
        ("Request", text(&particulars["request"])),
        ("Examiner", joined(&[&particulars["examiner"], &particulars["organisation"]])),
        ("Read as", report.source_words()),
        ("Read at", source),
        ("Begun, ended", joined(&[&run["clock"]["start"], &run["clock"]["end"]])),
        ("Ended early by", text(&run["halted"])),
        ("Digests", text(&run["plan"]["algorithms"])),
        ("Profile", text(&run["plan"]["profile"])),
        ("Program", report.program()),
        ("Its SHA-256", text(&run["tool"]["binary_sha256"])),
        ("Its self-test", text(&run["self_test"]["result"])),
    ]);
    coverage(report, put);
}

fn joined(values: &[&Value]) -> String {
    let texts = values.iter().map(|value| text(value)).filter(|text| !text.is_empty());
    texts.collect::<Vec<_>>().join(", ")
}

fn coverage(report: &Report, put: &mut Document) {
    let mut table = Table {
        caption: "Every entry met is in exactly one row; the rows add up to everything met."
            .to_owned(),
        columns: vec![
            Column::text("What became of it", 5),
            Column::number("Entries", 2),
            Column::number("Bytes of files", 2),
        ],
        rows: Vec::new(),
    };
    let mut row = |words: &str, share: triage_case::Share| {
        table.rows.push(vec![words.to_owned(), count(share.entries), bytes(share.bytes)]);
    };
    for status in Status::ALL {
        let share = report.coverage.share(status);
        if share.entries > 0 {
            row(status.words(), share);
        }
    }
    row("in all", report.coverage.seen());
    if report.coverage.deleted().entries > 0 {
        row("of these deleted", report.coverage.deleted());
    }
    put.blocks.push(Block::Table(table));
}

fn volumes(report: &Report, redact: &Redaction, put: &mut Document) {
    if report.volumes.is_empty() {
        return;
    }
    let mut table = Table {
        caption: "What the disk and its volumes say about themselves".to_owned(),
        columns: vec![Column::text("Where", 2), Column::text("What, and notes", 7)],
        rows: Vec::new(),
    };
    for record in report.volumes.iter().take(LIMIT_VOLUMES) {
        let facts = record.entry.facts.clone().unwrap_or_default();
        let pairs = facts.pairs.iter().filter(|(name, _)| redact.shows_fact(name));
        let pairs = pairs.map(|(name, value)| format!("{}: {}", name.replace('_', " "), value));
        let mut parts = vec![escape(pairs.collect::<Vec<_>>().join("; ").as_bytes())];
        let notes = facts.notes.iter().chain(&record.problem);
        parts.extend(notes.map(|note| format!("Note: {note}")));
        table.rows.push(vec![redact.path(record), parts.join("\n")]);
    }
    put.blocks.push(Block::Table(table));
    more(report.volumes.len() as u64, LIMIT_VOLUMES, "volumes", "data/report/report.html", put);
}

fn more(all: u64, limit: usize, what: &str, place: &str, put: &mut Document) {
    if all > limit as u64 {
        put.flag(format!(
            "The first {limit} of {} {what} stand here; all of them are in {place}.",
            count(all)
        ));
    }
}

fn found(report: &Report, redact: &Redaction, put: &mut Document) {
    put.heading("2  What was found");
    sets(report, put);
    if report.listed.is_empty() {
        put.paragraph("No entry matches any set.");
    } else {
        let mut table = Table {
            caption: "Matches by set and category; an entry may match several sets.".to_owned(),
            columns: vec![
                Column::text("Meaning", 2),
                Column::text("Set", 4),
                Column::text("Category", 4),
                Column::number("Entries", 2),
            ],
            rows: Vec::new(),
        };
        for (place, entries) in report.listed.iter().rev() {
            let meaning = place.disposition.name().replace('_', " ");
            let (set, category) = (place.set.clone(), place.category.clone());
            table.rows.push(vec![meaning, set, category, count(*entries)]);
        }
        put.blocks.push(Block::Table(table));
    }
    if report.hits.is_empty() {
        return;
    }
    let rows = report.hits.iter().take(LIMIT_ROWS).map(|record| hit(record, redact)).collect();
    put.blocks.push(Block::Table(Table {
        caption: "Hits: entries with at least one alerting match. \"No.\" is the line of the \
                  manifest."
            .to_owned(),
        columns: vec![
            Column::number("No.", 3),
            Column::text("Location", 11),
            Column::text("Set [category]", 9),
            Column::number("Size", 4),
            Column::text("SHA-256, or the digest that matched", 11),
        ],
        rows,
    }));
    more(report.coverage.hits(), LIMIT_ROWS, "hits", "data/report/hits.csv", put);
}

fn sets(report: &Report, put: &mut Document) {
    let sets = report.run["plan"]["sets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sets.is_empty() {
        put.flag("No hash set was used: nothing could match. Digests were recorded only.");
        return;
    }
    let rows = sets.iter().map(|set| {
        let name = joined(&[&set["name"], &set["version"]]);
        let name = format!("{name}\n{}", provenance(set)).trim_end().to_owned();
        let entries = count(set["entries"].as_u64().unwrap_or(0));
        vec![name, meaning(set), entries, text(&set["sha256"])]
    });
    put.blocks.push(Block::Table(Table {
        caption: "Hash sets used, each named by the SHA-256 of the list it was made from"
            .to_owned(),
        columns: vec![
            Column::text("Set", 5),
            Column::text("Meaning", 2),
            Column::number("Entries", 2),
            Column::text("SHA-256 of the list", 6),
        ],
        rows: rows.collect(),
    }));
}

/// Who made a set of the plan and from what, in words; nothing for plans that do not say it.
pub(crate) fn provenance(set: &Value) -> String {
    let told = &set["provenance"];
    let parts = [
        ("by", &told["publisher"]),
        ("of", &told["date"]),
        ("licence", &told["licence"]),
        ("handling", &told["handling"]),
        ("scheme", &told["scheme"]),
        ("read as", &told["format"]),
        ("from", &told["source"]),
    ];
    let said = parts.into_iter().filter(|(_, value)| !text(value).is_empty());
    let mut said: Vec<String> =
        said.map(|(word, value)| format!("{word} {}", text(value))).collect();
    match told["rejected_rows"].as_u64().unwrap_or(0) {
        0 => {}
        1 => said.push("1 row of the list could not be used".to_owned()),
        rows => said.push(format!("{} rows of the list could not be used", count(rows))),
    }
    said.join(", ")
}

/// What a match with a set of the plan means, in words.
pub(crate) fn meaning(set: &Value) -> String {
    let disposition = text(&set["disposition"]).replace('_', " ");
    match set["false_positives_per_billion"].as_u64() {
        None => disposition,
        Some(rate) => {
            let certainty = Certainty::Probable { false_positives_per_billion: rate };
            format!("{disposition} ({certainty})")
        }
    }
}

fn hit(record: &Record, redact: &Redaction) -> Vec<String> {
    let digests = redact.digests(record);
    let matched = record.matches.iter().map(|found| found.algorithm).max();
    let digest = digests.get(Algorithm::Sha256).or_else(|| digests.get(matched?));
    let digest = digest.map(|digest| match digest.algorithm() {
        Algorithm::Sha256 => digest.to_string(),
        other => format!("{other} {digest}"),
    });
    let matches: Vec<String> = record
        .matches
        .iter()
        .map(|found| {
            let doubt = if found.inconsistent { ", INCONSISTENT" } else { "" };
            format!(
                "{} [{}] {} by {}{doubt}",
                listed(found).set,
                category(found),
                found.disposition.name().replace('_', " "),
                found.algorithm
            )
        })
        .collect();
    vec![
        record.seq.to_string(),
        state(record) + &redact.path(record),
        matches.join("\n"),
        redact.size(record).map(bytes).unwrap_or_default(),
        digest.unwrap_or_default(),
    ]
}

/// Says what sets an entry apart from a file that exists and was read in peace.
pub(crate) fn state(record: &Record) -> String {
    let mut state = String::new();
    if let Some(recovery) = record.entry.recovery {
        state.push_str(&format!("DELETED (content: {}) ", recovery.name()));
    }
    if record.status == Status::Changed {
        state.push_str("CHANGED WHILE BEING READ ");
    }
    if record.status == Status::Carried {
        state.push_str("NOT READ NOW, DIGESTS CARRIED ");
    }
    state
}

fn not_read(report: &Report, redact: &Redaction, put: &mut Document) {
    put.heading("3  What was not read, and why");
    if report.reasons.is_empty() {
        put.paragraph("None: nothing in the requested scope was left unread.");
    } else {
        reasons(report, redact, put);
    }
    if report.coverage.unlisted_directories() > 0 {
        put.flag(format!(
            "{} directories were not listed in full: what lies below them is in no count.",
            count(report.coverage.unlisted_directories())
        ));
    }
    if report.rules.is_empty() {
        put.paragraph("No rule left anything out.");
        return;
    }
    let rules = report.rules.iter().enumerate();
    let rows =
        rules.map(|(place, (rule, entries))| vec![redact.rule(place, rule), count(*entries)]);
    put.blocks.push(Block::Table(Table {
        caption: "Left out unread by rule. A directory that was left out is one entry: what lies \
                  below it was not listed."
            .to_owned(),
        columns: vec![Column::text("Rule", 7), Column::number("Entries", 2)],
        rows: rows.take(LIMIT_ROWS).collect(),
    }));
    more(report.rules.len() as u64, LIMIT_ROWS, "rules", "data/report/report.html", put);
}

fn reasons(report: &Report, redact: &Redaction, put: &mut Document) {
    let rows = report.reasons.iter().map(|((status, reason), (entries, size))| {
        vec![status.words().to_owned(), reason.clone(), count(*entries), bytes(*size)]
    });
    put.blocks.push(Block::Table(Table {
        caption: "Entries that were not examined in full, by reason".to_owned(),
        columns: vec![
            Column::text("What", 4),
            Column::text("Why", 7),
            Column::number("Entries", 2),
            Column::number("Bytes", 2),
        ],
        rows: rows.take(LIMIT_ROWS).collect(),
    }));
    more(report.reasons.len() as u64, LIMIT_ROWS, "reasons", "data/report/report.html", put);
    let rows = report.gaps.iter().take(LIMIT_ROWS).map(|record| {
        let why = record.problem.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![
            record.seq.to_string(),
            state(record) + &redact.path(record),
            record.status.words().to_owned(),
            why,
        ]
    });
    put.blocks.push(Block::Table(Table {
        caption: "The same, entry by entry".to_owned(),
        columns: vec![
            Column::number("No.", 2),
            Column::text("Location", 7),
            Column::text("What", 4),
            Column::text("Why", 7),
        ],
        rows: rows.collect(),
    }));
    more(report.gaps_beside_hits, LIMIT_ROWS, "entries", "data/report/not-read.csv", put);
}

fn checking(report: &Report, put: &mut Document) {
    put.heading("5  How to check this report");
    put.paragraph(
        "This report is derived. The authority is data/manifest.ndjson in the package, one line \
         for every entry met. The seal is a small file of digests over the whole package.",
    );
    match &report.sealed {
        Some(seal) => put.facts(vec![
            ("Seal", format!("{}, made {}", seal.path, seal.time)),
            ("SHA-256 of the seal", seal.sha256.clone()),
            ("Signed by", seal.signer.clone().unwrap_or_else(|| "nobody: NOT SIGNED".to_owned())),
            ("SHA-256 of the manifest", seal.manifest_sha256.clone()),
        ]),
        None => put.paragraph(
            "This copy lies in the package and is covered by its seals, so that it cannot name their \
             digests or numbers. NNNN stands for the highest number in seals/: the newest seal \
             covers those before it. Its digest was printed when the package was sealed; `triage \
             report` prints a copy that names it.",
        ),
    }
    put.paragraph("In the folder that holds bagit.txt, with tools of any Linux or macOS computer:");
    let seal = report.sealed.as_ref().map_or("seals/NNNN.json", |seal| &seal.path);
    let list = seal.replace(".json", ".sha256");
    put.blocks.push(Block::Commands(vec![
        format!("sha256sum {seal}      # compare with the digest that you were given"),
        format!("sha256sum --strict -c {list} | cat -v      # every file that the seal covers"),
        format!(
            "ssh-keygen -Y verify -f SIGNERS -I SIGNER -n triage-seal-v1 -s {seal}.sig < {seal}"
        ),
        "sh verify-with-stock-tools.sh      # all of that, certificates and time-stamps too"
            .to_owned(),
        "triage verify .      # every byte of the package; add EVIDENCE to read that again"
            .to_owned(),
    ]));
    put.paragraph(
        "SIGNERS is a file with the signer's public key, obtained from the signer and not from \
         the package. Every step with stock tools is in data/README-VERIFY.txt.",
    );
    words(put);
}

fn words(put: &mut Document) {
    put.heading("6  Words");
    put.facts(vec![
        (
            "Digest, hash",
            "a short value computed from content; equal content has equal digests".to_owned(),
        ),
        ("Hash set", "a list of digests, with its publisher's meaning for them".to_owned()),
        (
            "Match, hit",
            "a digest stands in a set; a hit is an entry with an alerting match".to_owned(),
        ),
        ("Manifest", "the list of every entry met, those that were not read included".to_owned()),
        ("Seal", "a small document of digests over the package; it may be signed".to_owned()),
    ]);
}
