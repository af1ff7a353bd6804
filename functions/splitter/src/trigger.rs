//! Which way an event came in.

use anyhow::Context;
use aws::deadline::Deadline;
use aws::queues::{Delivery, Records};
use aws::{clock, http, trace};
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use evaluation::domain::time::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use tracing::Instrument;

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
        let until = Deadline::of(&context).moment();
        return Ok(serde_json::to_value(
            answered(splitter, event, until).await,
        )?);
    }
    match Records::of(&event) {
        Some(records) => {
            let records = records.context("Failed to read the records of the uploads queue")?;
            let handle = async |delivery: Delivery| uploads::handle(splitter, &delivery.body).await;
            let response = records.for_each(Deadline::of(&context), handle).await;
            Ok(serde_json::to_value(response)?)
        }
        // Whoever has S3, SNS or EventBridge invoke the function needs no queue.
        None if upload_event::is_one(&event) => {
            let span = trace::request(&trace::of_invocation(&context));
            uploads::note_all(splitter, &event).instrument(span).await?;
            Ok(Value::Null)
        }
        None => {
            let span = trace::request(&trace::of_invocation(&context));
            direct::handle(splitter, event).instrument(span).await
        }
    }
}

/// Answers a request to the API, with its trace in a header.
async fn answered(splitter: &Splitter, event: Value, until: Timestamp) -> ApiGatewayV2httpResponse {
    let (trace, began) = (trace::of_request(&event), clock::now());
    let work = async {
        let response = post::handle(splitter, event, until).await;
        http::note("splitter", began, &response);
        let (status, took) = (response.status_code, clock::now().millis_since(began));
        tracing::info!(
            http.status = status,
            duration_ms = took,
            "a request was answered"
        );
        response
    };
    let response = work.instrument(trace::request(&trace)).await;
    http::with_header(response, http::TRACE_HEADER, trace.as_str())
}
