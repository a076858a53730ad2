//! `bag-info.txt` of a package (RFC 8493, 2.2.2): who, which exhibit, when, how much.

use crate::Particulars;

/// Renders it for a package that was first sealed at `time` and whose payload is of that size.
pub(crate) fn render_bag_info(particulars: &Particulars, time: &str, oxum: &str) -> String {
    let identifier = format!("{} {}", particulars.case, particulars.exhibit);
    let mut text = String::new();
    for (label, value) in [
        ("Source-Organization", particulars.organisation.as_deref().unwrap_or("")),
        ("Contact-Name", &particulars.examiner),
        ("External-Identifier", &identifier),
        ("Bagging-Date", time.get(..10).unwrap_or("")),
        ("Payload-Oxum", oxum),
        ("Bag-Software-Agent", concat!("triage ", env!("CARGO_PKG_VERSION"))),
    ] {
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !value.trim().is_empty() {
            text.push_str(&format!("{label}: {}\n", value.trim()));
        }
    }
    text
}
