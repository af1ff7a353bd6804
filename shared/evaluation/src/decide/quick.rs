//! Quick mode goes in waves: the photos that promise most are asked about first, the others only while they may still
//! change the verdict.
//!
//! # Invariants
//! - A photo that nobody was asked about gets the outcome `not_needed`, and only then: the evaluation has passed, or
//!   a critical step fails that was seen, no photo that is left promises it or promises nothing, and no late answer may
//!   still show it better. No step is then said to be missing, since photos were not looked at: it is not evaluated.
//! - Every wave holds at least one photo, so the waves come to an end.

use std::time::Duration;

use super::evaluation::Evaluation;
use super::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::checks::checked;
use crate::domain::ids::StepKey;
use crate::domain::judge::{PhotoResult, StepOutcome, StepVerdict, Verdict, judge};
use crate::domain::plan::{Photo, half, wave};

/// How long the sending of a round is claimed: the aggregator's time-out, after which a sender has ended for sure.
pub const CLAIMED_FOR: Duration = Duration::from_secs(30);

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Photos are being asked about, and the verdict may still change.
    Wait,
    /// Ask about these too.
    Ask(Vec<Photo>),
    /// Nothing that is left can change the verdict: what is pending is not needed.
    End,
}

/// Decides how an unfinished evaluation in quick mode goes on.
pub fn next(evaluation: &Evaluation, photos: &[PhotoRecord], catalogue: &Catalogue) -> Next {
    let (results, _) = checked(catalogue, &evaluation.dr_number, results(photos));
    let judgement = judge(catalogue, &evaluation.steps_asked, &results);
    if judgement.verdict == Verdict::Pass {
        return Next::End;
    }
    let waits = |photo: &PhotoRecord| photo.report.is_none();
    if photos
        .iter()
        .any(|photo| waits(photo) && !evaluation.held.contains(&photo.photo.photo_id))
    {
        return Next::Wait;
    }
    let held: Vec<&Photo> = photos
        .iter()
        .filter(|photo| waits(photo))
        .map(|record| &record.photo)
        .collect();
    let may_show =
        |step: &StepKey, photo: &Photo| photo.step_hint.as_ref().is_none_or(|hint| hint == step);
    let unresolved = judgement
        .steps
        .iter()
        .filter(|step| step.outcome != StepOutcome::Pass);
    let (seen, unseen): (Vec<_>, Vec<_>) =
        unresolved.partition(|step| step.outcome == StepOutcome::Fail);
    let surely_fails = |step: &&StepVerdict| !held.iter().any(|photo| may_show(&step.step, photo));
    if seen.iter().any(surely_fails) && !may_be_answered_late(photos) {
        return Next::End;
    }
    let steps: Vec<&StepKey> = seen.iter().chain(&unseen).map(|step| &step.step).collect();
    let mut wave = wave(&steps, held.iter().copied());
    if wave.is_empty() && !unseen.is_empty() {
        wave = half(&held);
    }
    if wave.is_empty() {
        Next::End
    } else {
        Next::Ask(wave.into_iter().cloned().collect())
    }
}

/// Whether an outcome stands only until an answer comes: it may show better what fails now.
fn may_be_answered_late(photos: &[PhotoRecord]) -> bool {
    let mut reports = photos.iter().filter_map(|photo| photo.report.as_ref());
    reports.any(|report| report.outcome.is_provisional())
}

/// Whether all that is pending is held back: then nothing is on its way that would bring the evaluation on.
pub fn is_idle(evaluation: &Evaluation) -> bool {
    !evaluation.pending.is_empty()
        && evaluation
            .pending
            .iter()
            .all(|photo| evaluation.held.contains(photo))
}

fn results(photos: &[PhotoRecord]) -> Vec<PhotoResult> {
    photos.iter().flat_map(PhotoRecord::results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, photo};
    use crate::decide::start::{FromCache, Limits, Request, Reuse, open};
    use crate::domain::ids::{DrNumber, PhotoId, Score};
    use crate::domain::outcome::{Finding, PhotoOutcome, ReasonCode};
    use crate::domain::plan::{Mode, plan};
    use crate::domain::report::Report;
    use crate::domain::time::Timestamp;
    use crate::domain::versions::Versions;

    const SLOTS: [(&str, &str); 6] = [
        ("prop", "house_photo"),
        ("hm_ln", "cable_entry_outside"),
        ("ont", "ont_back_and_barcode"),
        ("powm1", "power_meter"),
        ("final", "final_installation"),
        ("bl", "ont_lights_and_dr_label"),
    ];

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v1").unwrap()
    }

    /// A quick evaluation of a photo in each critical slot, and of these.
    fn begun(more: &[&str]) -> (Evaluation, Vec<PhotoRecord>) {
        let names = SLOTS.map(|(slot, _)| format!("X_ph_{slot}_1.jpg"));
        let photos = names
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .map(photo)
            .collect();
        let versions: Versions = evaluation_of(&["a.jpg"]).versions;
        let plan = plan(photos, Mode::Quick, catalogue(), &versions);
        let request = Request {
            dr_number: DrNumber::parse("DR1").unwrap(),
            mode: Mode::Quick,
            reuse: Reuse::Final,
            catalogue: None,
        };
        let limits = Limits {
            photos_per_batch: 4,
            deadline: std::time::Duration::from_secs(3600),
            kept_for: std::time::Duration::from_secs(90 * 24 * 3600),
        };
        let id = crate::decide::fixtures::id(7);
        let new = open(
            id,
            &request,
            plan,
            versions,
            &limits,
            FromCache::default(),
            Timestamp::from_millis(0),
        );
        (new.evaluation, new.photos)
    }

    /// The photo is answered: it shows this step with this score.
    fn shows(photos: &mut [PhotoRecord], name: &str, step: &str, score: u8) {
        let finding = Finding {
            step: StepKey::parse(step).unwrap(),
            score: Score::try_from(score).unwrap(),
            comment: String::new(),
            reading: None,
            fail_code: None,
            certainty: None,
            code: None,
        };
        let report = Report::bare(
            PhotoOutcome::Evaluated {
                findings: vec![finding],
            },
            Timestamp::from_millis(1),
        );
        photos
            .iter_mut()
            .find(|record| record.photo.name == name)
            .unwrap()
            .report = Some(report);
    }

    /// All critical slots but this one show what they promise.
    fn all_but(photos: &mut [PhotoRecord], left_out: &str) {
        for (slot, step) in SLOTS.iter().filter(|(slot, _)| *slot != left_out) {
            shows(photos, &format!("X_ph_{slot}_1.jpg"), step, 8);
        }
    }

    fn asked(evaluation: &Evaluation, photos: &[PhotoRecord]) -> Vec<String> {
        match next(evaluation, photos, catalogue()) {
            Next::Ask(wave) => wave.into_iter().map(|photo| photo.name).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_begins_with_the_promised_photos_and_ends_when_they_hold() {
        let (evaluation, mut photos) = begun(&["X_ph_wall_2.jpg", "X_ph_powm2_2.jpg", "IMG-1.jpg"]);
        assert_eq!(
            (
                evaluation.pending.len(),
                evaluation.held.len(),
                evaluation.photos_total
            ),
            (9, 3, 9)
        );
        all_but(&mut photos, "bl");
        assert_eq!(next(&evaluation, &photos, catalogue()), Next::Wait);
        shows(&mut photos, "X_ph_bl_1.jpg", "ont_lights_and_dr_label", 7);
        assert_eq!(next(&evaluation, &photos, catalogue()), Next::End);
    }

    #[test]
    fn a_step_that_fails_gets_its_other_photos_and_no_more() {
        let (evaluation, mut photos) = begun(&["X_ph_wall_2.jpg", "X_ph_powm2_2.jpg", "IMG-1.jpg"]);
        all_but(&mut photos, "powm1");
        shows(&mut photos, "X_ph_powm1_1.jpg", "power_meter", 4);
        assert_eq!(asked(&evaluation, &photos), ["X_ph_powm2_2.jpg"]);
        shows(&mut photos, "X_ph_powm2_2.jpg", "power_meter", 5);
        assert_eq!(asked(&evaluation, &photos), ["IMG-1.jpg"]);
        shows(&mut photos, "IMG-1.jpg", "house_photo", 9);
        assert_eq!(
            next(&evaluation, &photos, catalogue()),
            Next::End,
            "it was seen, and is not good enough"
        );
    }

    #[test]
    fn a_step_that_surely_fails_ends_it_and_what_was_not_found_is_not_said_to_be_missing() {
        let (evaluation, mut photos) =
            begun(&["X_ph_wall_2.jpg", "X_ph_ups_3.jpg", "X_ph_pole_4.jpg"]);
        all_but(&mut photos, "powm1");
        shows(&mut photos, "X_ph_powm1_1.jpg", "house_photo", 9);
        assert!(
            matches!(next(&evaluation, &photos, catalogue()), Next::Ask(_)),
            "nothing has failed"
        );
        shows(&mut photos, "X_ph_ont_1.jpg", "ont_back_and_barcode", 3);
        assert_eq!(next(&evaluation, &photos, catalogue()), Next::End);
        let not_needed = PhotoOutcome::not_evaluated(ReasonCode::NotNeeded, "not needed");
        let open = photos.iter_mut().filter(|record| record.report.is_none());
        open.for_each(|record| {
            record.report = Some(Report::bare(not_needed.clone(), Timestamp::from_millis(2)))
        });
        let judgement = judge(catalogue(), &evaluation.steps_asked, &results(&photos));
        assert_eq!(judgement.verdict, Verdict::Fail);
        let of = |key: &str| {
            judgement
                .steps
                .iter()
                .find(|row| row.step.as_str() == key)
                .unwrap()
                .outcome
        };
        assert_eq!(of("ont_back_and_barcode"), StepOutcome::Fail);
        assert_eq!(of("power_meter"), StepOutcome::NotEvaluated);
    }

    #[test]
    fn a_step_that_nobody_saw_is_looked_for_everywhere() {
        let (evaluation, mut photos) =
            begun(&["X_ph_wall_2.jpg", "X_ph_ups_3.jpg", "X_ph_pole_4.jpg"]);
        all_but(&mut photos, "powm1");
        shows(&mut photos, "X_ph_powm1_1.jpg", "house_photo", 9);
        let first = asked(&evaluation, &photos);
        assert_eq!(first.len(), 2, "half of what is left");
        first
            .iter()
            .for_each(|name| shows(&mut photos, name, "house_photo", 2));
        let second = asked(&evaluation, &photos);
        assert_eq!(second.len(), 1);
        shows(&mut photos, &second[0], "house_photo", 2);
        assert_eq!(
            next(&evaluation, &photos, catalogue()),
            Next::End,
            "nothing is left"
        );
    }

    #[test]
    fn a_photo_that_could_not_be_looked_at_is_made_up_for() {
        let (evaluation, mut photos) = begun(&["X_ph_wall_2.jpg"]);
        all_but(&mut photos, "powm1");
        let gone = Report::bare(
            PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone"),
            Timestamp::from_millis(1),
        );
        photos
            .iter_mut()
            .find(|record| record.photo.name == "X_ph_powm1_1.jpg")
            .unwrap()
            .report = Some(gone);
        assert_eq!(asked(&evaluation, &photos), ["X_ph_wall_2.jpg"]);
    }

    #[test]
    fn what_a_late_answer_may_still_show_better_ends_nothing() {
        let (evaluation, mut photos) =
            begun(&["X_ph_wall_2.jpg", "X_ph_ups_3.jpg", "X_ph_pole_4.jpg"]);
        all_but(&mut photos, "powm1");
        shows(&mut photos, "X_ph_ont_1.jpg", "ont_back_and_barcode", 3);
        let ends = |photos: &mut [PhotoRecord], code| {
            let gone = PhotoOutcome::not_evaluated(code, "no answer");
            let of = |record: &&mut PhotoRecord| record.photo.name == "X_ph_powm1_1.jpg";
            photos.iter_mut().find(of).unwrap().report =
                Some(Report::bare(gone, Timestamp::from_millis(1)));
            next(&evaluation, photos, catalogue()) == Next::End
        };
        assert!(!ends(&mut photos, ReasonCode::DeadLettered));
        assert!(ends(&mut photos, ReasonCode::PhotoGone), "it stays unknown");
    }

    #[test]
    fn it_is_idle_only_when_all_that_is_pending_is_held_back() {
        let (mut evaluation, _) = begun(&["X_ph_wall_2.jpg"]);
        assert!(!is_idle(&evaluation));
        evaluation.pending = evaluation.held.clone();
        assert!(is_idle(&evaluation));
        evaluation.pending.insert(PhotoId::of("a", "b"));
        assert!(!is_idle(&evaluation));
        evaluation.pending.clear();
        assert!(!is_idle(&evaluation));
    }
}
