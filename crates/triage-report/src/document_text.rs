//! A document as plain text, 78 columns wide: to be pasted into a form of one's own.

use std::io::{self, Write};

use crate::document::{Block, Document};

/// The width of a line.
const COLUMNS: usize = 78;

/// Renders a document.
pub(crate) fn render(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let rule = "=".repeat(document.title.chars().count().min(COLUMNS));
    writeln!(out, "{}\n{rule}\n", document.title)?;
    for block in &document.blocks {
        match block {
            Block::Heading(text) => {
                writeln!(out, "{text}\n{}", "-".repeat(text.chars().count().min(COLUMNS)))?;
            }
            Block::Paragraph(text) | Block::Flag(text) | Block::Answer(text) => {
                wrapped("", text, out)?;
            }
            Block::Line(text) => writeln!(out, "\n____________________________________\n{text}")?,
            Block::Commands(lines) => {
                lines.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
            }
            Block::Facts(facts) => {
                for (label, value) in facts {
                    wrapped("  ", &format!("{label}: {value}"), out)?;
                }
            }
            Block::Items(items) => items.iter().try_for_each(|item| wrapped("- ", item, out))?,
            Block::Table(table) => {
                wrapped("", &table.caption, out)?;
                for row in &table.rows {
                    wrapped("  ", &row.join(" | ").replace('\n', "; "), out)?;
                }
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes a paragraph whose first line begins with `mark` and whose other lines are indented.
fn wrapped(mark: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut line = mark.to_owned();
    let mut length = mark.len();
    let mut is_empty = true;
    for word in text.split(' ') {
        let size = word.chars().count();
        if !is_empty && length + 1 + size > COLUMNS {
            writeln!(out, "{line}")?;
            line = " ".repeat(mark.len());
            length = mark.len();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += size;
        is_empty = false;
    }
    writeln!(out, "{line}")
}
