//! What was evaluated, as CSV.

use aws::http::problem::{Problem, ProblemDocument};

/// Export evaluations
///
/// Those asked for in a span of time, the newest first, a line for each step: CSV (RFC 4180). The columns are described
/// in `functions/api/README.md`.
#[utoipa::path(
    get,
    path = "/export",
    operation_id = "export",
    tag = "evaluations",
    params(
        ("from" = String, Query, description = "Asked for from then on.", format = DateTime,
         example = "2026-11-01T00:00:00Z"),
        ("to" = String, Query, description = "Asked for before then.", format = DateTime,
         example = "2026-12-01T00:00:00Z"),
        ("limit" = Option<i32>, Query, description = "Evaluations of a page at most; 50 if nothing is said.",
         minimum = 1, maximum = 50),
        ("cursor" = Option<String>, Query, description = "As the address in the page before's `link` has it."),
    ),
    responses(
        (status = 200, description = "A page. The names of the columns are on the first one only.",
         body = String, content_type = "text/csv", headers(
            ("link" = Option<String>, description = "The address of the next page, with `rel=\"next\"`; absent on the \
             last one."),
            ("content-disposition" = String, description = "What to call the file."),
        )),
        (status = 400, description = "That can't be asked for.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_request(
            "limit is a number from 1 to 50.").document())),
    ),
)]
pub(super) fn export() {}
