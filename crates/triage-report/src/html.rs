//! One self-contained page: no script, no network, readable on paper and by a screen reader.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use triage_case::{Coverage, Status};
use triage_evidence::count;

use crate::html_tables;
use crate::redact::Redaction;
use crate::report::{Report, bytes};
use crate::since;
use crate::svg::{Row, bars, parts};
use crate::tallies::SIZES;

/// The one style sheet; its digest stands in the page's policy, so that no other is applied.
pub(crate) const STYLE: &str = include_str!("style.css");
/// How many endings have a bar of their own.
const SHOWN_ENDINGS: usize = 14;
/// How many months have a bar.
const SHOWN_MONTHS: usize = 24;

/// Escapes a display text for HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Renders the page.
pub(crate) fn render(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    page_head(&report.title(), out)?;
    answer(report, redact, out)?;
    writeln!(out, "<section id=\"examined\"><h2>1 What was examined</h2>")?;
    html_tables::exhibit(report, redact, out)?;
    coverage(report, out)?;
    html_tables::volumes(report, redact, out)?;
    writeln!(out, "</section><section id=\"found\"><h2>2 What was found</h2>")?;
    html_tables::hits_by_category(report, out)?;
    html_tables::sets(report, out)?;
    html_tables::hits(report, redact, out)?;
    writeln!(out, "</section><section id=\"unread\"><h2>3 What was not read, and why</h2>")?;
    html_tables::reasons(report, out)?;
    html_tables::not_read(report, redact, out)?;
    html_tables::excluded(report, redact, out)?;
    writeln!(out, "</section>")?;
    since::render(report, redact, out)?;
    html_tables::method(report, redact, out)?;
    html_tables::checking(out)?;
    charts(report, redact, out)?;
    html_tables::words(out)?;
    writeln!(out, "</main></body></html>")
}

/// Writes everything of a page up to the first line of content, which ends with
/// `</main></body></html>`. The page's policy allows no script, no network and one style sheet.
///
/// # Errors
/// The error of `out`.
pub fn page_head(title: &str, out: &mut dyn Write) -> io::Result<()> {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let title = escape(title);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\
         <header><h1>{title}</h1></header><main>\n"
    )
}

fn answer(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let mut class = "answer".to_owned();
    if !report.is_complete() {
        class.push_str(" incomplete");
    }
    if report.coverage.hits() > 0 {
        class.push_str(" hits");
    }
    writeln!(out, "<p id=\"answer\" class=\"{class}\">{}</p>", escape(&report.answer()))?;
    if redact.hides_names() {
        writeln!(out, "<p class=\"flag\">{}</p>", escape(redact.notice()))?;
    }
    for doubt in report.doubts() {
        writeln!(out, "<p class=\"flag\">Doubt: {}</p>", escape(&redact.doubt(doubt)))?;
    }
    let since = match &report.since {
        Some(_) => " <a href=\"#since\">Since the last visit</a>",
        None => "",
    };
    writeln!(
        out,
        "<nav aria-label=\"Contents\"><a href=\"#examined\">1 What was examined</a> \
         <a href=\"#found\">2 What was found</a> <a href=\"#unread\">3 What was not read</a>{since} \
         <a href=\"#method\">4 Method and limits</a> <a href=\"#check\">5 How to check this</a> \
         <a href=\"#charts\">6 Charts</a> <a href=\"#words\">7 Words</a></nav>"
    )
}

fn coverage(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>What became of every entry</h3><div class=\"two\">")?;
    let by = |value: &dyn Fn(Status) -> u64, shown: &dyn Fn(u64) -> String| {
        Status::ALL
            .into_iter()
            .map(|status| {
                let value = value(status);
                let label = status.words().to_owned();
                (Row { label, value, shown: shown(value) }, class_of(status))
            })
            .collect::<Vec<_>>()
    };
    let coverage = &report.coverage;
    let entries = by(&|status| coverage.share(status).entries, &count);
    let sizes = by(&|status| coverage.share(status).bytes, &bytes);
    writeln!(out, "{}", parts("Coverage by entries", &entries))?;
    writeln!(out, "{}</div>", parts("Coverage by bytes of files", &sizes))?;
    coverage_table(coverage, out)
}

const fn class_of(status: Status) -> &'static str {
    match status {
        Status::Read => "read",
        Status::Excluded | Status::SizeNotListed | Status::Carried => "rule",
        Status::NotRegular | Status::Lost | Status::Unallocated => "none",
        _ => "gap",
    }
}

fn coverage_table(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<table><caption>Every entry met is in exactly one row</caption><thead><tr>\
         <th scope=\"col\">What became of it</th><th scope=\"col\" class=\"number\">Entries</th>\
         <th scope=\"col\" class=\"number\">Bytes of files</th></tr></thead><tbody>"
    )?;
    let row = |out: &mut dyn Write, words: &str, entries: u64, size: u64| {
        writeln!(
            out,
            "<tr><th scope=\"row\">{words}</th><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>",
            count(entries),
            bytes(size)
        )
    };
    for status in Status::ALL {
        let share = coverage.share(status);
        if share.entries > 0 {
            row(out, status.words(), share.entries, share.bytes)?;
        }
    }
    let seen = coverage.seen();
    row(out, "in all", seen.entries, seen.bytes)?;
    let deleted = coverage.deleted();
    if deleted.entries > 0 {
        row(out, "of these deleted", deleted.entries, deleted.bytes)?;
    }
    writeln!(out, "</tbody></table>")?;
    if coverage.unlisted_directories() > 0 {
        writeln!(
            out,
            "<p class=\"flag\">{} directories were not listed in full: what lies below them is in \
             no row.</p>",
            count(coverage.unlisted_directories())
        )?;
    }
    if coverage.unsized_entries() > 0 {
        let number = count(coverage.unsized_entries());
        writeln!(
            out,
            "<p>The size of {number} entries is not known; their bytes are in no row.</p>"
        )?;
    }
    Ok(())
}

fn charts(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"charts\"><h2>6 Charts</h2><div>")?;
    let hits: Vec<Row> = report
        .listed
        .iter()
        .map(|(place, &value)| Row {
            // The category first: it tells bars apart where a long label is cut.
            label: format!("{}: {}", place.category, place.set),
            value,
            shown: count(value),
        })
        .collect();
    writeln!(out, "{}", bars("Matches by set and category", &hits))?;
    let tallies = &report.tallies;
    let row = |label: String, value: u64, entries: u64| Row {
        label,
        value,
        shown: format!("{} in {}", bytes(value), count(entries)),
    };
    // An ending is a part of a name.
    if !redact.hides_names() {
        let endings = tallies.greatest_endings(SHOWN_ENDINGS);
        let endings: Vec<Row> =
            endings.into_iter().map(|(label, bar)| row(label, bar.bytes, bar.entries)).collect();
        writeln!(out, "{}", bars("Files by the ending of their name, in bytes", &endings))?;
    }
    let sizes: Vec<Row> = (0_u8..)
        .zip(SIZES)
        .map(|(class, (label, _))| {
            let bar = tallies.by_size.get(&class).copied().unwrap_or_default();
            let shown = count(bar.entries);
            Row { label: label.to_owned(), value: bar.entries, shown }
        })
        .collect();
    writeln!(out, "{}", bars("Files by size, in number", &sizes))?;
    if redact.hides_all() {
        return writeln!(out, "</div></section>");
    }
    let months: Vec<_> = tallies.by_month.iter().collect();
    let first = months.len().saturating_sub(SHOWN_MONTHS);
    let shown: Vec<Row> = months[first..]
        .iter()
        .map(|(month, bar)| Row {
            label: (*month).clone(),
            value: bar.entries,
            shown: count(bar.entries),
        })
        .collect();
    writeln!(out, "{}", bars("Files by month of modification (UTC), the latest months", &shown))?;
    if first > 0 {
        let entries: u64 = months[..first].iter().map(|(_, bar)| bar.entries).sum();
        writeln!(out, "<p>{} files were modified in {first} earlier months.</p>", count(entries))?;
    }
    writeln!(out, "</div></section>")
}
