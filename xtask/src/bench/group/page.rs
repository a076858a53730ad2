//! Shows the groups: on the terminal, and as a page of docs.

use std::fmt::Write;

use super::Group;

/// What a page has beside its groups.
pub(in crate::bench) struct Page<'a> {
    /// The command that writes it.
    pub(in crate::bench) command: &'a str,
    /// Title and what a reader must know before the figures, in Markdown.
    pub(in crate::bench) opening: &'a str,
    /// The machine, a fact a line.
    pub(in crate::bench) machine: &'a [String],
    /// What is no group, a fact a line.
    pub(in crate::bench) facts: &'a [String],
}

/// One group as a Markdown table, which also reads well on a terminal.
pub(in crate::bench) fn group(group: &Group) -> String {
    let mut text = format!("{}\n\n", group.words);
    let _ =
        writeln!(text, "| command | fastest, s | median, s | spread | {}/s | ratio |", group.unit);
    text.push_str("|--|--|--|--|--|--|\n");
    for (place, side) in group.sides.iter().enumerate() {
        let ratio = group.ratio(side.program).filter(|_| place > 0);
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {:.3} | {:.3} | {:.0} % | {:.0} | {} |",
            side.words(),
            side.fastest(),
            side.median(),
            side.spread() * 100.0,
            group.rate(side),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x")),
        );
    }
    text
}

/// The page.
pub(in crate::bench) fn render(page: &Page<'_>, groups: &[Group]) -> String {
    let Page { command, opening, machine, facts } = page;
    let mut text = format!("<!-- Written by `{command}`: do not edit. -->\n\n{opening}\n");
    for line in machine.iter().chain(*facts) {
        let _ = writeln!(text, "- {line}");
    }
    let mut name = "";
    for measured in groups {
        if measured.name != name {
            name = measured.name;
            let _ = writeln!(text, "\n## {name}");
        }
        let _ = write!(text, "\n{}", group(measured));
    }
    text
}
