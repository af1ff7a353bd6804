//! What all routes have in common: who may call, what the gateway answers by itself, what any answer carries.

use aws::http::problem::{PROBLEM_TYPE, Problem, ProblemDocument};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa::{Modify, ToSchema};

/// Enums that get further words: callers are told what they may be, and take others, too.
const OPEN: [&str; 12] = [
    "Decision",
    "FlagCode",
    "Lapse",
    "Likeness",
    "Miss",
    "NoteKind",
    "ReasonCode",
    "Remedy",
    "ReviewKind",
    "ShownOutcome",
    "StaleReason",
    "WarningCode",
];

/// What the gateway says by itself: the status, the answer's name, and when.
const GATEWAY: [(&str, &str, &str); 5] = [
    (
        "401",
        "Unauthorized",
        "The token is missing, expired or another audience's.",
    ),
    (
        "403",
        "Forbidden",
        "The signature is missing or wrong, or the caller may not do this.",
    ),
    ("413", "TooLarge", "The request is larger than 10 MB."),
    (
        "429",
        "TooManyRequests",
        "There are too many requests: send it again later.",
    ),
    (
        "504",
        "TooLate",
        "There was no answer within 30 seconds: send it again.",
    ),
];
/// Of the header that each answer of a function has.
const TRACE: &str = "The thread through all that came of the request, in all logs.";

/// What the gateway says by itself: it answers before any function is asked, and can't be told how.
#[derive(Serialize, ToSchema)]
pub(super) struct GatewayMessage {
    /// What is wrong, in a word or two.
    #[schema(example = "Forbidden")]
    message: Option<String>,
}

/// Adds all that.
pub(super) struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        add_schemes(components);
        add_schema::<GatewayMessage>(components);
        add_schema::<ProblemDocument>(components);
        add_responses(components);
        OPEN.iter().for_each(|name| open(components, name));
        for item in document.paths.paths.values_mut() {
            complete(item);
        }
    }
}

fn add_schema<T: ToSchema>(components: &mut Components) {
    components
        .schemas
        .insert(T::name().into_owned(), T::schema());
}

fn add_schemes(components: &mut Components) {
    let signature = "AWS Signature Version 4 (service `execute-api`), unless the stack takes JWTs.";
    let signature = ApiKeyValue::with_description("Authorization", signature);
    let token = "A JWT of the stack's issuer (`JwtIssuer`, `JwtAudience`), where these are set.";
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(token));
    components.add_security_scheme("iam", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    components.add_security_scheme("jwt", SecurityScheme::Http(token.build()));
}

/// The words of an enum as examples of what a text may be.
fn open(components: &mut Components, name: &str) {
    let Some(RefOr::T(Schema::Object(words))) = components.schemas.get_mut(name) else {
        panic!("there is no enum {name}");
    };
    let known = words.enum_values.take().unwrap();
    let known: Vec<_> = known.into_iter().filter(|word| word != "unknown").collect();
    let said = words.description.take().unwrap_or_default();
    let listed: Vec<&str> = known.iter().filter_map(|word| word.as_str()).collect();
    let listed = listed.join("`, `");
    words.description = Some(format!(
        "{said}\n\nOne of `{listed}`; further ones may be added, pass over what you don't know."
    ));
    words.examples = known;
}

fn complete(item: &mut PathItem) {
    if let Some(read) = &mut item.get {
        tell_what_is_known(read);
    }
    let all = [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.delete,
    ];
    for operation in all.into_iter().flatten() {
        add_trace(operation);
        add_failures(operation);
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// What is read has an ETag, and is not sent to who knows it.
fn tell_what_is_known(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("if-none-match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `etag` of the answer that you have."))
        .schema(Some(text()))
        .build();
    let parameters: &mut Vec<RefOr<Parameter>> = operation.parameters.get_or_insert_default();
    parameters.push(parameter.into());
    let same = ResponseBuilder::new().description("It is what you have.");
    let responses = &mut operation.responses.responses;
    responses.insert("304".into(), same.build().into());
    for status in ["200", "304"] {
        add_header(
            responses.get_mut(status),
            "etag",
            "What the answer is known by: send it as `if-none-match` next time.",
        );
    }
}

fn add_header(response: Option<&mut RefOr<Response>>, name: &str, description: &str) {
    if let Some(RefOr::T(response)) = response {
        let header = HeaderBuilder::new()
            .schema(Some(text()))
            .description(Some(description));
        response
            .headers
            .entry(name.into())
            .or_insert_with(|| header.build().into());
    }
}

/// Every answer of a function names its trace.
fn add_trace(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        add_header(Some(response), "x-trace-id", TRACE);
    }
}

/// What any route may fail with: the names of answers that are described once.
fn add_failures(operation: &mut Operation) {
    let said = GATEWAY.iter().map(|(status, name, _)| (*status, *name));
    let failed = [("500", "Failed"), ("503", "Busy")];
    for (status, name) in said.chain(failed) {
        let response = RefOr::Ref(Ref::from_response_name(name));
        let responses = &mut operation.responses.responses;
        responses.entry(status.into()).or_insert(response);
    }
}

/// Those answers: of the gateway, which refuses before any function is asked, and of a function that can't.
fn add_responses(components: &mut Components) {
    for (_, name, description) in GATEWAY {
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", of_gateway());
        let response = response.build().into();
        components.responses.insert(name.into(), response);
    }
    for (name, problem) in [("Failed", Problem::internal()), ("Busy", Problem::busy())] {
        let response = ResponseBuilder::new()
            .description(problem.title)
            .content(PROBLEM_TYPE, of_problem(&problem))
            .content("application/json", of_gateway());
        let mut response = response.build().into();
        add_header(Some(&mut response), "x-trace-id", TRACE);
        if problem.status == 503 {
            let seconds = "Seconds after which to send the request again.";
            add_header(Some(&mut response), "retry-after", seconds);
        }
        components.responses.insert(name.into(), response);
    }
}

fn of_problem(problem: &Problem) -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(Some(json!(problem.document())))
        .build()
}

fn of_gateway() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("GatewayMessage")))
        .build()
}
