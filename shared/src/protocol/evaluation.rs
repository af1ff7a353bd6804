//! An evaluation and its photos as they are kept.
//!
//! # Invariants
//! - `pending` and `held` only shrink: `pending` is written whole once, and afterwards ids are only removed from it. So progress
//!   never goes back.
//! - `revision` counts finalisations; PASS and FAIL are never followed by another one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::message::Report;
use super::miss::CacheFigures;
use super::sighting::Elsewhere;
use super::verdict::{self, Known, Reused};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::judge::{Judgement, Verdict};
use crate::domain::outcome::{PhotoOutcome, ReasonCode, Usage};
use crate::domain::plan::{Copied, Mode, Photo, Versions};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

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
    #[serde(default = "four")]
    pub photos_per_batch: u8,
    /// Photos that quick mode asks about only if the others leave a critical step open. They are pending, too.
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "string_set"
    )]
    pub held: BTreeSet<PhotoId>,
    /// Photos without an outcome. DynamoDB keeps no empty set: an absent one is empty.
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        with = "string_set"
    )]
    pub pending: BTreeSet<PhotoId>,
    /// Catalogue version.
    pub catalogue_version: String,
    /// Model name.
    pub model: String,
    /// Prompt version.
    pub prompt_version: String,
    /// Size policy version.
    pub size_policy_version: String,
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
    /// The quick evaluation that it goes on from: what that one had asked was not asked again. It is an evaluation of its own,
    /// because the verdict on the critical steps stands for itself and never changes.
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
    /// From when on it is not returned to the same question any more.
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

/// What older items don't say.
fn four() -> u8 {
    4
}

/// Where an evaluation's time went, in milliseconds: the way of the photo that ended last, so that the parts add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing has begun yet.
    Queued,
    /// Photos are being evaluated.
    Running,
    /// Photos wait for the VLM.
    Waiting,
    /// There is a verdict.
    Completed,
}

impl Evaluation {
    /// Where it stands.
    pub fn status(&self) -> Status {
        if self.completed_at.is_some() {
            Status::Completed
        } else if self.waiting_since.is_some() {
            Status::Waiting
        } else if self.started_at.is_some() || self.pending.len() < self.photos_total {
            Status::Running
        } else {
            Status::Queued
        }
    }

    /// The verdict, once final.
    pub fn verdict(&self) -> Option<Verdict> {
        self.judgement.as_ref().map(|judgement| judgement.verdict)
    }

    /// Whether the verdict can't change any more.
    pub fn is_settled(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::Pass | Verdict::Fail))
    }

    /// Photos with an outcome.
    pub fn photos_done(&self) -> usize {
        self.photos_total.saturating_sub(self.pending.len())
    }

    /// What the result depends on beside the photos.
    pub fn versions(&self) -> Versions {
        Versions {
            catalogue: self.catalogue_version.clone(),
            model: self.model.clone(),
            prompt: self.prompt_version.clone(),
            size_policy: self.size_policy_version.clone(),
        }
    }
}

/// One photo of one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// The photo.
    #[serde(flatten)]
    pub photo: Photo,
    /// How often it was put off.
    #[serde(default)]
    pub attempt: u32,
    /// Until when it is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_until: Option<Timestamp>,
    /// When the sweeper sent it again last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<Timestamp>,
    /// Earlier answers about it that are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reused: Vec<Reused>,
    /// Another DR in which it was used before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also_in: Option<Elsewhere>,
    /// Its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl PhotoRecord {
    /// A photo nothing is known of yet.
    pub fn new(photo: Photo) -> Self {
        Self {
            photo,
            attempt: 0,
            deferred_until: None,
            resent_at: None,
            reused: Vec::new(),
            also_in: None,
            report: None,
        }
    }

    /// A photo that is the same file as another one of its DR, which is asked about instead.
    pub fn copy(copy: Copied, now: Timestamp) -> Self {
        let message = format!(
            "The same photo as {}, which was asked about instead.",
            copy.of
        );
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::SamePhoto, message);
        Self {
            report: Some(Report::bare(outcome, now)),
            ..Self::new(copy.photo)
        }
    }

    /// A photo of which this much is known: if that is all that is asked, it has its outcome.
    pub fn begin(photo: Photo, known: Known, asked: &[StepKey], now: Timestamp) -> Self {
        let Known { reused, open } = known;
        let findings = || verdict::merged(asked, &[], &reused);
        let report = open.is_none().then(|| {
            Report::bare(
                PhotoOutcome::Evaluated {
                    findings: findings(),
                },
                now,
            )
        });
        Self {
            report,
            reused,
            ..Self::new(Photo {
                scope: open.unwrap_or(photo.scope),
                ..photo
            })
        }
    }

    /// Whether an answer of the model stands.
    pub fn is_answered(&self) -> bool {
        matches!(
            self.report.as_ref().map(|report| &report.outcome),
            Some(PhotoOutcome::Evaluated { .. })
        )
    }

    /// Whether earlier answers were enough, so that nobody was asked.
    pub fn is_reused(&self) -> bool {
        let has = |scope: &Scope| self.reused.iter().any(|reused| reused.scope == *scope);
        self.photo
            .scope
            .answered_by()
            .iter()
            .any(|scopes| scopes.iter().all(has))
    }

    /// The report, with what earlier answers say of the steps that were not asked about now.
    pub fn completed(&self, report: &Report, asked: &[StepKey]) -> Report {
        match &report.outcome {
            PhotoOutcome::Evaluated { findings } if !self.reused.is_empty() => {
                let findings = verdict::merged(asked, findings, &self.reused);
                Report {
                    outcome: PhotoOutcome::Evaluated { findings },
                    ..report.clone()
                }
            }
            _ => report.clone(),
        }
    }
}

/// A set of ids as a DynamoDB string set: only a set can have members removed by an update.
mod string_set {
    use std::collections::BTreeSet;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::ids::PhotoId;

    pub(super) fn serialize<S: Serializer>(
        set: &BTreeSet<PhotoId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serde_dynamo::string_set::serialize(set, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<PhotoId>, D::Error> {
        BTreeSet::deserialize(deserializer)
    }
}

#[cfg(test)]
#[path = "evaluation_tests.rs"]
mod tests;
