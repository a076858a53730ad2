//! `docs`: writes docs/reference from the binary itself, or checks that it is what the binary says.
//!
//! Everything in docs/reference is generated: nobody edits it. `--check` also follows every
//! relative link of the pages.

mod links;
mod pages;
mod product;

use std::collections::BTreeMap;
use std::fs;

use clap::Args;

use crate::error::{Error, Outcome, at};
use crate::workspace::{files, root};

/// The generated folder, from the root.
const REFERENCE: &str = "docs/reference";

/// What the task is asked.
#[derive(Args)]
pub(crate) struct DocsArgs {
    /// Write nothing; fail when a page differs or a link leads nowhere
    #[arg(long)]
    check: bool,
}

/// Writes the pages, or checks them.
///
/// # Errors
/// A page cannot be written, or the check found something.
pub(crate) fn run(args: &DocsArgs) -> Outcome {
    if args.check { check() } else { write() }
}

/// Every generated page: its path from the root and its bytes.
pub(crate) type Pages = BTreeMap<String, Vec<u8>>;

fn generate() -> Pages {
    let command = product::command();
    let mut pages = Pages::new();
    pages.insert(format!("{REFERENCE}/cli.md"), pages::cli(&command));
    pages.insert(format!("{REFERENCE}/exit-codes.md"), pages::exit_codes(&product::exit_codes()));
    for (name, manual) in pages::manuals(&command) {
        pages.insert(format!("{REFERENCE}/man/{name}.1"), manual);
    }
    for (name, schema) in product::schemas() {
        pages.insert(format!("{REFERENCE}/schemas/{name}.json"), pages::schema(&schema));
    }
    pages
}

/// Manual pages and schemas, by their path below `docs/reference`.
pub(crate) fn reference() -> Pages {
    let pages = generate().into_iter().filter_map(|(path, bytes)| {
        let path = path.strip_prefix(REFERENCE)?.trim_start_matches('/').to_owned();
        path.contains('/').then_some((path, bytes))
    });
    pages.collect()
}

/// Generated pages on disk that the binary no longer has.
fn stale(pages: &Pages) -> Vec<String> {
    let root = root();
    let folders = [format!("{REFERENCE}/man"), format!("{REFERENCE}/schemas")];
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let found = ["1", "json"].iter().flat_map(|extension| files(&root, &folders, extension));
    found.filter(|path| !pages.contains_key(path)).collect()
}

fn write() -> Outcome {
    let root = root();
    let pages = generate();
    for path in stale(&pages) {
        let path = root.join(path);
        fs::remove_file(&path).map_err(at("remove", &path))?;
    }
    for (path, bytes) in &pages {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(&root);
        fs::create_dir_all(folder).map_err(at("make", folder))?;
        fs::write(&path, bytes).map_err(at("write", &path))?;
    }
    println!("docs: {} pages in {REFERENCE}", pages.len());
    Ok(())
}

/// Compares the pages with the binary, and follows the links.
///
/// # Errors
/// A page differs, is missing or is stale, or a link leads nowhere.
pub(crate) fn check() -> Outcome {
    let root = root();
    let pages = generate();
    let mut findings: Vec<String> =
        stale(&pages).into_iter().map(|path| format!("{path}: no longer generated")).collect();
    for (path, bytes) in &pages {
        match fs::read(root.join(path)) {
            Ok(found) if found == *bytes => {}
            Ok(_) => findings.push(format!("{path}: differs from what the binary says")),
            Err(_) => findings.push(format!("{path}: is missing")),
        }
    }
    if !findings.is_empty() {
        findings.push("hint: run `cargo xtask docs` and commit docs/reference".to_owned());
    }
    findings.extend(links::check(&root)?);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("docs: {} generated pages are current, every link resolves", pages.len());
        return Ok(());
    }
    Err(Error::Findings { check: "docs", findings: findings.len() })
}
