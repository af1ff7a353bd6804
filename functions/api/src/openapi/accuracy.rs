//! How right verdicts are.

use aws::http::problem::{Problem, ProblemDocument};

use crate::accuracy::Accuracy;
use crate::known::{KnownAnswer, KnownRequest};

/// Say how right verdicts are
///
/// By what people decided of evaluations that were asked for on some days: agreement with its 95 % interval, false passes
/// and false fails, readings corrected, and the evaluations behind each number.
#[utoipa::path(
    get,
    path = "/accuracy",
    operation_id = "getAccuracy",
    tag = "reviews",
    params(
        ("from" = Option<String>, Query, description = "From this time's day on; 29 days before `to` if nothing is said.",
         format = DateTime),
        ("to" = Option<String>, Query, description = "To before this time, its day as a whole; now if nothing is said.",
         format = DateTime),
        ("by" = Option<String>, Query, description = "`step` (and the whole verdict), as if nothing is said, `catalogue`, \
         `model` or `prompt`.", example = "step"),
    ),
    responses(
        (status = 200, description = "How right they are.", body = Accuracy),
        (status = 400, description = "That can't be asked for.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_request(
            "by is step, catalogue, model or prompt.").document())),
    ),
)]
pub(super) fn get() {}

/// Say what an evaluation truly is
///
/// A known case, which reviewers are not told of: `GET /accuracy` says how many of them were decided rightly, and counts
/// them for nothing else. A pass without flags is listed as if chance had drawn it, and stays so when `null` has that
/// forgotten.
#[utoipa::path(
    put,
    path = "/evaluations/{evaluation_id}/known",
    operation_id = "putKnown",
    tag = "reviews",
    params(("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid")),
    request_body = KnownRequest,
    responses(
        (status = 200, description = "It is known, or forgotten.", body = KnownAnswer),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "There is no verdict yet.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn put_known() {}
