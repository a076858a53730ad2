//! Shows the groups: on the terminal, and as docs/performance-sets.md.

use std::fmt::Write;

use super::group::Group;

/// What a reader must know before the figures.
const OPENING: &str = "\
# Performance of hash sets

Whole processes, as a person waits for them: starting, opening the set, reading the digests from
standard input and writing the answers are included. All sides of a table are measured in one run,
in turns; the rate is that of the fastest pass, `spread` is (slowest - fastest) / fastest, and the
ratio is our rate over the peer's. Lists are random MD5. Peers that are slower are asked for fewer
lookups; rates are compared.

";

/// One group as a Markdown table, which also reads well on a terminal.
pub(super) fn group(group: &Group) -> String {
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

/// docs/performance-sets.md.
pub(super) fn render(
    groups: &[Group],
    facts: &[String],
    machine: &[String],
    quick: bool,
) -> String {
    let command = if quick { "cargo xtask bench sets --quick" } else { "cargo xtask bench sets" };
    let mut text = format!("<!-- Written by `{command}`: do not edit. -->\n\n{OPENING}");
    for line in machine.iter().chain(facts) {
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
