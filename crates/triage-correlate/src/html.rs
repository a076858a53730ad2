//! The page of a correlation: answer, matrix of exhibits, rare shared files. Digests, no content.

use std::io::{self, Write};

use triage_report::{escape_html as escape, page_head};

use crate::{Listed, Matrix, Shared};

/// How many exhibits the picture shows; more would not be legible.
const LIMIT_PICTURE: usize = 40;
/// How many pairs are listed.
const LIMIT_PAIRS: usize = 100;
/// The side of a cell of the picture, in its own units.
const CELL: usize = 22;
/// Room for the names of the exhibits.
const MARGIN: usize = 190;

/// One exhibit as the page shows it.
#[derive(Clone, Debug, Default)]
pub struct ExhibitRow {
    /// What it is called, in display form.
    pub label: String,
    /// Whose it is, in display form.
    pub owner: String,
    /// When it was examined, in words.
    pub examined: String,
    /// How many files take part.
    pub files: u64,
    /// How many files a known-good set lists.
    pub known_good: u64,
    /// How many entries were not examined in full.
    pub gaps: u64,
}

/// A file as the page shows it.
#[derive(Clone, Debug, Default)]
pub struct SharedRow {
    /// The file.
    pub shared: Shared,
    /// Where it was found, by exhibit, in display form, if names were asked for.
    pub names: Vec<String>,
}

/// What the page says.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The answer in one sentence.
    pub answer: &'a str,
    /// What a reader must know, a sentence each.
    pub notes: &'a [String],
    /// The exhibits by their numbers.
    pub exhibits: &'a [ExhibitRow],
    /// What each two share, unless there are too many exhibits.
    pub matrix: Option<&'a Matrix>,
    /// The rare shared files that are listed.
    pub rows: &'a [SharedRow],
}

impl Page<'_> {
    /// Renders the page.
    ///
    /// # Errors
    /// The error of `out`.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        page_head("The same files on several exhibits", out)?;
        writeln!(out, "<p id=\"answer\" class=\"answer\">{}</p>", escape(self.answer))?;
        for note in self.notes {
            writeln!(out, "<p>{}</p>", escape(note))?;
        }
        self.exhibits(out)?;
        if let Some(matrix) = self.matrix {
            self.picture(matrix, out)?;
            self.pairs(matrix, out)?;
        }
        self.rows(out)?;
        writeln!(out, "</main></body></html>")
    }

    fn label(&self, exhibit: u32) -> &str {
        let place = usize::try_from(exhibit).unwrap_or(usize::MAX);
        self.exhibits.get(place).map_or("?", |row| row.label.as_str())
    }

    fn exhibits(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section><h2>Exhibits</h2><table><thead><tr><th scope=\"col\">Exhibit</th>\
             <th scope=\"col\">Owner</th><th scope=\"col\">Examined</th>\
             <th scope=\"col\" class=\"number\">Files compared</th>\
             <th scope=\"col\" class=\"number\">Known good, left out</th>\
             <th scope=\"col\" class=\"number\">Not examined in full</th></tr></thead><tbody>"
        )?;
        for row in self.exhibits {
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
                 <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                escape(&row.label),
                escape(&row.owner),
                escape(&row.examined),
                row.files,
                row.known_good,
                row.gaps
            )?;
        }
        writeln!(out, "</tbody></table></section>")
    }

    fn picture(&self, matrix: &Matrix, out: &mut dyn Write) -> io::Result<()> {
        let mut shown = matrix.busiest(LIMIT_PICTURE);
        shown.sort_unstable();
        if shown.is_empty() {
            return Ok(());
        }
        let most = matrix.pairs().first().map_or(1, |(_, _, count)| (*count).max(1));
        let side = shown.len() * CELL;
        let (width, height) = (MARGIN + side + 4, side + 28);
        let title = "Rare files that two exhibits share";
        writeln!(
            out,
            "<section><h2>What each two share</h2><figure><figcaption>{title}; darker means more. \
             Columns are in the order of the rows.</figcaption><svg role=\"img\" \
             viewBox=\"0 0 {width} {height}\" width=\"100%\" aria-label=\"{title}\">\
             <title>{title}</title>"
        )?;
        for (row, &a) in shown.iter().enumerate() {
            let y = row * CELL + 24;
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} ({})</text>\
                 <text x=\"{}\" y=\"16\" text-anchor=\"middle\">{}</text>",
                MARGIN - 6,
                y + 15,
                escape(&shortened(self.label(a))),
                row + 1,
                MARGIN + row * CELL + CELL / 2,
                row + 1
            )?;
            for (column, &b) in shown.iter().enumerate() {
                let count = matrix.count(a, b);
                let x = MARGIN + column * CELL;
                let (class, shade) = match (a == b, count) {
                    (true, _) => ("none", 40),
                    (false, 0) => ("rest", 100),
                    // A square root, so that few still show beside many.
                    (false, count) => {
                        let share = f64::from(count) / f64::from(most);
                        ("gap", 15 + percent(share.sqrt() * 85.0))
                    }
                };
                let (from, to) = (escape(self.label(a)), escape(self.label(b)));
                writeln!(
                    out,
                    "<rect class=\"{class}\" opacity=\"{}.{:02}\" x=\"{x}\" y=\"{y}\" \
                     width=\"{size}\" height=\"{size}\"><title>{from} and {to}: {count}</title>\
                     </rect>",
                    shade / 100,
                    shade % 100,
                    size = CELL - 2
                )?;
            }
        }
        writeln!(out, "</svg></figure>")
    }

    fn pairs(&self, matrix: &Matrix, out: &mut dyn Write) -> io::Result<()> {
        let pairs = matrix.pairs();
        if pairs.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<table><caption>{} of {} pairs with rare files in common</caption><thead><tr>\
             <th scope=\"col\">Exhibit</th><th scope=\"col\">Exhibit</th>\
             <th scope=\"col\" class=\"number\">Rare files</th></tr></thead><tbody>",
            pairs.len().min(LIMIT_PAIRS),
            pairs.len()
        )?;
        for (a, b, count) in pairs.into_iter().take(LIMIT_PAIRS) {
            writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{count}</td></tr>",
                escape(self.label(a)),
                escape(self.label(b))
            )?;
        }
        writeln!(out, "</tbody></table></section>")
    }

    fn rows(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<section><h2>Rare files on several exhibits</h2><table><caption>The first {} of them, \
             fewest owners first. What the content is, is for a person to confirm.</caption>\
             <thead><tr><th scope=\"col\">Digest</th><th scope=\"col\" class=\"number\">Size</th>\
             <th scope=\"col\">On</th><th scope=\"col\">Listed</th></tr></thead><tbody>",
            self.rows.len()
        )?;
        for row in self.rows {
            let shared = &row.shared;
            let hex: String = triage_evidence::hex(&shared.digest);
            let on = shared.on.iter().enumerate().map(|(place, on)| {
                let label = escape(self.label(on.exhibit));
                let name = row.names.get(place).filter(|name| !name.is_empty());
                let name = name.map(|name| format!(": <bdi class=\"path\">{}</bdi>", escape(name)));
                format!("<div>{label} ({}){}</div>", on.copies, name.unwrap_or_default())
            });
            let listed = match shared.listed {
                Listed { alert: true, .. } => "<span class=\"flag\">alert</span>",
                Listed { probable_alert: true, .. } => {
                    "<span class=\"flag\">PROBABLE alert: a bloom filter may be wrong</span>"
                }
                Listed { informational: true, .. } => "informational",
                Listed { probable_informational: true, .. } => "probably informational",
                _ => "",
            };
            let size = match shared.size_bytes {
                0 => String::new(),
                size => size.to_string(),
            };
            writeln!(
                out,
                "<tr><td class=\"digest\">{hex}</td><td class=\"number\">{size}</td>\
                 <td>{}</td><td>{listed}</td></tr>",
                on.collect::<String>()
            )?;
        }
        writeln!(out, "</tbody></table></section>")
    }
}

/// A share of a hundred as a whole number.
fn percent(share: f64) -> u32 {
    (0..=85_u32).rev().find(|whole| f64::from(*whole) <= share).unwrap_or(0)
}

/// Cuts a label that would leave the picture.
fn shortened(label: &str) -> String {
    const MOST: usize = 22;
    if label.chars().count() <= MOST {
        return label.to_owned();
    }
    label.chars().take(MOST - 1).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SharedOn;

    #[test]
    fn a_page_shows_every_exhibit_pair_and_file_and_escapes_them() {
        let on = [0, 1].map(|exhibit| SharedOn { exhibit, copies: 2, modified: None });
        let shared = Shared { digest: vec![0xab; 4], on: on.to_vec(), ..Shared::default() };
        let mut matrix = Matrix::new(2).unwrap();
        matrix.add(&shared);
        let exhibits = ["<A>/1", "B"]
            .map(|label| ExhibitRow { label: label.to_owned(), ..ExhibitRow::default() });
        let names = vec!["<b>x".to_owned(), String::new()];
        let page = Page {
            answer: "1 file",
            notes: &[],
            exhibits: &exhibits,
            matrix: Some(&matrix),
            rows: &[SharedRow { shared, names }],
        };
        let mut out = Vec::new();
        page.render(&mut out).unwrap();
        let html = String::from_utf8(out).unwrap();
        assert!(html.contains("&lt;A&gt;/1 and B: 1") && html.contains("abababab"));
        assert!(html.contains("&lt;b&gt;x") && !html.contains("<A>") && !html.contains("<b>x"));
        assert_eq!(html.matches("<rect").count(), 4);
    }
}
