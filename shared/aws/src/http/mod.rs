//! Answers to API Gateway: JSON, and RFC 9457 problem documents that say what to do and nothing of the inside.

pub mod caller;
mod etag;
pub mod problem;

pub use self::etag::unless_known;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderName, HeaderValue};
use evaluation::domain::time::Timestamp;
use evaluation::figures::{Figure, Metric};
use serde_json::Value;

use crate::{clock, telemetry};

/// The header of each answer that names the request's trace.
pub const TRACE_HEADER: &str = "x-trace-id";

/// An answer with a JSON body.
pub fn json(status: i64, body: &Value) -> ApiGatewayV2httpResponse {
    respond(status, "application/json", body)
}

/// The same answer with one more header; a value that no header can hold is left out.
pub fn with_header(
    mut response: ApiGatewayV2httpResponse,
    name: &'static str,
    value: &str,
) -> ApiGatewayV2httpResponse {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers
            .insert(HeaderName::from_static(name), value);
    }
    response
}

/// Notes how long a request took that began at `began`, and whether it failed.
pub fn note(function: &str, began: Timestamp, response: &ApiGatewayV2httpResponse) {
    let took = clock::now().millis_since(began);
    telemetry::emit(&[
        Figure::of(Metric::ApiTime, took).by(function),
        Figure::whether(Metric::ApiFailed, response.status_code >= 500),
    ]);
}

fn respond(status: i64, content_type: &'static str, body: &Value) -> ApiGatewayV2httpResponse {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("content-type"),
        HeaderValue::from_static(content_type),
    );
    headers.insert(
        HeaderName::from_static("cache-control"),
        HeaderValue::from_static("no-store"),
    );
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status;
    response.headers = headers;
    response.body = Some(Body::Text(body.to_string()));
    response
}
