//! Recording an outcome, and finalising.
//!
//! # Invariants
//! - The outcome stands before the photo leaves the pending set, so an empty set means that all outcomes stand.
//! - Each step may be repeated, and is, when a message is delivered again.

use shared::domain::catalogue::Catalogue;
use shared::domain::ids::{EvaluationId, PhotoId};
use shared::domain::outcome::PhotoOutcome;
use shared::domain::time::Timestamp;
use shared::protocol::evaluation::{Evaluation, PhotoRecord};
use shared::protocol::message::Report;
use shared::protocol::record::{OutcomeAction, finalise, is_due, on_outcome};

use crate::record::Aggregator;

impl Aggregator {
    /// Records a photo's outcome, and judges the evaluation if that was the last one.
    pub(crate) async fn record(&self, id: &EvaluationId, photo: &PhotoId, report: &Report) -> anyhow::Result<()> {
        let Some((evaluation, record)) = self.known(id, photo).await? else { return Ok(()) };
        match (on_outcome(&evaluation, &record, report), &record.report) {
            (OutcomeAction::Ignore, _) => return Ok(()),
            (OutcomeAction::Record, _) => self.store.record_outcome(id, photo, report).await?,
            (OutcomeAction::Upgrade, Some(seen)) => self.store.upgrade_outcome(id, photo, seen, report).await?,
            (OutcomeAction::Upgrade | OutcomeAction::Settle, _) => (),
        }
        let answered = matches!(report.outcome, PhotoOutcome::Evaluated { .. });
        if answered {
            self.note_answer().await?;
        }
        match self.store.remove_pending(id, photo, answered).await? {
            Some(evaluation) if is_due(&evaluation) => self.judge(&evaluation).await,
            _ => Ok(()),
        }
    }

    async fn known(&self, id: &EvaluationId, photo: &PhotoId) -> anyhow::Result<Option<(Evaluation, PhotoRecord)>> {
        let (evaluation, record) = tokio::try_join!(self.store.evaluation(id), self.store.photo(id, photo))?;
        if evaluation.is_none() || record.is_none() {
            tracing::warn!(evaluation.id = %id, photo.id = %photo, "a result for an unknown evaluation or photo was passed over");
        }
        Ok(evaluation.zip(record))
    }

    async fn judge(&self, evaluation: &Evaluation) -> anyhow::Result<()> {
        let id = &evaluation.evaluation_id;
        let photos = self.store.photos(id).await?;
        let catalogue = Catalogue::shipped(&evaluation.catalogue_version)?;
        let Some(verdict) = finalise(evaluation, &photos, &catalogue, Timestamp::now()) else { return Ok(()) };
        if self.store.finalise(id, &verdict).await? {
            tracing::info!(
                evaluation.id = %id, dr.number = %evaluation.dr_number, evaluation.verdict = ?verdict.judgement.verdict,
                evaluation.revision = verdict.expected_revision + 1, photos.total = evaluation.photos_total,
                evaluation.duration_ms = verdict.timings.total_ms, "an evaluation has its verdict"
            );
        }
        Ok(())
    }
}
