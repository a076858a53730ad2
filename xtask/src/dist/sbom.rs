//! The bill of materials: every crate that the binary was linked from, as CycloneDX 1.5 JSON.
//!
//! Made from the lock file and what cargo resolves for the target, so that the same sources give
//! the same bytes: no time, no serial number. Crates that only build or test are not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde_json::{Value, json};

use crate::error::{Error, Outcome, at};
use crate::workspace::root;

/// The crate of the binary.
const PROGRAM: &str = "triage";

/// Returns the document for a binary with that SHA-256.
///
/// # Errors
/// Cargo cannot describe the workspace, or the lock file cannot be read.
pub(super) fn sbom(target: &str, binary_sha256: &str) -> Outcome<Vec<u8>> {
    let options = ["--locked", "--filter-platform", target].map(str::to_owned);
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()?;
    let linked = linked(&metadata)?;
    let checksums = checksums()?;
    let packages: BTreeMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let of = |id: &PackageId| packages.get(id).copied();
    let program = metadata.packages.iter().find(|package| package.name.as_str() == PROGRAM);
    let program = program.ok_or_else(|| Error::Refused(format!("there is no crate {PROGRAM}")))?;
    let mut components: Vec<Value> = linked
        .keys()
        .filter_map(&of)
        .filter(|package| package.id != program.id)
        .map(|package| component(package, &checksums))
        .collect();
    components.sort_by_key(|component| component["bom-ref"].to_string());
    let mut dependencies: Vec<Value> = linked
        .iter()
        .filter_map(|(id, needs)| {
            let needs: BTreeSet<String> = needs.iter().filter_map(&of).map(purl).collect();
            Some(json!({ "ref": purl(of(id)?), "dependsOn": needs }))
        })
        .collect();
    dependencies.sort_by_key(|dependency| dependency["ref"].to_string());
    let mut subject = component(program, &checksums);
    subject["type"] = json!("application");
    subject["hashes"] = json!([{ "alg": "SHA-256", "content": binary_sha256 }]);
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": subject },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{document:#}\n").into_bytes())
}

/// What the program is linked from, each with what it needs itself.
fn linked(metadata: &Metadata) -> Outcome<BTreeMap<PackageId, Vec<PackageId>>> {
    let resolve = metadata.resolve.as_ref();
    let resolve = resolve.ok_or_else(|| Error::Refused("cargo resolved nothing".to_owned()))?;
    let program = metadata.packages.iter().find(|package| package.name.as_str() == PROGRAM);
    let mut open: Vec<PackageId> = program.map(|package| package.id.clone()).into_iter().collect();
    let mut linked = BTreeMap::new();
    while let Some(id) = open.pop() {
        if linked.contains_key(&id) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id);
        let needs: Vec<PackageId> = node
            .into_iter()
            .flat_map(|node| &node.deps)
            .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
            .map(|dep| dep.pkg.clone())
            .collect();
        open.extend(needs.iter().cloned());
        linked.insert(id, needs);
    }
    Ok(linked)
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name.as_str(),
        "version": package.version.to_string(),
        "purl": purl(package),
        "scope": "required",
    });
    if let Some(licence) = &package.license {
        // The older form of crates has a slash for OR.
        component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    let key = (package.name.to_string(), package.version.to_string());
    if let Some(checksum) = checksums.get(&key) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// The SHA-256 of each crate's archive, by name and version, from the lock file.
fn checksums() -> Outcome<BTreeMap<(String, String), String>> {
    let path = root().join("Cargo.lock");
    let text = fs::read_to_string(&path).map_err(at("read", &path))?;
    let lock: toml::Table = toml::from_str(&text)
        .map_err(|error| Error::Refused(format!("the lock file cannot be read: {error}")))?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let checksums = packages.into_iter().flatten().filter_map(|package| {
        let key = (text(package, "name")?, text(package, "version")?);
        Some((key, text(package, "checksum")?))
    });
    Ok(checksums.collect())
}
