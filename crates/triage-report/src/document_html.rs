//! A document as one HTML page: no script, one style sheet, readable on paper.

use std::io::{self, Write};

use crate::document::{Align, Block, Document, Table};
use crate::html::{escape, page_head};

/// Renders a document.
pub(crate) fn render(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    page_head(&document.title, out)?;
    for block in &document.blocks {
        put(block, out)?;
    }
    writeln!(out, "</main></body></html>")
}

fn put(block: &Block, out: &mut dyn Write) -> io::Result<()> {
    match block {
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", escape(text)),
        Block::Paragraph(text) => writeln!(out, "<p>{}</p>", escape(text)),
        Block::Flag(text) => writeln!(out, "<p class=\"flag\">{}</p>", escape(text)),
        Block::Answer(text) => writeln!(out, "<p class=\"answer\">{}</p>", escape(text)),
        Block::Line(text) => {
            writeln!(out, "<p class=\"sign\"><span></span>{}</p>", escape(text))
        }
        Block::Commands(lines) => writeln!(out, "<pre>{}</pre>", escape(&lines.join("\n"))),
        Block::Facts(facts) => {
            writeln!(out, "<dl>")?;
            for (label, value) in facts {
                writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(label), escape(value))?;
            }
            writeln!(out, "</dl>")
        }
        Block::Items(items) => {
            writeln!(out, "<ul>")?;
            items.iter().try_for_each(|item| writeln!(out, "<li>{}</li>", escape(item)))?;
            writeln!(out, "</ul>")
        }
        Block::Table(table) => put_table(table, out),
    }
}

fn put_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let class = |align| if align == Align::Right { " class=\"number\"" } else { "" };
    write!(out, "<table><caption>{}</caption><thead><tr>", escape(&table.caption))?;
    for column in &table.columns {
        write!(out, "<th scope=\"col\"{}>{}</th>", class(column.align), escape(column.head))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for row in &table.rows {
        write!(out, "<tr>")?;
        for (column, cell) in table.columns.iter().zip(row) {
            let cell = escape(cell).replace('\n', "<br>");
            write!(out, "<td{}><bdi>{cell}</bdi></td>", class(column.align))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table>")
}
