//! A line of the manifest without the names in it, for a copy that is shown to others.
//!
//! Works on the bytes of canonical JSON and does not read them as JSON: it is on the path of every
//! entry of a scan. What is left stays canonical.

use memchr::memchr2;

/// The keys whose values hold names from the evidence: paths, targets of links, labels of volumes.
pub const NAMES: [&str; 5] = ["facts", "path", "path_hex", "target", "target_hex"];

/// Returns a canonical object without the keys of [`NAMES`] on its first level. Bytes that are no
/// object come back as they are.
#[must_use]
pub fn without_names(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    write_without_names(line, &mut out);
    out
}

/// Appends what [`without_names`] returns.
pub(crate) fn write_without_names(line: &[u8], out: &mut Vec<u8>) {
    if !line.starts_with(b"{") {
        return out.extend_from_slice(line);
    }
    out.push(b'{');
    // Members that stay are copied together with those beside them.
    let (mut kept, mut place, mut is_first) = (1, 1, true);
    while line.get(place) == Some(&b'"') {
        let end = place + member_end(&line[place..]);
        let behind = end + usize::from(line.get(end) == Some(&b','));
        if is_named(&line[place..end]) {
            put(&line[kept..place], &mut is_first, out);
            kept = behind;
        }
        place = behind;
    }
    put(&line[kept..place], &mut is_first, out);
    out.extend_from_slice(&line[place..]);
}

/// Appends members, of which each may have its comma behind it, behind those before.
fn put(members: &[u8], is_first: &mut bool, out: &mut Vec<u8>) {
    let members = members.strip_suffix(b",").unwrap_or(members);
    if members.is_empty() {
        return;
    }
    if !std::mem::take(is_first) {
        out.push(b',');
    }
    out.extend_from_slice(members);
}

/// Says whether a member has one of the [`NAMES`] as its key.
fn is_named(member: &[u8]) -> bool {
    // Most keys begin otherwise, and this is asked of every member of every line.
    matches!(member.get(1), Some(b'f' | b'p' | b't'))
        && NAMES.iter().any(|name| {
            let key = member.get(1..).and_then(|key| key.strip_prefix(name.as_bytes()));
            key.is_some_and(|after| after.starts_with(b"\":"))
        })
}

/// Returns where the first member ends: at a comma or bracket outside of its strings and values.
fn member_end(bytes: &[u8]) -> usize {
    let mut depth = 0_u32;
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => place += string_end(&bytes[place + 1..]),
            b'{' | b'[' => depth = depth.saturating_add(1),
            b',' | b'}' | b']' if depth == 0 => return place,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        place += 1;
    }
    bytes.len()
}

/// Returns how many bytes of a string are left, its last quote included; most of a line is inside
/// of strings.
fn string_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if bytes[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_begins_with_a_letter_that_is_looked_for() {
        for name in NAMES {
            assert!(is_named(format!("\"{name}\":1").as_bytes()), "{name}");
            assert!(!is_named(format!("\"{name}s\":1").as_bytes()), "{name}s");
        }
    }

    #[test]
    fn names_go_and_everything_else_stays_canonical() {
        let redacted = |text: &str| String::from_utf8(without_names(text.as_bytes())).unwrap();
        let line = r#"{"error":{"path":"x","text":"a,}\"path\":"},"facts":{"l":"n"},"path":"\\\"},{","path_hex":"00","paths":[1,{"path":"k"}],"seq":5,"target":"t"}"#;
        assert_eq!(
            redacted(line),
            r#"{"error":{"path":"x","text":"a,}\"path\":"},"paths":[1,{"path":"k"}],"seq":5}"#
        );
        assert_eq!(redacted(r#"{"path":"a"}"#), "{}");
        for other in ["", "{", "{}", "[1]", "{\"path\":", "{\"", "}{", "{\"a\":]]]", "\u{0}"] {
            let once = redacted(other);
            assert_eq!(redacted(&once), once, "{other:?}");
        }
    }
}
