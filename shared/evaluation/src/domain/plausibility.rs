//! Whether photos were taken where and when they should have been: pure rules over what cameras wrote.
//!
//! # Invariants
//! - A doubt is for people: it changes no score.
//! - A camera that wrote no time zone is not doubted for one: only what holds in every time zone counts.
//! - One photo that is far from the others, in place or time, brings none of the others into doubt.

use std::time::Duration;

use jiff::civil::DateTime;
use photos::metadata::{Metadata, Position};
use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The mean radius of the Earth, in metres.
const EARTH_RADIUS_METRES: f64 = 6_371_000.0;
/// How far a clock on a wall is from UTC at most, in either direction.
const FURTHEST_TIME_ZONE: Duration = Duration::from_secs(14 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

/// What is still plausible.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Hours from taking a photo to uploading it.
    pub hours_before_upload: u32,
    /// Hours from a photo to the middle one of its DR.
    pub hours_apart: u32,
    /// Hours by which a camera's clock may be fast.
    pub hours_fast: u32,
    /// Before this year no camera's clock was set.
    pub first_year: i16,
    /// Metres from a photo to where its DR is.
    pub metres_apart: f64,
    /// Kilometres between two places that are far from each other.
    pub kilometres_far: u32,
    /// Kilometres an hour that nobody goes from one DR to another.
    pub kilometres_an_hour: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hours_before_upload: 7 * 24,
            hours_apart: 12,
            hours_fast: 1,
            first_year: 2015,
            metres_apart: 150.0,
            kilometres_far: 5,
            kilometres_an_hour: 200,
        }
    }
}

impl Limits {
    /// What is wrong with these limits, if anything: such as flag every photo flag none.
    pub fn problem(&self) -> Option<&'static str> {
        let spans = [
            self.hours_before_upload,
            self.hours_apart,
            self.kilometres_far,
            self.kilometres_an_hour,
        ];
        let is_wrong = spans.contains(&0) || self.metres_apart.is_nan() || self.metres_apart <= 0.0;
        is_wrong.then_some("the limits of plausibility must be above 0, but hours_fast")
    }
}

/// A photo, as far as place and time go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken<'a> {
    /// What the camera wrote.
    pub metadata: &'a Metadata,
    /// When it was uploaded, if that is known.
    pub uploaded_at: Option<Timestamp>,
}

/// What is not plausible about a photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Doubt {
    /// It is so many hours older than its upload.
    LongBeforeUpload(u64),
    /// It was taken after it was uploaded.
    InTheFuture,
    /// The camera's clock was never set.
    ClockNeverSet,
    /// It was taken so many hours before or after the middle one of its DR.
    HoursApart(u64),
    /// It was taken so many metres from where the DR is.
    MetresApart(u64),
}

impl Doubt {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::LongBeforeUpload(hours) => format!("Taken {hours} hours before the upload"),
            Self::InTheFuture => "Taken after the upload, by the camera's clock".into(),
            Self::ClockNeverSet => "The camera's clock was never set".into(),
            Self::HoursApart(hours) => format!("Taken {hours} hours from the DR's other photos"),
            Self::MetresApart(metres) => format!("Taken {metres} m from where the DR is"),
        }
    }
}

/// The doubts about each of a DR's photos, in their order. `expected`: where the DR is, if somebody said so.
///
/// ```
/// use evaluation::domain::plausibility::{Doubt, Limits, Taken, doubts};
/// use evaluation::domain::time::Timestamp;
/// use photos::metadata::Metadata;
///
/// let metadata = Metadata {
///     captured_at: Some("2026-01-01T10:00:00Z".into()),
///     ..Metadata::default()
/// };
/// let uploaded_at = Timestamp::parse("2026-01-11T10:00:00Z").ok();
/// let photo = Taken { metadata: &metadata, uploaded_at };
/// let found = doubts(&[photo], None, &Limits::default());
/// assert_eq!(found, [[Doubt::LongBeforeUpload(240)]]);
/// ```
pub fn doubts(
    photos: &[Taken<'_>],
    expected: Option<Position>,
    limits: &Limits,
) -> Vec<Vec<Doubt>> {
    let times: Vec<Option<CameraTime>> = photos.iter().map(|photo| time(photo, limits)).collect();
    let places: Vec<Position> = photos
        .iter()
        .filter_map(|photo| photo.metadata.position)
        .filter(is_place)
        .collect();
    let all = photos.iter().zip(&times).map(|(photo, time)| {
        let by_clock = clock(photo, limits);
        let apart = time.and_then(|time| hours_apart(time, &times, limits));
        let far = photo.metadata.position.filter(is_place).and_then(|here| {
            let place = expected.or_else(|| middle_place(here, &places))?;
            metres_apart(here, place, limits)
        });
        [by_clock, apart, far].into_iter().flatten().collect()
    });
    all.collect()
}

/// A time that a camera wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CameraTime {
    /// With its time zone.
    Zoned(Timestamp),
    /// By a clock on a wall, as if that were in UTC.
    Local(Timestamp),
}

impl CameraTime {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(zoned) = Timestamp::parse(text) {
            return Some(Self::Zoned(zoned));
        }
        let local: DateTime = text.parse().ok()?;
        Timestamp::parse(&format!("{local}Z")).ok().map(Self::Local)
    }

    fn written(self) -> Timestamp {
        match self {
            Self::Zoned(at) | Self::Local(at) => at,
        }
    }

    /// How far the true time may be from what was written.
    fn slack(self) -> Duration {
        match self {
            Self::Zoned(_) => Duration::ZERO,
            Self::Local(_) => FURTHEST_TIME_ZONE,
        }
    }
}

/// The time of a photo, unless the camera's clock was never set.
fn time(photo: &Taken<'_>, limits: &Limits) -> Option<CameraTime> {
    let text = photo.metadata.captured_at.as_deref()?;
    CameraTime::parse(text).filter(|time| is_set(*time, limits))
}

fn is_set(time: CameraTime, limits: &Limits) -> bool {
    let first = format!("{:04}-01-01T00:00:00Z", limits.first_year);
    Timestamp::parse(&first).is_ok_and(|first| time.written() >= first)
}

fn clock(photo: &Taken<'_>, limits: &Limits) -> Option<Doubt> {
    let time = CameraTime::parse(photo.metadata.captured_at.as_deref()?)?;
    if !is_set(time, limits) {
        return Some(Doubt::ClockNeverSet);
    }
    let (written, slack, uploaded_at) = (time.written(), time.slack(), photo.uploaded_at?);
    let age = uploaded_at.since(written).saturating_sub(slack);
    let ahead = written.since(uploaded_at).saturating_sub(slack);
    if ahead > HOUR * limits.hours_fast {
        Some(Doubt::InTheFuture)
    } else if age > HOUR * limits.hours_before_upload {
        Some(Doubt::LongBeforeUpload(in_hours(age)))
    } else {
        None
    }
}

/// How far a photo is from the middle one of its DR; times with a zone and without can't be compared.
fn hours_apart(time: CameraTime, all: &[Option<CameraTime>], limits: &Limits) -> Option<Doubt> {
    let same_kind = |other: &CameraTime| other.slack() == time.slack();
    let others = all.iter().copied().flatten().filter(same_kind);
    let mut times: Vec<Timestamp> = others.map(CameraTime::written).collect();
    times.sort();
    let middle = match times.as_slice() {
        // Of two nobody knows which is right: each is compared with the other.
        [one, other] if *one == time.written() => *other,
        [one, _] => *one,
        _ => *times.get(times.len().checked_sub(1)? / 2)?,
    };
    let (before, after) = (middle.since(time.written()), time.written().since(middle));
    let apart = before.max(after);
    (apart > HOUR * limits.hours_apart).then(|| Doubt::HoursApart(in_hours(apart)))
}

fn in_hours(span: Duration) -> u64 {
    span.as_secs() / HOUR.as_secs()
}

/// Where the DR's photos were taken, seen from one of these places; none if no other says where it was taken.
fn middle_place(here: Position, places: &[Position]) -> Option<Position> {
    match places {
        [] | [_] => None,
        // As with times.
        [one, other] if *one == here => Some(*other),
        [one, _] => Some(*one),
        [first, ..] => {
            let east = |place: &Position| turned(place.longitude - first.longitude);
            Some(Position {
                latitude: median(places.iter().map(|place| place.latitude))?,
                longitude: turned(first.longitude + median(places.iter().map(east))?),
            })
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

/// Degrees as −180 to 180.
fn turned(degrees: f64) -> f64 {
    (degrees + 180.0).rem_euclid(360.0) - 180.0
}

/// A receiver without a fix writes zeros.
fn is_place(place: &Position) -> bool {
    let is_zero = place.latitude == 0.0 && place.longitude == 0.0;
    place.latitude.is_finite() && place.longitude.is_finite() && !is_zero
}

fn metres_apart(here: Position, place: Position, limits: &Limits) -> Option<Doubt> {
    let metres = metres(here, place);
    (metres > limits.metres_apart).then_some(Doubt::MetresApart(metres.round() as u64))
}

/// How many metres a photo was taken from this place, if it says where it was taken.
pub fn metres_from(place: Position, metadata: &Metadata) -> Option<u64> {
    let here = metadata.position.filter(is_place)?;
    Some(metres(here, place).round() as u64)
}

/// When and where a camera was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// When, by its clock.
    pub at: Timestamp,
    /// Whether its clock's time zone is known.
    pub zoned: bool,
    /// Where.
    pub position: Position,
}

impl Whereabouts {
    /// When and where a photo was taken, if it says both.
    pub fn of(metadata: &Metadata, limits: &Limits) -> Option<Self> {
        let time = CameraTime::parse(metadata.captured_at.as_deref()?)?;
        is_set(time, limits).then_some(())?;
        Some(Self {
            at: time.written(),
            zoned: matches!(time, CameraTime::Zoned(_)),
            position: metadata.position.filter(is_place)?,
        })
    }

    /// The kilometres and minutes between two of one camera, if nobody goes so far so fast.
    pub fn at_once(&self, other: &Self, limits: &Limits) -> Option<(u64, u64)> {
        let kilometres = metres(self.position, other.position) / 1000.0;
        let between = self.at.since(other.at).max(other.at.since(self.at));
        let reached = f64::from(limits.kilometres_an_hour) * between.as_secs_f64() / 3600.0;
        let far = kilometres > f64::from(limits.kilometres_far);
        // Clocks with a time zone and without can't be compared.
        let at_once = far && kilometres > reached && self.zoned == other.zoned;
        at_once.then_some((kilometres.round() as u64, between.as_secs() / 60))
    }
}

/// The distance on the Earth's surface (haversine).
fn metres(one: Position, other: Position) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let cos = |place: Position| place.latitude.to_radians().cos();
    let north = half(one.latitude - other.latitude);
    let east = half(one.longitude - other.longitude) * cos(one) * cos(other);
    2.0 * EARTH_RADIUS_METRES * (north + east).sqrt().min(1.0).asin()
}

#[cfg(test)]
#[path = "plausibility_tests.rs"]
mod tests;
