//! What the delimited formats with an exact header of their own share: columns found by name.
//!
//! Their columns are found by name all the same, not by place: variants with a column less are in
//! circulation (NSRL without CRC32).

use triage_hash::Algorithm;

use super::columns::{Field, field_of_header};
use super::delimited::Layout;
use super::quoted::{Fields, Split, split};

/// Returns the layout that a header line gives. `digest` names the column of digests where its
/// name does not tell the algorithm.
pub(super) fn layout(
    header: &[u8],
    delimiter: u8,
    digest: Option<(&str, Algorithm)>,
) -> Option<Layout> {
    let mut fields = Fields::default();
    if split(header, delimiter, &mut fields) != Split::Done {
        return None;
    }
    let mut columns: Vec<(Field, usize)> = Vec::new();
    for place in 0..fields.len() {
        let name = fields.get(place)?;
        let special = digest.filter(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        let field = match special {
            Some((_, algorithm)) => Some(Field::Digest(algorithm)),
            None => field_of_header(name),
        };
        if let Some(field) = field.filter(|f| columns.iter().all(|(known, _)| known != f)) {
            columns.push((field, place));
        }
    }
    let any = columns.iter().any(|(field, _)| matches!(field, Field::Digest(_)));
    any.then_some(Layout { delimiter, columns, has_header: true, comments: false })
}
