//! Sums for the pictures: by type, by size, by month.

use std::collections::BTreeMap;

use triage_case::Record;
use triage_evidence::{Kind, Time};

/// How many different endings are counted; further ones go together.
const LIMIT_ENDINGS: usize = 4096;
/// The longest ending of a name that is taken for a type.
const LIMIT_ENDING_BYTES: usize = 8;

/// Entries and bytes of one bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// Sums over the regular files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) by_ending: BTreeMap<String, Bar>,
    pub(crate) by_size: BTreeMap<u8, Bar>,
    pub(crate) by_month: BTreeMap<String, Bar>,
}

/// The classes of size, with their upper bounds in bytes.
pub(crate) const SIZES: [(&str, u64); 8] = [
    ("empty", 0),
    ("to 4 KiB", 4 << 10),
    ("to 64 KiB", 64 << 10),
    ("to 1 MiB", 1 << 20),
    ("to 16 MiB", 16 << 20),
    ("to 256 MiB", 256 << 20),
    ("to 4 GiB", 4 << 30),
    ("larger", u64::MAX),
];

impl Tallies {
    /// Adds a record if it is a regular file.
    pub(crate) fn add(&mut self, record: &Record) {
        let (Kind::File, Some(bytes)) = (record.entry.kind, record.entry.size_bytes) else {
            return;
        };
        let put = |bar: &mut Bar| {
            bar.entries += 1;
            bar.bytes = bar.bytes.saturating_add(bytes);
        };
        let mut ending = ending(record.entry.location.name());
        if self.by_ending.len() >= LIMIT_ENDINGS && !self.by_ending.contains_key(&ending) {
            "other".clone_into(&mut ending);
        }
        put(self.by_ending.entry(ending).or_default());
        let class = SIZES.iter().position(|(_, most)| bytes <= *most).unwrap_or(SIZES.len() - 1);
        put(self.by_size.entry(u8::try_from(class).unwrap_or(u8::MAX)).or_default());
        if let Some(time) = record.entry.times.modified {
            put(self.by_month.entry(month(time)).or_default());
        }
    }

    /// Returns the greatest endings by bytes, and the rest together.
    pub(crate) fn greatest_endings(&self, count: usize) -> Vec<(String, Bar)> {
        let mut all: Vec<_> =
            self.by_ending.iter().map(|(name, bar)| (name.clone(), *bar)).collect();
        all.sort_by(|(a, x), (b, y)| y.bytes.cmp(&x.bytes).then(a.cmp(b)));
        let rest = all.split_off(all.len().min(count));
        if !rest.is_empty() {
            let sum = rest.iter().fold(Bar::default(), |sum, (_, bar)| Bar {
                entries: sum.entries + bar.entries,
                bytes: sum.bytes.saturating_add(bar.bytes),
            });
            all.push((format!("{} other endings", rest.len()), sum));
        }
        all
    }
}

/// Returns the ending of a name if it looks like a type: short, letters and digits.
fn ending(name: &[u8]) -> String {
    let place = name.iter().rposition(|&byte| byte == b'.').filter(|&place| place > 0);
    let ending = place.and_then(|place| name.get(place + 1..)).unwrap_or_default();
    let is_type = !ending.is_empty()
        && ending.len() <= LIMIT_ENDING_BYTES
        && ending.iter().all(u8::is_ascii_alphanumeric);
    if is_type {
        String::from_utf8_lossy(ending).to_ascii_lowercase()
    } else {
        "no ending".to_owned()
    }
}

/// Returns year and month of a time, such as `2026-11`.
fn month(time: Time) -> String {
    time.to_string().get(..7).filter(|text| !text.starts_with('@')).unwrap_or("no date").to_owned()
}
