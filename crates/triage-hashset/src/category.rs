//! The category of a listed file: a number or label, which means something in its scheme only.
//!
//! Tools disagree on what the same number means, so that the scheme always goes with it. Labels
//! that could not be confirmed in a public source are left out rather than guessed.

use serde::{Deserialize, Serialize};

/// What a set says of one file, in the words of a named scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Category {
    /// The scheme that gives the number its meaning, such as `vics-us`.
    pub scheme: String,
    /// The number, if the set gives one. 0 is a real value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<i32>,
    /// The label: that of the set, else that of the scheme, else none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
}

/// The labels of the VICS scheme of the United States, as published in the source of Autopsy.
const VICS_US: &[(i32, &str)] = &[
    (0, "Non-Pertinent"),
    (1, "Child Abuse Material (CAM)"),
    (2, "Child Exploitive (Non-CAM)/Age Difficult"),
    (3, "CGI/Animation Child Exploitive"),
    (4, "Comparison Images"),
];

/// The schemes whose labels are known.
const SCHEMES: &[(&str, &[(i32, &str)])] = &[("vics-us", VICS_US)];

/// Longest region name taken from a VICS file, in bytes; those seen have at most seven.
const MAX_REGION: usize = 32;

/// Returns the label that `scheme` gives to `number`, if it is known.
pub(crate) fn label(scheme: &str, number: i32) -> Option<&'static str> {
    let (_, labels) = SCHEMES.iter().find(|(name, _)| *name == scheme)?;
    labels.iter().find(|(n, _)| *n == number).map(|(_, label)| *label)
}

/// Returns the scheme that the context address of a VICS file names: `vics-` and its region, or
/// `vics` alone where the model has no regions (1.x) or the region is no plain word.
pub(crate) fn scheme_of_vics_context(address: &str) -> String {
    let region = address
        .split_once(".xml/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(region, _)| region.to_ascii_lowercase())
        .filter(|region| !region.is_empty() && region.len() <= MAX_REGION)
        .filter(|region| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    region.map_or_else(|| "vics".to_owned(), |region| format!("vics-{region}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_a_vics_context_names_the_scheme() {
        let base = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml";
        let us = scheme_of_vics_context(&format!("{base}/US/$metadata#Media"));
        assert_eq!(us, "vics-us");
        assert_eq!(label(&us, 4), Some("Comparison Images"));
        assert_eq!(scheme_of_vics_context(&format!("{base}/U S/$metadata#Media")), "vics");
        let old = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media";
        assert_eq!(scheme_of_vics_context(old), "vics");
    }

    #[test]
    fn a_label_is_never_guessed() {
        assert_eq!(label("vics-us", 5), None);
        assert_eq!(label("vics-uk", 1), None);
    }
}
