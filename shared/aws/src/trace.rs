//! The thread through everything: which trace a piece of work belongs to.
//!
//! A span with a field `trace_id` has it in each line that is logged within it; and each message that is sent within it
//! carries it on, so no step needs to know of it.
//!
//! # Invariants
//! - Whatever is in the place of a trace id, the work is done: a request or a message without one gets one.

use evaluation::domain::trace::TraceId;
use lambda_runtime::Context;
use serde::Deserialize;
use serde_json::Value;
use tracing::field::{Empty, Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Span, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context as LayerContext, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::clock;

/// The field of a span.
const FIELD: &str = "trace_id";

/// The trace that the current work belongs to.
///
/// ```
/// assert_eq!(aws::trace::current(), None, "no work, no trace");
/// ```
pub fn current() -> Option<TraceId> {
    let found = |dispatch: &tracing::Dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let span = registry.span(dispatch.current_span().id()?)?;
        span.scope().find_map(|span| kept(&span))
    };
    tracing::dispatcher::get_default(found)
}

/// The trace of a request to the API: what its caller says, or else what AWS made, or else a new one.
pub fn of_request(event: &Value) -> TraceId {
    let header = |name: &str| event.get("headers")?.get(name)?.as_str();
    let given = header("traceparent").and_then(TraceId::of_traceparent);
    given
        .or_else(|| header("x-amzn-trace-id").and_then(TraceId::of_amzn))
        .unwrap_or_else(clock::new_trace_id)
}

/// The trace of an invocation.
pub fn of_invocation(context: &Context) -> TraceId {
    let given = context.xray_trace_id.as_deref().and_then(TraceId::of_amzn);
    given.unwrap_or_else(clock::new_trace_id)
}

/// The span of a request or of a direct invocation. It is there at each level of logging, for messages need it.
pub fn request(trace: &TraceId) -> Span {
    tracing::error_span!("request", trace_id = %trace, evaluation.id = Empty, dr_number = Empty)
}

/// What a message says of itself, whatever else it is.
#[derive(Default, Deserialize)]
pub(crate) struct Envelope {
    #[serde(default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    evaluation_id: Option<String>,
    #[serde(default)]
    dr_number: Option<String>,
}

impl Envelope {
    /// That of a body; of one that says nothing, an empty one.
    pub(crate) fn of(body: &str) -> Self {
        serde_json::from_str(body).unwrap_or_default()
    }

    /// The span of the message.
    pub(crate) fn span(&self, message_id: &str) -> Span {
        let given = self.trace_id.as_deref().and_then(TraceId::parse);
        let trace = given.unwrap_or_else(clock::new_trace_id);
        tracing::error_span!(
            "message",
            trace_id = %trace,
            evaluation.id = self.evaluation_id,
            dr_number = self.dr_number,
            message.id = message_id
        )
    }
}

/// Keeps the trace id of each span that has one.
pub(crate) struct Keeper;

struct Kept(TraceId);

fn kept<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<TraceId> {
    span.extensions().get::<Kept>().map(|kept| kept.0.clone())
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let mut seen = Seen(None);
        attributes.record(&mut seen);
        seen.keep(id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: LayerContext<'_, S>) {
        let mut seen = Seen(None);
        values.record(&mut seen);
        seen.keep(id, &context);
    }
}

struct Seen(Option<TraceId>);

impl Seen {
    fn keep<S: Subscriber + for<'a> LookupSpan<'a>>(self, id: &Id, context: &LayerContext<'_, S>) {
        if let (Some(trace), Some(span)) = (self.0, context.span(id)) {
            span.extensions_mut().replace(Kept(trace));
        }
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == FIELD {
            self.0 = TraceId::parse(&format!("{value:?}")).or(self.0.take());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == FIELD {
            self.0 = TraceId::parse(value).or(self.0.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
    const OTHER: &str = "1-5759e988-000000000000000000000007";

    #[test]
    fn work_within_a_span_belongs_to_its_trace_and_to_the_one_that_is_learnt_later() {
        tracing::subscriber::with_default(Registry::default().with(Keeper), || {
            assert_eq!(current(), None);
            let outer = request(&TraceId::parse(ID).unwrap()).entered();
            let inner = tracing::error_span!("photo", photo.name = "a.jpg").entered();
            assert_eq!(current().unwrap().as_str(), ID);
            drop(inner);
            outer.record(FIELD, OTHER);
            assert_eq!(current().unwrap().as_str(), OTHER);
            outer.record(FIELD, "nonsense");
            assert_eq!(current().unwrap().as_str(), OTHER);
            drop(outer);
            assert_eq!(current(), None);
        });
    }

    #[test]
    fn a_caller_s_own_thread_comes_before_that_of_aws() {
        let w3c = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        let amzn = format!("Root={OTHER};Sampled=1");
        let both = json!({"headers": {"traceparent": w3c, "x-amzn-trace-id": amzn}});
        assert_eq!(of_request(&both).as_str(), ID);
        let broken = json!({"headers": {"traceparent": "00", "x-amzn-trace-id": amzn}});
        assert_eq!(of_request(&broken).as_str(), OTHER);
        assert_ne!(of_request(&json!({})), of_request(&json!({})), "made anew");
    }

    #[test]
    fn a_message_s_trace_is_its_own_and_one_without_gets_one() {
        tracing::subscriber::with_default(Registry::default().with(Keeper), || {
            let traced = format!(r#"{{"kind": "batch", "trace_id": "{ID}"}}"#);
            let within = |body: &str| Envelope::of(body).span("1").in_scope(current).unwrap();
            assert_eq!(within(&traced).as_str(), ID);
            for body in ["", "7", "{}", r#"{"trace_id": 7}"#, r#"{"trace_id": "x"}"#] {
                assert_ne!(within(body), within(body), "{body}: made anew");
            }
        });
    }
}
