//! The service itself.

use aws::http::problem::{Problem, ProblemDocument};
use evaluation::show::catalogue::CatalogueView;

use crate::figures::Figures;
use crate::health::Health;
use crate::route::CacheEmptied;

/// Read how the service does
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "getHealth",
    tag = "service",
    responses((status = 200, description = "The release, what it works with, and the VLM's state.", body = Health)),
)]
pub(super) fn get_health() {}

/// Read how the system did
///
/// Evaluations by day, and the course of the metrics of `infra/OPERATING.md`.
#[utoipa::path(
    get,
    path = "/figures",
    operation_id = "getFigures",
    tag = "service",
    params(
        ("from" = Option<String>, Query, description = "From then on; 14 days ago if nothing is said, 92 at most.",
         format = DateTime),
        ("to" = Option<String>, Query, description = "Until then; now if nothing is said.", format = DateTime),
    ),
    responses(
        (status = 200, description = "Days and figures.", body = Figures),
        (status = 400, description = "That is no span.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_request(
            "from is before to, and not in the future.").document())),
    ),
)]
pub(super) fn get_figures() {}

/// Read a list of steps
///
/// The steps that an evaluation was asked by (its `catalogue_version`), what each asks for, and why it may fail. What a
/// version says never changes.
#[utoipa::path(
    get,
    path = "/catalogues/{version}",
    operation_id = "getCatalogue",
    tag = "service",
    params(("version" = String, Path, description = "One that ships with a release, or that an operator published.",
            example = "v4")),
    responses(
        (status = 200, description = "The list.", body = CatalogueView),
        (status = 404, description = "There is no such list.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn get_catalogue() {}

/// Read this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getContract",
    tag = "service",
    responses((status = 200, description = "This document.", body = Object)),
)]
pub(super) fn get_contract() {}

/// Empty the cache
///
/// No answer from before is used any more, for any DR. Running evaluations go on.
#[utoipa::path(
    delete,
    path = "/cache",
    operation_id = "emptyCache",
    tag = "service",
    responses((status = 200, description = "It is empty.", body = CacheEmptied)),
)]
pub(super) fn empty_cache() {}
