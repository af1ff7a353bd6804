//! Whether a verdict follows from its rows, and its rows from the photos: worked out here once more, in few lines, and
//! not by the judge that is under test.
//!
//! # Invariants
//! - Nothing of `evaluation::domain::judge` is called but by the tests, only what it wrote is read.

use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::judge::{Judgement, StepOutcome, StepVerdict, Verdict};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};

/// What is wrong with a verdict by its own rows as it is written, if anything. A late answer may take the place of a
/// gap between the reading of the photos and the writing of the verdict, which is then judged once more: so whether
/// there was a gap can't be told from the photos yet. That a verdict is not left so, `against_its_rows` says later.
pub fn as_it_is_written(
    judgement: &Judgement,
    photos: &[&PhotoOutcome],
    catalogue: &Catalogue,
) -> Option<String> {
    let had_gap = judgement.verdict == Verdict::Incomplete || has_gap(photos);
    by_rows(judgement, had_gap, catalogue)
}

/// What is wrong with the verdict by its own rows, given what became of the photos, if anything.
pub fn against_its_rows(
    judgement: &Judgement,
    photos: &[&PhotoOutcome],
    catalogue: &Catalogue,
) -> Option<String> {
    by_rows(judgement, has_gap(photos), catalogue)
}

fn by_rows(judgement: &Judgement, has_gap: bool, catalogue: &Catalogue) -> Option<String> {
    let rows = &judgement.steps;
    let are = |outcome| rows.iter().filter(move |row| row.outcome == outcome);
    let is_enough =
        |passing: usize| passing * 100 >= rows.len() * usize::from(catalogue.pass_percent);
    let passing = are(StepOutcome::Pass).count();
    let unknown = are(StepOutcome::NotEvaluated).count();
    let bad = |row: &&StepVerdict| {
        row.critical && matches!(row.outcome, StepOutcome::Fail | StepOutcome::Missing)
    };
    let open = |row: &&StepVerdict| row.critical && row.outcome == StepOutcome::NotEvaluated;
    let passes =
        is_enough(passing) && !rows.is_empty() && !rows.iter().any(|row| bad(&row) || open(&row));
    let stands = rows.iter().any(|row| bad(&row)) || !is_enough(passing + unknown);
    let expected = match (passes, !has_gap && stands) {
        (true, _) => Verdict::Pass,
        (false, true) => Verdict::Fail,
        (false, false) => Verdict::Incomplete,
    };
    (judgement.verdict != expected).then(|| {
        let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
        format!(
            "10: the verdict is {:?}, its rows say {expected:?}: {outcomes:?}, gap: {has_gap}",
            judgement.verdict
        )
    })
}

/// What is wrong with a row by the photos, if anything.
pub fn against_the_photos(
    row: &StepVerdict,
    photos: &[&PhotoOutcome],
    catalogue: &Catalogue,
) -> Option<String> {
    let findings = photos.iter().filter_map(|photo| match photo {
        PhotoOutcome::Evaluated { findings } => Some(findings),
        PhotoOutcome::NotEvaluated { .. } => None,
    });
    let of_step = findings
        .flatten()
        .filter(|finding| finding.step == row.step);
    let best = of_step.map(|finding| finding.score).max();
    let unseen = photos
        .iter()
        .any(|photo| is_gap(photo) || has(photo, ReasonCode::NotNeeded));
    let expected = match best {
        Some(score) if score < catalogue.pass_score => StepOutcome::Fail,
        Some(_) => StepOutcome::Pass,
        None if unseen => StepOutcome::NotEvaluated,
        None => StepOutcome::Missing,
    };
    let differs = (row.outcome, row.score) != (expected, best);
    differs.then(|| {
        format!(
            "10: the row of {} says {:?} {:?}, the photos say {expected:?} {best:?}",
            row.step, row.outcome, row.score
        )
    })
}

fn has(photo: &PhotoOutcome, code: ReasonCode) -> bool {
    matches!(photo, PhotoOutcome::NotEvaluated { reason } if reason.code == code)
}

fn has_gap(photos: &[&PhotoOutcome]) -> bool {
    photos.iter().any(|photo| is_gap(photo))
}

/// Whether it might have shown what is not known.
fn is_gap(photo: &PhotoOutcome) -> bool {
    let known = [ReasonCode::NotNeeded, ReasonCode::SamePhoto];
    matches!(photo, PhotoOutcome::NotEvaluated { .. })
        && !known.iter().any(|code| has(photo, *code))
}

#[cfg(test)]
mod tests {
    use evaluation::domain::ids::StepKey;
    use evaluation::domain::judge::{PhotoResult, judge};
    use evaluation::domain::outcome::Finding;
    use evaluation::domain::scope::Scope;

    use super::*;

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v1").unwrap()
    }

    /// Every step of these, with this score.
    fn shows(steps: &[StepKey], score: u8) -> PhotoOutcome {
        let finding = |step: &StepKey| Finding {
            step: step.clone(),
            score: score.try_into().unwrap(),
            comment: String::new(),
            reading: None,
            fail_code: None,
            certainty: None,
            code: None,
        };
        PhotoOutcome::Evaluated {
            findings: steps.iter().map(finding).collect(),
        }
    }

    fn judged(outcomes: &[&PhotoOutcome]) -> Judgement {
        let photo = |(at, outcome): (usize, &&PhotoOutcome)| PhotoResult {
            name: at.to_string(),
            outcome: (*outcome).clone(),
        };
        let photos: Vec<_> = outcomes.iter().enumerate().map(photo).collect();
        judge(catalogue(), &Scope::All.steps(catalogue()), &photos)
    }

    #[test]
    fn a_gap_that_is_filled_while_its_verdict_is_written_is_wrong_only_if_the_verdict_stays() {
        let steps = Scope::All.steps(catalogue());
        let late = PhotoOutcome::not_evaluated(ReasonCode::Deadline, "late");
        let (fails, answer) = (shows(&steps[2..3], 3), shows(&steps[..1], 8));
        let before = judged(&[&fails, &late]);
        assert_eq!(before.verdict, Verdict::Incomplete);
        let now = [&fails, &answer];
        assert_eq!(as_it_is_written(&before, &now, catalogue()), None);
        assert!(against_its_rows(&before, &now, catalogue()).is_some());
        assert_eq!(against_its_rows(&judged(&now), &now, catalogue()), None);
    }

    #[test]
    fn a_verdict_that_its_rows_do_not_bear_is_wrong_as_soon_as_it_is_written() {
        let steps = Scope::All.steps(catalogue());
        let (passes, late) = (
            shows(&steps, 9),
            PhotoOutcome::not_evaluated(ReasonCode::Deadline, "late"),
        );
        for (photos, wrong) in [
            (vec![&passes], Verdict::Incomplete),
            (vec![&passes], Verdict::Fail),
            (vec![&late], Verdict::Fail),
            (vec![&late], Verdict::Pass),
        ] {
            let judgement = Judgement {
                verdict: wrong,
                ..judged(&photos)
            };
            let found = as_it_is_written(&judgement, &photos, catalogue());
            assert!(found.is_some(), "{wrong:?}");
        }
    }
}
