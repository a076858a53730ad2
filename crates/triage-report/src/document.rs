//! A document of headings, paragraphs, facts and tables: what the PDF and the certificates are made
//! of. It knows nothing of pages or markup.

/// A document for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// The title.
    pub(crate) title: String,
    /// What stands at the top of every page.
    pub(crate) running: String,
    /// When what it tells ended, RFC 3339; a document has no clock of its own.
    pub(crate) time: String,
    /// What it says, in order.
    pub(crate) blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A heading of a section.
    Heading(String),
    /// Text.
    Paragraph(String),
    /// Text that must not be overlooked.
    Flag(String),
    /// The sentence that a reader in a hurry needs, in a frame.
    Answer(String),
    /// Labels and values.
    Facts(Vec<(String, String)>),
    /// Items of a list.
    Items(Vec<String>),
    /// Commands, line by line.
    Commands(Vec<String>),
    /// A table.
    Table(Table),
    /// A line for a signature or a date, with what belongs there.
    Line(String),
}

/// A table of a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// What it lists.
    pub(crate) caption: String,
    /// The heads of the columns.
    pub(crate) columns: Vec<Column>,
    /// The cells, row by row.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) head: &'static str,
    /// Its share of the width; only the relation to the others matters.
    pub(crate) share: u16,
    /// How its cells are set.
    pub(crate) align: Align,
}

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// At the left.
    Left,
    /// At the right: a number.
    Right,
}

impl Column {
    pub(crate) const fn text(head: &'static str, share: u16) -> Self {
        Self { head, share, align: Align::Left }
    }

    pub(crate) const fn number(head: &'static str, share: u16) -> Self {
        Self { head, share, align: Align::Right }
    }
}

impl Document {
    pub(crate) fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    pub(crate) fn paragraph(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph(text.into()));
    }

    pub(crate) fn flag(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Flag(text.into()));
    }

    /// Adds the facts that are known.
    pub(crate) fn facts(&mut self, facts: Vec<(&str, String)>) {
        let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
        let known = known.map(|(label, value)| (label.to_owned(), value));
        self.blocks.push(Block::Facts(known.collect()));
    }
}
