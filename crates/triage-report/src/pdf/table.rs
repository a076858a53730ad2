//! A table on pages: its head again on every page, a long row goes on on the next.

use super::layout::{LEFT, Layout, Mark, Set, TABLE_START, WIDTH};
use super::{BLACK, LINE, SOFT};
use crate::document::{Align, Table};

/// The longest text of a cell; a path can have thousands of characters, and a page has 2,000.
const LIMIT_CELL_CHARACTERS: usize = 600;
/// What is left free between two columns.
const GAP: f32 = 10.0;
/// The size of the cells' text.
const SIZE: f32 = 8.0;
/// A row of at most this height is kept together.
const TOGETHER: f32 = 160.0;

/// Where a column stands.
struct Place {
    x: f32,
    width: f32,
    align: Align,
    head: &'static str,
}

impl Layout<'_> {
    pub(super) fn table(&mut self, table: &Table) {
        let places = places(table);
        // Caption, heads and the first row stay together.
        self.need(TABLE_START);
        let caption = Set::new(false, 8.5, SOFT);
        for line in self.fonts.lines(caption.face, caption.size, &table.caption, WIDTH) {
            self.line(line, LEFT, 0.0, caption);
            self.y += caption.height();
        }
        self.heads(&places);
        for row in &table.rows {
            self.row(row, &places);
        }
    }

    fn heads(&mut self, places: &[Place]) {
        let set = Set::new(true, SIZE, BLACK);
        let cells: Vec<Vec<String>> = places
            .iter()
            .map(|place| self.fonts.lines(set.face, set.size, place.head, place.width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for number in 0..height {
            self.cells(&cells, number, places, set);
            self.y += set.height();
        }
        self.rule();
    }

    fn row(&mut self, row: &[String], places: &[Place]) {
        let set = Set::new(false, SIZE, BLACK);
        let cells: Vec<Vec<String>> = places
            .iter()
            .zip(row)
            .map(|(place, text)| {
                let text = shortened(text);
                text.split('\n')
                    .flat_map(|part| self.fonts.lines(set.face, set.size, part, place.width))
                    .collect()
            })
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        let height = lines as f32 * set.height() + 3.0;
        if height < TOGETHER && self.need(height) {
            self.heads(places);
        }
        for number in 0..lines {
            if self.need(set.height() + 3.0) {
                self.heads(places);
            }
            self.cells(&cells, number, places, set);
            self.y += set.height();
        }
        self.rule();
    }

    /// Puts line `number` of each cell.
    fn cells(&mut self, cells: &[Vec<String>], number: usize, places: &[Place], set: Set) {
        for (place, lines) in places.iter().zip(cells) {
            let Some(text) = lines.get(number) else { continue };
            let x = match place.align {
                Align::Left => place.x,
                Align::Right => place.x + place.width - self.fonts.width(set.face, set.size, text),
            };
            self.line(text.clone(), x, 0.0, set);
        }
    }

    fn rule(&mut self) {
        self.y += 1.5;
        self.put(Mark::Rule { x: LEFT, y: self.y, width: WIDTH, ink: LINE });
        self.y += 1.5;
    }
}

fn places(table: &Table) -> Vec<Place> {
    let shares: f32 = table.columns.iter().map(|column| f32::from(column.share)).sum();
    let gaps = GAP * table.columns.len().saturating_sub(1) as f32;
    let mut x = LEFT;
    table
        .columns
        .iter()
        .map(|column| {
            let width = (WIDTH - gaps) * f32::from(column.share) / shares.max(1.0);
            let place = Place { x, width, align: column.align, head: column.head };
            x += width + GAP;
            place
        })
        .collect()
}

/// Cuts a text that would fill pages, and says so.
fn shortened(text: &str) -> String {
    let length = text.chars().count();
    if length <= LIMIT_CELL_CHARACTERS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LIMIT_CELL_CHARACTERS).collect();
    let more = length - LIMIT_CELL_CHARACTERS;
    format!("{kept} [cut here: {more} more characters stand in the manifest]")
}
