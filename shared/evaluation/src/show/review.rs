//! People's decisions as they are shown, beside what the model said.

use serde::Serialize;
use utoipa::ToSchema;

use super::path_of;
use crate::decide::review::{Reviewed, Reviews};
use crate::domain::ids::{DrNumber, EvaluationId, StepKey};
use crate::domain::judge::Verdict;
use crate::domain::review::{Before, Decision, ReviewRecord, Said};
use crate::domain::review_chain::Chain;
use crate::domain::reviewed::{Lapse, Standing, State};
use crate::domain::time::{Moment, Timestamp};

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// A decision.
    Decision,
    /// A decision holds no more.
    Withdrawal,
    /// What only a later release knows.
    Unknown,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReviewSaid {
    /// Which one of the DR's records.
    pub number: u32,
    /// What it is.
    pub kind: ReviewKind,
    /// The step; null if it is of the whole.
    pub step: Option<StepKey>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// The photo that it rests on.
    pub photo: Option<String>,
    /// What the small print says, where the person read it.
    pub reading: Option<String>,
    /// The number of the record that holds no more.
    pub withdraws: Option<u32>,
    /// Why.
    pub reason: Option<String>,
    /// Who, if that is known: the subject of a JWT, or an ARN.
    pub by: Option<String>,
    /// When.
    pub at: Moment,
    /// The evaluation that was looked at, where that is another one than is shown.
    pub from_evaluation: Option<EvaluationId>,
}

/// A record, and how it stands with it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewView {
    /// What it says.
    #[serde(flatten)]
    pub said: ReviewSaid,
    /// The evaluation that was looked at.
    pub evaluation_id: EvaluationId,
    /// How many verdicts that had had.
    pub revision: u32,
    /// How it stands with it, for the evaluation that is shown.
    pub state: State,
    /// What stood before.
    pub before: Before,
    /// The verdict with people's decisions that it led to; null if none stood any more.
    pub reviewed_verdict: Option<Verdict>,
    /// Its hash.
    pub hash: Option<String>,
    /// The hash of the record before it; null of the first one.
    pub previous_hash: Option<String>,
    /// Until when it is kept at least.
    pub kept_until: Moment,
}

/// What people decided that stands for an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReviewsOfEvaluation {
    /// The decisions that stand, that of the whole first.
    pub standing: Vec<ReviewSaid>,
    /// How many records the DR has.
    pub records: usize,
    /// How many decisions hold no longer for this evaluation.
    pub lapsed: usize,
    /// Whether all records are there, as they were written.
    pub chain: Chain,
}

impl ReviewsOfEvaluation {
    /// Of a DR of which nobody decided anything.
    pub(super) fn none() -> Self {
        Self {
            standing: Vec::new(),
            records: 0,
            lapsed: 0,
            chain: Chain::Intact,
        }
    }
}

/// Where more is to be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewLinks {
    /// The evaluation.
    pub evaluation: String,
    /// All records.
    pub reviews: String,
}

/// A page of what people decided of an evaluation's DR.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReviewPage {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// The model's verdict.
    pub verdict: Option<Verdict>,
    /// The verdict with people's decisions put in; null if nobody's stands.
    pub reviewed_verdict: Option<Verdict>,
    /// How often it was finalised.
    pub revision: u32,
    /// The records, in their order.
    pub reviews: Vec<ReviewView>,
    /// The next page's `cursor`; null if this is the last one.
    pub next: Option<String>,
    /// How many records there are.
    pub records: usize,
    /// Whether they are all there, as they were written.
    pub chain: Chain,
    /// Where more is to be had.
    pub links: ReviewLinks,
}

/// A record that stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReviewAnswer {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// The model's verdict.
    pub verdict: Option<Verdict>,
    /// The verdict with people's decisions put in; null if nobody's stands.
    pub reviewed_verdict: Option<Verdict>,
    /// How often it was finalised.
    pub revision: u32,
    /// The record, which may have been written before.
    pub review: Option<ReviewView>,
    /// Records that whoever said it had not seen, by the request's `if-match`.
    pub also_decided: Vec<ReviewView>,
    /// Whether all records are there, as they were written.
    pub chain: Chain,
    /// Where more is to be had.
    pub links: ReviewLinks,
}

/// The decisions that stand, the whole first; how many records there are, and whether they are as they were written.
pub(super) fn of_evaluation(
    reviews: &Reviews,
    standing: &Standing<'_>,
    shown_for: &EvaluationId,
) -> ReviewsOfEvaluation {
    let all = standing.whole.iter().chain(standing.steps.values());
    let lapsed = |state: &&State| matches!(state, State::Lapsed { .. });
    // Those whose work it is see an evaluation, too; who decided is told to whoever may read the records.
    let nameless = |record: &&ReviewRecord| ReviewSaid {
        by: None,
        ..said(record, shown_for)
    };
    ReviewsOfEvaluation {
        standing: all.map(nameless).collect(),
        records: reviews.len(),
        lapsed: standing.states.values().filter(lapsed).count(),
        chain: reviews.chain(),
    }
}

/// The records of the DR of an evaluation, from behind a number on, as many as there may be on a page.
pub fn page(of: &Reviewed, reviews: &Reviews, after: u32, limit: usize) -> ReviewPage {
    let (standing, reviewed_verdict) = of.standing(reviews.records());
    let evaluation = &of.evaluation;
    let all = reviews.records().iter();
    let mut rest = all.filter(|record| record.number > after);
    let page: Vec<&ReviewRecord> = rest.by_ref().take(limit).collect();
    let last = page.last().map(|record| record.number);
    let shown = page
        .iter()
        .map(|record| of_record(record, &evaluation.evaluation_id, reviews, &standing));
    ReviewPage {
        evaluation_id: evaluation.evaluation_id.clone(),
        dr_number: evaluation.dr_number.clone(),
        verdict: evaluation.verdict(),
        reviewed_verdict,
        revision: evaluation.revision,
        reviews: shown.collect(),
        next: last
            .filter(|_| rest.next().is_some())
            .map(|last| last.to_string()),
        records: reviews.len(),
        chain: reviews.chain(),
        links: links(&evaluation.evaluation_id),
    }
}

/// What became of a wish: the record, the verdicts as they are now, and the records that whoever said it had not seen.
pub fn written(
    of: &Reviewed,
    reviews: &Reviews,
    number: u32,
    seen_until: Option<u32>,
) -> ReviewAnswer {
    let (standing, reviewed_verdict) = of.standing(reviews.records());
    let evaluation = &of.evaluation;
    let unseen = |record: &&ReviewRecord| {
        record.number != number && seen_until.is_some_and(|seen| record.number > seen)
    };
    let id = &evaluation.evaluation_id;
    let shown = |record: &ReviewRecord| of_record(record, id, reviews, &standing);
    ReviewAnswer {
        evaluation_id: evaluation.evaluation_id.clone(),
        dr_number: evaluation.dr_number.clone(),
        verdict: evaluation.verdict(),
        reviewed_verdict,
        revision: evaluation.revision,
        review: reviews.record(number).map(shown),
        also_decided: reviews.records().iter().filter(unseen).map(shown).collect(),
        chain: reviews.chain(),
        links: links(&evaluation.evaluation_id),
    }
}

fn links(id: &EvaluationId) -> ReviewLinks {
    let evaluation = path_of(id);
    ReviewLinks {
        reviews: format!("{evaluation}/reviews"),
        evaluation,
    }
}

fn said(record: &ReviewRecord, shown_for: &EvaluationId) -> ReviewSaid {
    let from = Some(&record.evaluation_id).filter(|id| *id != shown_for);
    let decided = record.decided();
    let (kind, withdraws) = match record.said {
        Said::Decision(_) => (ReviewKind::Decision, None),
        Said::Withdrawal { withdraws } => (ReviewKind::Withdrawal, Some(withdraws)),
        Said::Unknown => (ReviewKind::Unknown, None),
    };
    let photo = decided.and_then(|decided| decided.photo.as_ref());
    ReviewSaid {
        number: record.number,
        kind,
        step: decided.and_then(|decided| decided.step.clone()),
        decision: decided.map(|decided| decided.decision),
        photo: photo.map(|photo| photo.name.clone()),
        reading: decided.and_then(|decided| decided.reading.clone()),
        withdraws,
        reason: record.reason.clone(),
        by: record.by.clone(),
        at: record.at.into(),
        from_evaluation: from.cloned(),
    }
}

/// A record, and how it stands with it for the evaluation that is shown.
pub(super) fn of_record(
    record: &ReviewRecord,
    shown_for: &EvaluationId,
    reviews: &Reviews,
    standing: &Standing<'_>,
) -> ReviewView {
    let state = standing.states.get(&record.number).copied();
    let kept_until = record.kept_until.saturating_mul(1000);
    ReviewView {
        said: said(record, shown_for),
        evaluation_id: record.evaluation_id.clone(),
        revision: record.revision,
        state: state.unwrap_or(State::Lapsed {
            because: Lapse::Unknown,
        }),
        before: record.before.clone(),
        reviewed_verdict: record.reviewed_verdict,
        hash: reviews.hash(record.number),
        previous_hash: record.previous.as_ref().map(|link| link.hash.clone()),
        kept_until: Timestamp::from_millis(kept_until).into(),
    }
}
