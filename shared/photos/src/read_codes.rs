//! Reading bar codes: Code 128, Code 39, QR and Data Matrix, on grey pixels.
//!
//! # Invariants
//! - The pixels are `LONG_EDGE` at most in each direction, and the codes that are kept are few and short: memory is
//!   bounded, whatever the picture.
//! - No part of the work begins once the time is up, and each part is short: so is the whole. The time is the
//!   thread's own: a busy machine makes nothing unread.
//! - What lines say counts only if two rows say it: by chance one row may.
//! - A panic of the library costs the codes, never the photo.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use rustix::time::{ClockId, clock_gettime};
use rxing::common::{BitArray, HybridBinarizer};
use rxing::datamatrix::DataMatrixReader;
use rxing::multi::{GenericMultipleBarcodeReader, MultipleBarcodeReader};
use rxing::oned::{Code39Reader, Code128Reader, OneDReader};
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{
    BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Exceptions, Luma8Source, RXingResult,
    Reader,
};

use crate::codes::{Code, CodeKind, LONGEST_TEXT, MOST_CODES};
use crate::jpeg::Colours;
use crate::scale::{Picture, fitted};

/// The pixels of a long edge that codes are looked for on. On more of them hardly more is read, in much more time.
pub const LONG_EDGE: u32 = 1600;
/// Bytes that looking takes at most beside the picture: the grey pixels, those turned, and both in black and white.
pub const MEMORY: usize = 4 * (LONG_EDGE as usize) * (LONG_EDGE as usize);
/// How long a photo's codes are looked for at most; a part that has begun is ended.
pub const BUDGET: Duration = Duration::from_millis(400);
/// So many rows are looked at, spread over the picture.
const ROWS: usize = 256;
/// Of lines, so many rows must say the same.
const ROWS_THAT_AGREE: usize = 2;
/// Lines that say less are taken for chance.
const SHORTEST_LINES: usize = 4;
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
    let until = thread_time() + budget;
    let mut found = Found::default();
    let parts: [fn(&Pixels<'_>, &mut Found); 5] = [
        lines,
        squares_qr,
        squares_data_matrix,
        turned,
        lines_in_shade,
    ];
    let pixels = Pixels {
        luma,
        width,
        height,
        until,
    };
    for part in parts {
        if pixels.is_late() {
            break;
        }
        // What was found before stays; the library's state is made anew for each part.
        let _ = catch_unwind(AssertUnwindSafe(|| part(&pixels, &mut found)));
    }
    found.codes()
}

/// What this thread has worked.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
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
    let from = TypedImageRef::<U8>::from_buffer(size.0, size.1, &luma.samples).ok()?;
    let mut scaled = vec![0; to.0 as usize * to.1 as usize];
    let mut target = TypedImage::<U8>::from_buffer(to.0, to.1, &mut scaled).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new()
        .resize_typed(&from, &mut target, &options)
        .ok()?;
    Some((scaled, to))
}

struct Pixels<'a> {
    luma: &'a [u8],
    width: u32,
    height: u32,
    until: Duration,
}

type Bitmap<'a> = BinaryBitmap<HybridBinarizer<Luma8Source<'a>>>;

impl<'a> Pixels<'a> {
    fn is_late(&self) -> bool {
        thread_time() >= self.until
    }

    fn bitmap(&self) -> Option<Bitmap<'a>> {
        let source = Luma8Source::new_with_slice(self.luma, self.width, self.height).ok()?;
        let too_small = self.width < 8 || self.height < 8;
        (!too_small).then(|| BinaryBitmap::new(HybridBinarizer::new(source)))
    }
}

/// What was read, and how often.
#[derive(Default)]
struct Found(BTreeMap<Code, usize>);

impl Found {
    fn add(&mut self, result: &RXingResult) {
        let kind = match result.getBarcodeFormat() {
            BarcodeFormat::CODE_128 => CodeKind::Code128,
            BarcodeFormat::CODE_39 => CodeKind::Code39,
            BarcodeFormat::QR_CODE => CodeKind::QrCode,
            BarcodeFormat::DATA_MATRIX => CodeKind::DataMatrix,
            _ => return,
        };
        let text = result.getText();
        if text.is_empty() || text.len() > LONGEST_TEXT {
            return;
        }
        let text = text.to_owned();
        *self.0.entry(Code { kind, text }).or_default() += 1;
    }

    fn has(&self, kind: CodeKind) -> bool {
        self.0.keys().any(|code| code.kind == kind)
    }

    fn has_lines(&self) -> bool {
        self.0
            .iter()
            .any(|(code, rows)| is_lines(code.kind) && counts(code, *rows))
    }

    fn codes(self) -> Vec<Code> {
        let all = self.0.into_iter();
        let mut codes: Vec<(Code, usize)> =
            all.filter(|(code, rows)| counts(code, *rows)).collect();
        codes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        codes.truncate(MOST_CODES);
        let mut codes: Vec<Code> = codes.into_iter().map(|(code, _)| code).collect();
        codes.sort();
        codes
    }
}

fn is_lines(kind: CodeKind) -> bool {
    matches!(kind, CodeKind::Code128 | CodeKind::Code39)
}

/// Whether what was read so often is no chance.
fn counts(code: &Code, times: usize) -> bool {
    !is_lines(code.kind) || (times >= ROWS_THAT_AGREE && code.text.len() >= SHORTEST_LINES)
}

fn lines(pixels: &Pixels<'_>, found: &mut Found) {
    if let Some(bitmap) = pixels.bitmap() {
        rows(&bitmap, pixels, found);
    }
}

/// Where light and shade lie across the lines, each part of the picture has a threshold of its own.
fn lines_in_shade(pixels: &Pixels<'_>, found: &mut Found) {
    if found.has_lines() {
        return;
    }
    let Some(bitmap) = pixels.bitmap() else {
        return;
    };
    let matrix = bitmap.get_black_matrix();
    let height = bitmap.get_height();
    let step = (height / ROWS).max(1);
    for y in (step / 2..height).step_by(step) {
        if pixels.is_late() {
            return;
        }
        let mut row = matrix.getRow(y as u32);
        in_row(&row, found);
        row.reverse();
        in_row(&row, found);
    }
}

/// Lines that go across in the picture lie in its columns.
fn turned(pixels: &Pixels<'_>, found: &mut Found) {
    if let Some(mut bitmap) = pixels.bitmap() {
        rows(&bitmap.rotate_counter_clockwise(), pixels, found);
    }
}

fn rows<B: Binarizer>(bitmap: &BinaryBitmap<B>, pixels: &Pixels<'_>, found: &mut Found) {
    let height = bitmap.get_height();
    let step = (height / ROWS).max(1);
    for y in (step / 2..height).step_by(step) {
        if pixels.is_late() {
            return;
        }
        let Ok(row) = bitmap.get_black_row(y) else {
            continue;
        };
        let mut row = row.into_owned();
        in_row(&row, found);
        row.reverse();
        in_row(&row, found);
    }
}

/// The codes in a row, from its beginning.
fn in_row(row: &BitArray, found: &mut Found) {
    let hints = DecodeHints::default();
    let mut code_39 = Code39Reader::with_use_check_digit(false);
    let (mut of_128, mut of_39) = (row.clone(), row.clone());
    for _ in 0..MOST_IN_A_ROW {
        let Ok(result) = Code128Reader.decode_row(0, &of_128, &hints) else {
            break;
        };
        found.add(&result);
        let Some(rest) = behind(&of_128, &result) else {
            break;
        };
        of_128 = rest;
    }
    for _ in 0..MOST_IN_A_ROW {
        let Ok(result) = code_39.decode_row(0, &of_39, &hints) else {
            break;
        };
        found.add(&result);
        let Some(rest) = behind(&of_39, &result) else {
            break;
        };
        of_39 = rest;
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

fn squares_qr(pixels: &Pixels<'_>, found: &mut Found) {
    squares(QrReader, pixels, found);
    if !found.has(CodeKind::QrCode) {
        squares(QRCodeReader, pixels, found);
    }
}

fn squares_data_matrix(pixels: &Pixels<'_>, found: &mut Found) {
    squares(DataMatrixReader, pixels, found);
}

fn squares<R: Reader>(reader: R, pixels: &Pixels<'_>, found: &mut Found) {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let timed = Timed {
        reader,
        until: pixels.until,
    };
    let mut all = GenericMultipleBarcodeReader::new(timed);
    if let Some(mut bitmap) = pixels.bitmap()
        && let Ok(results) = all.decode_multiple_with_hints(&mut bitmap, &hints)
    {
        results.iter().for_each(|result| found.add(result));
    }
}

/// A reader that does not begin once the time is up.
struct Timed<R> {
    reader: R,
    until: Duration,
}

impl<R: Reader> Reader for Timed<R> {
    fn decode<B: Binarizer>(
        &mut self,
        image: &mut BinaryBitmap<B>,
    ) -> rxing::common::Result<RXingResult> {
        self.decode_with_hints(image, &DecodeHints::default())
    }

    fn decode_with_hints<B: Binarizer>(
        &mut self,
        image: &mut BinaryBitmap<B>,
        hints: &DecodeHints,
    ) -> rxing::common::Result<RXingResult> {
        if thread_time() >= self.until {
            return Err(Exceptions::NOT_FOUND);
        }
        self.reader.decode_with_hints(image, hints)
    }
}

#[cfg(test)]
#[path = "read_codes_tests.rs"]
mod tests;
