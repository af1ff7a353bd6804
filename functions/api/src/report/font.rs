//! The typeface of reports: Noto Sans, regular and bold, as far as it has Latin, Greek and Cyrillic letters, punctuation
//! and common signs (`functions/api/fonts`).
//!
//! # Invariants
//! - A character that it does not have is written as U+FFFD, and counted: the report's JSON has it as it is.
//! - What is measured is what is drawn: each character has one glyph, and glyphs stand side by side.

use std::cell::Cell;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

const REGULAR: &[u8] = include_bytes!("../../fonts/NotoSans-Regular-Latin-Greek-Cyrillic.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/NotoSans-Bold-Latin-Greek-Cyrillic.ttf");
/// Stands for a character that the typeface does not have.
const UNKNOWN: char = '\u{fffd}';

/// Both faces.
pub(super) struct Typeface {
    regular: Face,
    bold: Face,
    left_out: Cell<usize>,
}

/// One of them.
struct Face {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

impl Face {
    fn of(bytes: &'static [u8]) -> Option<Self> {
        let font = Font::new(bytes.into(), 0)?;
        let file = FontRef::new(bytes).ok()?;
        Some(Self {
            units_per_em: font.units_per_em(),
            font,
            characters: file.charmap(),
            metrics: file.glyph_metrics(Size::unscaled(), LocationRef::default()),
        })
    }

    /// A character's glyph, and how wide it is, of the type size.
    fn glyph(&self, character: char) -> (u32, f32) {
        let id = self.characters.map(character).unwrap_or_default();
        let width = self.metrics.advance_width(id).unwrap_or_default();
        (id.to_u32(), width / self.units_per_em)
    }
}

impl Typeface {
    /// Reads it; none if its files are broken.
    pub(super) fn load() -> Option<Self> {
        Some(Self {
            regular: Face::of(REGULAR)?,
            bold: Face::of(BOLD)?,
            left_out: Cell::new(0),
        })
    }

    fn face(&self, bold: bool) -> &Face {
        match bold {
            true => &self.bold,
            false => &self.regular,
        }
    }

    /// The font itself.
    pub(super) fn font(&self, bold: bool) -> Font {
        self.face(bold).font.clone()
    }

    /// A text with what the typeface has, in one line.
    pub(super) fn printable(&self, text: &str) -> String {
        let printable = |character: char| match character {
            _ if character.is_whitespace() || character.is_control() => ' ',
            // The minus sign of mathematics.
            '\u{2212}' => '-',
            _ if self.regular.characters.map(character).is_some() => character,
            _ => {
                self.left_out.set(self.left_out.get() + 1);
                UNKNOWN
            }
        };
        text.chars().map(printable).collect()
    }

    /// How many characters were left out so far.
    pub(super) fn left_out(&self) -> usize {
        self.left_out.get()
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str, size: f32, bold: bool) -> f32 {
        let face = self.face(bold);
        let width: f32 = text.chars().map(|character| face.glyph(character).1).sum();
        width * size
    }

    /// The glyphs of a text, side by side.
    pub(super) fn glyphs(&self, text: &str, bold: bool) -> Vec<KrillaGlyph> {
        let face = self.face(bold);
        let glyph = |(at, character): (usize, char)| {
            let (id, width) = face.glyph(character);
            let range = at..at + character.len_utf8();
            KrillaGlyph::new(GlyphId::new(id), width, 0.0, 0.0, 0.0, range, None)
        };
        text.char_indices().map(glyph).collect()
    }

    /// A text in lines that are no wider than this. A word that is wider is broken anywhere.
    pub(super) fn lines(&self, text: &str, size: f32, bold: bool, width: f32) -> Vec<String> {
        let space = self.width(" ", size, bold);
        let (mut lines, mut line, mut wide) = (Vec::new(), String::new(), 0.0);
        let words = text.split(' ').filter(|word| !word.is_empty());
        for piece in words.flat_map(|word| self.pieces(word, size, bold, width)) {
            let more = self.width(&piece, size, bold);
            if !line.is_empty() && wide + space + more > width {
                lines.push(std::mem::take(&mut line));
            }
            wide = match line.is_empty() {
                true => more,
                false => wide + space + more,
            };
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
        lines.push(line);
        lines
    }

    fn pieces(&self, word: &str, size: f32, bold: bool, width: f32) -> Vec<String> {
        let face = self.face(bold);
        let (mut pieces, mut piece, mut wide) = (Vec::new(), String::new(), 0.0);
        for character in word.chars() {
            let more = face.glyph(character).1 * size;
            if wide + more > width && !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
                wide = 0.0;
            }
            piece.push(character);
            wide += more;
        }
        pieces.push(piece);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_they_may_be_and_lose_nothing() {
        let typeface = Typeface::load().unwrap();
        let text = "Optical power meter: -18.4 dBm, 9b2cf535f27731c974343645a39853289b2cf535f27731c9 Ελληνικά Привет";
        for width in [20.0, 60.0, 200.0, 1000.0] {
            let lines = typeface.lines(&typeface.printable(text), 9.0, false, width);
            for line in &lines {
                assert!(typeface.width(line, 9.0, false) <= width + 0.01, "{line}");
            }
            let without = |text: &str| text.replace(' ', "");
            assert_eq!(without(&lines.concat()), without(text), "{width}");
        }
        assert_eq!(typeface.left_out(), 0);
        assert_eq!(typeface.lines("", 9.0, false, 9.0), [""]);
    }

    #[test]
    fn what_the_typeface_does_not_have_is_counted() {
        let typeface = Typeface::load().unwrap();
        assert_eq!(typeface.printable("a\n\u{7}b 屋 −1"), "a  b \u{fffd} -1");
        assert_eq!(typeface.left_out(), 1);
    }
}
