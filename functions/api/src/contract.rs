//! What may be asked, and what is answered: the OpenAPI document, `GET /openapi.json`.
//!
//! # Invariants
//! - It is the file that lies in the repository, which a test holds to the types (`openapi`), so that a function does
//!   not work it out.

use aws::http;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;

/// The document.
pub(crate) const DOCUMENT: &str = include_str!("../openapi.json");

/// The document as an answer.
pub(crate) fn answer() -> ApiGatewayV2httpResponse {
    http::text(200, "application/json", DOCUMENT.to_owned())
}
