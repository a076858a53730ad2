//! The header sections: what the person who made the image typed in. Metz, "EWF", sections 3.2, 3.3.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use triage_evidence::Time;

/// The most text that is read of a header: notes have some lines.
const LIMIT_BYTES: u64 = 1024 * 1024;
/// The codes of the values and the names that the record gives them.
const NAMES: [(&str, &str); 14] = [
    ("a", "ewf_description"),
    ("c", "ewf_case_number"),
    ("n", "ewf_evidence_number"),
    ("e", "ewf_examiner"),
    ("t", "ewf_notes"),
    ("av", "ewf_software_version"),
    ("ov", "ewf_operating_system"),
    ("m", "ewf_acquired"),
    ("u", "ewf_system_date"),
    ("md", "ewf_model"),
    ("sn", "ewf_serial"),
    ("l", "ewf_label"),
    ("r", "ewf_compression"),
    ("pid", "ewf_process"),
];

/// The codes of times, which newer writers give in seconds since 1970.
const TIMES: &[&str] = &["m", "u"];

/// Reads a deflated header, and says whether it is whole: one that breaks off tells what it has.
pub(super) fn parse(bytes: &[u8]) -> (BTreeMap<String, String>, bool) {
    let mut text = Vec::new();
    let read = ZlibDecoder::new(bytes).take(LIMIT_BYTES).read_to_end(&mut text);
    (values(&decode(&text)), read.is_ok())
}

/// The second header is UTF-16 with a mark of its order, the first ASCII or a code page.
fn decode(bytes: &[u8]) -> String {
    let order: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return bytes.iter().copied().map(char::from).collect(),
    };
    let units = bytes.chunks_exact(2).skip(1).filter_map(|two| two.try_into().ok()).map(order);
    let units = char::decode_utf16(units);
    units.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The lines are: a number, `main`, the codes with tabs between them, the values likewise.
fn values(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.lines().skip_while(|line| *line != "main").skip(1);
    let (Some(codes), Some(values)) = (lines.next(), lines.next()) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (code, value) in codes.split('\t').zip(values.split('\t')) {
        let name = NAMES.iter().find(|row| row.0 == code);
        if let Some((_, name)) = name.filter(|_| !value.trim().is_empty()) {
            let value = triage_evidence::escape(value.trim().as_bytes());
            let value = if TIMES.contains(&code) { moment(&value) } else { value };
            found.insert((*name).to_owned(), value);
        }
    }
    found
}

/// Writes seconds since 1970 as a date; what is none stays as it is.
fn moment(value: &str) -> String {
    let seconds = value.parse::<u32>().ok().filter(|_| value.len() > 8);
    let time = seconds.map(|seconds| Time { seconds: i64::from(seconds), nanoseconds: 0 });
    time.map_or_else(|| value.to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_are_read() {
        let text = "1\r\nmain\r\nc\tn\ta\te\tt\r\nCase 7\tAB/1\t\tA. Examiner\tx\u{1b}\r\n\r\n";
        let found = values(&decode(text.as_bytes()));
        assert_eq!(found["ewf_case_number"], "Case 7");
        assert_eq!(found["ewf_notes"], "x\\x1b");
        assert!(!found.contains_key("ewf_description"));
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(values(&decode(&wide)), found);
    }

    #[test]
    fn seconds_are_shown_as_a_date_and_words_stay() {
        let of = |text: &str| values(&format!("1\nmain\nm\tr\n{text}\t1795651677\n"));
        let found = of("1795651677");
        assert_eq!(found["ewf_acquired"], "2026-11-26T00:07:57.000000000Z");
        assert_eq!(found["ewf_compression"], "1795651677");
        assert_eq!(of("2002 3 4 10 19 59")["ewf_acquired"], "2002 3 4 10 19 59");
    }
}
