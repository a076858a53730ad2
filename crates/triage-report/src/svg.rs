//! Pictures as inline SVG, each with its numbers as text beside it.

use crate::html::escape;

/// One bar of a chart.
pub(crate) struct Row {
    /// What it stands for, in display form.
    pub(crate) label: String,
    /// Its length.
    pub(crate) value: u64,
    /// The number as text.
    pub(crate) shown: String,
}

/// Draws horizontal bars with a title, labels and numbers. Nothing for no rows.
pub(crate) fn bars(title: &str, rows: &[Row]) -> String {
    const HEIGHT: usize = 22;
    let most = rows.iter().map(|row| row.value).max().unwrap_or(0).max(1);
    if rows.is_empty() {
        return format!("<figure><figcaption>{}</figcaption><p>None.</p></figure>", escape(title));
    }
    let height = rows.len() * HEIGHT + 4;
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption><svg role=\"img\" viewBox=\"0 0 640 {height}\" \
         width=\"100%\" aria-label=\"{title}\"><title>{title}</title>",
        title = escape(title)
    );
    for (place, row) in rows.iter().enumerate() {
        let y = place * HEIGHT;
        let width = (u128::from(row.value) * 170 / u128::from(most)).max(u128::from(row.value > 0));
        svg.push_str(&format!(
            "<text x=\"330\" y=\"{text}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"bar\" x=\"338\" y=\"{bar}\" width=\"{width}\" height=\"14\"/>\
             <text x=\"{after}\" y=\"{text}\">{shown}</text>",
            text = y + 15,
            bar = y + 4,
            after = 344 + width,
            label = escape(&shortened(&row.label)),
            shown = escape(&row.shown),
        ));
    }
    svg.push_str("</svg></figure>");
    svg
}

/// Draws one bar of parts that together are everything; a part that is there is never invisible.
pub(crate) fn parts(title: &str, rows: &[(Row, &str)]) -> String {
    let all: u128 = rows.iter().map(|(row, _)| u128::from(row.value)).sum();
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption><svg role=\"img\" viewBox=\"0 0 640 30\" \
         width=\"100%\" aria-label=\"{title}\"><title>{title}</title>\
         <rect class=\"rest\" x=\"0\" y=\"2\" width=\"640\" height=\"26\"/>",
        title = escape(title)
    );
    let mut x = 0;
    for (row, class) in rows.iter().filter(|(row, _)| row.value > 0) {
        let width = (u128::from(row.value) * 640 / all.max(1)).max(6);
        svg.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"2\" width=\"{width}\" height=\"26\">\
             <title>{}: {}</title></rect>",
            escape(&row.label),
            escape(&row.shown)
        ));
        x += width;
    }
    svg.push_str("</svg><ul class=\"legend\">");
    for (row, class) in rows.iter().filter(|(row, _)| row.value > 0) {
        svg.push_str(&format!(
            "<li><svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{class}\" \
             width=\"10\" height=\"10\"/></svg> {}: {}</li>",
            escape(&row.label),
            escape(&row.shown)
        ));
    }
    svg.push_str("</ul></figure>");
    svg
}

/// Cuts a label that would leave the picture. A letter of DejaVu Sans, the widest of the usual
/// fonts, is 7.7 units wide in the mean; those of East Asia are twice as wide as others.
fn shortened(label: &str) -> String {
    const MOST: usize = 40;
    let width = |letter: char| if letter < '\u{1100}' { 1 } else { 2 };
    if label.chars().map(width).sum::<usize>() <= MOST {
        return label.to_owned();
    }
    let mut room = MOST - 1;
    let fits = |letter: &char| {
        let left = room.checked_sub(width(*letter));
        room = left.unwrap_or(0);
        left.is_some()
    };
    label.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_too_wide_is_cut_and_says_so() {
        assert_eq!(shortened(&"a".repeat(40)), "a".repeat(40));
        assert_eq!(shortened(&"a".repeat(41)), "a".repeat(39) + "…");
        assert_eq!(shortened(&"漢".repeat(20)), "漢".repeat(20));
        assert_eq!(shortened(&"漢".repeat(21)), "漢".repeat(19) + "…");
    }
}
