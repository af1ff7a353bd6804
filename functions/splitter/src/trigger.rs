//! Which way an event came in.

use anyhow::Context;
use aws::deadline::Deadline;
use aws::queues::Records;
use aws::{clock, http};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

use crate::evaluate::Splitter;
use crate::{direct, post, upload_event, uploads};

/// Handles an event by its shape: an HTTP request, records of the uploads queue, an event of S3, or a direct
/// invocation.
pub(crate) async fn handle(splitter: &Splitter, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let LambdaEvent {
        payload: event,
        context,
        ..
    } = event;
    if event.pointer("/requestContext/http").is_some() {
        let began = clock::now();
        let response = post::handle(splitter, event).await;
        http::note("splitter", began, &response);
        return Ok(serde_json::to_value(response)?);
    }
    match Records::of(&event) {
        Some(records) => {
            let records = records.context("Failed to read the records of the uploads queue")?;
            let handle = async |body: String| uploads::handle(splitter, &body).await;
            let response = records.for_each(Deadline::of(&context), handle).await;
            Ok(serde_json::to_value(response)?)
        }
        // Whoever has S3, SNS or EventBridge invoke the function needs no queue.
        None if upload_event::is_one(&event) => {
            uploads::note_all(splitter, &event).await?;
            Ok(Value::Null)
        }
        None => direct::handle(splitter, event).await,
    }
}
