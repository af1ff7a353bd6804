//! Evaluations across DRs, and who looks at which DR.

use aws::http::problem::{Problem, ProblemDocument};

use super::common::GatewayMessage;
use crate::claims::Claimed;
use crate::list::List;

/// List evaluations of all DRs
///
/// In a moment's delay, and at a cost that does not grow with their number.
#[utoipa::path(
    get,
    path = "/evaluations",
    operation_id = "listEvaluations",
    tag = "evaluations",
    params(
        ("verdict" = Option<String>, Query, description = "The model's verdict: `pass`, `fail`, `incomplete` or \
         `unfinished`, or several of them with commas between.", example = "fail,incomplete"),
        ("flagged" = Option<bool>, Query, description = "With flags, or without."),
        ("reviewed" = Option<bool>, Query, description = "On which people decided, or not."),
        ("sampled" = Option<bool>, Query, description = "That chance drew for review, of passes without flags; or others."),
        ("claimed" = Option<bool>, Query, description = "Of DRs that somebody looks at, of each its last 25; or of others."),
        ("contested" = Option<bool>, Query, description = "Of whose DR's steps technicians said something; or others."),
        ("from" = Option<String>, Query, description = "Asked for from then on.", format = DateTime),
        ("to" = Option<String>, Query, description = "Asked for before then.", format = DateTime),
        ("sort" = Option<String>, Query, description = "`newest` first, as if nothing is said, or `least_certain`: those \
         with a verdict only, and what nothing is known of at the end; where certainty does not tell errors from the \
         rest, by flags and chance (`ordered_by`).", example = "least_certain"),
        ("limit" = Option<i32>, Query, description = "Evaluations of a page at most; 20 if nothing is said.",
         minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next` of the page before, with the same `sort`."),
    ),
    responses(
        (status = 200, description = "A page.", body = List),
        (status = 400, description = "That can't be asked for.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_request(
            "limit is a number from 1 to 100.").document())),
    ),
)]
pub(super) fn list_evaluations() {}

/// Claim a DR
///
/// For ten minutes, so that no other reviewer works on it; again to go on.
#[utoipa::path(
    put,
    path = "/drs/{dr_number}/claim",
    operation_id = "claimDr",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
    ),
    responses(
        (status = 200, description = "It is the caller's.", body = Claimed),
        (status = 400, description = "The DR number is not one.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 403, description = "The caller may not do this, or has no name.", content(
            (GatewayMessage = "application/json"), (ProblemDocument = "application/problem+json"))),
        (status = 409, description = "It is another's.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::claimed(
            "DR1730550 is claimed by anna until 2026-11-24T10:44:54.007Z. Look at another DR, or ask them to give it \
             back.").document())),
        (status = 422, description = "200 DRs are claimed, and no more may be.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn claim() {}

/// Give a DR back
#[utoipa::path(
    delete,
    path = "/drs/{dr_number}/claim",
    operation_id = "giveDrBack",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
    ),
    responses(
        (status = 200, description = "It is nobody's.", body = Claimed),
        (status = 400, description = "The DR number is not one.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 403, description = "The caller may not do this, or has no name.", content(
            (GatewayMessage = "application/json"), (ProblemDocument = "application/problem+json"))),
        (status = 409, description = "It is another's, and stays so.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn give_back() {}
