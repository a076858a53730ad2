//! The two embedded faces: which characters they have, how wide they are.
//!
//! Noto Sans, SIL Open Font License 1.1; what was kept of it and how is told in `fonts/README.md`.

use std::io;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::FontRef;

static REGULAR: &[u8] = include_bytes!("../../fonts/NotoSans-Regular-subset.ttf");
static BOLD: &[u8] = include_bytes!("../../fonts/NotoSans-Bold-subset.ttf");

/// A face of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Plain text.
    Regular,
    /// Headings, labels, what must not be overlooked.
    Bold,
}

/// One face, opened for measuring and for embedding.
struct Opened {
    font: Font,
    measured: FontRef<'static>,
    units: f32,
}

/// Both faces.
pub(super) struct Fonts {
    regular: Opened,
    bold: Opened,
}

impl Opened {
    fn new(bytes: &'static [u8]) -> io::Result<Self> {
        let damaged = || io::Error::other("an embedded font cannot be read");
        let font = Font::new(bytes.into(), 0).ok_or_else(damaged)?;
        let measured = FontRef::new(bytes).map_err(|_| damaged())?;
        let units = font.units_per_em();
        Ok(Self { font, measured, units })
    }

    fn glyph(&self, character: char) -> Option<skrifa::GlyphId> {
        self.measured.charmap().map(character).filter(|glyph| glyph.to_u32() != 0)
    }

    /// Returns the advance in ems.
    fn advance(&self, glyph: skrifa::GlyphId) -> f32 {
        let metrics = self.measured.glyph_metrics(Size::unscaled(), LocationRef::default());
        metrics.advance_width(glyph).unwrap_or(0.0) / self.units
    }
}

impl Fonts {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { regular: Opened::new(REGULAR)?, bold: Opened::new(BOLD)? })
    }

    const fn opened(&self, face: Face) -> &Opened {
        match face {
            Face::Regular => &self.regular,
            Face::Bold => &self.bold,
        }
    }

    pub(super) fn font(&self, face: Face) -> Font {
        self.opened(face).font.clone()
    }

    /// Returns the text with every character that a face lacks as `\u{...}`. Both faces have the
    /// same characters.
    pub(super) fn printable(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            if self.regular.glyph(character).is_some() && self.bold.glyph(character).is_some() {
                out.push(character);
            } else {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
            }
        }
        out
    }

    /// Returns the width of a printable text in points.
    pub(super) fn width(&self, face: Face, size: f32, text: &str) -> f32 {
        text.chars().map(|character| self.width_of(face, size, character)).sum()
    }

    /// Returns the width of a character in points.
    pub(super) fn width_of(&self, face: Face, size: f32, character: char) -> f32 {
        let opened = self.opened(face);
        opened.glyph(character).map_or(0.0, |glyph| opened.advance(glyph)) * size
    }

    /// Returns the glyphs of a printable text.
    pub(super) fn glyphs(&self, face: Face, text: &str) -> Vec<KrillaGlyph> {
        let opened = self.opened(face);
        text.char_indices()
            .filter_map(|(start, character)| {
                let glyph = opened.glyph(character)?;
                let range = start..start + character.len_utf8();
                let advance = opened.advance(glyph);
                let id = GlyphId::new(glyph.to_u32());
                Some(KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, range, None))
            })
            .collect()
    }

    /// Breaks a text into lines of at most `width` points: at spaces, and inside a word that is
    /// longer than a line.
    pub(super) fn lines(&self, face: Face, size: f32, text: &str, width: f32) -> Vec<String> {
        let text = self.printable(text);
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for word in text.split_inclusive(' ') {
            let length = self.width(face, size, word.trim_end());
            if used > 0.0 && used + length > width {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            for character in word.chars() {
                let step = self.width_of(face, size, character);
                if used + step > width && used > 0.0 {
                    if character == ' ' {
                        continue;
                    }
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(character);
                used += step;
            }
        }
        lines.push(line);
        lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fonts_lack_is_printed_as_its_number() {
        let fonts = Fonts::new().unwrap();
        assert_eq!(fonts.printable("Grüße, Ψ, Жук – 5 €"), "Grüße, Ψ, Жук – 5 €");
        assert_eq!(fonts.printable("日 \u{5d0}\u{202e}"), "\\u{65e5} \\u{5d0}\\u{202e}");
        assert_eq!(fonts.printable("a\n\u{1f600}\u{301}"), "a\\u{a}\\u{1f600}\\u{301}");
    }

    #[test]
    fn no_line_is_wider_than_asked_and_nothing_is_lost() {
        let fonts = Fonts::new().unwrap();
        let long = format!("a few words and {} behind", "0123456789abcdef".repeat(20));
        let lines = fonts.lines(Face::Regular, 10.0, &long, 100.0);
        assert!(lines.len() > 15);
        assert!(lines.iter().all(|line| fonts.width(Face::Regular, 10.0, line) <= 100.0));
        let strip = |text: &str| text.replace(' ', "");
        assert_eq!(strip(&lines.concat()), strip(&long));
    }
}
