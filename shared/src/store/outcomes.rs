//! What the aggregator writes: outcomes, the pending set, deferrals, verdicts.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::failure::applied;
use super::{Store, StoreError, attribute, evaluation_key, number, photo_key, read, text};
use crate::domain::ids::{EvaluationId, PhotoId};
use crate::domain::time::Timestamp;
use crate::protocol::evaluation::Evaluation;
use crate::protocol::message::Report;
use crate::protocol::record::Finalisation;

impl Store {
    /// Writes a photo's outcome, unless one stands.
    pub async fn record_outcome(&self, id: &EvaluationId, photo: &PhotoId, report: &Report) -> Result<(), StoreError> {
        let condition = "attribute_exists(pk) AND attribute_not_exists(report)";
        self.write_outcome(id, photo, report, condition, None).await
    }

    /// Writes a photo's outcome in place of the provisional one that was seen.
    pub async fn upgrade_outcome(
        &self,
        id: &EvaluationId,
        photo: &PhotoId,
        seen: &Report,
        report: &Report,
    ) -> Result<(), StoreError> {
        self.write_outcome(id, photo, report, "report = :seen", Some(attribute(seen)?)).await
    }

    async fn write_outcome(
        &self,
        id: &EvaluationId,
        photo: &PhotoId,
        report: &Report,
        condition: &str,
        seen: Option<AttributeValue>,
    ) -> Result<(), StoreError> {
        let (pk, sk) = photo_key(id, photo);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update =
            update.update_expression("SET report = :report REMOVE deferred_until").condition_expression(condition);
        let mut update = update.expression_attribute_values(":report", attribute(report)?);
        if let Some(seen) = seen {
            update = update.expression_attribute_values(":seen", seen);
        }
        applied("UpdateItem", update.send().await).map(|_| ())
    }

    /// Takes a photo off the pending set (again, harmlessly) and gives the evaluation as it then stands.
    ///
    /// `answered`: the model answered, so the evaluation does not wait for it any more.
    pub async fn remove_pending(
        &self,
        id: &EvaluationId,
        photo: &PhotoId,
        answered: bool,
    ) -> Result<Option<Evaluation>, StoreError> {
        let (pk, sk) = evaluation_key(id);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let expression = if answered {
            "DELETE pending :photo REMOVE waiting_since, waiting_reason"
        } else {
            "DELETE pending :photo"
        };
        let update = update.update_expression(expression).condition_expression("attribute_exists(pk)");
        let update = update.expression_attribute_values(":photo", AttributeValue::Ss(vec![photo.to_string()]));
        let output = applied("UpdateItem", update.return_values(ReturnValue::AllNew).send().await)?;
        output.and_then(|output| output.attributes).map(read).transpose()
    }

    /// Notes that a photo waits, until when and why, and that therefore its evaluation does; not if a later
    /// deferral stands already.
    pub async fn record_deferral(
        &self,
        id: &EvaluationId,
        photo: &PhotoId,
        attempt: u32,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let (pk, sk) = photo_key(id, photo);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression("SET attempt = :attempt, deferred_until = :until");
        let update =
            update.condition_expression("attribute_exists(pk) AND attribute_not_exists(report) AND attempt < :attempt");
        let update = update.expression_attribute_values(":attempt", number(attempt));
        let update = update.expression_attribute_values(":until", number(until.as_millis()));
        applied("UpdateItem", update.send().await).map(|_| ())
    }

    /// Notes since when and why an evaluation waits; the first time stays until the model answers again.
    pub async fn mark_waiting(&self, id: &EvaluationId, since: Timestamp, reason: &str) -> Result<(), StoreError> {
        let (pk, sk) = evaluation_key(id);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update
            .update_expression("SET waiting_since = if_not_exists(waiting_since, :since), waiting_reason = :reason");
        let update = update.condition_expression("attribute_exists(pk) AND attribute_not_exists(completed_at)");
        let update = update
            .expression_attribute_values(":since", number(since.as_millis()))
            .expression_attribute_values(":reason", text(reason));
        applied("UpdateItem", update.send().await).map(|_| ())
    }

    /// Puts a verdict in place, on the condition that the evaluation is at the revision that was judged, has nothing
    /// pending and is not settled. False if that is not so.
    pub async fn finalise(&self, id: &EvaluationId, verdict: &Finalisation) -> Result<bool, StoreError> {
        let (pk, sk) = evaluation_key(id);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression(
            "SET judgement = :judgement, timings = :timings, completed_at = :now, revision = :next \
             REMOVE gsi_active, gsi_due, waiting_since, waiting_reason",
        );
        let update = update.condition_expression(
            "revision = :expected AND attribute_not_exists(pending) \
             AND (attribute_not_exists(judgement) OR judgement.verdict = :incomplete)",
        );
        let update = update
            .expression_attribute_values(":judgement", attribute(&verdict.judgement)?)
            .expression_attribute_values(":timings", attribute(&verdict.timings)?)
            .expression_attribute_values(":now", number(verdict.completed_at.as_millis()))
            .expression_attribute_values(":next", number(verdict.expected_revision.saturating_add(1)))
            .expression_attribute_values(":expected", number(verdict.expected_revision))
            .expression_attribute_values(":incomplete", text("incomplete"));
        applied("UpdateItem", update.send().await).map(|output| output.is_some())
    }
}
