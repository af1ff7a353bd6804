//! What people decide of evaluations.

use aws::http::problem::{Problem, ProblemDocument};
use evaluation::show::review::{ReviewAnswer, ReviewPage};

use crate::reviews::{ReviewRequest, WithdrawalRequest};

/// List what people decided
///
/// All records of the evaluation's DR, in their order, and how it stands with each for this evaluation.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}/reviews",
    operation_id = "listReviews",
    tag = "reviews",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
        ("limit" = Option<i32>, Query, description = "Records of a page; 100 if nothing is said.",
         minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next` of the page before.", pattern = "^[0-9]{1,9}$"),
    ),
    responses(
        (status = 200, description = "A page.", body = ReviewPage),
        (status = 400, description = "The limit or the cursor is not one.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn list() {}

/// Decide
///
/// Of a step, or of the whole. The model's verdict stays as it was. Of two who decide at once both records stand;
/// `also_decided` has what the caller had not seen, by `if-match`.
#[utoipa::path(
    post,
    path = "/evaluations/{evaluation_id}/reviews",
    operation_id = "review",
    tag = "reviews",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
        ("if-match" = Option<String>, Header, description = "The `etag` of the list, or of the last answer."),
        ("idempotency-key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description =
            "Made up for each decision, such as a UUID: whoever sends the same again with the same key gets the record \
             that was written, whatever was decided since."),
    ),
    request_body = ReviewRequest,
    responses(
        (status = 201, description = "The record stands.", body = ReviewAnswer, headers(
            ("etag" = String, description = "The state of the DR's records: send it as `if-match` next time."),
        )),
        (status = 200, description = "It stood already.", body = ReviewAnswer, headers(
            ("etag" = String, description = "The state of the DR's records: send it as `if-match` next time."),
        )),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "There is no verdict yet.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::not_judged(
            "This evaluation has no verdict yet. Decide once it is completed.").document())),
        (status = 422, description = "The DR has 500 records, and may have no more, or the key is another request's.",
         body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn review() {}

/// Withdraw a decision
///
/// Appends a record that says so; the decision before it stands again.
#[utoipa::path(
    delete,
    path = "/evaluations/{evaluation_id}/reviews/{number}",
    operation_id = "withdrawReview",
    tag = "reviews",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
        ("number" = u32, Path, description = "The decision's number."),
        ("if-match" = Option<String>, Header, description = "The `etag` of the list, or of the last answer."),
        ("idempotency-key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description =
            "Made up for each decision, such as a UUID: whoever sends the same again with the same key gets the record \
             that was written, whatever was decided since."),
    ),
    request_body = Option<WithdrawalRequest>,
    responses(
        (status = 200, description = "It is withdrawn, by this record.", body = ReviewAnswer, headers(
            ("etag" = String, description = "The state of the DR's records: send it as `if-match` next time."),
        )),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "There is no such evaluation, or its DR has no such decision.",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "There is no verdict yet.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "The DR has 500 records, and may have no more, or the key is another request's.",
         body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn withdraw() {}
