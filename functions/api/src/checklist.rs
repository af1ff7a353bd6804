//! A DR's checklist, `GET /drs/{dr_number}`: what its photos show so far, and what is left to do.
//!
//! # Invariants
//! - The same checklist has the same ETag, so that whoever knows it is told so in a few bytes.
//! - No position is shown, only whether one is known.

use aws::http;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::checklist::Checklist;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::photo_key::{folder, folders};
use evaluation::domain::time::Moment;
use evaluation::run::checklist::of_photos;
use evaluation::run::of_dr::{OfDr, of_dr};
use evaluation::show::Links;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::history::{self, HistoryItem};

/// Evaluations that are shown; the history has all of them.
const EVALUATIONS: i32 = 5;

/// What is known of a DR, and left to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dr)]
pub(crate) struct DrView {
    /// Whether it is known where it is.
    has_expected_position: bool,
    /// Since when.
    expected_position_set_at: Option<Moment>,
    /// Its last evaluations.
    evaluations: Vec<HistoryItem>,
    /// Where more is to be had.
    links: Links,
    /// Its checklist.
    #[serde(flatten)]
    checklist: Checklist,
}

/// Reads the checklist of a DR.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let named = request.query_string_parameters.first("catalogue");
    let (catalogue, versions) = api.asks(dr, named).await?;
    let history = async { Ok(api.table.history(dr, EVALUATIONS, None).await?) };
    let of_dr = async { Ok::<OfDr, Refusal>(of_dr(&api.ports, dr).await?) };
    let (of_dr, history) = tokio::try_join!(of_dr, history)?;
    let folders = match of_dr.is_misplaced {
        true => folders(dr),
        false => vec![folder(dr)],
    };
    let photos = api.photos(dr, folders, catalogue).await?;
    let last = history.evaluations.first();
    let last = last.map(|entry| &entry.evaluation_id);
    let has_expected_position = of_dr.expected.is_some();
    let placed_at = of_dr.placed_at.filter(|_| has_expected_position);
    let with = (catalogue, &versions);
    let checklist = of_photos(&api.ports, dr, of_dr, photos, last, with).await?;
    let answer = DrView {
        has_expected_position,
        expected_position_set_at: placed_at.map(Moment),
        evaluations: history.evaluations.iter().map(history::entry).collect(),
        links: Links::of_dr(dr),
        checklist,
    };
    Ok(http::json(200, &answer))
}
