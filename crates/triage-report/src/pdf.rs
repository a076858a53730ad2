//! A document as PDF/A-2b: our own small layouter over krilla, one embedded family of fonts.
//!
//! What the fonts lack is printed as `\u{...}`: nothing falls back to another font, and nothing is
//! shaped or reordered. krilla refuses to write what its own checks of PDF/A-2b do not allow.
//! Not tagged, so not PDF/A-2a. ISO 19005-2:2011.

mod font;
mod layout;
mod table;

use std::io::{self, Write};

use krilla::SerializeSettings;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;

use crate::document::Document;
use font::{Face, Fonts};
use layout::{Layout, Mark, Page};

/// The size of A4 in points.
const A4: (f32, f32) = (595.276, 841.89);

/// Renders a document.
pub(crate) fn render(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let fonts = Fonts::new()?;
    let pages = Layout::of(document, &fonts);
    out.write_all(&bytes(document, &pages, &fonts)?)
}

fn bytes(document: &Document, pages: &[Page], fonts: &Fonts) -> io::Result<Vec<u8>> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_B)
        .finish()
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut pdf = krilla::Document::new_with(settings);
    let metadata = Metadata::new()
        .title(fonts.printable(&document.title))
        .language("en".to_owned())
        .creator(concat!("triage ", env!("CARGO_PKG_VERSION")).to_owned())
        .creation_date(date(&document.time));
    pdf.set_metadata(metadata);
    for page in pages {
        let settings = PageSettings::from_wh(A4.0, A4.1)
            .ok_or_else(|| io::Error::other("a page of A4 has no size"))?;
        let mut sheet = pdf.start_page_with(settings);
        let mut surface = sheet.surface();
        for mark in &page.marks {
            draw(mark, fonts, &mut surface);
        }
        surface.finish();
        sheet.finish();
    }
    pdf.finish().map_err(|error| io::Error::other(format!("no valid PDF/A-2b: {error:?}")))
}

fn draw(mark: &Mark, fonts: &Fonts, surface: &mut Surface<'_>) {
    match mark {
        Mark::Text { x, y, face, size, ink, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            let glyphs = fonts.glyphs(*face, text);
            let font = fonts.font(*face);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, font, text, *size, false);
        }
        Mark::Rule { x, y, width, ink } => {
            let mut path = PathBuilder::new();
            path.move_to(*x, *y);
            path.line_to(x + width, *y);
            if let Some(path) = path.finish() {
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke {
                    width: 0.5,
                    paint: colour(*ink),
                    ..Stroke::default()
                }));
                surface.draw_path(&path);
            }
        }
        Mark::Panel { x, y, width, height, ink } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(*ink)));
                surface.draw_path(&path);
            }
        }
    }
}

/// A colour: red, green, blue.
type Ink = (u8, u8, u8);
/// Text.
const BLACK: Ink = (0x1a, 0x1a, 0x1a);
/// Labels and captions, dark enough for a poor copy.
const SOFT: Ink = (0x55, 0x55, 0x55);
/// What must not be overlooked.
const ALERT: Ink = (0x9c, 0x1c, 0x14);
/// Lines.
const LINE: Ink = (0xb0, 0xb0, 0xb0);
/// The ground of a frame.
const PANEL: Ink = (0xef, 0xf1, 0xf4);

fn colour((red, green, blue): Ink) -> krilla::paint::Paint {
    krilla::color::rgb::Color::new(red, green, blue).into()
}

fn fill(ink: Ink) -> Fill {
    Fill { paint: colour(ink), ..Fill::default() }
}

/// Returns the time of the record as the document's date; 1970 if it tells none.
fn date(text: &str) -> DateTime {
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse().ok());
    let year = text.get(..4).and_then(|year| year.parse().ok()).unwrap_or(1970);
    let date = DateTime::new(year)
        .month(part(5..7).unwrap_or(1))
        .day(part(8..10).unwrap_or(1))
        .hour(part(11..13).unwrap_or(0))
        .minute(part(14..16).unwrap_or(0))
        .second(part(17..19).unwrap_or(0));
    let zone = text.get(19..).and_then(|rest| rest.find(['+', '-', 'Z']).map(|at| &rest[at..]));
    let (hours, minutes) = match zone {
        Some(zone) if zone.len() >= 6 => (
            zone.get(..3).and_then(|hours| hours.parse().ok()).unwrap_or(0),
            zone.get(4..6).and_then(|minutes| minutes.parse().ok()).unwrap_or(0),
        ),
        _ => (0, 0),
    };
    date.utc_offset_hour(hours).utc_offset_minute(minutes)
}

/// Returns the face of a bold or plain text.
const fn face(bold: bool) -> Face {
    if bold { Face::Bold } else { Face::Regular }
}
