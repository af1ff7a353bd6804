//! Reports of evaluations.

use aws::http::problem::{Problem, ProblemDocument};
use evaluation::show::report::ReportView;

/// Get an evaluation's report
///
/// What an invoice or a dispute needs: verdict, steps, flags, people's decisions, photos by their hashes, versions and
/// times. As PDF if that is accepted rather than JSON.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}/report",
    operation_id = "getReport",
    tag = "evaluations",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
    ),
    responses(
        (status = 200, description = "The report.", content(
            (ReportView = "application/json"), (Vec<u8> = "application/pdf"))),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "There is no verdict yet.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::not_judged(
            "This evaluation has no verdict yet. Ask again once it is completed.").document())),
    ),
)]
pub(super) fn everybody() {}

/// Get an evaluation's report for reviewers
///
/// The same with the evidence, and as PDF with small pictures of the deciding photos.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}/evidence/report",
    operation_id = "getEvidenceReport",
    tag = "evaluations",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
    ),
    responses(
        (status = 200, description = "The report.", content(
            (ReportView = "application/json"), (Vec<u8> = "application/pdf"))),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "There is no verdict yet.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn reviewers() {}
