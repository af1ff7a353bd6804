//! Reading EXIF data: the orientation, and what `Metadata` keeps.

use exif::{Exif, In, Reader, Tag, Value};
use image::metadata::Orientation;

use crate::metadata::{Metadata, Position};

/// Characters of a text that are kept.
const MOST_CHARACTERS: usize = 64;

/// The orientation of a TIFF structure; one that makes no sense is none.
pub(super) fn orientation(tiff: &[u8]) -> Orientation {
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}

/// Reads a TIFF structure; what can't be read is left out.
pub(super) fn read(tiff: &[u8]) -> Metadata {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    let read = reader
        .read_raw(tiff.to_vec())
        .or_else(|error| error.distill_partial_result(|_| {}));
    read.map(|exif| metadata(&exif)).unwrap_or_default()
}

fn metadata(exif: &Exif) -> Metadata {
    Metadata {
        captured_at: captured_at(exif),
        camera: camera(exif),
        position: position(exif),
    }
}

/// A text without what does not print.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let text = String::from_utf8_lossy(parts.first()?);
    let text: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST_CHARACTERS)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn captured_at(exif: &Exif) -> Option<String> {
    let text = text(exif, Tag::DateTimeOriginal).or_else(|| self::text(exif, Tag::DateTime))?;
    let time = exif::DateTime::from_ascii(text.as_bytes()).ok()?;
    let zone = self::text(exif, Tag::OffsetTimeOriginal)
        .filter(|zone| is_zone(zone))
        .unwrap_or_default();
    let plausible = time.year > 0 && (1..=12).contains(&time.month) && (1..=31).contains(&time.day);
    plausible.then(|| {
        let exif::DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = time;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    })
}

fn is_zone(zone: &str) -> bool {
    matches!(zone.as_bytes(), [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|c| c.is_ascii_digit()))
}

fn camera(exif: &Exif) -> Option<String> {
    match (text(exif, Tag::Make), text(exif, Tag::Model)) {
        (Some(make), Some(model)) if model.starts_with(&make) => Some(model),
        (Some(make), Some(model)) => Some(format!("{make} {model}")),
        (make, model) => make.or(model),
    }
}

fn position(exif: &Exif) -> Option<Position> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, "S", 90.0)?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, "W", 180.0)?;
    // Phones that do not know where they are write zeros.
    (latitude != 0.0 || longitude != 0.0).then_some(Position {
        latitude,
        longitude,
    })
}

fn degrees(exif: &Exif, tag: Tag, side: Tag, negative: &str, most: f64) -> Option<f64> {
    let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let part = |index: usize| parts.get(index).map(exif::Rational::to_f64);
    let value = part(0)? + part(1).unwrap_or(0.0) / 60.0 + part(2).unwrap_or(0.0) / 3600.0;
    let value = if text(exif, side).as_deref() == Some(negative) {
        -value
    } else {
        value
    };
    (value.is_finite() && value.abs() <= most).then_some(value)
}
