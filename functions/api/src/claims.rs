//! Claims, `PUT` and `DELETE /drs/{dr_number}/claim`: a reviewer looks at a DR for some minutes, and no other one does.
//!
//! # Invariants
//! - Who claims is what the gateway found out, never what a request says.

use aws::clock;
use aws::http::{self, caller::Caller, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::claim::{Claim, MOST_CLAIMS};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::time::Moment;
use evaluation::run::claims::{ClaimResult, claim, give_back};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};

/// Who looks at a DR.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub(crate) struct Held {
    /// Who: the subject of the token, or the ARN whose key signed.
    by: String,
    /// Since when.
    since: Moment,
    /// Until when, unless the claim is renewed.
    until: Moment,
}

/// A DR's claim.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Claimed {
    /// The DR.
    dr_number: DrNumber,
    /// Who looks at it; null once it was given back.
    claim: Option<Held>,
}

impl Held {
    /// Of this claim.
    pub(crate) fn of(claim: &Claim) -> Self {
        Self {
            by: claim.by.clone(),
            since: claim.since.into(),
            until: claim.until.into(),
        }
    }
}

/// The caller claims a DR, or goes on.
pub(crate) async fn make(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let by = who(request)?;
    let holding = api.table.claims(clock::now()).await?;
    let others = holding.iter().filter(|claim| claim.dr_number != *dr);
    if others.count() >= MOST_CLAIMS {
        return Err(Problem::too_many_claims(format!(
            "{MOST_CLAIMS} DRs are claimed, and no more may be. Give some back, or wait until claims end."
        ))
        .into());
    }
    match claim(&api.ports, dr, by).await? {
        ClaimResult::Mine(claim) => Ok(answer(dr, Some(&claim))),
        ClaimResult::Anothers(claim) => Err(anothers(&claim)),
    }
}

/// The caller gives a DR back.
pub(crate) async fn end(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match give_back(&api.ports, dr, who(request)?).await? {
        None => Ok(answer(dr, None)),
        Some(claim) => Err(anothers(&claim)),
    }
}

fn answer(dr: &DrNumber, claim: Option<&Claim>) -> ApiGatewayV2httpResponse {
    let claim = claim.map(Held::of);
    let dr_number = dr.clone();
    http::json(200, &Claimed { dr_number, claim })
}

fn anothers(claim: &Claim) -> Refusal {
    let (dr, by, until) = (&claim.dr_number, &claim.by, claim.until);
    Problem::claimed(format!(
        "{dr} is claimed by {by} until {until}. Look at another DR, or ask them to give it back."
    ))
    .into()
}

fn who(request: &ApiGatewayV2httpRequest) -> Result<&str, Problem> {
    Caller::of(request).name().ok_or_else(Problem::nobody)
}
