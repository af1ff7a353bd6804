//! Asking for evaluations, and what they say.

use aws::http::problem::{Problem, ProblemDocument};
use evaluation::show::evaluation::EvaluationView;
use evaluation::show::evidence::EvidenceView;
use evaluation::show::start::{EvaluationRequest, EvaluationStarted};

use crate::photo_link::PhotoLink;

use super::common::GatewayMessage;

/// Ask for an evaluation
///
/// Starts the evaluation of a DR's photos, joins the one that runs, or returns the one that answered the same question
/// within the last 24 hours. With an `Idempotency-Key` it may be sent again without a second evaluation, by `force`, too.
#[utoipa::path(
    post,
    path = "/evaluations",
    operation_id = "startEvaluation",
    tag = "evaluations",
    params(
        ("idempotency-key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description =
            "Made up for each request, such as a UUID: whoever sends the same request again with the same key within \
             24 hours gets the same evaluation."),
    ),
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "A new evaluation runs.", body = EvaluationStarted, headers(
            ("location" = String, description = "Where it is shown."),
            ("retry-after" = String, description = "Seconds after which to look first."),
            ("server-timing" = String, description = "Where the time went: `list` the photos, `table`."),
        )),
        (status = 200, description = "One that runs was joined, or one from before answers.", body = EvaluationStarted,
         headers(
            ("location" = String, description = "Where it is shown."),
            ("server-timing" = String, description = "Where the time went: `list` the photos, `table`."),
        )),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_dr_number(
            "A DR number has 3 to 20 letters and digits and nothing else, for example DR1730550.").document())),
        (status = 403, description = "You may not do this; or you ask by force, and are no operator.", content(
            (ProblemDocument = "application/problem+json", example = json!(Problem::not_allowed(
                "Only an operator may ask by force.").document())),
            (GatewayMessage = "application/json"),
        )),
        (status = 404, description = "The DR has no photos.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::no_photos(
            "DR7 has no photos. Upload them below photos/DR7/ and ask again.").document())),
        (status = 409, description = "A request with this key is being answered.", body = ProblemDocument,
         content_type = "application/problem+json", headers(
            ("retry-after" = String, description = "Seconds after which to send it again."),
        )),
        (status = 422, description = "The DR has more than 200 photos, or the key is another request's.",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) fn start() {}

/// Ask for an evaluation by force
///
/// Uses no answer from before, and ends one that runs as `incomplete`. For operators; `force` may be left out here.
#[utoipa::path(
    post,
    path = "/evaluations/forced",
    operation_id = "forceEvaluation",
    tag = "evaluations",
    params(
        ("idempotency-key" = Option<String>, Header, pattern = "^[!-~]{1,255}$", description =
            "Made up for each request, such as a UUID: whoever sends the same request again with the same key within \
             24 hours gets the same evaluation."),
    ),
    request_body = EvaluationRequest,
    responses(
        (status = 202, description = "A new evaluation runs.", body = EvaluationStarted, headers(
            ("location" = String, description = "Where it is shown."),
            ("retry-after" = String, description = "Seconds after which to look first."),
            ("server-timing" = String, description = "Where the time went: `list` the photos, `table`."),
        )),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "The DR has no photos.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "A request with this key is being answered.", body = ProblemDocument,
         content_type = "application/problem+json", headers(
            ("retry-after" = String, description = "Seconds after which to send it again."),
        )),
        (status = 422, description = "The DR has more than 200 photos, or the key is another request's.",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) fn force() {}

/// Read what only reviewers see of an evaluation
///
/// Where its photos were taken, by which cameras, and which other DRs have to do with it.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}/evidence",
    operation_id = "getEvidence",
    tag = "evaluations",
    params(
        ("evaluation_id" = String, Path, description = "As the answer to `POST /evaluations` gives it.", format = "uuid"),
    ),
    responses(
        (status = 200, description = "The evidence as it is known now.", body = EvidenceView),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn evidence() {}

/// Read an evaluation
///
/// Poll it until its `status` is `completed`; an `incomplete` verdict may still become `pass` or `fail`.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}",
    operation_id = "getEvaluation",
    tag = "evaluations",
    params(
        ("evaluation_id" = String, Path, description = "As the answer to `POST /evaluations` gives it.", format = "uuid"),
    ),
    responses(
        (status = 200, description = "The evaluation as it stands.", body = EvaluationView, headers(
            ("retry-after" = String, description = "Seconds after which to look again; absent once it is completed."),
        )),
        (status = 404, description = "There is no such evaluation.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn get() {}

/// Get a link to a photo
///
/// To the very content that the evaluation is about, also where the photo was replaced or deleted since; or to a picture
/// of it. Good for five minutes.
#[utoipa::path(
    get,
    path = "/evaluations/{evaluation_id}/photos/{photo_id}",
    operation_id = "linkPhoto",
    tag = "evaluations",
    params(
        ("evaluation_id" = String, Path, description = "The evaluation.", format = "uuid"),
        ("photo_id" = String, Path, description = "`photo_id` of one of its `photos`.", pattern = "^[0-9a-f]{16}$",
         example = "0123456789abcdef"),
        ("as" = Option<String>, Query, description = "`original`, as if nothing is said; `seen`: as the VLM saw it, \
         made by the evaluation's size policy; `thumbnail`: 320 pixels on its long edge.", example = "seen"),
    ),
    responses(
        (status = 200, description = "Where the photo is.", body = PhotoLink),
        (status = 400, description = "`as` is none of these words.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 404, description = "There is no such evaluation, or it has no such photo.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 409, description = "The photo lies in an archive, or the VLM has not seen it.",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "The photo is kept no more.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "There is no picture of this file, which is no photo or a broken one, or whose \
         name begins with a slash.",
         body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub(super) fn link_photo() {}
