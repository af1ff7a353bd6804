//! Whether a verdict follows from its rows, and its rows from the photos: worked out here once more, in few lines, and
//! not by the judge that is under test.
//!
//! # Invariants
//! - Nothing of `evaluation::domain::judge` is called, only what it wrote is read.

use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::judge::{Judgement, StepOutcome, StepVerdict, Verdict};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};

/// What is wrong with the verdict by its own rows, given what became of the photos, if anything.
pub fn against_its_rows(
    judgement: &Judgement,
    photos: &[&PhotoOutcome],
    catalogue: &Catalogue,
) -> Option<String> {
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
    let has_gap = photos.iter().any(|photo| is_gap(photo));
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

/// Whether it might have shown what is not known.
fn is_gap(photo: &PhotoOutcome) -> bool {
    let known = [ReasonCode::NotNeeded, ReasonCode::SamePhoto];
    matches!(photo, PhotoOutcome::NotEvaluated { .. })
        && !known.iter().any(|code| has(photo, *code))
}
