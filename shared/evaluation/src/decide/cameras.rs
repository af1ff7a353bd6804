//! Where a camera was in which hour: in the first DR, and in the next one that it can't have come to.
//!
//! # Invariants
//! - Only a camera that writes its serial number is known again: many phones are of the same model.
//! - Whoever was first in an hour stays, and so does whoever was next; both are deleted with the verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::photo_record::PhotoRecord;
use super::plausibility::whole;
use crate::domain::bounds::shortened_name;
use crate::domain::catalogue::Catalogue;
use crate::domain::hash::hex_of;
use crate::domain::ids::DrNumber;
use crate::domain::plausibility::{Limits, Whereabouts};
use crate::domain::reading::{Flag, FlagCode};

const HOUR_SECONDS: i64 = 3600;

/// A camera in an hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CameraHour {
    /// Maker, model and serial number as a hash.
    camera: String,
    /// Whether the hours are those of a known time zone.
    zoned: bool,
    /// Hours since 1970.
    hour: i64,
}

impl CameraHour {
    /// As part of a key.
    pub fn key(&self) -> String {
        let clock = if self.zoned { "UTC" } else { "LOCAL" };
        format!("{}#{clock}#{}", self.camera, self.hour)
    }

    /// This hour, the one before and the one behind it.
    pub fn around(&self) -> [Self; 3] {
        [-1, 0, 1].map(|more| Self {
            hour: self.hour.saturating_add(more),
            ..self.clone()
        })
    }
}

/// Where a camera was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CameraSeen {
    /// The DR.
    pub dr_number: DrNumber,
    /// The photo's name there.
    pub photo: String,
    /// When and where.
    pub was: Whereabouts,
}

/// Where the cameras of an evaluation's photos were, each in each hour, by the first photo.
pub fn cameras(
    catalogue: &Catalogue,
    dr: &DrNumber,
    photos: &[PhotoRecord],
) -> BTreeMap<CameraHour, CameraSeen> {
    let Some(limits) = catalogue.plausibility else {
        return BTreeMap::new();
    };
    let mut all: Vec<_> = photos
        .iter()
        .filter_map(|record| seen(dr, record, &limits))
        .collect();
    // The last one put into a place stays: the earliest.
    all.sort_by(|(_, one), (_, other)| (other.was.at, &other.photo).cmp(&(one.was.at, &one.photo)));
    all.into_iter().collect()
}

fn seen(dr: &DrNumber, record: &PhotoRecord, limits: &Limits) -> Option<(CameraHour, CameraSeen)> {
    let metadata = record.metadata()?;
    let serial = metadata.camera_serial.as_deref()?;
    let was = Whereabouts::of(metadata, limits)?;
    let hour = CameraHour {
        camera: hex_of(&[metadata.camera.as_deref().unwrap_or_default(), serial]),
        zoned: was.zoned,
        hour: was.at.as_seconds().div_euclid(HOUR_SECONDS),
    };
    let name = &record.photo.name;
    let seen = CameraSeen {
        dr_number: dr.clone(),
        photo: shortened_name(name).unwrap_or_else(|| name.clone()),
        was,
    };
    Some((hour, seen))
}

impl CameraSeen {
    /// The kilometres and minutes to where the same camera was in another DR, if nobody goes so far so fast.
    pub fn at_once(&self, other: &Self, limits: &Limits) -> Option<(u64, u64)> {
        let elsewhere = self.dr_number != other.dr_number;
        elsewhere.then(|| self.was.at_once(&other.was, limits))?
    }

    /// Where else this camera was, as one of those that are noted, far away at about the same time.
    pub fn meeting(&self, noted: &[Self], limits: &Limits) -> Option<Meeting> {
        noted.iter().find_map(|other| {
            let (kilometres, minutes) = self.at_once(other, limits)?;
            Some(Meeting {
                own: self.clone(),
                other: other.clone(),
                kilometres,
                minutes,
            })
        })
    }
}

/// A camera that was in two DRs, too far from each other for the time between.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// Where it was here.
    pub own: CameraSeen,
    /// Where it was in another DR.
    pub other: CameraSeen,
    /// How far these are from each other.
    pub kilometres: u64,
    /// How long it was between the two, by its clock.
    pub minutes: u64,
}

impl Meeting {
    /// What people should look at.
    pub fn flag(&self) -> Flag {
        let Self {
            own,
            other,
            kilometres,
            minutes,
        } = self;
        let message = format!(
            "The same camera took {} in {}, {kilometres} km away, {minutes} minutes apart",
            other.photo, other.dr_number
        );
        whole(&own.photo, FlagCode::CameraInTwoPlaces, message)
    }
}

#[cfg(test)]
mod tests {
    use photos::metadata::{Metadata, Position};

    use super::*;
    use crate::decide::fixtures::photo;
    use crate::domain::outcome::{PhotoOutcome, ReasonCode};
    use crate::domain::report::Report;
    use crate::domain::time::Timestamp;

    fn record(name: &str, serial: Option<&str>, at: &str, latitude: f64) -> PhotoRecord {
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::Unfit, "");
        let metadata = Some(Box::new(Metadata {
            captured_at: Some(at.into()),
            camera: Some("Phone 7".into()),
            camera_serial: serial.map(str::to_owned),
            position: Some(Position {
                latitude,
                longitude: 28.0,
            }),
        }));
        PhotoRecord {
            report: Some(Report {
                metadata,
                ..Report::bare(outcome, Timestamp::from_millis(1))
            }),
            ..PhotoRecord::new(photo(name))
        }
    }

    fn of(dr: &str, photos: &[PhotoRecord]) -> Vec<(CameraHour, CameraSeen)> {
        let dr = DrNumber::parse(dr).unwrap();
        cameras(Catalogue::shipped("v4").unwrap(), &dr, photos)
            .into_iter()
            .collect()
    }

    #[test]
    fn a_camera_is_noted_once_an_hour_and_only_if_it_writes_its_serial() {
        let photos = [
            record("b.jpg", Some("S1"), "2026-01-14T08:20:00", -26.0),
            record("a.jpg", Some("S1"), "2026-01-14T08:10:00", -26.0),
            record("c.jpg", Some("S1"), "2026-01-14T09:10:00", -26.0),
            record("d.jpg", None, "2026-01-14T08:00:00", -26.0),
            record("e.jpg", Some("S2"), "2026-01-14T08:30:00", -26.0),
        ];
        let seen = of("DR1", &photos);
        let mut names: Vec<&str> = seen.iter().map(|(_, seen)| seen.photo.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a.jpg", "c.jpg", "e.jpg"]);
        let dr = DrNumber::parse("DR1").unwrap();
        assert!(cameras(Catalogue::shipped("v3").unwrap(), &dr, &photos).is_empty());
    }

    #[test]
    fn one_camera_in_two_drs_is_flagged_if_they_are_far_apart_and_the_time_is_short() {
        let limits = Limits::default();
        let one = |dr: &str, at: &str, latitude: f64| {
            of(dr, &[record("a.jpg", Some("S1"), at, latitude)]).remove(0)
        };
        let (hour, here) = one("DR1", "2026-01-14T08:50:00", -26.0);
        let (next, there) = one("DR2", "2026-01-14T09:05:00", -27.0);
        assert!(
            hour.around().contains(&next),
            "hours that touch are looked at together"
        );
        let met = here.meeting(std::slice::from_ref(&there), &limits);
        let flag = met.unwrap().flag();
        assert_eq!(
            (flag.code, flag.message.as_str()),
            (
                FlagCode::CameraInTwoPlaces,
                "The same camera took a.jpg in DR2, 111 km away, 15 minutes apart"
            )
        );
        assert!(
            there
                .meeting(std::slice::from_ref(&here), &limits)
                .is_some()
        );
        for (dr, at, latitude) in [
            ("DR1", "2026-01-14T09:05:00", -27.0),
            ("DR2", "2026-01-14T09:05:00", -26.02),
            ("DR2", "2026-01-14T09:40:00", -27.0),
        ] {
            let (_, other) = one(dr, at, latitude);
            assert_eq!(
                here.meeting(&[other], &limits),
                None,
                "{dr} {at} {latitude}"
            );
        }
    }

    #[test]
    fn cameras_of_one_model_are_told_apart_and_so_are_clocks_with_and_without_a_zone() {
        let key = |serial, at| {
            of("DR1", &[record("a.jpg", Some(serial), at, -26.0)])[0]
                .0
                .key()
        };
        let first = key("S1", "2026-01-14T08:50:00");
        assert_ne!(first, key("S2", "2026-01-14T08:50:00"));
        assert_ne!(first, key("S1", "2026-01-14T08:50:00Z"));
        assert_eq!(first, key("S1", "2026-01-14T08:10:00"));
    }
}
