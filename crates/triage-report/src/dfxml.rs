//! Every entry as Digital Forensics XML: schema 2.0.0-beta.0 of the DFXML working group, whose
//! order of elements is fixed.
//!
//! XML 1.0 cannot hold control codes: names stand in display form, the raw bytes in an attribute of
//! our own namespace. SHA-3 and BLAKE3 have no name in the schema and stand as `OTHER`.

use std::io::{self, Write};

use quick_xml::escape::escape;
use triage_case::{CaseDir, Error, Record, Status};
use triage_evidence::{Kind, Time};
use triage_hash::Algorithm;

use crate::Report;
use crate::redact::Redaction;
use crate::summary::text;

/// The namespace of the schema.
const NAMESPACE: &str = "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML";

/// Renders the document.
pub(crate) fn render(
    report: &Report,
    case: &CaseDir,
    redact: &Redaction,
    out: &mut dyn Write,
) -> io::Result<()> {
    head(report, redact, out)?;
    case.for_each_record(&mut |record| {
        file(&record, redact, out).map_err(|error| Error::Damaged {
            document: "the DFXML document".to_owned(),
            reason: error.to_string(),
        })
    })
    .map_err(io::Error::other)?;
    writeln!(out, "</dfxml>")
}

fn head(report: &Report, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let run = &report.run;
    let put = |name: &str, value: String| {
        if value.is_empty() { String::new() } else { format!("<{name}>{}</{name}>", escape(value)) }
    };
    let note = "Derived from data/manifest.ndjson, which is the authority.";
    let host = if redact.hides_names() { String::new() } else { text(&run["host"]["hostname"]) };
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<dfxml xmlns=\"{NAMESPACE}\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:t=\"urn:x-triage:dfxml:1\" \
         version=\"2.0.0-beta.0\">\n<metadata><dc:type>Hash triage</dc:type>{}</metadata>\n\
         <creator>{}{}<execution_environment>{}{}{}</execution_environment></creator>\n\
         <source>{}</source>\n",
        put("dc:description", format!("{note} {}", redact.notice()).trim_end().to_owned()),
        put("program", text(&run["tool"]["name"])),
        put("version", text(&run["tool"]["version"])),
        put("host", host),
        put("arch", text(&run["host"]["machine"])),
        put("start_time", text(&run["clock"]["start"])),
        put(
            "image_filename",
            if redact.hides_names() { String::new() } else { text(&run["plan"]["source"]) }
        ),
    )
}

fn file(record: &Record, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let entry = &record.entry;
    let path = redact.path(record);
    write!(out, "<fileobject t:seq=\"{}\" t:status=\"{}\"", record.seq, record.status.name())?;
    if !redact.hides_names() && !entry.location.is_root() {
        let raw = entry.location.path();
        if raw != path.as_bytes() {
            let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            write!(out, " t:path_hex=\"{hex}\"")?;
        }
    }
    if let Some(leaf) = redact.leaf(record) {
        write!(out, " t:leaf_sha256=\"{leaf}\"")?;
    }
    write!(out, "><filename>{}</filename>", escape(path))?;
    if let Some(why) = why(record, redact) {
        write!(out, "<error>{}</error>", escape(why))?;
    }
    write!(out, "<name_type>{}</name_type>", name_type(entry.kind))?;
    if let Some(size) = redact.size(record) {
        write!(out, "<filesize>{size}</filesize>")?;
    }
    let exists = u8::from(entry.recovery.is_none());
    write!(out, "<alloc>{exists}</alloc>")?;
    if !redact.hides_all() {
        numbers(record, out)?;
    }
    let times = redact.times(record);
    for (name, time) in [
        ("mtime", times.modified),
        ("ctime", times.changed),
        ("atime", times.accessed),
        ("crtime", times.born),
    ] {
        if let Some(time) = time.and_then(moment) {
            write!(out, "<{name}>{time}</{name}>")?;
        }
    }
    if entry.target.is_some() {
        write!(out, "<link_target>{}</link_target>", escape(redact.target(record)))?;
    }
    for digest in redact.digests(record).iter() {
        let name = match digest.algorithm() {
            Algorithm::Blake3 | Algorithm::Sha3_256 => "OTHER",
            other => other.name(),
        };
        write!(out, "<hashdigest type=\"{name}\">{digest}</hashdigest>")?;
    }
    for found in &record.matches {
        let set = escape(crate::report::listed(found).set);
        let category = escape(crate::report::category(found));
        write!(
            out,
            "<t:match disposition=\"{}\" set=\"{set}\" category=\"{category}\" by=\"{}\"{}/>",
            found.disposition.name(),
            found.algorithm.name(),
            if found.inconsistent { " inconsistent=\"true\"" } else { "" }
        )?;
    }
    writeln!(out, "</fileobject>")
}

/// Why an entry was not read whole: every status that is not `read` says so here.
fn why(record: &Record, redact: &Redaction) -> Option<String> {
    let problem = record.problem.as_ref().map(ToString::to_string);
    match record.status {
        Status::Read | Status::NotRegular => problem,
        Status::Excluded if !redact.hides_names() => {
            let rule = record.rule.as_deref().unwrap_or_default();
            let rule = triage_evidence::escape(rule.as_bytes());
            Some(format!("{}: {rule}", record.status.words()))
        }
        status => {
            let problem = problem.map(|problem| format!(": {problem}")).unwrap_or_default();
            Some(format!("{}{problem}", status.words()))
        }
    }
}

/// Inode, mode, links and owner.
fn numbers(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let entry = &record.entry;
    if let Some(id) = entry.id {
        write!(out, "<inode>{}</inode>", id.inode)?;
    }
    if let Some(owner) = entry.ownership {
        write!(out, "<mode>{}</mode>", owner.mode)?;
    }
    if let Some(links) = entry.links {
        write!(out, "<nlink>{links}</nlink>")?;
    }
    if let Some(owner) = entry.ownership {
        write!(out, "<uid>{}</uid><gid>{}</gid>", owner.user, owner.group)?;
    }
    Ok(())
}

const fn name_type(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "r",
        Kind::Directory => "d",
        Kind::Symlink => "l",
        Kind::Fifo => "p",
        Kind::Socket => "s",
        Kind::BlockDevice => "b",
        Kind::CharDevice => "c",
        Kind::Volume | Kind::Space => "v",
        Kind::Unknown => "-",
    }
}

/// Returns a time that XML Schema can hold: it has no year 0, and no time beyond the year 9999.
fn moment(time: Time) -> Option<String> {
    Some(time.to_string()).filter(|text| !text.starts_with(['@', '-']) && !text.starts_with("0000"))
}
