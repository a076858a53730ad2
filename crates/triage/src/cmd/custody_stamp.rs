//! `custody stamp`: a time-stamp of RFC 3161 by an authority, as a file out and a file in.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use triage_case::CaseDir;

use crate::console::Console;
use crate::failure::Failure;
use crate::trust::{read_small, roots};
use crate::{exit, facts, shown, write};

/// Have the newest seal stamped with the time by an authority (RFC 3161)
///
/// Nothing is sent: this program has no network code. --request writes a query, which shows nobody
/// more than a digest. Carry it to a computer that reaches the authority, and bring back the reply;
/// --response checks it (status, imprint, nonce, signature, purpose, and the path to --tsa-root)
/// and keeps it in the package with its query. What is stamped is the signature of the newest seal;
/// of an unsigned seal, the seal. The next seal covers the stamp, so that sealing and stamping
/// again renews an old one.
///
/// Examples:
///   triage custody stamp CASE-42 --request seal.tsq
///   curl -H 'Content-Type: application/timestamp-query' --data-binary @seal.tsq URL > seal.tsr
///   triage custody stamp CASE-42 --response seal.tsr --query seal.tsq --tsa-root tsa-root.pem
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct StampArgs {
    /// The package
    #[arg(value_name = "PACKAGE")]
    package: PathBuf,
    /// Write the query for the authority into this file, which does not exist yet
    #[arg(long, value_name = "FILE", required_unless_present = "response")]
    request: Option<PathBuf>,
    /// What is to be stamped, if not the signature of the newest seal: a file of that seal as it is
    /// called in the package, such as seals/0001.json.2.sig
    #[arg(long, value_name = "NAME", requires = "request")]
    of: Option<String>,
    /// Check the reply of the authority in this file and keep it
    #[arg(long, value_name = "FILE", conflicts_with = "request", requires_all = ["query", "tsa_root"])]
    response: Option<PathBuf>,
    /// The query that the reply is for
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// The roots of time-stamping authorities to trust, in PEM, from outside the package
    #[arg(long, value_name = "FILE", env = "TRIAGE_TSA_ROOT")]
    tsa_root: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &StampArgs, console: Console) -> Result<u8, Failure> {
    let case = CaseDir::open(&args.package)?;
    match (&args.request, &args.response, &args.query, &args.tsa_root) {
        (Some(out), _, _, _) => request(&case, out, args.of.as_deref(), console),
        (None, Some(reply), Some(query), Some(root)) => {
            let (query, reply) = (read_small(query, "the query")?, read_small(reply, "the reply")?);
            take(&case, &query, &reply, &roots(root)?, console)
        }
        _ => Err(Failure::usage("give --request, or --response with --query and --tsa-root")),
    }
}

fn request(
    case: &CaseDir,
    out: &std::path::Path,
    of: Option<&str>,
    console: Console,
) -> Result<u8, Failure> {
    let made = case.hold_custody()?.stamp_request(of, facts::random::<8>()?)?;
    write::new_file(out, 0o644, &made.query).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::AlreadyExists => exit::REFUSED,
            _ => exit::INCOMPLETE,
        };
        Failure::new(code, "cannot write the query").at(shown::path(out)).caused_by(&error)
    })?;
    console.line(&format!("query for {}  {}", made.path, shown::path(out)));
    console.say("the authority learns a digest and a random number, nothing else");
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "exit_name": exit::name(exit::COMPLETE),
        "stamps": made.path, "query": shown::path(out),
    }));
    Ok(exit::COMPLETE)
}

fn take(
    case: &CaseDir,
    query: &[u8],
    reply: &[u8],
    roots: &triage_custody::Certificates,
    console: Console,
) -> Result<u8, Failure> {
    let stored = case
        .hold_custody()?
        .take_stamp(query, reply, roots)
        .map_err(|error| Failure::refused_document(error, "the time-stamp is refused"))?;
    let authority = triage_evidence::escape(stored.authority.as_bytes());
    console.line(&format!("{}.tsr: {} by {authority}", stored.path, stored.time));
    console.record(&json!({
        "v": 1, "type": "summary", "exit": exit::COMPLETE, "exit_name": exit::name(exit::COMPLETE),
        "stamps": stored.path, "time": stored.time, "authority": stored.authority,
    }));
    Ok(exit::COMPLETE)
}
