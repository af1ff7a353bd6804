//! People's decisions as they are shown, beside what the model said.

use serde_json::{Value, json};

use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::review::{Reviewed, Reviews, contents};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::EvaluationId;
use crate::domain::judge::Verdict;
use crate::domain::review::{ReviewRecord, Said};
use crate::domain::reviewed::{Standing, State, Subject, reviewed_verdict, standing};
use crate::domain::time::Timestamp;

/// An evaluation as it is shown (`evaluation::view`), with what people decided of it.
pub fn with_reviews(
    mut view: Value,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    catalogue: Option<&Catalogue>,
    reviews: &Reviews,
) -> Value {
    let contents = contents(photos);
    let (standing, verdict) = match &evaluation.judgement {
        None => (Standing::default(), None),
        Some(judgement) => {
            let subject = Subject {
                evaluation_id: Some(&evaluation.evaluation_id),
                mode: evaluation.mode,
                judgement,
                contents: &contents,
            };
            let standing = standing(reviews.records(), &subject);
            let percent = catalogue.map(|catalogue| catalogue.pass_percent);
            let verdict = reviewed_verdict(judgement, percent, &standing);
            (standing, verdict)
        }
    };
    if let Some(fields) = view.as_object_mut() {
        fields.insert("reviewed_verdict".into(), json!(verdict));
        let id = Some(&evaluation.evaluation_id);
        fields.insert("reviews".into(), summary(reviews, &standing, id));
    }
    view
}

/// The decisions that stand, the whole first; how many records there are, and whether they are as they were written.
pub fn summary(
    reviews: &Reviews,
    standing: &Standing<'_>,
    shown_for: Option<&EvaluationId>,
) -> Value {
    let all = standing.whole.iter().chain(standing.steps.values());
    let standing_now: Vec<Value> = all.map(|record| said(record, shown_for)).collect();
    let lapsed = |state: &&State| matches!(state, State::Lapsed { .. });
    json!({
        "standing": standing_now,
        "records": reviews.len(),
        "lapsed": standing.states.values().filter(lapsed).count(),
        "chain": reviews.chain(),
    })
}

/// All records of the DR of an evaluation, from behind a number on, as many as there may be on a page.
pub fn records(of: &Reviewed, reviews: &Reviews, after: u32, limit: usize) -> Value {
    let (standing, verdict) = of.standing(reviews.records());
    let evaluation = &of.evaluation;
    let mut rest = reviews
        .records()
        .iter()
        .filter(|record| record.number > after);
    let page: Vec<&ReviewRecord> = rest.by_ref().take(limit).collect();
    let last = page.last().map(|record| record.number);
    let shown = page.iter().map(|record| {
        let state = standing.states.get(&record.number).copied();
        whole(record, reviews, state, Some(&evaluation.evaluation_id))
    });
    json!({
        "evaluation_id": evaluation.evaluation_id,
        "dr_number": evaluation.dr_number,
        "verdict": evaluation.verdict(),
        "reviewed_verdict": verdict,
        "revision": evaluation.revision,
        "reviews": shown.collect::<Vec<_>>(),
        "next": last.filter(|_| rest.next().is_some()).map(|last| last.to_string()),
        "records": reviews.len(),
        "chain": reviews.chain(),
        "links": links(&evaluation.evaluation_id),
    })
}

/// One record, and how it stands with it.
pub fn one(of: &Reviewed, reviews: &Reviews, number: u32) -> Option<Value> {
    let record = reviews.record(number)?;
    let (standing, _) = of.standing(reviews.records());
    let state = standing.states.get(&number).copied();
    let here = Some(&of.evaluation.evaluation_id);
    Some(whole(record, reviews, state, here))
}

/// What became of a wish: the record, the verdicts as they are now, and the records that whoever said it had not seen.
pub fn written(of: &Reviewed, reviews: &Reviews, number: u32, seen_until: Option<u32>) -> Value {
    let (_, verdict): (_, Option<Verdict>) = of.standing(reviews.records());
    let unseen = |record: &&ReviewRecord| {
        record.number != number && seen_until.is_some_and(|seen| record.number > seen)
    };
    let unseen = reviews.records().iter().filter(unseen);
    let unseen: Vec<Value> = unseen
        .filter_map(|record| one(of, reviews, record.number))
        .collect();
    json!({
        "evaluation_id": of.evaluation.evaluation_id,
        "dr_number": of.evaluation.dr_number,
        "verdict": of.evaluation.verdict(),
        "reviewed_verdict": verdict,
        "revision": of.evaluation.revision,
        "review": one(of, reviews, number),
        "also_decided": unseen,
        "chain": reviews.chain(),
        "links": links(&of.evaluation.evaluation_id),
    })
}

fn links(id: &EvaluationId) -> Value {
    json!({"evaluation": format!("/evaluations/{id}"), "reviews": format!("/evaluations/{id}/reviews")})
}

/// What a record says; `from_evaluation` where that is another one than is shown.
fn said(record: &ReviewRecord, shown_for: Option<&EvaluationId>) -> Value {
    let from = Some(&record.evaluation_id).filter(|id| Some(*id) != shown_for);
    let decided = record.decided();
    let (kind, withdraws) = match record.said {
        Said::Decision(_) => ("decision", None),
        Said::Withdrawal { withdraws } => ("withdrawal", Some(withdraws)),
        Said::Unknown => ("unknown", None),
    };
    json!({
        "number": record.number,
        "kind": kind,
        "step": decided.and_then(|decided| decided.step.as_ref()),
        "decision": decided.map(|decided| decided.decision),
        "photo": decided.and_then(|decided| Some(&decided.photo.as_ref()?.name)),
        "withdraws": withdraws,
        "reason": record.reason,
        "by": record.by,
        "at": record.at.to_string(),
        "from_evaluation": from,
    })
}

fn whole(
    record: &ReviewRecord,
    reviews: &Reviews,
    state: Option<State>,
    shown_for: Option<&EvaluationId>,
) -> Value {
    let mut shown = said(record, shown_for);
    let kept_until = record.kept_until.saturating_mul(1000);
    let more = json!({
        "evaluation_id": record.evaluation_id,
        "revision": record.revision,
        "state": state,
        "before": record.before,
        "reviewed_verdict": record.reviewed_verdict,
        "hash": reviews.hash(record.number),
        "previous_hash": record.previous.as_ref().map(|link| &link.hash),
        "kept_until": Timestamp::from_millis(kept_until).to_string(),
    });
    if let (Some(fields), Value::Object(more)) = (shown.as_object_mut(), more) {
        fields.extend(more);
    }
    shown
}
