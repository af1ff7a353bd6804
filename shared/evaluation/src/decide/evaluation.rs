//! An evaluation as it is kept.
//!
//! # Invariants
//! - `pending` and `held` only shrink: `pending` is written whole once, and afterwards ids are only removed from it.
//!   So progress never goes back.
//! - `revision` counts finalisations; PASS and FAIL are never followed by another one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::miss::CacheFigures;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::judge::{Judgement, Verdict};
use crate::domain::outcome::Usage;
use crate::domain::plan::Mode;
use crate::domain::time::Timestamp;
use crate::domain::trace::TraceId;
use crate::domain::versions::Versions;

/// One evaluation of a DR.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Its identity.
    pub evaluation_id: EvaluationId,
    /// The DR.
    pub dr_number: DrNumber,
    /// As asked.
    pub mode: Mode,
    /// Whether nobody waits for it: uploads started it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// Why quick mode looked at everything, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_note: Option<String>,
    /// The identity of the question.
    pub fingerprint: String,
    /// The steps asked.
    pub steps_asked: Vec<StepKey>,
    /// The number of photos asked.
    pub photos_total: usize,
    /// Photos of one batch message.
    pub photos_per_batch: u8,
    /// Photos that quick mode asks about only if the others leave a critical step open. They are pending, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub held: BTreeSet<PhotoId>,
    /// Photos without an outcome. DynamoDB keeps no empty set: an absent one is empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pending: BTreeSet<PhotoId>,
    /// What the result depends on beside the photos.
    pub versions: Versions,
    /// The trace of the request or upload that it came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// Whether the request named its catalogue, so that the rules for DR numbers have no say in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catalogue_named: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When all its batches stood in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<Timestamp>,
    /// When the first batch function began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ends, complete or not.
    pub deadline_at: Timestamp,
    /// Since when it waits for the VLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_reason: Option<String>,
    /// When the VLM was back, if it waited for it: what is put off until then comes in by and by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_until: Option<Timestamp>,
    /// Since when nobody was met who knows its versions: another release is being deployed, or was rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<Timestamp>,
    /// When a person joined it, so that it is bulk work no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_at: Option<Timestamp>,
    /// Rounds that quick mode sent after the first.
    #[serde(default)]
    pub round: u32,
    /// The quick evaluation that it goes on from: what that one had asked was not asked again. It is an evaluation of
    /// its own, because the verdict on the critical steps stands for itself and never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<EvaluationId>,
    /// The evaluation that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<EvaluationId>,
    /// How often it was finalised.
    #[serde(default)]
    pub revision: u32,
    /// When it was finalised last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// From when on it is not returned to the same question any more: the oldest answer that it rests on is then 24
    /// hours old. While it runs: the oldest of the earlier answers that it began with, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the cache did for it.
    #[serde(default)]
    pub cache: CacheFigures,
    /// Tokens that were spent on it, once final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The verdict, once final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// Where the time went, once final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
}

/// Where an evaluation's time went, in milliseconds: the way of the photo that ended last, so that the parts add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// From the request until the first batch message was sent.
    pub split_ms: u64,
    /// From there until the last photo's (last) message was received; waits for the VLM's return included.
    pub queue_ms: u64,
    /// The last photo's fetch.
    pub fetch_ms: u64,
    /// The last photo's compression.
    pub compress_ms: u64,
    /// The last photo's answer.
    pub vlm_ms: u64,
    /// From the last photo's outcome until the verdict.
    pub merge_ms: u64,
    /// From the request until the verdict.
    pub total_ms: u64,
}

/// Where an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No photo is being asked about yet.
    Queued,
    /// Photos are being evaluated.
    Running,
    /// Photos wait for the VLM.
    Waiting,
    /// There is a verdict.
    Completed,
}

/// Where an evaluation stands, by times that change rarely: the history says the same without the pending photos.
pub(super) fn status(
    completed_at: Option<Timestamp>,
    waiting_since: Option<Timestamp>,
    started_at: Option<Timestamp>,
) -> Status {
    match (completed_at, waiting_since, started_at) {
        (Some(_), _, _) => Status::Completed,
        (None, Some(_), _) => Status::Waiting,
        (None, None, Some(_)) => Status::Running,
        (None, None, None) => Status::Queued,
    }
}

impl Evaluation {
    /// Where it stands.
    pub fn status(&self) -> Status {
        status(self.completed_at, self.waiting_since, self.started_at)
    }

    /// The verdict, once final.
    pub fn verdict(&self) -> Option<Verdict> {
        self.judgement.as_ref().map(|judgement| judgement.verdict)
    }

    /// Whether the verdict can't change any more.
    pub fn is_final(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::Pass | Verdict::Fail))
    }

    /// Photos with an outcome.
    pub fn photos_done(&self) -> usize {
        self.photos_total.saturating_sub(self.pending.len())
    }
}

#[cfg(test)]
#[path = "evaluation_tests.rs"]
mod tests;
