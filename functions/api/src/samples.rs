//! A request as the gateway sends it, for tests.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use serde::Deserialize;
use serde_json::Value;

/// The sample event, changed in some places.
pub(crate) fn request(change: impl FnOnce(&mut Value)) -> ApiGatewayV2httpRequest {
    let sample = include_str!("../../../tests/events/api-history.json");
    let mut event = serde_json::from_str(sample).unwrap();
    change(&mut event);
    ApiGatewayV2httpRequest::deserialize(event).unwrap()
}

/// The sample event with these words behind its path.
pub(crate) fn asking(parameters: Value) -> ApiGatewayV2httpRequest {
    request(|event| event["queryStringParameters"] = parameters)
}
