//! What each kind of message means to the aggregator.

use anyhow::{Context, bail};
use shared::aws;
use shared::config::required;
use shared::domain::outcome::{PhotoOutcome, ReasonCode};
use shared::domain::time::Timestamp;
use shared::protocol::message::{Batch, Message, Report};
use shared::queues::Queues;
use shared::store::Store;

/// What the aggregator works with.
pub(crate) struct Aggregator {
    pub(crate) store: Store,
    pub(crate) queues: Queues,
    /// Where deferred photos are sent again.
    pub(crate) batches_queue: String,
}

impl Aggregator {
    /// Settings from the environment, clients for AWS.
    pub(crate) fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        Ok(Self {
            store: aws::store(config)?,
            queues: aws::queues(config),
            batches_queue: required("BATCHES_QUEUE_URL")?,
        })
    }

    /// Handles one message.
    pub(crate) async fn handle(&self, body: &str) -> anyhow::Result<()> {
        match Message::parse(body).context("Failed to read a message")? {
            Message::Outcome(outcome) => self.record(&outcome.evaluation_id, &outcome.photo_id, &outcome.report).await,
            Message::Deferral(deferral) => self.defer(&deferral).await,
            Message::Started(started) => Ok(self.store.mark_started(&started.evaluation_id, started.at).await?),
            Message::Batch(batch) => self.bury(&batch).await,
            Message::Settle(_) => bail!("A message of the uploads queue came to the aggregator"),
        }
    }

    /// A batch that ended in the dead-letter queue: its photos get an outcome that says so. A late answer may still
    /// take its place.
    async fn bury(&self, batch: &Batch) -> anyhow::Result<()> {
        for photo in &batch.photos {
            let message =
                "Processing this photo failed repeatedly. The photo may be fine; ask for the evaluation again.";
            let outcome = PhotoOutcome::not_evaluated(ReasonCode::DeadLettered, message);
            tracing::error!(evaluation.id = %batch.evaluation_id, photo.name = %photo.name, "a photo ended in the dead-letter queue");
            self.record(&batch.evaluation_id, &photo.photo_id, &Report::bare(outcome, Timestamp::now())).await?;
        }
        Ok(())
    }
}
