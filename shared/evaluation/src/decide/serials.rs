//! In which DRs a serial was seen: the first one, and the next one beside it. So each DR of a serial finds another one.
//!
//! # Invariants
//! - Whoever was first stays, and so does whoever was next: neither is ever deleted.
//! - Only what has the form of a serial is noted, so that what was misread is hardly ever another device's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::photo_record::PhotoRecord;
use crate::domain::bounds::shortened_name;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, StepKey};
use crate::domain::outcome::{Finding, PhotoOutcome};
use crate::domain::reading::{Flag, FlagCode, Reads};
use crate::domain::serial::{ProvenBy, contradiction, proven};

/// What is shorter may be the same by chance.
const SHORTEST: usize = 6;

/// A serial on a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialOnPhoto {
    /// The serial.
    pub serial: String,
    /// The step that shows it.
    pub step: StepKey,
    /// The photo's name.
    pub photo: String,
    /// What says so.
    pub by: ProvenBy,
}

/// Where a serial was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SerialSeen {
    /// The DR.
    pub dr_number: DrNumber,
    /// The photo's name there.
    pub photo: String,
    /// What said so.
    pub proven_by: ProvenBy,
}

impl SerialSeen {
    /// A serial in this DR.
    pub fn of(dr: &DrNumber, seen: &SerialOnPhoto) -> Self {
        Self {
            dr_number: dr.clone(),
            photo: shortened_name(&seen.photo).unwrap_or_else(|| seen.photo.clone()),
            proven_by: seen.by,
        }
    }
}

/// The serials on the photos of an evaluation, each once, by the best proof.
pub fn serials(catalogue: &Catalogue, photos: &[PhotoRecord]) -> Vec<SerialOnPhoto> {
    let mut found: BTreeMap<String, SerialOnPhoto> = BTreeMap::new();
    let rank = |by: ProvenBy| match by {
        ProvenBy::Both => 0,
        ProvenBy::Code => 1,
        ProvenBy::Model => 2,
    };
    for one in photos.iter().flat_map(|photo| on_photo(catalogue, photo)) {
        let key = |one: &SerialOnPhoto| (rank(one.by), one.photo.clone());
        match found.get(&one.serial) {
            Some(known) if key(known) <= key(&one) => (),
            _ => drop(found.insert(one.serial.clone(), one)),
        }
    }
    found.into_values().collect()
}

fn findings(record: &PhotoRecord) -> &[Finding] {
    match record.report.as_ref().map(|report| &report.outcome) {
        Some(PhotoOutcome::Evaluated { findings }) => findings,
        Some(PhotoOutcome::NotEvaluated { .. }) | None => &[],
    }
}

/// What people should look at: photos on which a bar code says another serial than the model read.
pub fn contradictions(photos: &[PhotoRecord]) -> Vec<Flag> {
    let of_photo = |record: &PhotoRecord| -> Vec<Flag> {
        let flag = |finding: &Finding| {
            let message = contradiction(finding.code.as_deref(), finding.reading.as_deref())?;
            Some(Flag {
                photo: record.photo.name.clone(),
                step: Some(finding.step.clone()),
                code: FlagCode::SerialContradicts,
                message,
                fails: false,
            })
        };
        findings(record).iter().filter_map(flag).collect()
    };
    photos.iter().flat_map(of_photo).collect()
}

fn on_photo(catalogue: &Catalogue, record: &PhotoRecord) -> Vec<SerialOnPhoto> {
    let serial = |finding: &Finding| {
        let Some(Reads::Serial(format)) = &catalogue.step(&finding.step)?.reads else {
            return None;
        };
        let (serial, by) = proven(finding.code.as_deref(), finding.reading.as_deref())?;
        let counts = format.codes && serial.len() >= SHORTEST && format.fits(&serial);
        counts.then(|| SerialOnPhoto {
            serial,
            step: finding.step.clone(),
            photo: record.photo.name.clone(),
            by,
        })
    };
    findings(record).iter().filter_map(serial).collect()
}

/// What people should look at: this serial was seen in another DR, by one of those that are noted.
pub fn flag(seen: &SerialOnPhoto, dr: &DrNumber, noted: &[SerialSeen]) -> Option<Flag> {
    let other = noted.iter().find(|noted| &noted.dr_number != dr)?;
    let by_code = |by| by != ProvenBy::Model;
    let proof = if by_code(seen.by) && by_code(other.proven_by) {
        ", by the bar codes of both"
    } else {
        ""
    };
    Some(Flag {
        photo: seen.photo.clone(),
        step: Some(seen.step.clone()),
        code: FlagCode::SerialInAnotherDr,
        message: format!(
            "The serial {} is also on {} in {}{proof}",
            seen.serial, other.photo, other.dr_number
        ),
        fails: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::photo;
    use crate::domain::report::Report;
    use crate::domain::time::Timestamp;

    fn shows(name: &str, code: Option<&str>, reading: Option<&str>) -> PhotoRecord {
        let finding = Finding {
            step: StepKey::parse("ont_back_and_barcode").unwrap(),
            score: 8u8.try_into().unwrap(),
            comment: String::new(),
            reading: reading.map(str::to_owned),
            fail_code: None,
            certainty: None,
            code: code.map(str::to_owned),
        };
        let findings = vec![finding];
        let report = Report::bare(
            PhotoOutcome::Evaluated { findings },
            Timestamp::from_millis(1),
        );
        PhotoRecord {
            report: Some(report),
            ..PhotoRecord::new(photo(name))
        }
    }

    fn of(version: &str, photos: &[PhotoRecord]) -> Vec<(String, String, ProvenBy)> {
        let all = serials(Catalogue::shipped(version).unwrap(), photos);
        all.into_iter()
            .map(|one| (one.serial, one.photo, one.by))
            .collect()
    }

    #[test]
    fn a_serial_counts_once_by_its_best_proof_and_only_if_it_has_the_form() {
        let serial = "ALCLF4A1B2C3";
        let photos = [
            shows("a.jpg", None, Some(serial)),
            shows("b.jpg", Some(serial), Some(serial)),
            shows("c.jpg", None, Some("ALCL12")),
            shows("d.jpg", None, Some("unreadable")),
        ];
        let expected = (serial.to_owned(), "b.jpg".to_owned(), ProvenBy::Both);
        assert_eq!(of("v4", &photos), [expected]);
        assert!(of("v3", &photos).is_empty(), "before, none was looked up");
    }

    #[test]
    fn a_code_that_says_something_else_than_was_read_is_flagged() {
        let code = Some("ALCLF4A1B2C3");
        let photos = [
            shows("a.jpg", code, Some("ALCLF4A1B2C8")),
            shows("b.jpg", code, Some("S/N: alcl f4a1b2c3")),
            shows("c.jpg", code, Some("unreadable")),
            shows("d.jpg", None, Some("ALCLF4A1B2C8")),
        ];
        let flags = contradictions(&photos);
        assert_eq!(flags.len(), 1);
        assert_eq!((flags[0].photo.as_str(), flags[0].fails), ("a.jpg", false));
        assert_eq!(
            flags[0].message,
            "The bar code says ALCLF4A1B2C3, and ALCLF4A1B2C8 was read"
        );
    }

    #[test]
    fn both_drs_of_a_serial_are_flagged_and_one_alone_is_not() {
        let dr = |number: &str| DrNumber::parse(number).unwrap();
        let photos = [shows("b.jpg", Some("ALCLF4A1B2C3"), None)];
        let seen = &serials(Catalogue::shipped("v4").unwrap(), &photos)[0];
        let noted = ["DR1", "DR2"].map(|number| SerialSeen::of(&dr(number), seen));
        let flagged = |number: &str, noted: &[SerialSeen]| {
            flag(seen, &dr(number), noted).map(|flag| flag.message)
        };
        assert!(flagged("DR1", &noted).unwrap().contains("b.jpg in DR2"));
        assert!(flagged("DR2", &noted).unwrap().contains("b.jpg in DR1"));
        assert!(flagged("DR3", &noted).unwrap().contains("b.jpg in DR1"));
        assert_eq!(flagged("DR1", &noted[..1]), None);
    }
}
