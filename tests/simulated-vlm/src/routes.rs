//! The routes: the part of a server's API that is used, in the words and forms of whom it takes on.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::chunks::{Chunks, Odds, THOUGHTS};
use crate::control;
use crate::engine::Prefix;
use crate::faults::{Fault, Kind};
use crate::look::{Refusal, Seen, answer, asked, look_at_all};
use crate::personality::{Personality, Setting};
use crate::server::{InFlight, Server, Tokens};
use crate::stream::{Answer, streamed};
use crate::tokens::{TOKENS_BEHIND_THE_PHOTO, count};

type Shared = State<Arc<Server>>;

/// The largest body that is read.
const MOST_BYTES: usize = 64 << 20;

/// All routes.
pub(crate) fn routes(server: Arc<Server>) -> Router {
    let down = axum::middleware::from_fn_with_state(Arc::clone(&server), close_while_down);
    let api = Router::new()
        .route("/health", get(async || "this is a simulation"))
        .route("/metrics", get(metrics))
        .fallback(any)
        .layer(down);
    let says_so = axum::middleware::map_response(say_that_it_is_a_simulation);
    control::routes()
        .merge(api)
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BYTES))
        .layer(says_so)
        .with_state(server)
}

async fn say_that_it_is_a_simulation(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert("x-simulation", HeaderValue::from_static("true"));
    response
}

async fn close_while_down(
    State(server): Shared,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    if server.state().faults.is_down() {
        close_connection();
    }
    next.run(request).await
}

/// Ends the connection's task, and so the connection, without an answer.
fn close_connection() -> ! {
    std::panic::resume_unwind(Box::new("the simulation closes the connection"))
}

/// Any other path: where somebody takes questions or lists models depends on who it is.
async fn any(State(server): Shared, request: Request<Body>) -> Response {
    let (personality, model) = server.persona();
    let (parts, body) = request.into_parts();
    if parts.method == Method::GET && parts.uri.path() == personality.list() {
        return models(&server, &model, &parts);
    }
    let arrived = Instant::now();
    let in_flight = (parts.method == Method::POST).then(|| server.arrive());
    let Some(in_flight) = in_flight else {
        return says(&personality, Setting::Path, &model, &parts);
    };
    match axum::body::to_bytes(body, MOST_BYTES).await {
        Ok(body) => complete(server, parts, body, arrived, in_flight).await,
        Err(_) => error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large", None),
    }
}

fn models(server: &Server, model: &str, parts: &Parts) -> Response {
    let (personality, _) = server.persona();
    if let Some(setting) = server.turns_away(parts, b"") {
        return says(&personality, setting, model, parts);
    }
    let entry = json!({"id": model, "object": "model", "owned_by": "simulation, not a model", "max_model_len": 32768});
    Json(json!({"object": "list", "data": [entry]})).into_response()
}

/// What is said of a setting that is wrong.
fn says(personality: &Personality, setting: Setting, model: &str, parts: &Parts) -> Response {
    match personality.says(setting) {
        Some(said) => said.response(model, parts.uri.path()),
        None => error(StatusCode::BAD_REQUEST, "this setting is wrong", None),
    }
}

async fn metrics(State(server): Shared) -> String {
    let stats = server.stats();
    let gauge = |name: &str, field: &str| {
        format!(
            "# TYPE vllm:{name} gauge\nvllm:{name}{{simulation=\"true\"}} {}\n",
            stats.get(field).unwrap_or(&Value::Null)
        )
    };
    gauge("num_requests_running", "running") + &gauge("num_requests_waiting", "waiting")
}

async fn complete(
    server: Arc<Server>,
    parts: Parts,
    body: Bytes,
    arrived: Instant,
    in_flight: InFlight,
) -> Response {
    let (personality, model) = server.persona();
    let about_sender = || server.turns_away(&parts, &body);
    let wrong = misplaced(&personality, &model, &parts).or_else(about_sender);
    let wrong = wrong.or_else(|| server.wrong_for(""));
    if let Some(setting) = wrong {
        return says(&personality, setting, &model, &parts);
    }
    if server.is_full() {
        return busy(&personality, &model, StatusCode::SERVICE_UNAVAILABLE);
    }
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return error(StatusCode::BAD_REQUEST, "JSON decode error", None);
    };
    let named = request
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if named != model && personality.says(Setting::Model).is_some() {
        return says(&personality, Setting::Model, named, &parts);
    }
    if let Some((field, said)) = personality.refuses(&request) {
        server.note_refused(field);
        return said.response(&model, parts.uri.path());
    }
    let (request, seen) = match read(request).await {
        Ok(read) => read,
        Err(Refusal {
            status,
            message,
            param,
        }) => return error(status, &message, param),
    };
    if let Some(setting) = server.wrong_for(&seen.photo()) {
        return says(&personality, setting, &model, &parts);
    }
    respond(
        server,
        &personality,
        model,
        request,
        seen,
        (arrived, in_flight),
    )
    .await
}

/// A path or a query at which nobody takes questions about this model.
fn misplaced(personality: &Personality, model: &str, parts: &Parts) -> Option<Setting> {
    let path = parts.uri.path();
    if personality.names_another_model(path, model) {
        return Some(Setting::Model);
    }
    let right = path == personality.path(model) && personality.takes_query(parts.uri.query());
    (!right).then_some(Setting::Path)
}

async fn respond(
    server: Arc<Server>,
    personality: &Personality,
    model: String,
    request: Value,
    seen: Seen,
    (arrived, in_flight): (Instant, InFlight),
) -> Response {
    let fault = server.state().faults.take(&seen.photo());
    let kind = fault.as_ref().map(|fault| fault.kind);
    let asked = asked(&request);
    let text = answer(&seen, asked.as_deref(), kind);
    let mut tokens = tokens(&request, &seen, &text);
    let (text, cut) = within(&request, text, &mut tokens);
    if let Some(response) = fault
        .as_ref()
        .and_then(|fault| refused(fault, personality, &model))
    {
        server.record(&seen, asked.as_deref(), arrived, None, kind);
        return response;
    }
    if personality.answer.thoughts.is_some() {
        tokens.completion += count(THOUGHTS);
    }
    let cut = cut || kind == Some(Kind::CutAtMaxTokens);
    let finish = if cut {
        "length".to_owned()
    } else {
        personality.answer.end.clone()
    };
    let wants_usage = request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    let chunks = Chunks {
        form: personality.answer.clone(),
        model,
        tokens,
        wants_usage,
        odds: odds(&server, personality, &request, &seen),
    };
    if request.get("stream") == Some(&Value::Bool(true)) {
        let answer = Answer {
            text,
            finish,
            chunks,
            seen,
            asked,
            arrived,
            fault,
        };
        return streamed(server, answer, in_flight);
    }
    server.submit(tokens, kind).until_written(1.0).await;
    server.record(&seen, asked.as_deref(), arrived, Some(tokens), kind);
    Json(chunks.whole(&text, &finish)).into_response()
}

/// How log-probabilities are told to a request that asks for them, where the server tells such.
fn odds(server: &Server, personality: &Personality, request: &Value, seen: &Seen) -> Option<Odds> {
    let wanted = request.get("logprobs") == Some(&Value::Bool(true));
    let most = request.get("top_logprobs").and_then(Value::as_u64);
    let sharpness = server.sharpness_of(&seen.photo());
    (wanted && personality.answer.logprobs).then(|| Odds {
        sharpness,
        most: most
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(0),
    })
}

/// The answer within the most tokens that the request allows, and whether it was cut off there.
fn within(request: &Value, text: String, tokens: &mut Tokens) -> (String, bool) {
    let most = ["max_tokens", "max_completion_tokens"]
        .iter()
        .find_map(|name| request.get(name))
        .and_then(Value::as_u64)
        .and_then(|most| u32::try_from(most).ok());
    let Some(most) = most.filter(|most| *most < tokens.completion) else {
        return (text, false);
    };
    let kept = text.chars().count() * most as usize / tokens.completion as usize;
    tokens.completion = most;
    (text.chars().take(kept).collect(), true)
}

async fn read(request: Value) -> Result<(Value, Seen), Refusal> {
    let bad = |message: &str| Refusal {
        status: StatusCode::BAD_REQUEST,
        message: message.into(),
        param: None,
    };
    let work = tokio::task::spawn_blocking(move || {
        let seen = look_at_all(&request)?;
        Ok((request, seen))
    });
    work.await
        .unwrap_or_else(|_| Err(bad("the picture could not be looked at")))
}

fn tokens(request: &Value, seen: &Seen, answer: &str) -> Tokens {
    let system = request
        .pointer("/messages/0/content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let prefix = Prefix {
        id: BuildHasherDefault::<DefaultHasher>::default().hash_one(system),
        tokens: count(system),
    };
    Tokens {
        image: seen.image_tokens,
        prompt: seen.image_tokens + prefix.tokens + TOKENS_BEHIND_THE_PHOTO,
        completion: count(answer),
        prefix,
    }
}

/// The response of a fault that answers at once.
fn refused(fault: &Fault, personality: &Personality, model: &str) -> Option<Response> {
    match fault.kind {
        Kind::Status429 => {
            let mut response = busy(personality, model, StatusCode::TOO_MANY_REQUESTS);
            response
                .headers_mut()
                .insert("retry-after", fault.retry_after_s.into());
            Some(response)
        }
        Kind::Status500 => Some(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal server error (simulation)",
            None,
        )),
        Kind::Status503 => Some(busy(personality, model, StatusCode::SERVICE_UNAVAILABLE)),
        Kind::Busy => Some(busy(personality, model, StatusCode::TOO_MANY_REQUESTS)),
        Kind::Drop => close_connection(),
        _ => None,
    }
}

/// In its own words where it has such.
fn busy(personality: &Personality, model: &str, status: StatusCode) -> Response {
    match &personality.busy {
        Some(said) => said.response(model, ""),
        None => error(status, "The server is overloaded (simulation)", None),
    }
}

fn error(status: StatusCode, message: &str, param: Option<&str>) -> Response {
    let kind = status
        .canonical_reason()
        .unwrap_or("Error")
        .replace(' ', "");
    let body = json!({"error": {"message": message, "type": format!("{kind}Error"), "param": param, "code": status.as_u16()}});
    (status, Json(body)).into_response()
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
