//! The reviewed verdict told another way, to compare with: from the records one after the other.

use std::collections::BTreeMap;

use evaluation::decide::review::Reviewed;
use evaluation::domain::ids::StepKey;
use evaluation::domain::judge::{StepOutcome, StepVerdict, Verdict};
use evaluation::domain::review::{Decision, ReviewRecord, Said};

/// The reviewed verdict, worked out from the records one after the other, as a person would with pencil and paper.
pub(super) fn follows(of: &Reviewed, records: &[ReviewRecord]) -> Option<Verdict> {
    let judgement = of.evaluation.judgement.as_ref()?;
    let is_withdrawn = |number: u32| {
        let withdraws = |it: &ReviewRecord| it.said == Said::Withdrawal { withdraws: number };
        records.iter().any(withdraws)
    };
    let mut rows: BTreeMap<StepKey, bool> = BTreeMap::new();
    let mut whole = None;
    for record in records.iter().filter(|it| !is_withdrawn(it.number)) {
        let Said::Decision(decided) = &record.said else {
            continue;
        };
        if !rests_on_what_is_there(of, record) {
            continue;
        }
        let passes = decided.decision == Decision::Pass;
        match &decided.step {
            Some(step) => drop(rows.insert(step.clone(), passes)),
            None => whole = Some(passes),
        }
    }
    let of_bool = |passes| if passes { Verdict::Pass } else { Verdict::Fail };
    if whole.is_some() || rows.is_empty() {
        return whole.map(of_bool);
    }
    // No photo of these worlds is without an answer, so each row passes or does not.
    let passes = |at: &StepVerdict| {
        let by_model = at.outcome == StepOutcome::Pass;
        rows.get(&at.step).copied().unwrap_or(by_model)
    };
    let (all, critical) = (
        &judgement.steps,
        judgement.steps.iter().filter(|it| it.critical),
    );
    let enough = all.iter().filter(|it| passes(it)).count() * 10 >= all.len() * 7;
    Some(of_bool(enough && critical.clone().all(passes)))
}

/// What a decision rests on is there: of the evaluation itself always, of a later one by its photos.
fn rests_on_what_is_there(of: &Reviewed, record: &ReviewRecord) -> bool {
    let (here, there) = (&of.evaluation.evaluation_id, &record.evaluation_id);
    if here <= there {
        return here == there;
    }
    let decided = record.decided().unwrap();
    let is_same = of.subject().unwrap().seen(decided.step.is_none()) == decided.seen;
    let (Some(step), Some(photo)) = (&decided.step, &decided.photo) else {
        return is_same;
    };
    let is_there = of
        .contents
        .values()
        .any(|content| content == &photo.content);
    let rows = &of.evaluation.judgement.as_ref().unwrap().steps;
    let row = rows.iter().find(|row| &row.step == step).unwrap();
    let decides = row.photo.as_ref().map(|name| &of.contents[name]);
    let still = decides == Some(&photo.content) || is_same;
    is_there && (decided.decision == Decision::Pass || still)
}
