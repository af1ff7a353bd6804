//! What people decided, for whoever stands in front of the house: what and why, and not who.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalogue::Catalogue;
use crate::domain::ids::StepKey;
use crate::domain::judge::Verdict;
use crate::domain::review::{Decision, ReviewRecord};
use crate::domain::reviewed::{Subject, reviewed_verdict, standing};
use crate::domain::time::Moment;

/// A decision that stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ShownDecision {
    /// The step; none if it is of the whole.
    pub step: Option<StepKey>,
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: Option<String>,
    /// The photo that it rests on.
    pub photo: Option<String>,
    /// When.
    pub at: Moment,
}

/// The decisions that stand for this DR as it is now, the whole first, and the verdict that they lead to.
pub(super) fn shown(
    records: &[ReviewRecord],
    subject: &Subject<'_>,
    catalogue: &Catalogue,
) -> (Option<Verdict>, Vec<ShownDecision>) {
    let standing = standing(records, subject);
    let percent = Some(catalogue.pass_percent);
    let verdict = reviewed_verdict(subject.judgement, percent, &standing);
    let all = standing.whole.iter().chain(standing.steps.values());
    (verdict, all.filter_map(|record| one(record)).collect())
}

fn one(record: &ReviewRecord) -> Option<ShownDecision> {
    let decided = record.decided()?;
    Some(ShownDecision {
        step: decided.step.clone(),
        decision: decided.decision,
        reason: record.reason.clone(),
        photo: decided.photo.as_ref().map(|photo| photo.name.clone()),
        at: record.at.into(),
    })
}
