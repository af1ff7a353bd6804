//! The OpenAPI document, made from the types of requests and answers.
//!
//! A route is described in the file of its kind, as an attribute of a function that nobody calls; what all routes have
//! in common is said in `common`. Only tests make the document: what is served is the file that they hold to it.

#![expect(dead_code, reason = "nobody calls what carries a route's description")]

mod accuracy;
mod common;
mod drs;
mod evaluations;
mod export;
mod list;
mod report;
mod reviews;
mod service;

use utoipa::OpenApi;

use self::common::Common;

/// All routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fibre installation evaluation",
        description = "Evaluates the photos of a fibre installation (a drop record, DR) with a vision language model.\n\n\
            Errors are problem documents (RFC 9457) that say what to do; what the gateway itself refuses is answered \
            with `{\"message\": …}`. Times are RFC 3339 in UTC. Fields, and words where a field says so, may be added: \
            pass over what you don't know."
    ),
    servers((url = "/", description = "The stack's output `ApiUrl`.")),
    paths(
        accuracy::get,
        accuracy::put_known,
        drs::ask_for_uploads,
        drs::empty_cache_of_dr,
        drs::get_dr,
        drs::list_evaluations,
        drs::note,
        drs::place,
        export::export,
        evaluations::evidence,
        evaluations::force,
        evaluations::get,
        evaluations::link_photo,
        report::everybody,
        report::reviewers,
        reviews::list,
        reviews::review,
        reviews::withdraw,
        evaluations::start,
        list::claim,
        list::give_back,
        list::list_evaluations,
        service::empty_cache,
        service::get_catalogue,
        service::get_contract,
        service::get_figures,
        service::get_health,
    ),
    tags(
        (name = "evaluations", description = "Asking for evaluations, and what they say."),
        (name = "reviews", description = "What people decide of evaluations."),
        (name = "drs", description = "What is known of a DR, and said of it."),
        (name = "service", description = "The service itself."),
    ),
    security(("iam" = []), ("jwt" = [])),
    modifiers(&Common),
)]
struct Document;

/// The document as it lies in the repository.
fn document() -> String {
    let mut text = Document::openapi().to_pretty_json().unwrap();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
