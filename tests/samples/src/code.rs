//! The truth as codes in the picture, and reading it back.
//!
//! Two large codes stand near opposite corners and a mark in its own colour in each corner, so that every crop and
//! cut is noticed; the small print is a fine code in a third corner, legible at a long edge of 1280 px and not at
//! 800.

use image::{GrayImage, RgbImage};
use qrcode::{Color, EcLevel, QrCode};
use rqrr::PreparedImage;

use crate::canvas::{Canvas, Colour};
use crate::truth::Truth;

/// A large code's edge, its quiet zone included, as a fraction of the picture's short edge.
const LARGE: f64 = 0.40;
/// Distance of a code from the picture's side and from its top or bottom, as fractions of the short edge. They
/// differ, so that a picture mirrored along its diagonal does not look right.
const MARGIN: (f64, f64) = (0.15, 0.03);
/// A module of the small print, as a fraction of the long edge: 5 px at 1280, 3.1 px at 800.
const FINE_MODULE: f64 = 5.0 / 1280.0;
/// The small print's edge at most, as a fraction of the long edge: 33 modules and some room.
const FINE: f64 = 0.15;
/// Small print whose modules are smaller than this, in pixels, counts as not legible: a code reader still makes it out,
/// a VLM, which sees patches of 32 pixels, would not. So what is read depends on the size sent, and on nothing else.
const LEGIBLE_MODULE: f64 = 4.0;
/// Large codes whose modules are smaller than this, in pixels, count as squeezed too far, for the same reason: a code
/// reader alone would make them out down to a long edge of 200 px. At 800 px the modules of the samples have 4 px and
/// more.
const LEAST_MODULE: f64 = 3.0;
/// Edge of a corner's mark, as a fraction of the short edge: 12 px at 800 x 600. A code alone would not do: error
/// correction makes up for a tenth of the picture that is cut off.
const MARK: f64 = 0.02;
/// Colours of the marks: top left, top right, bottom left, bottom right.
const MARKS: [Colour; 4] = [[200, 40, 40], [40, 150, 40], [40, 40, 200], [200, 40, 200]];
/// What scaling, JPEG and noise may do to a mark's channel, in levels.
const MARK_TOLERANCE: i16 = 60;
/// White modules around a code.
const QUIET: u32 = 4;
/// A code's place may be off by this fraction of the picture, and its shape by this fraction of its edge.
const TOLERANCE: f64 = 0.04;

/// Why a picture could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// No code was found: this is no sample photo, or it was harmed badly.
    NoCode,
    /// Only one of the large codes was found: the picture is cut off, or too small.
    Half,
    /// A code is not where or how it should be: the picture is turned, mirrored, squeezed or cropped.
    Misplaced,
    /// A corner's mark is missing: the picture is cropped or cut off.
    NoCorner,
    /// The codes are smaller than counts as legible: the picture is squeezed too far.
    TooSmall,
}

/// Draws the truth into a picture.
pub fn draw(canvas: &mut Canvas, truth: &Truth) -> Result<(), qrcode::types::QrError> {
    let (width, height) = canvas.size();
    let short = f64::from(width.min(height));
    let text = truth.to_text();
    let large =
        |mark: char| QrCode::with_error_correction_level(format!("{mark}|{text}"), EcLevel::M);
    let edge = short * LARGE;
    let margin = ((short * MARGIN.0) as u32, (short * MARGIN.1) as u32);
    let (first, second) = (large('A')?, large('B')?);
    put(
        canvas,
        &first,
        edge / f64::from(modules(&first)),
        margin,
        (false, false),
    );
    put(
        canvas,
        &second,
        edge / f64::from(modules(&second)),
        margin,
        (true, true),
    );
    if let Some(print) = truth.small_print() {
        let fine = QrCode::with_error_correction_level(format!("P|{print}"), EcLevel::L)?;
        let module = (f64::from(width.max(height)) * FINE_MODULE).round();
        put(canvas, &fine, module, margin, (true, false));
    }
    let mark = (short * MARK).ceil() as u32;
    for (number, colour) in MARKS.into_iter().enumerate() {
        let (x, y) = corner(number, (width - mark, height - mark));
        canvas.fill(x, y, mark, mark, colour);
    }
    Ok(())
}

/// The corner with this number, of a field from 0 to `ends`.
fn corner(number: usize, (right, bottom): (u32, u32)) -> (u32, u32) {
    (
        if number % 2 == 1 { right } else { 0 },
        if number > 1 { bottom } else { 0 },
    )
}

/// Whether each corner has its mark, looked for in the mark's middle.
fn has_corners(picture: &RgbImage) -> bool {
    let (width, height) = picture.dimensions();
    let middle = (f64::from(width.min(height)) * MARK / 2.0) as u32;
    let alike =
        |(seen, mark): (&u8, u8)| (i16::from(*seen) - i16::from(mark)).abs() <= MARK_TOLERANCE;
    MARKS.into_iter().enumerate().all(|(number, mark)| {
        let (x, y) = corner(
            number,
            (
                width.saturating_sub(1 + 2 * middle),
                height.saturating_sub(1 + 2 * middle),
            ),
        );
        picture
            .get_pixel_checked(x + middle, y + middle)
            .is_some_and(|seen| seen.0.iter().zip(mark).all(alike))
    })
}

fn modules(code: &QrCode) -> u32 {
    code.width() as u32 + 2 * QUIET
}

/// Puts a code at `offset` from the left and top, or from the right and bottom where `from_end` says so.
fn put(
    canvas: &mut Canvas,
    code: &QrCode,
    module: f64,
    offset: (u32, u32),
    from_end: (bool, bool),
) {
    let (width, height) = canvas.size();
    let edge = (module * f64::from(modules(code))) as u32;
    let place = |size: u32, offset: u32, end: bool| {
        if end {
            size.saturating_sub(offset + edge)
        } else {
            offset
        }
    };
    let (x0, y0) = (
        place(width, offset.0, from_end.0),
        place(height, offset.1, from_end.1),
    );
    canvas.fill(x0, y0, edge, edge, [245, 245, 245]);
    let at = |index: u32| (f64::from(index + QUIET) * module).round() as u32;
    for (index, colour) in code.to_colors().into_iter().enumerate() {
        let (column, row) = (
            index as u32 % code.width() as u32,
            index as u32 / code.width() as u32,
        );
        if colour == Color::Dark {
            let (x, y) = (at(column), at(row));
            canvas.fill(
                x0 + x,
                y0 + y,
                at(column + 1) - x,
                at(row + 1) - y,
                [12, 12, 12],
            );
        }
    }
}

/// Reads a picture's truth. Readings are empty where the small print was not legible.
pub fn read(picture: &RgbImage) -> Result<Truth, Unreadable> {
    let (width, height) = picture.dimensions();
    let short = f64::from(width.min(height));
    let (w, h) = (f64::from(width), f64::from(height));
    let reach =
        |margin: f64| ((short * (margin + LARGE + TOLERANCE)) as u32).min(width.min(height));
    let (across, down) = (reach(MARGIN.0), reach(MARGIN.1));
    let first = marked(picture, (0, 0, across, down), 1, "A|");
    let second = marked(
        picture,
        (width - across, height - down, across, down),
        1,
        "B|",
    );
    let (first, second) = match (first, second) {
        (Some(first), Some(second)) => (first, second),
        (None, None) => return Err(Unreadable::NoCode),
        _ => return Err(Unreadable::Half),
    };
    let (x, y) = (
        short * (MARGIN.0 + LARGE / 2.0),
        short * (MARGIN.1 + LARGE / 2.0),
    );
    let placed = first.stands_at((x, y), (w, h)) && second.stands_at((w - x, h - y), (w, h));
    let agree = placed && first.text == second.text;
    let mut truth = Truth::from_text(&first.text)
        .filter(|_| agree)
        .ok_or(Unreadable::Misplaced)?;
    if first.module < LEAST_MODULE {
        return Err(Unreadable::TooSmall);
    }
    if !has_corners(picture) {
        return Err(Unreadable::NoCorner);
    }
    if truth.shows.iter().any(|shown| shown.reading.is_some()) {
        let (left, edge) = (
            short * MARGIN.0 + w.max(h) * FINE,
            short * MARGIN.1 + w.max(h) * FINE,
        );
        let corner = (
            width.saturating_sub(left as u32),
            0,
            left as u32,
            edge as u32,
        );
        // The reader wants more pixels than there need be, so it looks at larger sizes as well.
        let print = [2, 1, 3]
            .into_iter()
            .find_map(|zoom| marked(picture, corner, zoom, "P|"));
        if let Some(print) = print.filter(|print| print.module >= LEGIBLE_MODULE) {
            truth.read_small_print(&print.text);
        }
    }
    Ok(truth)
}

/// The code with this mark within a part of the picture (x, y, width, height), its text without the mark.
fn marked(picture: &RgbImage, part: (u32, u32, u32, u32), zoom: u32, mark: &str) -> Option<Code> {
    let (x, y, width, height) = part;
    let part = image::imageops::crop_imm(picture, x, y, width, height).to_image();
    let part = match zoom {
        1 => part,
        _ => image::imageops::resize(
            &part,
            width * zoom,
            height * zoom,
            image::imageops::FilterType::Triangle,
        ),
    };
    let code = codes_of(&part)
        .into_iter()
        .find(|code| code.text.starts_with(mark))?;
    let zoom = f64::from(zoom);
    let corners = code
        .corners
        .map(|(cx, cy)| (cx / zoom + f64::from(x), cy / zoom + f64::from(y)));
    let text = code.text.strip_prefix(mark)?.to_owned();
    Some(Code {
        text,
        module: code.module / zoom,
        corners,
    })
}

struct Code {
    text: String,
    /// A module's edge in pixels.
    module: f64,
    /// Corners as the code itself has them: top left, top right, bottom right, bottom left.
    corners: [(f64, f64); 4],
}

impl Code {
    /// Whether the code is upright, square, unmirrored and where it should be.
    fn stands_at(&self, centre: (f64, f64), (w, h): (f64, f64)) -> bool {
        let [tl, tr, br, bl] = self.corners;
        let (across, down) = (
            (tr.0 - tl.0 + br.0 - bl.0) / 2.0,
            (bl.1 - tl.1 + br.1 - tr.1) / 2.0,
        );
        let slant = (tr.1 - tl.1).abs().max((bl.0 - tl.0).abs());
        let mean = |get: fn(&(f64, f64)) -> f64| self.corners.iter().map(get).sum::<f64>() / 4.0;
        let off = (mean(|c| c.0) - centre.0)
            .abs()
            .max((mean(|c| c.1) - centre.1).abs());
        across > 0.0
            && down > 0.0
            && slant < across * TOLERANCE * 2.0
            && (across / down - 1.0).abs() < TOLERANCE
            && off < w.max(h) * TOLERANCE
    }
}

fn codes_of(picture: &RgbImage) -> Vec<Code> {
    let grey: GrayImage = image::imageops::grayscale(picture);
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    // Codes are black on white; what the reader's own threshold would make of noise on a wall is not wanted.
    let value = |x: usize, y: usize| {
        if grey.get_pixel(x as u32, y as u32).0[0] < 110 {
            0
        } else {
            255
        }
    };
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, value);
    let decoded = prepared.detect_grids().into_iter().filter_map(|grid| {
        let (meta, text) = grid.decode().ok()?;
        let corners = grid
            .bounds
            .map(|point| (f64::from(point.x), f64::from(point.y)));
        let [top_left, top_right, ..] = corners;
        let across = (top_right.0 - top_left.0).hypot(top_right.1 - top_left.1);
        Some(Code {
            text,
            module: across / meta.version.to_size() as f64,
            corners,
        })
    });
    decoded.collect()
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
