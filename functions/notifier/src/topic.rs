//! The topic of completions, and the queue for what people must look at.

use aws::SdkConfig;
use aws::clock;
use aws::configuration::{ConfigError, required};
use aws::telemetry;
use aws_sdk_sns::types::MessageAttributeValue;
use evaluation::decide::tell::{Event, Kind};
use evaluation::domain::invalid::Invalid;
use evaluation::figures::{self, Figure, Metric};
use evaluation::run::error::RunError;
use evaluation::run::tell::{Announcer, Change};
use serde_json::json;

/// Where completions are told.
pub(crate) struct Topic {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    arn: String,
    parked_url: String,
}

impl Topic {
    /// The topic named by `COMPLETIONS_TOPIC_ARN`; what can't be read goes to `PARKED_QUEUE_URL`.
    pub(crate) fn from_env(config: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            sns: aws_sdk_sns::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            arn: required("COMPLETIONS_TOPIC_ARN")?,
            parked_url: required("PARKED_QUEUE_URL")?,
        })
    }
}

impl Announcer for Topic {
    async fn publish(&self, event: &Event) -> Result<(), RunError> {
        let mut request = self.sns.publish().topic_arn(&self.arn);
        for (name, value) in attributes(event) {
            request = request.message_attributes(name, text(&value)?);
        }
        let sent = request.message(event.to_body()).send().await;
        sent.map_err(|cause| RunError::retry("telling of a completion", cause))?;
        telemetry::emit(&figures::of_telling(event, clock::now()));
        let (id, verdict) = (&event.data.evaluation_id, event.data.verdict);
        tracing::info!(evaluation.id = %id, evaluation.verdict = ?verdict, event.id, "{}", words(event.kind));
        Ok(())
    }

    fn alarm(&self, what: &str) {
        telemetry::emit(&[Figure::of(Metric::ReviewChanged, 1)]);
        tracing::error!(item = what, "a review was changed");
    }

    async fn set_aside(&self, change: &Change, why: &Invalid) -> Result<(), RunError> {
        let item = change.new.as_ref().and_then(|item| item.get("pk"));
        let body = json!({"kind": "untold", "item": item, "reason": why.0}).to_string();
        tracing::error!(item = ?item, error = %why, "a completion can't be read; it is parked");
        let parked = self.sqs.send_message().queue_url(&self.parked_url);
        let parked = parked.message_body(body).send().await;
        parked
            .map(drop)
            .map_err(|cause| RunError::retry("parking a completion", cause))
    }
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Completed | Kind::Changed => "a completion was told",
        Kind::Reviewed => "a review was told",
    }
}

/// What subscribers filter by.
fn attributes(event: &Event) -> Vec<(&'static str, String)> {
    let data = &event.data;
    let reviewed = match &data.review {
        Some(review) => review.reviewed_verdict,
        None => data.carried,
    };
    let reviewed = reviewed.map(|verdict| ("reviewed_verdict", verdict.as_str().to_owned()));
    let all = [
        ("event", event.kind.word().to_owned()),
        ("verdict", data.verdict.as_str().to_owned()),
        ("mode", data.mode.as_str().to_owned()),
        ("dr_number", data.dr_number.to_string()),
    ];
    all.into_iter().chain(reviewed).collect()
}

fn text(value: &str) -> Result<MessageAttributeValue, RunError> {
    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value(value).build();
    attribute.map_err(|cause| RunError::bug("an attribute of a message", cause))
}
