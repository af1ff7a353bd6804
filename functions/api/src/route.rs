//! Which question a request asks, and the answer.

use std::collections::BTreeSet;

use aws::http::problem::Problem;
use aws::listing::{self, ListingError, MOST_PHOTOS};
use aws::table::Table;
use aws::{clock, http, trace};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::stale::{may_have_changed, stale_because};
use evaluation::decide::updates;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::invalid::Invalid;
use evaluation::domain::photo_key::{folder, folders};
use evaluation::domain::plan::Photo;
use evaluation::domain::time::Moment;
use evaluation::domain::versions::Versions;
use evaluation::run::error::{Class, with_causes};
use evaluation::run::ports::Ports;
use evaluation::run::show::show;
use evaluation::show::evaluation::seen;
use lambda_runtime::Error;
use photos::metadata::Position;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::photo_link::ShownAs;
use crate::report::For;
use crate::{
    accuracy, catalogue, checklist, claims, contract, evidence, export, figures, health, history,
    known, list, notes, page, photo_link, place, report, reviews, uploads,
};

/// Seconds after which the app may look for progress again.
const RETRY_AFTER_SECONDS: &str = "1";
/// The route of whoever has the function called without the routes of the template.
const NO_GATEWAY: &str = "$default";

/// The cache was emptied: no answer from before is used any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheEmptied {
    /// The DR; null if it is about all.
    dr_number: Option<DrNumber>,
    /// Answers to what was asked before are not used.
    valid_from: Moment,
}

/// A question.
#[derive(Debug, PartialEq)]
enum Question {
    Evaluation(EvaluationId),
    /// Where a photo of an evaluation is.
    PhotoLink(EvaluationId, PhotoId, ShownAs),
    /// Evaluations across DRs.
    List,
    /// How right verdicts are.
    Accuracy,
    /// What an evaluation truly is.
    Known(EvaluationId),
    /// A reviewer looks at a DR.
    Claim(DrNumber),
    /// And does so no more.
    GiveBack(DrNumber),
    /// What was evaluated in a span of time.
    Export,
    /// An evaluation's report.
    Report(EvaluationId, For),
    /// What only reviewers see of an evaluation.
    Evidence(EvaluationId),
    History(DrNumber, history::Page),
    /// How the system did, by day and by metric.
    Figures,
    /// How this release does, and what it works with.
    Health,
    /// No earlier answer is to be used any more: about this DR, or about any.
    EmptyCache(Option<DrNumber>),
    /// What is known of a DR, and left to do.
    Dr(DrNumber),
    /// What people decided of an evaluation's DR.
    Reviews(EvaluationId, reviews::Page),
    /// Somebody decides something of an evaluation.
    Review(EvaluationId),
    /// Somebody withdraws a decision.
    Withdraw(EvaluationId, u32),
    /// Somebody has something to say of a DR's step.
    Note(DrNumber),
    /// A DR is expected to be there, or it is not known any more where.
    Place(DrNumber, Option<Position>),
    /// The steps by which evaluations were asked.
    Catalogue(String),
    /// What may be asked, and what is answered.
    Contract,
    /// The page that people look at.
    Page,
    /// A file of the page, of this version.
    PageFile(String, String),
    /// Photos of a DR are to be uploaded.
    Uploads(DrNumber),
}

/// Answers an HTTP request.
pub(crate) async fn handle(api: &Api, event: Value) -> Result<Value, Error> {
    let trace = trace::of_request(&event);
    let response = answered(api, event)
        .instrument(trace::request(&trace))
        .await;
    let response = http::with_header(response, http::TRACE_HEADER, trace.as_str());
    Ok(serde_json::to_value(response)?)
}

async fn answered(api: &Api, event: Value) -> ApiGatewayV2httpResponse {
    let began = clock::now();
    let response = match answer(api, event).await {
        Ok(response) => response,
        Err(Refusal::Problem(problem)) => problem.response(),
        Err(Refusal::Failed(error)) => {
            tracing::error!(error = %with_causes(&error), "the request failed");
            match error.class() {
                Class::Retry => Problem::busy().response(),
                Class::Permanent | Class::Bug => Problem::internal().response(),
            }
        }
    };
    http::note("api", began, &response);
    response
}

/// The answer to what is read, unless its caller knows it already.
fn unless_known(
    request: &ApiGatewayV2httpRequest,
    response: ApiGatewayV2httpResponse,
) -> ApiGatewayV2httpResponse {
    let is_read = request.request_context.http.method.as_str() == "GET";
    // What names its state itself has its ETag already.
    let is_tagged = response.headers.contains_key("etag");
    if !is_read || is_tagged || response.status_code != 200 {
        return response;
    }
    let known = request.headers.get("if-none-match");
    http::unless_known(response, known.and_then(|known| known.to_str().ok()))
}

async fn answer(api: &Api, event: Value) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let unreadable = |_| Problem::bad_request("This is no request of an HTTP API (payload 2.0).");
    let request = ApiGatewayV2httpRequest::deserialize(event).map_err(unreadable)?;
    let response = answer_to(api, &request).await?;
    Ok(unless_known(&request, response))
}

async fn answer_to(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match question(request)? {
        Question::Evaluation(id) => evaluation(api, &id).await,
        Question::PhotoLink(id, photo, shown_as) => {
            photo_link::give(api, &id, &photo, shown_as).await
        }
        Question::List => list::read(api, request).await,
        Question::Known(id) => known::say(api, request, &id).await,
        Question::Accuracy => Ok(http::json(200, &accuracy::read(api, request).await?)),
        Question::Claim(dr) => claims::make(api, request, &dr).await,
        Question::GiveBack(dr) => claims::end(api, request, &dr).await,
        Question::Export => export::read(api, request).await,
        Question::Report(id, whom) => report::read(api, request, &id, whom).await,
        Question::Evidence(id) => evidence::read(api, &id).await,
        Question::Figures => Ok(http::json(200, &figures::read(api, request).await?)),
        Question::Health => {
            let in_use: Vec<&str> = api.asks_with.catalogues.versions().collect();
            let asks_with = api.asks_with.usual();
            Ok(http::json(
                200,
                &health::view(&api.ports, &asks_with, &in_use).await?,
            ))
        }
        Question::EmptyCache(dr) => empty_cache(&api.table, dr.as_ref()).await,
        Question::Dr(dr) => checklist::read(api, request, &dr).await,
        Question::Reviews(id, page) => reviews::list(api, request, &id, page).await,
        Question::Review(id) => reviews::decide(api, request, &id).await,
        Question::Withdraw(id, number) => reviews::withdraw(api, request, &id, number).await,
        Question::Note(dr) => notes::say(api, request, &dr).await,
        Question::Uploads(dr) => addresses(api, request, &dr).await,
        Question::Catalogue(version) => catalogue::read(api, &version).await,
        Question::Contract => Ok(contract::answer()),
        Question::Page => page::index(api).await,
        Question::PageFile(version, name) => Ok(page::file(request, &version, &name)?),
        Question::Place(dr, position) => {
            let stored = place::store(&api.table, &dr, position, api.kept_for);
            stored.await.map_err(Refusal::from)
        }
        Question::History(dr, page) => history::read(&api.table, &dr, &page).await,
    }
}

async fn evaluation(api: &Api, id: &EvaluationId) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let Some(shown) = show(&api.ports, id).await? else {
        return Err(Problem::not_found(format!(
            "There is no evaluation {id}. Ask for one with POST /evaluations, or see a DR's evaluations \
             under /drs/{{dr_number}}/evaluations."
        )).into());
    };
    let (evaluation, freshness) = (&shown.evaluation, shown.freshness);
    let catalogue = api.ports.catalogue(&evaluation.versions.catalogue).await?;
    let photos_now = match may_have_changed(evaluation, freshness) {
        true => photos_of(api, evaluation, shown.is_misplaced, catalogue).await,
        false => None,
    };
    let current = current(api, evaluation);
    let stale_because = stale_because(evaluation, freshness, photos_now, &current);
    let response = http::json(200, &seen(&shown, &stale_because, catalogue));
    let done = evaluation.completed_at.is_some();
    Ok(if done {
        response
    } else {
        http::with_header(response, "retry-after", RETRY_AFTER_SECONDS)
    })
}

/// Where the photos that a request lists are to be uploaded.
async fn addresses(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let most_bytes = api.asks_with.size_policy.limits.most_bytes;
    let wanted = uploads::asked(request, most_bytes)?;
    let (catalogue, _) = api.asks(dr, None).await?;
    let there = api.photos(dr, vec![folder(dr)], catalogue).await?;
    let taken: BTreeSet<String> = there.into_iter().map(|photo| photo.name).collect();
    if taken.len() + wanted.len() > MOST_PHOTOS {
        let (has, most) = (taken.len(), MOST_PHOTOS);
        return Err(Problem::too_many_photos(format!(
            "{dr} has {has} photos, and may have {most}. Upload fewer, or delete some first."
        ))
        .into());
    }
    let given = uploads::addresses(&api.s3, &api.bucket, dr, &wanted, taken, catalogue);
    Ok(given.await?)
}

/// What a result of the same question would be made with now. A catalogue that was named stays that of the question.
fn current(api: &Api, evaluation: &Evaluation) -> Versions {
    let named = &evaluation.versions.catalogue;
    let named = evaluation.catalogue_named.then_some(named.as_str());
    api.asks_with.versions_for(&evaluation.dr_number, named)
}

/// The DR's photos as they are now, if that is known: those in its own folder, and in others if any came there.
async fn photos_of(
    api: &Api,
    evaluation: &Evaluation,
    is_misplaced: bool,
    catalogue: Option<&Catalogue>,
) -> Option<Vec<Photo>> {
    let (dr, catalogue) = (&evaluation.dr_number, catalogue?);
    let folders = match is_misplaced {
        true => folders(dr),
        false => vec![folder(dr)],
    };
    match listing::list_in(&api.s3, &api.bucket, dr, folders, catalogue).await {
        Ok(listing) => Some(listing.photos),
        // No evaluation is about so many: any other question says that it changed, such as that about no photo.
        Err(ListingError::TooMany(_)) => Some(Vec::new()),
        Err(ListingError::Failed(error)) => {
            let error = error.with_causes();
            tracing::warn!(dr.number = %dr, error, "whether photos changed is not known");
            None
        }
    }
}

async fn empty_cache(
    table: &Table,
    dr: Option<&DrNumber>,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let valid_from = clock::now();
    table.update(&updates::invalidated(dr, valid_from)).await?;
    tracing::info!(dr.number = dr.map(DrNumber::as_str), cache.valid_from = %valid_from, "the cache was emptied by hand");
    let answer = CacheEmptied {
        dr_number: dr.cloned(),
        valid_from: valid_from.into(),
    };
    Ok(http::json(200, &answer))
}

/// Reads the question off the path itself: path parameters are missing where no gateway fills them in.
fn question(request: &ApiGatewayV2httpRequest) -> Result<Question, Problem> {
    let context = &request.request_context;
    let path = request.raw_path.as_deref().unwrap_or_default();
    let stage = context.stage.as_deref().unwrap_or_default();
    let staged = path.strip_prefix(&format!("/{stage}"));
    let path = staged.filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let dr_number =
        |dr: &str| DrNumber::parse(dr).map_err(|invalid| Problem::bad_dr_number(invalid.0));
    let evaluation_id =
        |id: &str| EvaluationId::parse(id).map_err(|invalid| Problem::not_found(invalid.0));
    let method = context.http.method.as_str();
    let routed = request.route_key.as_deref().unwrap_or(NO_GATEWAY);
    if !is_of_route(routed, method, &parts) {
        return Err(Problem::not_found(format!(
            "This is no address of {routed}."
        )));
    }
    match (method, parts.as_slice()) {
        ("PUT", ["evaluations", id, "known"]) => Ok(Question::Known(evaluation_id(id)?)),
        ("GET", ["accuracy"]) => Ok(Question::Accuracy),
        ("GET", ["health"]) => Ok(Question::Health),
        ("GET", ["catalogues", version]) => Ok(Question::Catalogue((*version).into())),
        ("GET", ["openapi.json"]) => Ok(Question::Contract),
        ("DELETE", ["cache"]) => Ok(Question::EmptyCache(None)),
        ("DELETE", ["drs", dr, "cache"]) => Ok(Question::EmptyCache(Some(dr_number(dr)?))),
        ("GET", ["drs", dr]) => Ok(Question::Dr(dr_number(dr)?)),
        ("POST", ["drs", dr, "notes"]) => Ok(Question::Note(dr_number(dr)?)),
        ("POST", ["drs", dr, "uploads"]) => Ok(Question::Uploads(dr_number(dr)?)),
        ("PUT", ["drs", dr]) => Ok(Question::Place(dr_number(dr)?, place::asked(request)?)),
        ("GET", [""]) => Ok(Question::Page),
        ("GET", ["page", version, file]) => {
            Ok(Question::PageFile((*version).into(), (*file).into()))
        }
        ("GET", ["figures"]) => Ok(Question::Figures),
        ("GET", ["evaluations"]) => Ok(Question::List),
        ("PUT", ["drs", dr, "claim"]) => Ok(Question::Claim(dr_number(dr)?)),
        ("DELETE", ["drs", dr, "claim"]) => Ok(Question::GiveBack(dr_number(dr)?)),
        ("GET", ["evaluations", id, "photos", photo]) => {
            let not_found = |invalid: Invalid| Problem::not_found(invalid.0);
            let photo = PhotoId::parse(photo).map_err(not_found)?;
            let shown_as = ShownAs::of(request)?;
            Ok(Question::PhotoLink(evaluation_id(id)?, photo, shown_as))
        }
        ("GET", ["evaluations", id]) => evaluation_id(id).map(Question::Evaluation),
        ("GET", ["export"]) => Ok(Question::Export),
        ("GET", ["evaluations", id, "report"]) => {
            Ok(Question::Report(evaluation_id(id)?, For::Everybody))
        }
        ("GET", ["evaluations", id, "evidence", "report"]) => {
            Ok(Question::Report(evaluation_id(id)?, For::Reviewers))
        }
        ("GET", ["evaluations", id, "evidence"]) => evaluation_id(id).map(Question::Evidence),
        ("GET", ["evaluations", id, "reviews"]) => Ok(Question::Reviews(
            evaluation_id(id)?,
            reviews::Page::of(request)?,
        )),
        ("POST", ["evaluations", id, "reviews"]) => Ok(Question::Review(evaluation_id(id)?)),
        ("DELETE", ["evaluations", id, "reviews", number]) => Ok(Question::Withdraw(
            evaluation_id(id)?,
            reviews::number(number)?,
        )),
        ("GET", ["drs", dr, "evaluations"]) => Ok(Question::History(
            dr_number(dr)?,
            history::Page::of(request)?,
        )),
        _ => Err(Problem::not_found(
            "There is GET /evaluations, /evaluations/{evaluation_id} and its /report, /evidence, /evidence/report and \
             /photos/{photo_id}, GET and POST \
             /evaluations/{evaluation_id}/reviews, DELETE /evaluations/{evaluation_id}/reviews/{number}, PUT \
             /evaluations/{evaluation_id}/known, GET and PUT \
             /drs/{dr_number}, POST /drs/{dr_number}/uploads and /notes, GET /drs/{dr_number}/evaluations, PUT and DELETE \
             /drs/{dr_number}/claim, DELETE /drs/{dr_number}/cache, DELETE /cache, GET /accuracy, /catalogues/{version}, \
             /export, /figures, /health and /openapi.json.",
        )),
    }
}

/// Whether a path is one of the route by which the gateway let the caller in: it may have read the path otherwise.
fn is_of_route(route: &str, method: &str, parts: &[&str]) -> bool {
    let Some((of, path)) = route.split_once(' ') else {
        return route == NO_GATEWAY;
    };
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    let fits = |(wanted, part): (&&str, &&str)| wanted.starts_with('{') || wanted == part;
    of == method && path.len() == parts.len() && path.iter().zip(parts).all(fits)
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
