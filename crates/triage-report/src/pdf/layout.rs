//! Blocks of a document on pages: margins, lines, headers and footers.

use super::font::{Face, Fonts};
use super::{A4, ALERT, BLACK, Ink, LINE, PANEL, SOFT, face};
use crate::document::{Block, Document};

/// The margins in points: 20 mm.
pub(super) const LEFT: f32 = 56.7;
const TOP: f32 = 70.0;
const BOTTOM: f32 = 62.0;
/// The width of the text.
pub(super) const WIDTH: f32 = A4.0 - 2.0 * LEFT;
/// The size of text.
const BODY: f32 = 10.0;
/// The height of a line in its size.
pub(super) const LEADING: f32 = 1.35;
/// The width of the labels of facts.
const LABELS: f32 = 128.0;

/// Facts of at most this height are kept together.
const TOGETHER: f32 = 220.0;
/// Caption, heads and the first row of a table.
pub(super) const TABLE_START: f32 = 96.0;
/// How the value of a fact is set.
const VALUE: Set = Set::new(false, BODY - 0.5, BLACK);

/// A mark on a page; places are in points from the upper left corner.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// A line of text; `y` is its base line.
    Text { x: f32, y: f32, face: Face, size: f32, ink: Ink, text: String },
    /// A thin line across.
    Rule { x: f32, y: f32, width: f32, ink: Ink },
    /// A filled rectangle.
    Panel { x: f32, y: f32, width: f32, height: f32, ink: Ink },
}

/// What is on one page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// In the order of drawing.
    pub(super) marks: Vec<Mark>,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Set {
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) ink: Ink,
}

impl Set {
    pub(super) const fn new(bold: bool, size: f32, ink: Ink) -> Self {
        Self { face: face(bold), size, ink }
    }

    pub(super) const fn height(self) -> f32 {
        self.size * LEADING
    }
}

/// Pages that are being filled.
pub(super) struct Layout<'a> {
    pub(super) fonts: &'a Fonts,
    pages: Vec<Page>,
    /// Where the next line begins.
    pub(super) y: f32,
}

impl<'a> Layout<'a> {
    /// Lays a document out.
    pub(super) fn of(document: &Document, fonts: &'a Fonts) -> Vec<Page> {
        let mut layout = Self { fonts, pages: vec![Page::default()], y: TOP };
        layout.text(&document.title, Set::new(true, 16.0, BLACK));
        layout.y += 4.0;
        for (place, block) in document.blocks.iter().enumerate() {
            // A heading stays with what it is the heading of.
            if let (Block::Heading(_), Some(next)) = (block, document.blocks.get(place + 1)) {
                layout.need(36.0 + layout.together(next));
            }
            layout.block(block);
        }
        layout.running(&document.running);
        layout.pages
    }

    /// Returns the height of a block's part that must not be torn.
    fn together(&self, block: &Block) -> f32 {
        match block {
            Block::Facts(facts) => {
                let height = facts.iter().map(|fact| self.fact_height(&fact.1)).sum();
                if height < TOGETHER { height } else { 24.0 }
            }
            Block::Table(_) => TABLE_START,
            _ => 24.0,
        }
    }

    fn fact_height(&self, text: &str) -> f32 {
        let lines = self.fonts.lines(VALUE.face, VALUE.size, text, WIDTH - LABELS);
        lines.len().max(1) as f32 * VALUE.height()
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                self.y += 8.0;
                self.need(60.0);
                self.text(text, Set::new(true, 12.0, BLACK));
                self.put(Mark::Rule { x: LEFT, y: self.y, width: WIDTH, ink: LINE });
                self.y += 5.0;
            }
            Block::Paragraph(text) => self.text(text, Set::new(false, BODY, BLACK)),
            Block::Flag(text) => self.text(text, Set::new(true, BODY, ALERT)),
            Block::Answer(text) => self.answer(text),
            Block::Facts(facts) => self.facts(facts),
            Block::Items(items) => items.iter().for_each(|item| self.item(item)),
            Block::Commands(lines) => self.commands(lines),
            Block::Table(table) => self.table(table),
            Block::Line(text) => {
                self.need(34.0);
                self.y += 22.0;
                self.put(Mark::Rule { x: LEFT, y: self.y, width: WIDTH * 0.6, ink: BLACK });
                self.text(text, Set::new(false, 8.0, SOFT));
            }
        }
        self.y += 4.0;
    }

    /// Begins a new page if that much height is not left; says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let full = self.y + height > A4.1 - BOTTOM;
        if full {
            self.pages.push(Page::default());
            self.y = TOP;
        }
        full
    }

    pub(super) fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push(mark);
        }
    }

    /// Puts one line whose top is at the present place plus `down`.
    pub(super) fn line(&mut self, text: String, x: f32, down: f32, set: Set) {
        if text.is_empty() {
            return;
        }
        let y = self.y + down + set.size;
        let Set { face, size, ink } = set;
        self.put(Mark::Text { x, y, face, size, ink, text });
    }

    fn text(&mut self, text: &str, set: Set) {
        self.lines(text, LEFT, WIDTH, set);
    }

    fn lines(&mut self, text: &str, x: f32, width: f32, set: Set) {
        for line in self.fonts.lines(set.face, set.size, text, width) {
            self.need(set.height());
            self.line(line, x, 0.0, set);
            self.y += set.height();
        }
    }

    fn answer(&mut self, text: &str) {
        const INSIDE: f32 = 8.0;
        let set = Set::new(true, 11.5, BLACK);
        let lines = self.fonts.lines(set.face, set.size, text, WIDTH - 2.0 * INSIDE);
        let height = lines.len() as f32 * set.height() + 2.0 * INSIDE;
        self.need(height);
        self.put(Mark::Panel { x: LEFT, y: self.y, width: WIDTH, height, ink: PANEL });
        self.put(Mark::Panel { x: LEFT, y: self.y, width: 3.0, height, ink: BLACK });
        self.y += INSIDE;
        for line in lines {
            self.line(line, LEFT + INSIDE, 0.0, set);
            self.y += set.height();
        }
        self.y += INSIDE;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        let label = Set::new(false, BODY - 1.0, SOFT);
        let all: f32 = facts.iter().map(|fact| self.fact_height(&fact.1)).sum();
        if all < TOGETHER {
            self.need(all);
        }
        for (name, text) in facts {
            let height = self.fact_height(text);
            self.need(if height < TOGETHER { height } else { VALUE.height() });
            let name = self.fonts.printable(name);
            self.line(name, LEFT, 0.4, label);
            self.lines(text, LEFT + LABELS, WIDTH - LABELS, VALUE);
        }
    }

    fn item(&mut self, text: &str) {
        let set = Set::new(false, BODY - 0.5, BLACK);
        self.need(set.height());
        self.line("\u{2022}".to_owned(), LEFT + 4.0, 0.0, set);
        self.lines(text, LEFT + 16.0, WIDTH - 16.0, set);
        self.y += 1.5;
    }

    fn commands(&mut self, lines: &[String]) {
        const INSIDE: f32 = 5.0;
        let set = Set::new(false, 8.5, BLACK);
        self.need(lines.len() as f32 * set.height() * 2.0);
        for line in lines {
            for line in self.fonts.lines(set.face, set.size, line, WIDTH - 2.0 * INSIDE) {
                self.need(set.height());
                let (y, height) = (self.y, set.height() + 0.5);
                self.put(Mark::Panel { x: LEFT, y, width: WIDTH, height, ink: PANEL });
                self.line(line, LEFT + INSIDE, 0.0, set);
                self.y += set.height();
            }
        }
    }

    /// Puts what stands on every page, when their number is known.
    fn running(&mut self, text: &str) {
        let set = Set::new(false, 8.0, SOFT);
        let all = self.pages.len();
        let head = self.fonts.lines(set.face, set.size, text, WIDTH).into_iter().next();
        let head = head.unwrap_or_default();
        for (place, page) in self.pages.iter_mut().enumerate() {
            let foot = format!("page {} of {all}", place + 1);
            let right = LEFT + WIDTH - self.fonts.width(set.face, set.size, &foot);
            let Set { face, size, ink } = set;
            for (x, y, text) in [(LEFT, 42.0, head.clone()), (right, A4.1 - 36.0, foot)] {
                page.marks.push(Mark::Text { x, y, face, size, ink, text });
            }
            let rule = |y| Mark::Rule { x: LEFT, y, width: WIDTH, ink: LINE };
            page.marks.extend([rule(48.0), rule(A4.1 - 50.0)]);
        }
    }
}
