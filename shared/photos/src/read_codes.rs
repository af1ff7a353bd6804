//! Reading bar codes: Code 128, Code 39, QR and Data Matrix, on grey pixels.
//!
//! # Invariants
//! - The pixels are `LONG_EDGE` at most in each direction, and the codes that are kept are few and short: memory is
//!   bounded, whatever the picture.
//! - No part of the work begins once the time is up, and each part is short: so is the whole. The time is the
//!   thread's own: a busy machine makes nothing unread.
//! - A panic of the library costs the codes, never the photo.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rxing::common::{BitArray, HybridBinarizer};
use rxing::oned::{Code39Reader, Code128Reader, OneDReader};
use rxing::{BinaryBitmap, DecodeHints, Luma8Source, RXingResult};

use crate::codes::{Code, CodeKind};
use crate::found::{Found, Until};
use crate::jpeg::Colours;
use crate::read_squares;
use crate::scale::{Picture, fitted};

/// The pixels of a long edge that codes are looked for on. On more of them hardly more is read, in much more time.
pub const LONG_EDGE: u32 = 1600;
/// Bytes that looking takes at most beside the picture: the grey pixels, those turned, and both in black and white.
pub const MEMORY: usize = 4 * (LONG_EDGE as usize) * (LONG_EDGE as usize);
/// How long a photo's codes are looked for at most; a part that has begun is ended.
pub const BUDGET: Duration = Duration::from_millis(400);
/// So many rows are looked at, spread over the picture.
const ROWS: usize = 256;
/// Codes in one row.
const MOST_IN_A_ROW: usize = 3;

/// The codes on these grey pixels, in order: what is found until the time is up.
///
/// ```
/// use photos::{BUDGET, read_codes};
///
/// assert!(read_codes(&[255; 100 * 100], 100, 100, BUDGET).is_empty());
/// ```
pub fn read_codes(luma: &[u8], width: u32, height: u32, budget: Duration) -> Vec<Code> {
    let (until, mut found) = (Until::after(budget), Found::default());
    look(luma, (width, height), until, &mut found);
    if found.is_empty() && !until.is_past() {
        let half = (width / 2, height / 2);
        let halved = resized(luma, (width, height), half).unwrap_or_default();
        look(&halved, half, until, &mut found);
    }
    found.codes()
}

/// Looks for all kinds of codes in these pixels. At half the size those are read that are blurred or printed in dots.
fn look(luma: &[u8], (width, height): (u32, u32), until: Until, found: &mut Found) {
    let Some(mut bitmap) = bitmap(luma, width, height) else {
        return;
    };
    let parts: [fn(&mut Bitmap<'_>, Until, &mut Found); 5] = [
        lines,
        |bitmap, until, found| read_squares::qr(bitmap.get_black_matrix(), until, found),
        |bitmap, until, found| read_squares::data_matrix(bitmap.get_black_matrix(), until, found),
        turned,
        lines_in_shade,
    ];
    for part in parts {
        if until.is_past() {
            return;
        }
        // What was found before stays; a panic leaves nothing else behind, as parts only read the picture.
        let _ = catch_unwind(AssertUnwindSafe(|| part(&mut bitmap, until, found)));
    }
}

/// The grey pixels of a decoded JPEG at the size that codes are looked for, unless what is sent will do as well.
pub(crate) fn large(picture: &Picture) -> Option<(Vec<u8>, (u32, u32))> {
    let Picture::Planes { planes, colours } = picture else {
        return None;
    };
    let luma = planes
        .first()
        .filter(|_| matches!(colours, Colours::Grey | Colours::YCbCr))?;
    let size = (
        u32::try_from(luma.stride).ok()?,
        u32::try_from(luma.rows()).ok()?,
    );
    let to = fitted(size.0, size.1, LONG_EDGE);
    Some((resized(&luma.samples, size, to)?, to))
}

fn resized(luma: &[u8], size: (u32, u32), to: (u32, u32)) -> Option<Vec<u8>> {
    let from = TypedImageRef::<U8>::from_buffer(size.0, size.1, luma).ok()?;
    let mut resized = vec![0; to.0 as usize * to.1 as usize];
    let mut target = TypedImage::<U8>::from_buffer(to.0, to.1, &mut resized).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new()
        .resize_typed(&from, &mut target, &options)
        .ok()?;
    Some(resized)
}

type Bitmap<'a> = BinaryBitmap<HybridBinarizer<Luma8Source<'a>>>;

/// The pixels in black and white, unless there are too few for any code.
fn bitmap(luma: &[u8], width: u32, height: u32) -> Option<Bitmap<'_>> {
    let source = Luma8Source::new_with_slice(luma, width, height).ok()?;
    let too_small = width < 8 || height < 8;
    (!too_small).then(|| BinaryBitmap::new(HybridBinarizer::new(source)))
}

fn lines(bitmap: &mut Bitmap<'_>, until: Until, found: &mut Found) {
    let row = |y| bitmap.get_black_row(y).ok().map(Cow::into_owned);
    rows(bitmap.get_height(), row, until, found);
}

/// Lines that go across in the picture lie in its columns.
fn turned(bitmap: &mut Bitmap<'_>, until: Until, found: &mut Found) {
    lines(&mut bitmap.rotate_counter_clockwise(), until, found);
}

/// Where light and shade lie across the lines, each part of the picture has a threshold of its own.
fn lines_in_shade(bitmap: &mut Bitmap<'_>, until: Until, found: &mut Found) {
    if !found.has_lines() {
        let matrix = bitmap.get_black_matrix();
        let row = |y| Some(matrix.getRow(y as u32));
        rows(bitmap.get_height(), row, until, found);
    }
}

/// The codes in so many rows, in both directions.
fn rows(height: usize, row: impl Fn(usize) -> Option<BitArray>, until: Until, found: &mut Found) {
    let step = (height / ROWS).max(1);
    for y in (step / 2..height).step_by(step) {
        if until.is_past() {
            return;
        }
        if let Some(mut row) = row(y) {
            in_row(&row, found);
            row.reverse();
            in_row(&row, found);
        }
    }
}

/// The codes in a row, from its beginning.
fn in_row(row: &BitArray, found: &mut Found) {
    let mut code_39 = Code39Reader::with_use_check_digit(false);
    one_kind(CodeKind::Code128, &mut Code128Reader, row, found);
    one_kind(CodeKind::Code39, &mut code_39, row, found);
}

fn one_kind(kind: CodeKind, reader: &mut impl OneDReader, row: &BitArray, found: &mut Found) {
    let hints = DecodeHints::default();
    let mut rest = Some(row.clone());
    for _ in 0..MOST_IN_A_ROW {
        let Some(row) = rest else { return };
        let Ok(result) = reader.decode_row(0, &row, &hints) else {
            return;
        };
        found.add(kind, result.getText());
        rest = behind(&row, &result);
    }
}

/// What stands in a row behind the code that was found in it.
fn behind(row: &BitArray, result: &RXingResult) -> Option<BitArray> {
    let end = result
        .getPoints()
        .iter()
        .map(|point| point.x.max(0.0) as usize)
        .max()?;
    let from = row.getNextUnset(end);
    if from >= row.get_size() || from == 0 {
        return None;
    }
    let mut rest = BitArray::with_size(row.get_size() - from);
    (from..row.get_size())
        .filter(|at| row.get(*at))
        .for_each(|at| rest.set(at - from));
    Some(rest)
}

#[cfg(test)]
#[path = "read_codes_tests.rs"]
mod tests;
