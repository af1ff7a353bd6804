//! One round of sweeping.

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::aws;
use shared::config::{required, seconds};
use shared::domain::ids::EvaluationId;
use shared::domain::time::Timestamp;
use shared::protocol::evaluation::{Evaluation, PhotoRecord};
use shared::protocol::message::{Batch, Message};
use shared::protocol::sweep::{SweepAction, needs_finalising, sweep};
use shared::queues::Queues;
use shared::store::Store;

/// What the sweeper works with.
pub(crate) struct Sweeper {
    store: Store,
    queues: Queues,
    batches_queue: String,
    results_queue: String,
    lost_after: Duration,
}

/// What a round did.
#[derive(Default)]
struct Swept {
    resent: usize,
    ended: usize,
    nudged: usize,
}

impl Sweeper {
    /// Settings from the environment, clients for AWS.
    pub(crate) fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        Ok(Self {
            store: aws::store(config)?,
            queues: aws::queues(config),
            batches_queue: required("BATCHES_QUEUE_URL")?,
            results_queue: required("RESULTS_QUEUE_URL")?,
            lost_after: seconds("LOST_AFTER_SECONDS", 900)?,
        })
    }

    /// Looks at every unfinished evaluation. One that fails does not keep the others from being looked at; the round
    /// then fails as a whole, so that the alarm on errors sees it.
    pub(crate) async fn run(&self) -> Result<Value, Error> {
        let unfinished = self.store.unfinished().await?;
        let (mut swept, mut failed) = (Swept::default(), 0);
        for id in &unfinished {
            if let Err(error) = self.look(id, &mut swept).await {
                tracing::error!(evaluation.id = %id, error = ?error, "an evaluation could not be swept");
                failed += 1;
            }
        }
        let report = json!({"unfinished": unfinished.len(), "resent": swept.resent, "ended": swept.ended, "nudged": swept.nudged});
        tracing::info!(sweep.report = %report, "swept");
        if failed == 0 { Ok(report) } else { Err(format!("{failed} evaluations could not be swept").into()) }
    }

    async fn look(&self, id: &EvaluationId, swept: &mut Swept) -> anyhow::Result<()> {
        let Some(evaluation) = self.store.evaluation(id).await? else { return Ok(()) };
        let photos = self.store.photos(id).await?;
        if needs_finalising(&evaluation) {
            swept.nudged += 1;
            return self.nudge(&evaluation, &photos).await;
        }
        let now = Timestamp::now();
        for action in sweep(&evaluation, &photos, self.lost_after, now) {
            match action {
                SweepAction::End(outcome) => {
                    self.queues.send(&self.results_queue, &outcome, Duration::ZERO).await?;
                    swept.ended += 1;
                }
                SweepAction::Resend(batch) => {
                    swept.resent += usize::from(self.resend(&evaluation, batch, &photos, now).await?)
                }
            }
        }
        Ok(())
    }

    /// Says a recorded outcome again, so that the aggregator finishes what it was kept from finishing.
    async fn nudge(&self, evaluation: &Evaluation, photos: &[PhotoRecord]) -> anyhow::Result<()> {
        let recorded = photos.iter().find_map(|photo| Some((&photo.photo.photo_id, photo.report.clone()?)));
        let Some((photo_id, report)) = recorded else { return Ok(()) };
        let message = Message::outcome(&evaluation.evaluation_id, photo_id, report);
        Ok(self.queues.send(&self.results_queue, &message, Duration::ZERO).await?)
    }

    async fn resend(
        &self,
        evaluation: &Evaluation,
        batch: Batch,
        photos: &[PhotoRecord],
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let sent = batch.photos.first().map(|photo| &photo.photo_id);
        let Some(record) = photos.iter().find(|record| Some(&record.photo.photo_id) == sent) else { return Ok(false) };
        self.queues.send(&self.batches_queue, &Message::Batch(batch), Duration::ZERO).await?;
        self.store.mark_resent(&evaluation.evaluation_id, record, now).await?;
        tracing::warn!(evaluation.id = %evaluation.evaluation_id, photo.name = %record.photo.name, "a photo not heard of was sent again");
        Ok(true)
    }
}
