//! What only reviewers see of an evaluation, `GET /evaluations/{evaluation_id}/evidence`.
//!
//! # Invariants
//! - Nothing here tells callers apart: the gateway lets reviewers and operators to this route, and nobody else.

use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::domain::ids::EvaluationId;
use evaluation::run::evidence::evidence;
use evaluation::show::evidence::view;
use serde_json::json;

use crate::api::{Api, Refusal};

/// Reads the evidence of an evaluation.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let Some(evidence) = evidence(&api.ports, id).await? else {
        return Err(Problem::not_found(format!("There is no evaluation {id}.")).into());
    };
    let known = request.headers.get("if-none-match");
    let known = known.and_then(|known| known.to_str().ok());
    let answer = http::json(200, &json!(view(&evidence)));
    Ok(http::unless_known(answer, known))
}
