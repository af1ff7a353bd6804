//! Pages: text, tables and pictures, one below the other, broken where a page ends.
//!
//! # Invariants
//! - Everything is on a page, within its margins; a row of a table is not broken.
//! - Every mark belongs to a block, which says what it is (a heading, a cell, a picture) to who can't see the page, or is
//!   decoration.

use std::sync::Arc;

use super::font::Typeface;

/// A4, in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 42.0;
/// How wide what is written may be.
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
/// Where the page's text ends, and its last line stands below.
const BOTTOM: f32 = PAGE.1 - MARGIN - 14.0;
/// From one line to the next, of the type size.
const LEADING: f32 = 1.35;
/// Between the cells of a table.
const GAP: f32 = 6.0;
/// Pictures side by side.
const COLUMNS: usize = 3;

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) colour: (u8, u8, u8),
}

/// Usual text.
pub(super) const TEXT: Style = Style {
    size: 9.0,
    bold: false,
    colour: (0x1a, 0x1a, 0x1a),
};
/// Text in tables.
pub(super) const SMALL: Style = Style { size: 8.0, ..TEXT };
/// What stands above columns and before values.
pub(super) const LABEL: Style = Style {
    size: 8.0,
    bold: true,
    colour: (0x4a, 0x4a, 0x4a),
};
/// Lines between rows.
const RULE: (u8, u8, u8) = (0xc4, 0xc4, 0xc4);

/// What a block is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// A heading of this level.
    Heading(u16, String),
    /// A paragraph.
    Paragraph,
    /// A picture, and what it shows in words.
    Figure(String),
    /// A cell of a table's row.
    Cell {
        table: usize,
        row: usize,
        head: Option<Head>,
    },
}

/// Of what a cell is the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Of those below it.
    Column,
    /// Of those beside it.
    Row,
}

/// Something on a page.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) what: What,
    /// The block that it belongs to; none if it is decoration.
    pub(super) block: Option<usize>,
}

/// What it is.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A line of text; `y` is its base line.
    Text(String, Style),
    /// A line to the right margin.
    Rule((u8, u8, u8)),
    /// A JPEG of this width and height on the page; `y` is its top.
    Picture(Arc<Vec<u8>>, f32, f32),
}

/// A picture and what is said below it.
pub(super) struct Shown {
    /// The JPEG, and how wide and high it is; none if there is no picture.
    pub(super) jpeg: Option<(Arc<Vec<u8>>, u32, u32)>,
    /// What it shows, for who can't see it.
    pub(super) alt: String,
    /// What is said below it.
    pub(super) caption: Vec<String>,
}

/// All pages.
pub(super) struct Sheet {
    pub(super) typeface: Typeface,
    pub(super) pages: Vec<Vec<Mark>>,
    pub(super) blocks: Vec<Block>,
    tables: usize,
    y: f32,
}

impl Sheet {
    /// An empty page.
    pub(super) fn new(typeface: Typeface) -> Self {
        Self {
            typeface,
            pages: vec![Vec::new()],
            blocks: Vec::new(),
            tables: 0,
            y: MARGIN,
        }
    }

    fn mark(&mut self, x: f32, y: f32, what: What, block: Option<usize>) {
        if let Some(page) = self.pages.last_mut() {
            page.push(Mark { x, y, what, block });
        }
    }

    fn block(&mut self, block: Block) -> usize {
        self.blocks.push(block);
        self.blocks.len() - 1
    }

    /// Begins a new page, unless there is so much room on this one.
    fn room(&mut self, height: f32) -> bool {
        let fits = self.y + height <= BOTTOM;
        if !fits {
            self.pages.push(Vec::new());
            self.y = MARGIN;
        }
        fits
    }

    /// Leaves some room.
    pub(super) fn space(&mut self, height: f32) {
        self.y += height;
    }

    /// A heading, with what begins below it on the same page.
    pub(super) fn heading(&mut self, level: u16, text: &str) {
        self.heading_above(level, text, 40.0);
    }

    /// A heading, with the first row of pictures below it on the same page.
    pub(super) fn heading_of_pictures(&mut self, level: u16, text: &str) {
        self.heading_above(level, text, WIDTH / COLUMNS as f32 + 80.0);
    }

    fn heading_above(&mut self, level: u16, text: &str, below: f32) {
        let size = match level {
            1 => 18.0,
            _ => 11.5,
        };
        self.space(if level == 1 { 0.0 } else { 12.0 });
        self.room(size * LEADING + below);
        let style = Style {
            size,
            bold: true,
            ..TEXT
        };
        let text = self.typeface.printable(text);
        let block = self.block(Block::Heading(level, text.clone()));
        self.flow(&text, style, 0.0, WIDTH, block);
        self.space(3.0);
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str, style: Style) {
        let text = self.typeface.printable(text);
        let block = self.block(Block::Paragraph);
        self.flow(&text, style, 0.0, WIDTH, block);
        self.space(3.0);
    }

    /// Lines of text, one below the other.
    fn flow(&mut self, text: &str, style: Style, x: f32, width: f32, block: usize) {
        let lines = self.typeface.lines(text, style.size, style.bold, width);
        for line in lines {
            self.room(style.size * LEADING);
            let base = self.y + style.size;
            // A space at the end, so that who reads the text alone finds the words apart.
            self.mark(MARGIN + x, base, What::Text(line + " ", style), Some(block));
            self.y += style.size * LEADING;
        }
    }

    /// Names and values, side by side.
    pub(super) fn pairs(&mut self, pairs: &[(&str, String)]) {
        let rows = pairs
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
        let rows: Vec<_> = rows.collect();
        let table = self.table_number();
        for (number, row) in rows.into_iter().enumerate() {
            let cells = self.cells(row, &[120.0, WIDTH - 120.0], LABEL);
            self.row(cells, (table, number), Some(Head::Row), false);
        }
    }

    /// A table: a title and a width (of all, in parts) for each column, and its rows.
    pub(super) fn table(&mut self, columns: &[(&str, f32)], rows: Vec<Vec<String>>) {
        let parts: f32 = columns.iter().map(|(_, part)| part).sum();
        let widths: Vec<f32> = columns
            .iter()
            .map(|(_, part)| part / parts * WIDTH)
            .collect();
        let titles = || {
            columns
                .iter()
                .map(|(title, _)| (*title).to_owned())
                .collect()
        };
        let table = self.table_number();
        let head = self.cells(titles(), &widths, LABEL);
        self.row(head, (table, 0), Some(Head::Column), true);
        for (number, row) in rows.into_iter().enumerate() {
            let cells = self.cells(row, &widths, SMALL);
            if !self.room(Self::height(&cells)) {
                // Once more above the rest, as decoration: to who reads the tags the table goes on.
                let head = self.cells(titles(), &widths, LABEL);
                self.draw(head, |_, _| None);
            }
            self.row(cells, (table, number + 1), None, true);
        }
    }

    fn table_number(&mut self) -> usize {
        self.tables += 1;
        self.tables
    }

    /// The cells of a row: where each begins, how it looks (the first one so), and its lines.
    fn cells(
        &self,
        row: Vec<String>,
        widths: &[f32],
        first: Style,
    ) -> Vec<(f32, Style, Vec<String>)> {
        let all = first == LABEL && widths.len() != 2;
        let mut x = 0.0;
        let cells = row.into_iter().zip(widths).enumerate();
        let of = |(at, (text, width)): (usize, (String, &f32))| {
            let style = if at == 0 || all { first } else { SMALL };
            let text = self.typeface.printable(&text);
            let lines = self
                .typeface
                .lines(&text, style.size, style.bold, width - GAP);
            let begins = x;
            x += width;
            (begins, style, lines)
        };
        cells.map(of).collect()
    }

    fn height(cells: &[(f32, Style, Vec<String>)]) -> f32 {
        let heights = cells
            .iter()
            .map(|(_, style, lines)| lines.len() as f32 * style.size * LEADING);
        heights.fold(0.0, f32::max) + 4.0
    }

    fn row(
        &mut self,
        cells: Vec<(f32, Style, Vec<String>)>,
        (table, row): (usize, usize),
        head: Option<Head>,
        ruled: bool,
    ) {
        self.room(Self::height(&cells));
        let of = |sheet: &mut Self, at: usize| {
            let head = head.filter(|head| *head == Head::Column || at == 0);
            Some(sheet.block(Block::Cell { table, row, head }))
        };
        self.draw(cells, of);
        if ruled {
            self.mark(MARGIN, self.y, What::Rule(RULE), None);
            self.space(2.0);
        }
    }

    fn draw(
        &mut self,
        cells: Vec<(f32, Style, Vec<String>)>,
        block: impl Fn(&mut Self, usize) -> Option<usize>,
    ) {
        let height = Self::height(&cells);
        for (at, (x, style, lines)) in cells.into_iter().enumerate() {
            let block = block(self, at);
            for (number, line) in lines.into_iter().enumerate() {
                let base = self.y + style.size + number as f32 * style.size * LEADING;
                self.mark(MARGIN + x, base, What::Text(line + " ", style), block);
            }
        }
        self.space(height);
    }

    /// Pictures, three side by side, each with what is said of it.
    pub(super) fn pictures(&mut self, all: Vec<Shown>) {
        let width = WIDTH / COLUMNS as f32 - GAP;
        let mut all = all.into_iter().peekable();
        while all.peek().is_some() {
            let row: Vec<Shown> = all.by_ref().take(COLUMNS).collect();
            let sizes: Vec<(f32, f32)> = row.iter().map(|shown| fitted(shown, width)).collect();
            let highest = sizes.iter().map(|(_, height)| *height).fold(0.0, f32::max);
            let captions: Vec<Vec<String>> =
                row.iter().map(|shown| self.caption(shown, width)).collect();
            let lines = captions.iter().map(Vec::len).max().unwrap_or(0) as f32;
            self.room(highest + lines * SMALL.size * LEADING + 14.0);
            let top = self.y;
            for (at, ((shown, (wide, high)), caption)) in
                row.into_iter().zip(sizes).zip(captions).enumerate()
            {
                let x = MARGIN + at as f32 * (width + GAP);
                if let Some((jpeg, _, _)) = shown.jpeg {
                    let alt = self.typeface.printable(&shown.alt);
                    let block = self.block(Block::Figure(alt));
                    self.mark(x, top, What::Picture(jpeg, wide, high), Some(block));
                }
                let block = self.block(Block::Paragraph);
                for (number, line) in caption.into_iter().enumerate() {
                    let base =
                        top + highest + 4.0 + SMALL.size + number as f32 * SMALL.size * LEADING;
                    self.mark(x, base, What::Text(line + " ", SMALL), Some(block));
                }
            }
            self.y = top + highest + lines * SMALL.size * LEADING + 14.0;
        }
    }

    fn caption(&self, shown: &Shown, width: f32) -> Vec<String> {
        let lines = shown.caption.iter().flat_map(|text| {
            let text = self.typeface.printable(text);
            self.typeface.lines(&text, SMALL.size, SMALL.bold, width)
        });
        lines.collect()
    }

    /// Writes a line at the foot of each page, which page it is among it.
    pub(super) fn foot(&mut self, text: &str) {
        let pages = self.pages.len();
        let text = self.typeface.printable(text);
        let style = Style {
            size: 7.5,
            bold: false,
            ..LABEL
        };
        for (at, page) in self.pages.iter_mut().enumerate() {
            let text = format!("{text}  ·  page {} of {pages}", at + 1);
            page.push(Mark {
                x: MARGIN,
                y: PAGE.1 - MARGIN + 6.0,
                what: What::Text(text, style),
                block: None,
            });
        }
    }
}

/// How large a picture is on the page: as wide as its column, and not higher than wide.
fn fitted(shown: &Shown, most: f32) -> (f32, f32) {
    let Some((_, width, height)) = &shown.jpeg else {
        return (0.0, 0.0);
    };
    let (width, height) = ((*width).max(1) as f32, (*height).max(1) as f32);
    let scale = (most / width).min(most / height);
    (width * scale, height * scale)
}
