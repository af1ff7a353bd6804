//! Reading square codes: QR and Data Matrix, on pixels in black and white.
//!
//! # Invariants
//! - The work on a picture is bounded by what it begins with: so many eyes of QR codes, so many outlines of Data Matrix
//!   codes. Between any two of its small parts it ends if the time is up.

use rxing::common::cpp_essentials::{ConcentricPattern, LocateConcentricPattern, PatternType};
use rxing::common::{BitArray, BitMatrix, DetectorRXingResult};
use rxing::datamatrix::decoder::Decoder;
use rxing::datamatrix::detector::{Detector, zxing_cpp_detector};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{GenerateFinderPatternSets, SampleQR};
use rxing::{Point, point};

use crate::codes::CodeKind;
use crate::found::{Found, Until};

/// A picture with more eyes than many codes have shows something else: its QR codes are given up.
const MOST_EYES: usize = 128;
/// From one row in which eyes are looked for to the next: their cores are three modules high.
const ROWS_APART: usize = 3;
/// The rings of an eye, from one side to the other, in modules.
const EYE: [PatternType; 5] = [1, 1, 3, 1, 1];

/// QR codes, each by three eyes that may belong together.
pub(crate) fn qr(matrix: &BitMatrix, until: Until, found: &mut Found) {
    let Some(mut eyes) = eyes(matrix, until) else {
        return;
    };
    let mut used: Vec<ConcentricPattern> = Vec::new();
    for set in GenerateFinderPatternSets(&mut eyes) {
        if until.is_past() {
            return;
        }
        let corners = [set.bl, set.tl, set.tr];
        if corners.iter().any(|corner| used.contains(corner)) {
            continue;
        }
        let decoded = SampleQR(matrix, &set).and_then(|sampled| Decode(sampled.getBits()));
        if let Some(code) = decoded.ok().filter(|code| code.isValid()) {
            used.extend(corners);
            found.add(CodeKind::QrCode, &code.text());
        }
    }
}

/// The eyes in a picture, unless there are too many, or the time is up.
fn eyes(matrix: &BitMatrix, until: Until) -> Option<Vec<ConcentricPattern>> {
    let mut eyes: Vec<ConcentricPattern> = Vec::new();
    for y in (2..matrix.height()).step_by(ROWS_APART) {
        if until.is_past() {
            return None;
        }
        for (x, width) in across_eyes(&matrix.getRow(y)) {
            let at = point(x, y as f32 + 0.5);
            let is_in =
                |eye: &ConcentricPattern| Point::distance(at, eye.p) < eye.size as f32 / 2.0;
            if eyes.iter().any(is_in) {
                continue;
            }
            // Three times as far as it is wide, for eyes that are seen from the side.
            let range = 3 * width as i32;
            let located = LocateConcentricPattern::<true, 5, 7>(matrix, &EYE, at, range);
            eyes.extend(located);
            if eyes.len() > MOST_EYES {
                return None;
            }
        }
    }
    Some(eyes)
}

/// Where a row may go across an eye: the middle, and how wide it is there.
fn across_eyes(row: &BitArray) -> Vec<(f32, usize)> {
    let edges = edges(row);
    let across = |edges: &[usize]| {
        let [a, b, c, d, e, f] = *<&[usize; 6]>::try_from(edges).ok()?;
        let is_eye = is_eye([b - a, c - b, d - c, e - d, f - e]);
        is_eye.then_some(((c + d) as f32 / 2.0, f - a))
    };
    edges.windows(6).step_by(2).filter_map(across).collect()
}

/// Where a row turns black, white, black and so on.
fn edges(row: &BitArray) -> Vec<usize> {
    let end = row.get_size();
    let (mut edges, mut at) = (Vec::new(), row.getNextSet(0));
    while at < end {
        edges.push(at);
        at = if edges.len() % 2 == 1 {
            row.getNextUnset(at)
        } else {
            row.getNextSet(at)
        };
    }
    if edges.len() % 2 == 1 {
        edges.push(end);
    }
    edges
}

/// Whether runs of black and white are as wide as the rings of an eye, as nearly as pixels, blur and slant leave them.
/// Ink spreads: black and white have a module of their own.
fn is_eye(runs: [usize; 5]) -> bool {
    let [a, b, c, d, e] = runs.map(|run| run as f32);
    let (black, white) = ((a + c + e) / 5.0, (b + d) / 2.0);
    let near = |run: f32, expected: f32, slack: f32| (run - expected).abs() <= slack + 0.5;
    black.max(white) <= 4.0 * black.min(white)
        && c >= 3.0
        && c >= 2.0 * a.max(e)
        && c >= b.max(d)
        && near(a, black, black * 0.75)
        && near(e, black, black * 0.75)
        && near(c, 3.0 * black, black * 0.75)
        && near(b, white, white / 3.0)
        && near(d, white, white / 3.0)
}

/// Data Matrix codes, each by its outline.
pub(crate) fn data_matrix(matrix: &BitMatrix, until: Until, found: &mut Found) {
    let outlines = zxing_cpp_detector::detect(matrix, true, true).unwrap_or_default();
    for outline in outlines {
        if until.is_past() {
            return;
        }
        decode(outline.getBits(), found);
    }
    if found.has(CodeKind::DataMatrix) || until.is_past() {
        return;
    }
    // One that fills the middle of the picture, by its corners.
    let whole = Detector::new(matrix).and_then(|detector| detector.detect());
    if let Ok(whole) = whole {
        decode(whole.getBits(), found);
    }
}

fn decode(modules: &BitMatrix, found: &mut Found) {
    if let Ok(code) = Decoder::new().decode(modules) {
        found.add(CodeKind::DataMatrix, code.getText());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// So many eyes in each direction, of modules so many pixels wide.
    fn picture(across: u32, down: u32, module: u32) -> BitMatrix {
        let apart = 12 * module;
        let (width, height) = (across * apart, down * apart);
        let mut matrix = BitMatrix::new(width, height).unwrap();
        for y in 0..height {
            for x in 0..width {
                let from_middle = |at: u32| (at % apart / module).abs_diff(5);
                let ring = from_middle(x).max(from_middle(y));
                matrix.set_bool(x, y, ring == 3 || ring < 2);
            }
        }
        matrix
    }

    fn found(matrix: &BitMatrix) -> Option<usize> {
        let far = Until::after(Duration::from_secs(60));
        eyes(matrix, far).map(|eyes| eyes.len())
    }

    #[test]
    fn each_eye_is_found_once_whatever_its_size() {
        for module in [2, 3, 5, 9] {
            assert_eq!(found(&picture(3, 2, module)), Some(6), "{module}");
        }
    }

    #[test]
    fn a_picture_full_of_eyes_is_given_up_before_they_are_compared() {
        assert_eq!(found(&picture(12, 10, 2)), Some(120));
        assert_eq!(found(&picture(12, 11, 2)), None);
        assert_eq!(found(&picture(60, 60, 2)), None);
    }

    #[test]
    fn once_the_time_is_up_no_eye_is_looked_for() {
        assert!(eyes(&picture(3, 2, 3), Until::after(Duration::ZERO)).is_none());
    }

    #[test]
    fn rings_are_known_however_wide_ink_and_blur_make_them() {
        for runs in [
            [1, 1, 3, 1, 1],
            [4, 4, 12, 4, 4],
            [3, 1, 7, 1, 3],
            [2, 4, 8, 4, 2],
        ] {
            assert!(is_eye(runs), "{runs:?}");
        }
        for runs in [
            [1, 1, 1, 1, 1],
            [4, 4, 4, 4, 4],
            [4, 4, 12, 4, 14],
            [1, 9, 3, 9, 1],
            [1, 1, 2, 1, 1],
        ] {
            assert!(!is_eye(runs), "{runs:?}");
        }
    }

    #[test]
    fn a_row_is_told_by_where_its_colour_changes() {
        let mut row = BitArray::with_size(10);
        for at in [2, 3, 7, 8, 9] {
            row.set(at);
        }
        assert_eq!(edges(&row), [2, 4, 7, 10]);
        assert_eq!(edges(&BitArray::with_size(4)), [0; 0]);
    }
}
