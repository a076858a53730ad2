//! The particulars that a person types in: `data/case.json`. Nothing here is measured.

use serde::{Deserialize, Serialize};

/// What is known of the device behind an exhibit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceParticulars {
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub make: Option<String>,
    /// Which model it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Its serial number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub serial: Option<String>,
    /// Its capacity as printed on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capacity: Option<String>,
    /// The number of the bag's seal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seal_no: Option<String>,
    /// How writing to it was prevented.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub write_protection: Option<String>,
}

/// The particulars of a case and its exhibit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particulars {
    /// The case number.
    #[serde(default)]
    pub case: String,
    /// The exhibit number.
    #[serde(default)]
    pub exhibit: String,
    /// The examiner's name.
    #[serde(default)]
    pub examiner: String,
    /// The examiner's organisation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation: Option<String>,
    /// The warrant, order or consent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub authority: Option<String>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
    /// What the exhibit is, in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Notes of the examiner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub notes: Option<String>,
    /// The device.
    #[serde(default)]
    pub device: DeviceParticulars,
}
