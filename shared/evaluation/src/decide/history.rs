//! An evaluation as a DR's history shows it: what the table's index `history` holds of it, and no more.
//!
//! # Invariants
//! - Nothing here changes while photos are recorded, so that recording one does not write to the index as well.

use serde::Deserialize;

use super::evaluation::{Evaluation, Status, status};
use crate::domain::ids::EvaluationId;
use crate::domain::judge::Verdict;
use crate::domain::plan::Mode;
use crate::domain::time::Timestamp;

/// One evaluation of a DR's history.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HistoryEntry {
    /// Its identity, which the index sorts by.
    #[serde(rename = "gsi_created")]
    pub evaluation_id: EvaluationId,
    /// As asked.
    pub mode: Mode,
    /// The number of photos asked.
    pub photos_total: usize,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the first batch function began with it.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// Since when it waits for the VLM.
    #[serde(default)]
    pub waiting_since: Option<Timestamp>,
    /// When it was finalised last.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// The evaluation that took its place.
    #[serde(default)]
    pub superseded_by: Option<EvaluationId>,
    /// The verdict, once there is one.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Its average score.
    #[serde(default)]
    pub average_score: Option<f64>,
}

impl HistoryEntry {
    /// What the history shows of this evaluation.
    pub fn of(evaluation: &Evaluation) -> Self {
        let judgement = evaluation.judgement.as_ref();
        Self {
            evaluation_id: evaluation.evaluation_id.clone(),
            mode: evaluation.mode,
            photos_total: evaluation.photos_total,
            created_at: evaluation.created_at,
            started_at: evaluation.started_at,
            waiting_since: evaluation.waiting_since,
            completed_at: evaluation.completed_at,
            superseded_by: evaluation.superseded_by.clone(),
            verdict: evaluation.verdict(),
            average_score: judgement.and_then(|judgement| judgement.average_score),
        }
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        status(self.completed_at, self.waiting_since, self.started_at)
    }
}
