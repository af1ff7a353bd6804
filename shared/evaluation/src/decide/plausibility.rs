//! What people should look at of when and where an evaluation's photos were taken.
//!
//! # Invariants
//! - It is worked out where an evaluation is shown, by the limits of its own catalogue: it is no part of a verdict, and
//!   changes none.
//! - A position is never said, only how far it is from another one.

use std::collections::BTreeMap;

use photos::metadata::{Metadata, Position};

use super::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::PhotoId;
use crate::domain::outcome::{Finding, PhotoOutcome};
use crate::domain::plausibility::{Doubt, Limits, Taken, doubts, metres_from};
use crate::domain::reading::{Flag, FlagCode};

/// The flags for when and where photos were taken, and for photos of photos. `expected`: where the DR is, if somebody
/// said so.
pub fn flags(
    catalogue: &Catalogue,
    photos: &[PhotoRecord],
    expected: Option<Position>,
) -> Vec<Flag> {
    let taken = catalogue
        .plausibility
        .map(|limits| of_taken(photos, expected, &limits));
    let shown = photos.iter().flat_map(|record| of_shown(catalogue, record));
    taken.into_iter().flatten().chain(shown).collect()
}

fn of_taken(photos: &[PhotoRecord], expected: Option<Position>, limits: &Limits) -> Vec<Flag> {
    let known: Vec<(&PhotoRecord, Taken<'_>)> = photos
        .iter()
        .filter_map(|record| Some((record, taken(record, record.metadata()?))))
        .collect();
    let taken: Vec<Taken<'_>> = known.iter().map(|(_, taken)| *taken).collect();
    let doubts = doubts(&taken, expected, limits);
    let of_photo = |((record, _), doubts): (&(&PhotoRecord, _), Vec<Doubt>)| {
        let name = record.photo.name.clone();
        let flag = move |doubt: Doubt| whole(&name, code(doubt), doubt.words());
        doubts.into_iter().map(flag).collect::<Vec<Flag>>()
    };
    known.iter().zip(doubts).flat_map(of_photo).collect()
}

fn taken<'a>(record: &PhotoRecord, metadata: &'a Metadata) -> Taken<'a> {
    Taken {
        metadata,
        uploaded_at: record.photo.uploaded_at,
    }
}

/// A flag about a whole photo.
pub(super) fn whole(photo: &str, code: FlagCode, message: String) -> Flag {
    Flag {
        photo: photo.to_owned(),
        step: None,
        code,
        message,
        fails: false,
    }
}

fn code(doubt: Doubt) -> FlagCode {
    match doubt {
        Doubt::LongBeforeUpload(_) => FlagCode::TakenLongBefore,
        Doubt::InTheFuture => FlagCode::TakenInTheFuture,
        Doubt::ClockNeverSet => FlagCode::ClockNeverSet,
        Doubt::HoursApart(_) => FlagCode::TakenHoursApart,
        Doubt::MetresApart(_) => FlagCode::TakenFarAway,
    }
}

/// The model says that it shows a screen or a print.
fn of_shown(catalogue: &Catalogue, record: &PhotoRecord) -> Option<Flag> {
    let code = catalogue.photo_of_a_photo.as_ref()?;
    let words = catalogue.fail_reasons.get(code)?;
    let report = record.report.as_ref()?;
    let PhotoOutcome::Evaluated { findings } = &report.outcome else {
        return None;
    };
    let says_so = |finding: &Finding| finding.fail_code.as_ref() == Some(code);
    findings
        .iter()
        .any(says_so)
        .then(|| whole(&record.photo.name, FlagCode::PhotoOfAPhoto, words.clone()))
}

/// How many metres from where the DR is each photo was taken that says where.
pub fn distances(photos: &[PhotoRecord], expected: Position) -> BTreeMap<PhotoId, u64> {
    let metres = |record: &PhotoRecord| {
        let metres = metres_from(expected, record.metadata()?)?;
        Some((record.photo.photo_id.clone(), metres))
    };
    photos.iter().filter_map(metres).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::photo;
    use crate::domain::ids::StepKey;
    use crate::domain::report::Report;
    use crate::domain::time::Timestamp;

    const HERE: Position = Position {
        latitude: -26.2,
        longitude: 28.0,
    };

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v4").unwrap()
    }

    fn record(name: &str, fail: Option<&str>, metadata: Option<Metadata>) -> PhotoRecord {
        let finding = Finding {
            step: StepKey::parse("house_photo").unwrap(),
            score: 2u8.try_into().unwrap(),
            comment: String::new(),
            reading: None,
            fail_code: fail.map(str::to_owned),
            code: None,
            certainty: None,
        };
        let findings = vec![finding];
        let outcome = PhotoOutcome::Evaluated { findings };
        let mut record = PhotoRecord::new(photo(name));
        record.photo.uploaded_at = Timestamp::parse("2026-01-14T12:00:00Z").ok();
        record.report = Some(Report {
            metadata: metadata.map(Box::new),
            ..Report::bare(outcome, Timestamp::from_millis(1))
        });
        record
    }

    fn taken(at: &str, north: f64) -> Option<Metadata> {
        Some(Metadata {
            captured_at: Some(at.into()),
            position: Some(Position {
                latitude: HERE.latitude + north,
                ..HERE
            }),
            ..Metadata::default()
        })
    }

    fn codes(photos: &[PhotoRecord], expected: Option<Position>) -> Vec<(String, FlagCode)> {
        let flags = flags(catalogue(), photos, expected);
        assert!(flags.iter().all(|flag| !flag.fails && flag.step.is_none()));
        flags
            .into_iter()
            .map(|flag| (flag.photo, flag.code))
            .collect()
    }

    #[test]
    fn each_doubt_has_a_flag_of_its_own() {
        let day = "2026-01-14T10:00:00Z";
        for (odd, expected) in [
            (
                taken("2026-01-05T10:00:00Z", 0.0),
                vec![FlagCode::TakenLongBefore, FlagCode::TakenHoursApart],
            ),
            (
                taken("2026-01-14T20:00:00Z", 0.0),
                vec![FlagCode::TakenInTheFuture],
            ),
            (
                taken("1980-01-01T00:00:00Z", 0.0),
                vec![FlagCode::ClockNeverSet],
            ),
            (
                taken("2026-01-13T20:00:00Z", 0.0),
                vec![FlagCode::TakenHoursApart],
            ),
            (taken(day, 0.01), vec![FlagCode::TakenFarAway]),
            (taken(day, 0.0), vec![]),
            (None, vec![]),
        ] {
            let near = |name| record(name, None, taken(day, 0.0));
            let photos = [
                near("a.jpg"),
                near("b.jpg"),
                record("c.jpg", None, odd.clone()),
            ];
            let expected: Vec<_> = expected
                .into_iter()
                .map(|code| ("c.jpg".into(), code))
                .collect();
            assert_eq!(codes(&photos, None), expected, "{odd:?}");
        }
    }

    #[test]
    fn a_photo_of_a_screen_is_flagged_by_the_code_that_the_model_gave() {
        let photos = [
            record("a.jpg", Some("screen_or_print"), None),
            record("b.jpg", Some("unclear"), None),
        ];
        assert_eq!(
            codes(&photos, None),
            [("a.jpg".into(), FlagCode::PhotoOfAPhoto)]
        );
    }

    #[test]
    fn before_version_four_nothing_is_said() {
        let photos = [record(
            "a.jpg",
            Some("screen_or_print"),
            taken("1980-01-01T00:00:00Z", 0.0),
        )];
        assert_eq!(
            flags(Catalogue::shipped("v3").unwrap(), &photos, Some(HERE)),
            []
        );
    }

    #[test]
    fn where_the_dr_is_expected_counts_and_its_distance_is_told_of_each_photo() {
        let day = "2026-01-14T10:00:00Z";
        let photos = ["a.jpg", "b.jpg"].map(|name| record(name, None, taken(day, 0.01)));
        assert_eq!(codes(&photos, None), []);
        let far = ["a.jpg", "b.jpg"].map(|name| (name.to_owned(), FlagCode::TakenFarAway));
        assert_eq!(codes(&photos, Some(HERE)), far);
        let metres = distances(&photos, HERE);
        assert_eq!(metres.into_values().collect::<Vec<_>>(), [1112, 1112]);
    }

    #[test]
    fn what_an_earlier_answer_knew_of_a_photo_counts_as_well() {
        use crate::decide::cache::{CachedAnswer, Reused};
        use crate::domain::ids::EvaluationId;
        use crate::domain::scope::Scope;

        let id = EvaluationId::parse("01890000-0000-7000-8000-000000000001").unwrap();
        let asked = record("a.jpg", None, taken("1980-01-01T00:00:00Z", 0.0));
        let report = asked.report.unwrap();
        let answer = CachedAnswer::of(&id, Timestamp::from_millis(1), &report).unwrap();
        let reused = PhotoRecord {
            reused: vec![Reused {
                scope: Scope::All,
                answer,
            }],
            report: Some(Report::bare(report.outcome, Timestamp::from_millis(2))),
            ..PhotoRecord::new(photo("a.jpg"))
        };
        assert_eq!(
            codes(&[reused], None),
            [("a.jpg".into(), FlagCode::ClockNeverSet)]
        );
    }
}
