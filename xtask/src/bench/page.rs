//! Shows the tables: on the terminal, and as docs/performance.md.

use std::fmt::Write;

use super::contender::{OURS, Threads};
use super::measure::{Ratio, Row, Table};

/// What a reader must know before the figures.
const OPENING: &str = "\
# Performance

Seconds are those of one machine; the ratios are what to compare. Ours include writing the whole
package; the peers write to nowhere. All sides of a table are measured in one run, interleaved; each
figure is the fastest of five passes, and `spread` is (slowest - fastest) / fastest. A group with
a side that spreads more than 15 % is measured once more, whole, and the second measurement stands;
a side that is still above gets no ratio.

## Machine

";

/// One corpus and one choice of digests as a Markdown table, which also reads well on a terminal.
pub(super) fn table(table: &Table) -> String {
    let mut text = format!(
        "{} ({:.2} GiB), {}\n\n",
        table.words,
        table.bytes as f64 / f64::from(1 << 30),
        table.algorithms.name()
    );
    text.push_str("| command | threads | seconds | MiB/s | files/s | spread |");
    text.push_str(" ours, 1 thread | ours, all threads |\n|--|--|--|--|--|--|--|--|\n");
    for row in &table.rows {
        let seconds = row.fastest();
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {seconds:.3} | {:.0} | {:.0} | {:.0} % | {} | {} |",
            row.words,
            if row.threads == Threads::One { "1" } else { "all" },
            table.bytes as f64 / f64::from(1 << 20) / seconds,
            table.files as f64 / seconds,
            row.spread() * 100.0,
            ratio(table, row, Threads::One),
            ratio(table, row, Threads::All),
        );
    }
    text
}

/// How many times as fast as `peer` we are.
fn ratio(table: &Table, peer: &Row, threads: Threads) -> String {
    let Some(ours) = table.ours(threads).filter(|_| peer.program != OURS) else {
        return "-".to_owned();
    };
    match table.ratio(ours, peer) {
        Ratio::Times(times) => format!("{times:.2}x"),
        Ratio::Noisy => "noisy".to_owned(),
    }
}

/// docs/performance.md.
pub(super) fn render(
    tables: &[Table],
    machine: &[String],
    skipped: &[&str],
    quick: bool,
) -> String {
    let command = if quick { "cargo xtask bench --quick" } else { "cargo xtask bench" };
    let mut text = format!("<!-- Written by `{command}`: do not edit. -->\n\n{OPENING}");
    for line in machine {
        let _ = writeln!(text, "- {line}");
    }
    if !skipped.is_empty() {
        let _ = writeln!(text, "- not installed, so not compared with: {}", skipped.join(", "));
    }
    let mut corpus = "";
    for measured in tables {
        if measured.corpus != corpus {
            corpus = measured.corpus;
            let _ = writeln!(text, "\n## {corpus}");
        }
        let _ = write!(text, "\n{}", table(measured));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::{row, table as sample};
    use super::*;

    #[test]
    fn the_page_gives_ratios_and_refuses_noisy_ones() {
        let rows = vec![
            row(OURS, Threads::One, &[2.0, 2.0]),
            row(OURS, Threads::All, &[1.0, 1.1]),
            row("rhash", Threads::One, &[6.0, 6.1]),
            row("hashdeep", Threads::All, &[4.0, 9.0]),
        ];
        let page = render(&[sample(rows)], &["2 cores".to_owned()], &["b3sum"], true);
        assert!(page.contains("| `rhash` | 1 | 6.000 | 683 | 1 | 2 % | 3.00x | 6.00x |"), "{page}");
        assert!(page.contains("| 125 % | noisy | noisy |"), "{page}");
        assert!(page.contains("not compared with: b3sum"), "{page}");
    }
}
