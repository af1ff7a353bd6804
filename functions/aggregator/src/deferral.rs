//! Putting photos off: sent again with a delay, and written down so that the evaluation says that it waits and why.
//!
//! # Invariants
//! - The photo is sent again before the deferral is written down: a crash in between sends it twice, never not at all.

use shared::domain::time::Timestamp;
use shared::protocol::message::{Deferral, Message};
use shared::protocol::record::{Resend, counts_as_failure, on_deferral};

use crate::record::Aggregator;

impl Aggregator {
    /// Handles a note that a photo must be asked about later.
    pub(crate) async fn defer(&self, note: &Deferral) -> anyhow::Result<()> {
        let (id, photo) = (&note.evaluation_id, &note.photo.photo_id);
        let (evaluation, record) = tokio::try_join!(self.store.evaluation(id), self.store.photo(id, photo))?;
        let Some((evaluation, record)) = evaluation.zip(record) else { return Ok(()) };
        let now = Timestamp::now();
        let breaker = self.store.breaker().await?;
        let Some(resend) = on_deferral(&evaluation, &record, note, &breaker, now) else { return Ok(()) };
        if counts_as_failure(note.cause) {
            self.store.count_failure(&note.reason, note.at).await?;
        }
        if note.probe {
            self.store.release_probe().await?;
        }
        self.resend(&resend, now).await?;
        self.store.record_deferral(id, photo, resend.batch.attempt, resend.until).await?;
        self.store.mark_waiting(id, note.at, &note.reason).await?;
        tracing::info!(
            evaluation.id = %id, photo.name = %note.photo.name, photo.attempt = resend.batch.attempt,
            retry.delay_ms = resend.delay.as_millis(), retry.reason = %note.reason, "a photo waits"
        );
        Ok(())
    }

    /// Sends a photo again; as a probe only if nobody else has claimed that.
    async fn resend(&self, resend: &Resend, now: Timestamp) -> anyhow::Result<()> {
        let mut batch = resend.batch.clone();
        if let Some(lease) = resend.probe_lease {
            batch.probe = self.store.claim_probe(lease, now).await?;
        }
        Ok(self.queues.send(&self.batches_queue, &Message::Batch(batch), resend.delay).await?)
    }

    /// The VLM answered: if anything is held against it, that ends.
    pub(crate) async fn note_answer(&self) -> anyhow::Result<()> {
        if self.store.breaker().await?.failures > 0 {
            self.store.close_breaker().await?;
            tracing::info!("the VLM answers again");
        }
        Ok(())
    }
}
