//! Layers: every crate depends on strictly lower ones only, and readers never meet the writer below
//! the pipeline.
//!
//! The table is the one of docs/architecture.md.

use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;
use crate::error::{Outcome, at};

/// On which side of the pipeline a crate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Opens evidence, cannot write.
    Reads,
    /// Writes or tells the case, cannot open evidence.
    Keeps,
    /// Knows nothing of either.
    Knows,
    /// Where the two meet.
    Joins,
}

/// The one table: crate, layer, side.
const LAYERS: &[(&str, u8, Side)] = &[
    ("triage-hash", 0, Side::Knows),
    ("triage-media", 0, Side::Knows),
    ("triage-evidence", 1, Side::Knows),
    ("triage-hashset", 1, Side::Knows),
    ("triage-custody", 1, Side::Keeps),
    ("triage-image", 2, Side::Reads),
    ("triage-volume", 2, Side::Reads),
    ("triage-fs", 2, Side::Reads),
    ("triage-archive", 2, Side::Reads),
    ("triage-case", 2, Side::Keeps),
    ("triage-walk", 3, Side::Reads),
    ("triage-report", 3, Side::Keeps),
    ("triage-batch", 3, Side::Keeps),
    ("triage-correlate", 4, Side::Keeps),
    ("triage-scan", 4, Side::Joins),
    ("triage", 5, Side::Joins),
];

/// Not part of the product; it may look at all of it.
const TASKS: &str = "xtask";

/// Checks every member of the workspace.
///
/// # Errors
/// Cargo cannot describe the workspace, or a manifest cannot be read.
pub(super) fn check(root: &Path) -> Outcome<Vec<Finding>> {
    let metadata =
        MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = package.manifest_path.as_std_path();
        let path = manifest.strip_prefix(root).unwrap_or(manifest);
        let path = path.to_str().unwrap_or("Cargo.toml");
        let name = package.name.as_str();
        let text = fs::read_to_string(manifest).map_err(at("read", manifest))?;
        findings.extend(check_manifest(path, name, &text));
        let shipped = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
        for dependency in shipped.filter(|dependency| dependency.path.is_some()) {
            if let Some(rule) = broken(name, &dependency.name) {
                findings.push(Finding::file(path, rule));
            }
        }
    }
    Ok(findings)
}

/// Rules about the manifest itself.
fn check_manifest(path: &str, name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let expected = if name == TASKS {
        "xtask/Cargo.toml".to_owned()
    } else {
        format!("crates/{name}/Cargo.toml")
    };
    if path != expected {
        findings.push(Finding::file(path, format!("crate `{name}` must stand at {expected}")));
    }
    if name != TASKS && layer(name).is_none() {
        findings.push(Finding::file(path, format!("`{name}` is not in the table of layers")));
    }
    let table: Option<toml::Table> = text.parse().ok();
    let inherits = table.as_ref().and_then(|table| table.get("lints")?.get("workspace")?.as_bool());
    if inherits != Some(true) {
        findings.push(Finding::file(path, "must say `lints.workspace = true`"));
    }
    findings
}

fn layer(name: &str) -> Option<(u8, Side)> {
    LAYERS.iter().find(|row| row.0 == name).map(|row| (row.1, row.2))
}

/// Why one crate may not depend on another, or `None` when it may.
fn broken(from: &str, to: &str) -> Option<String> {
    if from == TASKS {
        return None;
    }
    let ((from_layer, from_side), Some((to_layer, to_side))) = (layer(from)?, layer(to)) else {
        return Some(format!("`{to}` is not in the table of layers"));
    };
    if to_layer >= from_layer {
        return Some(format!(
            "layer {from_layer} depends on `{to}` of layer {to_layer}: not strictly lower"
        ));
    }
    let may = from_side == Side::Joins || to_side == Side::Knows || to_side == from_side;
    (!may)
        .then(|| format!("{from_side:?} and `{to}` {to_side:?}: the two meet in triage-scan only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_goes_strictly_down() {
        assert_eq!(broken("triage-walk", "triage-fs"), None);
        assert_eq!(broken("triage-scan", "triage-case"), None);
        assert!(
            broken("triage-fs", "triage-walk").is_some_and(|rule| rule.contains("not strictly"))
        );
        assert!(broken("triage-fs", "triage-archive").is_some());
        assert!(
            broken("triage-scan", "triage-new").is_some_and(|rule| rule.contains("not in the"))
        );
    }

    #[test]
    fn readers_and_the_writer_do_not_meet() {
        assert!(broken("triage-walk", "triage-case").is_some_and(|rule| rule.contains("meet")));
        assert!(broken("triage-report", "triage-fs").is_some_and(|rule| rule.contains("meet")));
        assert_eq!(broken("triage-report", "triage-hashset"), None);
    }

    #[test]
    fn a_manifest_inherits_the_lints_and_stands_in_its_folder() {
        let good = "[package]\nname = \"triage-fs\"\n[lints]\nworkspace = true\n";
        assert_eq!(check_manifest("crates/triage-fs/Cargo.toml", "triage-fs", good), []);
        assert_eq!(check_manifest("crates/fs/Cargo.toml", "triage-fs", good).len(), 1);
        assert_eq!(check_manifest("crates/triage-new/Cargo.toml", "triage-new", good).len(), 1);
        assert_eq!(
            check_manifest("crates/triage-fs/Cargo.toml", "triage-fs", "[package]\n").len(),
            1
        );
    }
}
