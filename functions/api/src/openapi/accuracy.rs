//! How right verdicts are.

use aws::http::problem::{Problem, ProblemDocument};

use crate::accuracy::Accuracy;

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
