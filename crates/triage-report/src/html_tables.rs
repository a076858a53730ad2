//! The tables and texts of the page.

use std::io::{self, Write};

use serde_json::Value;
use triage_case::Record;
use triage_evidence::count;

use crate::html::escape;
use crate::redact::Redaction;
use crate::report::{LIMIT_GAPS, LIMIT_HITS, Report, bytes, category, listed};

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
    if report.reasons.is_empty() {
        return writeln!(out, "<p>None: nothing in the requested scope was left unread.</p>");
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
    writeln!(out, "</tbody></table>")
}

/// Counts matches by disposition, set and category.
pub(crate) fn hits_by_category(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.listed.is_empty() {
        return writeln!(out, "<p>No entry matches any set.</p>");
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
            place.disposition.name().replace('_', " "),
            escape(&place.set),
            escape(&place.category),
            count(*entries)
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// The hits, each with its digests.
pub(crate) fn hits(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>Hits</h3>")?;
    let all = report.coverage.hits();
    if all == 0 {
        return writeln!(out, "<p>None.</p>");
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
                    found.disposition.name().replace('_', " "),
                    escape(&listed(found).set),
                    escape(&category(found)),
                    found.algorithm
                )
            })
            .collect();
        let digests: String = redact
            .digests(record)
            .iter()
            .map(|digest| format!("<div class=\"digest\">{} {digest}</div>", digest.algorithm()))
            .collect();
        let leaf = redact.leaf(record);
        let leaf = leaf.map(|leaf| format!("<div class=\"digest\">leaf {leaf}</div>"));
        writeln!(
            out,
            "<tr><td class=\"number\">{}</td><td>{matches}{}</td><td>{}</td>\
             <td class=\"number\">{}</td><td class=\"time\">{}</td><td>{digests}{}</td></tr>",
            record.seq,
            changed(record),
            deleted(record) + &path(record, redact),
            redact.size(record).map(bytes).unwrap_or_default(),
            // Between day and time is the place where a line may break.
            redact.modified(record).replacen('T', "<wbr>T", 1),
            leaf.unwrap_or_default(),
        )?;
    }
    writeln!(out, "</tbody></table>")
}

fn changed(record: &Record) -> &'static str {
    match record.status {
        triage_case::Status::Changed => "<div class=\"flag\">changed while being read</div>",
        triage_case::Status::Carried => {
            "<div class=\"flag\">not read now, digests carried from the last visit</div>"
        }
        _ => "",
    }
}

fn deleted(record: &Record) -> String {
    record.entry.recovery.map_or_else(String::new, |recovery| {
        format!("<div class=\"flag\">deleted, recovered: {}</div>", recovery.name())
    })
}

fn path(record: &Record, redact: &Redaction) -> String {
    format!("<bdi class=\"path\">{}</bdi>", escape(&redact.path(record)))
}

/// The entries that were not read, each with its reason.
pub(crate) fn not_read(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    if report.gaps.is_empty() {
        return Ok(());
    }
    let all = report.gaps_beside_hits;
    if all > LIMIT_GAPS as u64 {
        writeln!(
            out,
            "<p>The first {} of {}; all of them are in <code>data/report/not-read.csv</code>.</p>",
            count(LIMIT_GAPS as u64),
            count(all)
        )?;
    }
    open("The same, entry by entry", &["No.", "Location", "What", "Why"], out)?;
    for record in &report.gaps {
        let leaf =
            redact.leaf(record).map(|leaf| format!("<div class=\"digest\">leaf {leaf}</div>"));
        let why = record.problem.as_ref().map(ToString::to_string).unwrap_or_default();
        writeln!(
            out,
            "<tr><td class=\"number\">{}</td><td>{}</td><td>{}</td><td>{}{}</td></tr>",
            record.seq,
            deleted(record) + &path(record, redact),
            record.status.words(),
            escape(&why),
            leaf.unwrap_or_default()
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// The disk and its volumes, if the exhibit is a disk.
pub(crate) fn volumes(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    if report.volumes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>The disk and its volumes</h3>")?;
    open("What the image and its volumes say about themselves", &["Where", "What", "Notes"], out)?;
    for record in &report.volumes {
        let facts = record.entry.facts.clone().unwrap_or_default();
        let pairs: String = facts
            .pairs
            .iter()
            .filter(|(name, _)| redact.shows_fact(name))
            .map(|(name, value)| {
                format!(
                    "<div>{}: {}</div>",
                    escape(name),
                    escape(&triage_evidence::escape(value.as_bytes()))
                )
            })
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
    writeln!(out, "</tbody></table>")
}

/// What the scope left out.
pub(crate) fn excluded(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h3>Left out by rule</h3>")?;
    if report.rules.is_empty() {
        return writeln!(out, "<p>None.</p>");
    }
    open("Rules, and the entries that they left out unread", &["Rule", "Entries"], out)?;
    for (place, (rule, entries)) in report.rules.iter().enumerate() {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td></tr>",
            escape(&redact.rule(place, rule)),
            count(*entries)
        )?;
    }
    writeln!(
        out,
        "</tbody></table><p>A directory that was left out is one entry: what lies below it was not \
         listed.</p>"
    )
}

fn text(value: &Value) -> String {
    escape(&crate::summary::text(value))
}

/// The sets that were used, named by digest.
pub(crate) fn sets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let sets = report.run["plan"]["sets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if sets.is_empty() {
        return writeln!(
            out,
            "<p class=\"flag\">No set was used: nothing could match. This run recorded digests \
             only.</p>"
        );
    }
    let heads = ["Set", "Version", "Provenance", "Meaning", "Entries", "SHA-256 of its list"];
    open("A hash set is named by the digest of the list that it was made from", &heads, out)?;
    for set in sets {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td>\
             <td class=\"number\">{}</td><td class=\"digest\">{}</td></tr>",
            text(&set["name"]),
            text(&set["version"]),
            escape(&crate::summary::provenance(set)),
            escape(&crate::summary::meaning(set)),
            count(set["entries"].as_u64().unwrap_or(0)),
            text(&set["sha256"])
        )?;
    }
    writeln!(out, "</tbody></table>")
}

/// What was typed in about exhibit and case, and where the exhibit was read.
pub(crate) fn exhibit(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<dl>")?;
    let mut put = |label: &str, value: &str| -> io::Result<()> {
        if value.is_empty() {
            return Ok(());
        }
        writeln!(out, "<dt>{label}</dt><dd>{value}</dd>")
    };
    let particulars = redact.particulars(&report.particulars);
    for (key, label) in [
        ("exhibit", "Exhibit"),
        ("case", "Case"),
        ("description", "Description"),
        ("examiner", "Examiner"),
        ("organisation", "Organisation"),
        ("authority", "Authority"),
        ("request", "Request"),
        ("notes", "Notes"),
    ] {
        put(label, &text(&particulars[key]))?;
    }
    for (key, label) in [
        ("make", "Make"),
        ("model", "Model"),
        ("serial", "Serial number"),
        ("capacity", "Capacity"),
        ("seal_no", "Seal number"),
        ("write_protection", "Write protection"),
    ] {
        put(label, &text(&particulars["device"][key]))?;
    }
    put("Read as", &escape(&report.source_words()))?;
    if !redact.hides_names() {
        put("Read at", &text(&report.run["plan"]["source"]))?;
    }
    put("Begun", &text(&report.run["clock"]["start"]))?;
    put("Ended", &text(&report.run["clock"]["end"]))?;
    writeln!(out, "</dl>")
}

/// How it was done, and what it cannot show.
pub(crate) fn method(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let run = &report.run;
    writeln!(out, "<section id=\"method\"><h2>4 Method and limits</h2>")?;
    for (title, items) in [("Method", report.method()), ("Limits", report.limits())] {
        writeln!(out, "<h3>{title}</h3><ul>")?;
        items.iter().try_for_each(|item| writeln!(out, "<li>{}</li>", escape(item)))?;
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "<h3>Particulars of the run</h3><dl>")?;
    let host = if redact.hides_names() { &Value::Null } else { &run["host"]["hostname"] };
    for (label, value) in [
        ("Program", &Value::String(report.program())),
        ("SHA-256 of the program", &run["tool"]["binary_sha256"]),
        ("Self-test at the start", &run["self_test"]["result"]),
        ("Computer", host),
        ("Digests", &run["plan"]["algorithms"]),
        ("Seconds of the last run", &run["clock"]["elapsed_s"]),
        ("Ended early by", &run["halted"]),
        ("Exit code", &run["exit"]["code"]),
    ] {
        if !value.is_null() {
            writeln!(out, "<dt>{label}</dt><dd>{}</dd>", text(value))?;
        }
    }
    writeln!(out, "</dl></section>")
}

/// How a stranger checks the package.
pub(crate) fn checking(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"check\"><h2>5 How to check this</h2><p>This page is derived: \
         <code>data/manifest.ndjson</code> in the package is the authority, one line for every entry \
         met. A seal is a small file of digests over the whole package.</p>"
    )?;
    writeln!(
        out,
        "<p>The seals cover this page, so that the page cannot name their digests or numbers. NNNN \
         stands for the highest number in <code>seals/</code>: the newest seal covers those before \
         it. Its digest was printed when the package was sealed; the short report that <code>triage \
         report --format pdf</code> makes names it.</p>"
    )?;
    writeln!(
        out,
        "<p>In the folder that holds <code>bagit.txt</code>, with tools of any Linux or macOS \
         computer:</p><pre>sha256sum seals/NNNN.json      # compare with the one you were given\n\
         sha256sum --strict -c seals/NNNN.sha256 | cat -v      # every file\n\
         ssh-keygen -Y verify -f SIGNERS -I SIGNER -n triage-seal-v1 \
         -s seals/NNNN.json.sig &lt; seals/NNNN.json\n\
         sh verify-with-stock-tools.sh      # all of that, certificates and time-stamps too\n\
         triage verify .            # every byte of the package\n\
         triage verify . EVIDENCE   # and the evidence again</pre>\
         <p>SIGNERS is a file with the signer's public key, obtained from the signer and not from the \
         package. All steps with stock tools are in <code>data/README-VERIFY.txt</code>. A package \
         without <code>keys/</code> and without a file that ends in <code>.p7s</code> is not \
         signed.</p></section>"
    )
}

/// The words used.
pub(crate) fn words(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section id=\"words\"><h2>7 Words</h2><dl><dt>Digest, hash</dt><dd>A short value computed from content; equal content has equal digests.</dd>\
         <dt>Hash set</dt><dd>A list of digests with its publisher's meaning for them.</dd>\
         <dt>Match</dt><dd>An entry's digest stands in a set.</dd>\
         <dt>Hit</dt><dd>An entry with at least one match in a set that alerts.</dd>\
         <dt>Coverage</dt><dd>What of the exhibit was examined; it adds up to everything met.</dd>\
         <dt>Manifest</dt><dd>The list of every entry met, also of those that were not read.</dd>\
         <dt>Seal</dt><dd>A small document of digests over the package, which may be signed.</dd>\
         </dl></section>"
    )
}
