//! What is known of a DR, and said of it.

use aws::http::problem::{Problem, ProblemDocument};

use crate::checklist::DrView;
use crate::history::History;
use crate::notes::{NoteAnswer, NoteRequest};
use crate::place::{PlaceAnswer, PlaceRequest};
use crate::route::CacheEmptied;
use crate::uploads::{UploadsAnswer, UploadsRequest};

/// Read a DR's checklist
///
/// What its photos show so far and what is left to do, before any verdict. Poll it every 2 seconds while photos go up.
#[utoipa::path(
    get,
    path = "/drs/{dr_number}",
    operation_id = "getDr",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
        ("catalogue" = Option<String>, Query, description = "Another list of steps, by its version."),
    ),
    responses(
        (status = 200, description = "The checklist; that of a DR without photos says what to take.", body = DrView),
        (status = 400, description = "The DR number is not one, or there is no such catalogue.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "The DR has more than 200 photos.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn get_dr() {}

/// Say where a DR is
///
/// From then on photos say how far from there they were taken. It is shown with the evidence.
#[utoipa::path(
    put,
    path = "/drs/{dr_number}",
    operation_id = "placeDr",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
    ),
    request_body = PlaceRequest,
    responses(
        (status = 200, description = "It is known, or forgotten.", body = PlaceAnswer),
        (status = 400, description = "The DR number is not one, or that is no position.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn place() {}

/// List a DR's evaluations
#[utoipa::path(
    get,
    path = "/drs/{dr_number}/evaluations",
    operation_id = "listEvaluationsOfDr",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
        ("limit" = Option<i32>, Query, description = "Evaluations of a page; 20 if nothing is said.",
         minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "`next` of the page before.", format = "uuid"),
    ),
    responses(
        (status = 200, description = "A page, newest first; none of a DR that nobody asked about.", body = History),
        (status = 400, description = "The DR number, the limit or the cursor is not one.", body = ProblemDocument,
         content_type = "application/problem+json", example = json!(Problem::bad_request(
            "limit is a number from 1 to 100.").document())),
    ),
)]
pub(super) fn list_evaluations() {}

/// Say something of a step
///
/// What is said twice stands once.
#[utoipa::path(
    post,
    path = "/drs/{dr_number}/notes",
    operation_id = "noteStep",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
        ("catalogue" = Option<String>, Query, description = "Another list of steps, by its version."),
    ),
    request_body = NoteRequest,
    responses(
        (status = 201, description = "The note stands.", body = NoteAnswer),
        (status = 200, description = "It stood already.", body = NoteAnswer),
        (status = 400, description = "The request can't be understood.", body = ProblemDocument,
         content_type = "application/problem+json"),
        (status = 422, description = "The DR has 24 notes, and may have no more.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn note() {}

/// Ask where to send photos
///
/// An address for each photo, where S3 takes it. Asking again gives new addresses, and replaces nothing.
#[utoipa::path(
    post,
    path = "/drs/{dr_number}/uploads",
    operation_id = "askForUploads",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
    ),
    request_body = UploadsRequest,
    responses(
        (status = 201, description = "An address for each photo.", body = UploadsAnswer),
        (status = 400, description = "The request can't be understood, or names what can't be a photo.",
         body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The DR would have more than 200 photos.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn ask_for_uploads() {}

/// Empty the cache of a DR
///
/// No answer from before is used for it any more. Running evaluations go on.
#[utoipa::path(
    delete,
    path = "/drs/{dr_number}/cache",
    operation_id = "emptyCacheOfDr",
    tag = "drs",
    params(
        ("dr_number" = String, Path, description = "The DR.", pattern = "^[A-Za-z0-9]{3,20}$", example = "DR1730550"),
    ),
    responses(
        (status = 200, description = "It is empty.", body = CacheEmptied),
        (status = 400, description = "The DR number is not one.", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
)]
pub(super) fn empty_cache_of_dr() {}
