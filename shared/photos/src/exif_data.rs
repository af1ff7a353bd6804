//! Reading EXIF data, of whatever format the photo is: the orientation, and what `Metadata` keeps.

mod tiff;

use image::metadata::Orientation;

use self::tiff::{Directory, Tiff};
use crate::metadata::{Metadata, Position};

/// Characters of a text that are kept.
const MOST_CHARACTERS: usize = 64;

/// Numbers of tags, as EXIF has them.
mod tag {
    pub(super) const MAKE: u16 = 0x010F;
    pub(super) const MODEL: u16 = 0x0110;
    pub(super) const ORIENTATION: u16 = 0x0112;
    pub(super) const DATE_TIME: u16 = 0x0132;
    pub(super) const EXIF: u16 = 0x8769;
    pub(super) const GPS: u16 = 0x8825;
    pub(super) const DATE_TIME_ORIGINAL: u16 = 0x9003;
    pub(super) const OFFSET_TIME_ORIGINAL: u16 = 0x9011;
    pub(super) const BODY_SERIAL_NUMBER: u16 = 0xA431;
    pub(super) const LATITUDE_REF: u16 = 1;
    pub(super) const LATITUDE: u16 = 2;
    pub(super) const LONGITUDE_REF: u16 = 3;
    pub(super) const LONGITUDE: u16 = 4;
}

/// Whether it is EXIF data that can be read.
pub(super) fn is_exif(data: &[u8]) -> bool {
    Tiff::find(data).is_some()
}

/// The orientation that EXIF data tells; one that makes no sense is none.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let told = || {
        let tiff = Tiff::find(exif)?;
        let told = tiff.entry(tiff.first()?, tag::ORIENTATION)?.number(0)?;
        let known = (1..=8u8).find(|known| f64::from(*known) == told)?;
        Orientation::from_exif(known)
    };
    told().unwrap_or(Orientation::NoTransforms)
}

/// Reads EXIF data; what can't be read is left out.
pub(super) fn read(exif: &[u8]) -> Metadata {
    let directories = || {
        let tiff = Tiff::find(exif)?;
        let first = tiff.first()?;
        Some(Directories {
            tiff,
            first,
            exif: tiff.behind(first, tag::EXIF),
            gps: tiff.behind(first, tag::GPS),
        })
    };
    let found = directories();
    found.map_or_else(Metadata::default, |found| Metadata {
        captured_at: found.captured_at(),
        camera: found.camera(),
        camera_serial: found.camera_serial(),
        position: found.position(),
    })
}

/// The directories of EXIF data.
struct Directories<'a> {
    tiff: Tiff<'a>,
    /// About the picture.
    first: Directory,
    /// About how it was taken.
    exif: Option<Directory>,
    /// About where.
    gps: Option<Directory>,
}

impl Directories<'_> {
    fn captured_at(&self) -> Option<String> {
        let of_exif = |tag| self.text(self.exif?, tag);
        let text = of_exif(tag::DATE_TIME_ORIGINAL);
        let text = text.or_else(|| self.text(self.first, tag::DATE_TIME))?;
        let zone = of_exif(tag::OFFSET_TIME_ORIGINAL)
            .filter(|zone| is_zone(zone))
            .unwrap_or_default();
        time(&text).map(|time| time + &zone)
    }

    fn camera(&self) -> Option<String> {
        let [make, model] = [tag::MAKE, tag::MODEL].map(|tag| self.text(self.first, tag));
        match (make, model) {
            (Some(make), Some(model)) if model.starts_with(&make) => Some(model),
            (Some(make), Some(model)) => Some(format!("{make} {model}")),
            (make, model) => make.or(model),
        }
    }

    fn camera_serial(&self) -> Option<String> {
        let serial = self.text(self.exif?, tag::BODY_SERIAL_NUMBER)?;
        // Some write zeros where they do not know it.
        serial
            .bytes()
            .any(|byte| !matches!(byte, b'0' | b' '))
            .then_some(serial)
    }

    fn position(&self) -> Option<Position> {
        let latitude = self.degrees(tag::LATITUDE, tag::LATITUDE_REF, "S", 90.0)?;
        let longitude = self.degrees(tag::LONGITUDE, tag::LONGITUDE_REF, "W", 180.0)?;
        // Phones that do not know where they are write zeros.
        (latitude != 0.0 || longitude != 0.0).then_some(Position {
            latitude,
            longitude,
        })
    }

    /// Degrees, minutes and seconds as degrees; negative on the side of the equator or of Greenwich that is, or where a
    /// part is: signed numbers stand in some files.
    fn degrees(&self, tag: u16, side: u16, negative: &str, most: f64) -> Option<f64> {
        let directory = self.gps?;
        let entry = self.tiff.entry(directory, tag)?;
        let parts = [
            entry.number(0)?,
            entry.number(1).unwrap_or(0.0),
            entry.number(2).unwrap_or(0.0),
        ];
        let [degrees, minutes, seconds] = parts.map(f64::abs);
        let value = degrees + minutes / 60.0 + seconds / 3600.0;
        let is_negative = self.text(directory, side).as_deref() == Some(negative)
            || parts.iter().any(|part| *part < 0.0);
        let value = if is_negative { -value } else { value };
        (value.is_finite() && value.abs() <= most).then_some(value)
    }

    /// A text without what does not print.
    fn text(&self, directory: Directory, tag: u16) -> Option<String> {
        let entry = self.tiff.entry(directory, tag)?;
        let text = String::from_utf8_lossy(entry.text()?);
        let printed = text.chars().filter(|c| !c.is_control());
        let text: String = printed.take(MOST_CHARACTERS).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// `2026:01:14 10:15:02` as `2026-01-14T10:15:02`.
fn time(text: &str) -> Option<String> {
    let (day, time) = text.split_once(' ')?;
    let ([year, month, day], [hour, minute, second]) = (
        numbers(day, [4, 2, 2])?,
        // Some write more than seconds.
        numbers(time.get(..8)?, [2, 2, 2])?,
    );
    let plausible = year > "0000"
        && ("01"..="12").contains(&month)
        && ("01"..="31").contains(&day)
        && hour < "24"
        && minute < "60"
        && second <= "60";
    plausible.then(|| format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}

/// Three numbers of so many digits, with colons between them.
fn numbers(text: &str, lengths: [usize; 3]) -> Option<[&str; 3]> {
    let parts: Vec<&str> = text.split(':').collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    let plain = |(part, length): (&&str, usize)| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let all = parts.iter().zip(lengths).all(plain);
    all.then_some(parts)
}

fn is_zone(zone: &str) -> bool {
    matches!(zone.as_bytes(), [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|c| c.is_ascii_digit()))
}
