//! What only reviewers see of an evaluation, `GET /evaluations/{evaluation_id}/evidence`.
//!
//! # Invariants
//! - Nothing here tells callers apart: the gateway lets reviewers and operators to this route, and nobody else.

use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use evaluation::domain::ids::EvaluationId;
use evaluation::run::evidence::evidence;
use evaluation::show::evidence::view;

use crate::api::{Api, Refusal};

/// Reads the evidence of an evaluation.
pub(crate) async fn read(
    api: &Api,
    id: &EvaluationId,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match evidence(&api.ports, id).await? {
        Some(evidence) => Ok(http::json(200, &view(&evidence))),
        None => Err(Problem::not_found(format!("There is no evaluation {id}.")).into()),
    }
}
