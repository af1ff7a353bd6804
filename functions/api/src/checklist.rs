//! A DR's checklist, `GET /drs/{dr_number}`: what its photos show so far, and what is left to do.
//!
//! # Invariants
//! - The same checklist has the same ETag, so that whoever knows it is told so in a few bytes.
//! - No position is shown, only whether one is known.

use aws::http;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::photo_key::{folder, folders};
use evaluation::run::checklist::of_photos;
use evaluation::run::of_dr::{OfDr, of_dr};
use serde_json::{Value, json};

use crate::api::{Api, Refusal};
use crate::{history, place};

/// Evaluations that are shown; the history has all of them.
const EVALUATIONS: i32 = 5;

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
    let mut body = place::shown(dr, of_dr.expected.is_some(), of_dr.placed_at);
    let with = (catalogue, &versions);
    let checklist = of_photos(&api.ports, dr, of_dr, photos, last, with).await?;
    let evaluations: Vec<Value> = history.evaluations.iter().map(history::entry).collect();
    if let (Some(fields), Value::Object(more)) = (body.as_object_mut(), json!(checklist)) {
        fields.extend(more);
        fields.insert("evaluations".into(), evaluations.into());
    }
    let known = request.headers.get("if-none-match");
    let known = known.and_then(|known| known.to_str().ok());
    Ok(http::unless_known(http::json(200, &body), known))
}
