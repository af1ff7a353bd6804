//! Answers to API Gateway: JSON, and RFC 9457 problem documents that say what to do and nothing of the inside.

mod body;
pub mod caller;
mod etag;
pub mod idempotency;
pub mod problem;

pub use self::body::read;
pub use self::etag::{unless_known, unless_tagged};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderName, HeaderValue};
use evaluation::domain::time::Timestamp;
use evaluation::figures::{Figure, Metric};
use serde::Serialize;

use crate::{clock, telemetry};

/// The header of each answer that names the request's trace.
pub const TRACE_HEADER: &str = "x-trace-id";

/// An answer with a JSON body; what can't be written as JSON is a bug, and said to be one.
pub fn json(status: i64, body: &impl Serialize) -> ApiGatewayV2httpResponse {
    match serde_json::to_value(body) {
        Ok(body) => text(status, "application/json", body.to_string()),
        Err(error) => {
            tracing::error!(%error, "an answer can't be written");
            problem::Problem::internal().response()
        }
    }
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

/// An answer that is a file of this type and name, which browsers show.
pub fn file(content_type: &'static str, name: &str, bytes: Vec<u8>) -> ApiGatewayV2httpResponse {
    let mut response = text(200, content_type, String::new());
    response.body = Some(Body::Binary(bytes));
    response.is_base64_encoded = true;
    let disposition = format!("inline; filename=\"{name}\"");
    with_header(response, "content-disposition", &disposition)
}

/// An answer with a body of this type.
pub fn text(status: i64, content_type: &'static str, body: String) -> ApiGatewayV2httpResponse {
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
    response.body = Some(Body::Text(body));
    response
}
