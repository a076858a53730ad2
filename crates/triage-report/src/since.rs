//! "Since the last visit": what is new, changed, gone and moved, as the package keeps it.
//!
//! Rendered from `data/since.ndjson` and the plan. The earlier package is not needed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;
use triage_case::{CaseDir, DifferenceLine, DifferenceSums, Error, Status, Unknown};
use triage_evidence::count;

use crate::document::{Block, Column, Document, Table};
use crate::html::escape;
use crate::redact::Redaction;
use crate::report::{Report, bytes};
use crate::summary::text;

/// How many differences of one kind stand on the page; all are in `data/since.ndjson`.
const LIMIT_ROWS: usize = 500;
/// How many of one kind stand in the short report.
const LIMIT_SHORT_ROWS: usize = 100;

/// The kinds of difference in the order of the page, with their headings.
const KINDS: [(&str, &str); 5] = [
    ("added", "New"),
    ("changed", "Changed"),
    ("moved", "Moved: the same content is at another location"),
    ("removed", "Gone"),
    ("unknown", "Not known: what one examination did not list, or neither read"),
];

/// What differs from the examination before.
#[derive(Debug)]
pub(crate) struct Since {
    sums: DifferenceSums,
    rows: BTreeMap<String, Vec<DifferenceLine>>,
    new_hits: u64,
}

impl Since {
    /// Reads what the package keeps, if its plan names an earlier examination.
    pub(crate) fn of(case: &CaseDir, run: &Value) -> Result<Option<Self>, Error> {
        if run["plan"]["since"].is_null() {
            return Ok(None);
        }
        let mut rows = BTreeMap::<String, Vec<DifferenceLine>>::new();
        let mut new_hits = 0;
        let sums = case.read_since(&mut |line| {
            new_hits += u64::from(line.hit && line.difference == "added");
            let of_kind = rows.entry(line.difference.clone()).or_default();
            if of_kind.len() < LIMIT_ROWS {
                of_kind.push(line);
            }
            Ok(())
        })?;
        Ok(Some(Self { sums, rows, new_hits }))
    }

    const fn sum(&self, kind: &str) -> u64 {
        match kind.as_bytes() {
            b"added" => self.sums.added,
            b"changed" => self.sums.changed,
            b"moved" => self.sums.moved,
            b"removed" => self.sums.removed,
            _ => self.sums.unknown,
        }
    }

    /// The sums for programs.
    pub(crate) const fn sums(&self) -> &DifferenceSums {
        &self.sums
    }

    /// What was compared, and how it was done, a sentence each.
    fn sentences(&self, report: &Report) -> Vec<String> {
        let earlier = &report.run["plan"]["since"];
        let carried = report.coverage.share(Status::Carried);
        let mut sentences = vec![
            format!(
                "Compared with the examination of exhibit {} that began {} and was sealed {}: seal \
                 with SHA-256 {}, manifest with SHA-256 {}. Its package was verified first.",
                text(&earlier["exhibit"]),
                text(&earlier["began"]),
                text(&earlier["sealed"]),
                text(&earlier["seal_sha256"]),
                text(&earlier["manifest_sha256"]),
            ),
            format!(
                "{} files ({}) were not read now. They have the location, device, inode, size and \
                 times of modification and inode change that they had then, and their digests are \
                 carried over. Whoever writes to the disk itself or sets its clock back can make a \
                 changed file look like that.",
                count(carried.entries),
                bytes(carried.bytes)
            ),
        ];
        if self.new_hits > 0 {
            sentences.push(format!("{} of the new entries are hits.", count(self.new_hits)));
        }
        if self.sums.moves_cut {
            sentences.push(
                "So many files are new or gone that not all could be compared by content: some \
                 that moved stand as gone and as new."
                    .to_owned(),
            );
        }
        sentences
    }

    fn table_of_sums(&self) -> Vec<(&'static str, String)> {
        let sums = &self.sums;
        vec![
            ("New", count(sums.added)),
            ("Changed", count(sums.changed)),
            ("Gone", count(sums.removed)),
            ("Moved", count(sums.moved)),
            ("Only times, owner or mode differ", count(sums.metadata)),
            ("The same", count(sums.same)),
            ("Not known to be the same, new or gone", count(sums.unknown)),
        ]
    }
}

/// What a row says: where, and from where or how.
fn row(line: &DifferenceLine, redact: &Redaction) -> [String; 3] {
    let earlier = line.difference == "removed" || line.what == Unknown::NotListedAfter.words();
    let place = redact.location(&line.path, line.seq);
    let place = if earlier && redact.hides_names() {
        format!("{place} of the earlier manifest")
    } else {
        place
    };
    let mut how = line.what.clone();
    if let Some(from) = &line.from {
        how = match redact.hides_names() {
            true => "from a location that is left out".to_owned(),
            false => format!("from {from}"),
        };
    }
    if line.hit {
        how = format!("HIT{}{how}", if how.is_empty() { "" } else { ", " });
    }
    let number = if earlier { format!("{} then", line.seq) } else { line.seq.to_string() };
    [number, place, how]
}

/// Writes the section of the page; nothing if there was no visit before.
pub(crate) fn render(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let Some(since) = &report.since else { return Ok(()) };
    writeln!(out, "<section id=\"since\"><h2>Since the last visit</h2>")?;
    for sentence in since.sentences(report) {
        writeln!(out, "<p>{}</p>", escape(&sentence))?;
    }
    writeln!(out, "<table><caption>Entries of both visits</caption><tbody>")?;
    for (label, value) in since.table_of_sums() {
        let label = escape(label);
        writeln!(out, "<tr><th scope=\"row\">{label}</th><td class=\"number\">{value}</td></tr>")?;
    }
    writeln!(out, "</tbody></table>")?;
    for (kind, heading) in KINDS {
        let Some(rows) = since.rows.get(kind) else { continue };
        writeln!(out, "<h3>{}</h3>", escape(heading))?;
        if since.sum(kind) > rows.len() as u64 {
            let (shown, all) = (count(rows.len() as u64), count(since.sum(kind)));
            writeln!(
                out,
                "<p>The first {shown} of {all}; all of them are in <code>data/since.ndjson</code>.\
                 </p>"
            )?;
        }
        writeln!(
            out,
            "<table><thead><tr><th scope=\"col\" class=\"number\">No.</th>\
             <th scope=\"col\">Location</th><th scope=\"col\">How</th></tr></thead><tbody>"
        )?;
        for line in rows {
            let [number, place, how] = row(line, redact).map(|cell| escape(&cell));
            writeln!(
                out,
                "<tr><td class=\"number\">{number}</td><td><bdi class=\"path\">{place}</bdi></td>\
                 <td>{how}</td></tr>"
            )?;
        }
        writeln!(out, "</tbody></table>")?;
    }
    writeln!(out, "</section>")
}

/// Adds the section to the short report.
pub(crate) fn summarise(report: &Report, redact: &Redaction, put: &mut Document) {
    let Some(since) = &report.since else { return };
    put.heading("Since the last visit");
    since.sentences(report).into_iter().for_each(|sentence| put.paragraph(sentence));
    put.facts(since.table_of_sums());
    for (kind, heading) in KINDS {
        let Some(rows) = since.rows.get(kind) else { continue };
        let shown = rows.iter().take(LIMIT_SHORT_ROWS);
        put.blocks.push(Block::Table(Table {
            caption: heading.to_owned(),
            columns: vec![
                Column::number("No.", 2),
                Column::text("Location", 10),
                Column::text("How", 5),
            ],
            rows: shown.map(|line| row(line, redact).to_vec()).collect(),
        }));
        if since.sum(kind) > LIMIT_SHORT_ROWS as u64 {
            put.paragraph(format!(
                "The first {LIMIT_SHORT_ROWS} of {}; all of them are in data/since.ndjson.",
                count(since.sum(kind))
            ));
        }
    }
}
