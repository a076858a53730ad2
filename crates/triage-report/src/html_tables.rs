//! The tables and texts of the page.

use std::io::{self, Write};

use serde_json::Value;
use triage_case::Record;

use crate::Redact;
use crate::html::escape;
use crate::report::{LIMIT_GAPS, LIMIT_HITS, Report, bytes, category, count, listed};

/// Opens a table with its caption and column heads.
fn open(caption: &str, heads: &[&str], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<table><caption>{}</caption><thead><tr>", escape(caption))?;
    for head in heads {
        let number = matches!(*head, "Entries" | "Bytes" | "Size" | "No.");
        let class = if number { " class=\"number\"" } else { "" };
        write!(out, "<th scope=\"col\"{class}>{head}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

/// Says what was not read and why; "none" if nothing.
pub(crate) fn reasons(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>What was not read, and why</h2>")?;
    if report.reasons.is_empty() {
        return writeln!(
            out,
            "<p>None: nothing in the requested scope was left unread.</p></section>"
        );
    }
    open("Entries that were not examined in full", &["What", "Why", "Entries", "Bytes"], out)?;
    for ((status, reason), (entries, size)) in &report.reasons {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>",
            status.words(),
            escape(reason),
            count(*entries),
            bytes(*size)
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// Counts matches by disposition, set and category.
pub(crate) fn hits_by_category(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Matches by category</h2>")?;
    if report.listed.is_empty() {
        return writeln!(out, "<p>None.</p></section>");
    }
    open(
        "A match says that a digest stands in a list. What it means is for a person to find.",
        &["Meaning", "Set", "Category", "Entries"],
        out,
    )?;
    for (place, entries) in report.listed.iter().rev() {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>",
            place.disposition.name(),
            escape(&place.set),
            escape(&place.category),
            count(*entries)
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// The hits, each with its digests.
pub(crate) fn hits(report: &Report, redact: Redact, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Hits</h2>")?;
    let all = report.coverage.hits();
    if all == 0 {
        return writeln!(out, "<p>None.</p></section>");
    }
    if all > LIMIT_HITS as u64 {
        writeln!(
            out,
            "<p>The first {} of {} hits; all of them are in <code>data/report/hits.csv</code>.</p>",
            count(LIMIT_HITS as u64),
            count(all)
        )?;
    }
    let heads = ["No.", "Set and category", "Location", "Size", "Modified", "Digests"];
    open("Entries with an alerting match", &heads, out)?;
    for record in &report.hits {
        let entry = &record.entry;
        let matches: String = record
            .matches
            .iter()
            .map(|found| {
                let doubt = if found.inconsistent {
                    " <span class=\"flag\">inconsistent: another digest or the size differs</span>"
                } else {
                    ""
                };
                format!(
                    "<div>{}: {} [{}] by {}{doubt}</div>",
                    found.disposition,
                    escape(&listed(found).set),
                    escape(&category(found)),
                    found.algorithm
                )
            })
            .collect();
        let digests: String = record
            .digests
            .iter()
            .map(|digest| format!("<div class=\"digest\">{} {digest}</div>", digest.algorithm()))
            .collect();
        let modified = entry.times.modified.map(|time| time.to_string()).unwrap_or_default();
        writeln!(
            out,
            "<tr><td class=\"number\">{}</td><td>{matches}{}</td><td>{}</td>\
             <td class=\"number\">{}</td><td>{modified}</td><td>{digests}</td></tr>",
            record.seq,
            changed(record),
            deleted(record) + &path(record, redact),
            bytes(entry.size_bytes.unwrap_or(0)),
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

fn changed(record: &Record) -> &'static str {
    if record.status == triage_case::Status::Changed {
        "<div class=\"flag\">changed while being read</div>"
    } else {
        ""
    }
}

fn deleted(record: &Record) -> String {
    record.entry.recovery.map_or_else(String::new, |recovery| {
        format!("<div class=\"flag\">deleted, recovered: {}</div>", recovery.name())
    })
}

fn path(record: &Record, redact: Redact) -> String {
    format!("<bdi class=\"path\">{}</bdi>", escape(&redact.path(record)))
}

/// The entries that were not read, each with its reason.
pub(crate) fn not_read(report: &Report, redact: Redact, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Problems, entry by entry</h2>")?;
    if report.gaps.is_empty() {
        return writeln!(out, "<p>None.</p></section>");
    }
    let all = report.coverage.gaps();
    if all > LIMIT_GAPS as u64 {
        writeln!(
            out,
            "<p>The first {} of {}; all of them are in <code>data/report/not-read.csv</code>.</p>",
            count(LIMIT_GAPS as u64),
            count(all)
        )?;
    }
    open("Entries that were not examined in full", &["No.", "Location", "What", "Why"], out)?;
    for record in &report.gaps {
        let why = record.problem.as_ref().map(ToString::to_string).unwrap_or_default();
        writeln!(
            out,
            "<tr><td class=\"number\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            record.seq,
            path(record, redact),
            record.status.words(),
            escape(&why)
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// The disk and its volumes, if the exhibit is a disk.
pub(crate) fn volumes(report: &Report, redact: Redact, out: &mut dyn Write) -> io::Result<()> {
    /// What says nothing about a person.
    const IMPERSONAL: [&str; 7] =
        ["container", "content", "file_system", "partition_table", "size", "start", "time_zone"];
    if report.volumes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section><h2>The disk and its volumes</h2>")?;
    open("What the image and its volumes say about themselves", &["Where", "What", "Notes"], out)?;
    for record in &report.volumes {
        let facts = record.entry.facts.clone().unwrap_or_default();
        let shown = |name: &str| redact == Redact::Nothing || IMPERSONAL.contains(&name);
        let pairs: String = facts
            .pairs
            .iter()
            .filter(|(name, _)| shown(name))
            .map(|(name, value)| format!("<div>{}: {}</div>", escape(name), escape(value)))
            .collect();
        let notes: String = facts
            .notes
            .iter()
            .chain(&record.problem)
            .map(|note| format!("<div class=\"flag\">{}</div>", escape(&note.to_string())))
            .collect();
        let place = path(record, redact);
        writeln!(out, "<tr><th scope=\"row\">{place}</th><td>{pairs}</td><td>{notes}</td></tr>")?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// What the scope left out.
pub(crate) fn excluded(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Left out by rule</h2>")?;
    if report.rules.is_empty() {
        return writeln!(out, "<p>None.</p></section>");
    }
    open("Rules, and the entries that they left out unread", &["Rule", "Entries"], out)?;
    for (rule, entries) in &report.rules {
        let rule = escape(&triage_evidence::escape(rule.as_bytes()));
        writeln!(
            out,
            "<tr><th scope=\"row\">{rule}</th><td class=\"number\">{}</td></tr>",
            count(*entries)
        )?;
    }
    writeln!(
        out,
        "</tbody></table><p>A directory that was left out is one entry: what lies below it was not \
         listed.</p></section>"
    )
}

fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = if value.is_null() { String::new() } else { text };
    escape(&triage_evidence::escape(text.as_bytes()).replace("\\\\", "\\"))
}

/// The sets that were used, named by digest.
pub(crate) fn sets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Hash sets used</h2>")?;
    let sets = report.run["plan"]["sets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sets.is_empty() {
        return writeln!(
            out,
            "<p class=\"flag\">No set was used: nothing could match. This run recorded digests \
             only.</p></section>"
        );
    }
    let heads = ["Set", "Version", "Meaning", "Entries", "SHA-256 of its list"];
    open("A hash set is named by the digest of the list that it was made from", &heads, out)?;
    for set in sets {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"digest\">{}</td></tr>",
            text(&set["name"]),
            text(&set["version"]),
            text(&set["disposition"]),
            count(set["entries"].as_u64().unwrap_or(0)),
            text(&set["sha256"])
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// What was typed in about exhibit and case.
pub(crate) fn exhibit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Exhibit and case, as typed in</h2><dl>")?;
    let mut put = |label: &str, value: &Value| -> io::Result<()> {
        if value.as_str().is_none_or(str::is_empty) {
            return Ok(());
        }
        writeln!(out, "<dt>{label}</dt><dd>{}</dd>", text(value))
    };
    let particulars = &report.particulars;
    for (key, label) in [
        ("case", "Case"),
        ("exhibit", "Exhibit"),
        ("description", "Description"),
        ("examiner", "Examiner"),
        ("organisation", "Organisation"),
        ("authority", "Authority"),
        ("request", "Request"),
        ("notes", "Notes"),
    ] {
        put(label, &particulars[key])?;
    }
    for (key, label) in [
        ("make", "Make"),
        ("model", "Model"),
        ("serial", "Serial number"),
        ("capacity", "Capacity"),
        ("seal_no", "Seal number"),
        ("write_protection", "Write protection"),
    ] {
        put(label, &particulars["device"][key])?;
    }
    writeln!(out, "</dl></section>")
}

/// How it was done, and what this version does not do.
pub(crate) fn method(report: &Report, redact: Redact, out: &mut dyn Write) -> io::Result<()> {
    let run = &report.run;
    writeln!(out, "<section><h2>Method and limits</h2><dl>")?;
    let version = Value::String(format!(
        "{} {}",
        run["tool"]["name"].as_str().unwrap_or_default(),
        run["tool"]["version"].as_str().unwrap_or_default()
    ));
    let source = match redact {
        Redact::Nothing => run["plan"]["source"].clone(),
        Redact::Names => Value::String("left out".to_owned()),
    };
    for (label, value) in [
        ("Program", &version),
        ("SHA-256 of the program", &run["tool"]["binary_sha256"]),
        ("Self-test at the start", &run["self_test"]["result"]),
        ("Computer", &run["host"]["hostname"]),
        ("Evidence was read at", &source),
        ("Digests", &run["plan"]["algorithms"]),
        ("Begun", &run["clock"]["start"]),
        ("Ended", &run["clock"]["end"]),
        ("Seconds of the last run", &run["clock"]["elapsed_s"]),
        ("Ended early by", &run["halted"]),
        ("Exit code", &run["exit"]["code"]),
    ] {
        if !value.is_null() {
            writeln!(out, "<dt>{label}</dt><dd>{}</dd>", text(value))?;
        }
    }
    writeln!(
        out,
        "</dl><p>Every name was met once, in the order of its bytes, without following links. Each \
         regular file in scope was opened read-only and read once; the digests of its content were \
         looked up in the sets above. Content was not shown to anybody. All times of entries are in \
         UTC, as the file system keeps them; &quot;changed&quot; is the inode's, never the \
         creation.</p>\
         <p>MD5 and SHA-1 serve to find entries of lists that use them: collisions can be made on \
         purpose. SHA-256 carries the integrity of this package.</p>\
         <p>This version reads mounted folders and single files. It does not read disk images, \
         deleted entries, unallocated space, alternate streams, encrypted containers, or files \
         inside archives. A file that was altered by one bit has another digest and does not match. \
         Nothing here says who put a file where it is.</p></section>"
    )
}

/// How a stranger checks the package, and the words used.
pub(crate) fn checking(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section><h2>How to check this</h2><p>This page is derived: <code>data/manifest.ndjson</code> \
         is the authority, and the seal in <code>seals/0001.json</code> covers both. From the folder \
         that holds <code>bagit.txt</code>:</p>\
         <pre>sha256sum --strict -c seals/0001.sha256 | cat -v\n\
         ssh-keygen -Y verify -f keys/allowed_signers -I SIGNER -n triage-seal-v1 \
         -s seals/0001.json.sig &lt; seals/0001.json\n\
         triage verify .            # every byte of the package\n\
         triage verify . EVIDENCE   # and the evidence again</pre>\
         <p>All steps with stock tools are in <code>data/README-VERIFY.txt</code>. A package without \
         <code>keys/</code> is not signed.</p></section>\
         <section><h2>Words</h2><dl>\
         <dt>Digest, hash</dt><dd>A short value computed from content; equal content has equal digests.</dd>\
         <dt>Hash set</dt><dd>A list of digests with its publisher's meaning for them.</dd>\
         <dt>Match</dt><dd>An entry's digest stands in a set.</dd>\
         <dt>Hit</dt><dd>An entry with at least one match in a set that alerts.</dd>\
         <dt>Coverage</dt><dd>What of the exhibit was examined; it adds up to everything met.</dd>\
         <dt>Manifest</dt><dd>The list of every entry met, also of those that were not read.</dd>\
         <dt>Seal</dt><dd>A small document of digests over the package, which may be signed.</dd>\
         </dl></section>"
    )
}
