//! The routes: the part of vLLM's API that is used, and `/simulation/…` for tests.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::engine::Prefix;
use crate::faults::{Fault, Kind};
use crate::latency::Latency;
use crate::look::{Refusal, Seen, answer, asked, look_at_all};
use crate::server::{Server, Tokens};
use crate::stream::{Answer, streamed};
use crate::tokens::{TOKENS_BEHIND_THE_PHOTO, count};

type Shared = State<Arc<Server>>;

/// All routes.
pub(crate) fn routes(server: Arc<Server>) -> Router {
    let down = axum::middleware::from_fn_with_state(Arc::clone(&server), close_while_down);
    let api = Router::new()
        .route("/health", get(async || "this is a simulation"))
        .route("/metrics", get(metrics))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(complete))
        .layer(down);
    let control = Router::new()
        .route(
            "/simulation/stats",
            get(async |State(server): Shared| Json(server.stats())),
        )
        .route(
            "/simulation/faults",
            post(add_fault).delete(async |State(server): Shared| server.state().faults.clear()),
        )
        .route("/simulation/latency", post(set_latency))
        .route("/simulation/key", post(set_key))
        // A body that nobody reads would close the connection under the next request.
        .route(
            "/simulation/reset",
            post(async |State(server): Shared, _: Bytes| server.reset()),
        );
    let says_so = axum::middleware::map_response(say_that_it_is_a_simulation);
    api.merge(control)
        .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
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

async fn models(State(server): Shared) -> Json<Value> {
    let model = &server.options.model;
    Json(
        json!({"object": "list", "data": [{"id": model, "object": "model", "owned_by": "simulation, not a model", "max_model_len": 32768}]}),
    )
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

async fn add_fault(State(server): Shared, Json(fault): Json<Fault>) -> StatusCode {
    server.state().faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn set_latency(State(server): Shared, Json(wish): Json<Value>) -> Response {
    match Latency::parse(
        wish.get("latency")
            .and_then(Value::as_str)
            .unwrap_or_default(),
    ) {
        Ok(latency) => {
            server.set_latency(latency);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => (StatusCode::BAD_REQUEST, format!("{problem:#}\n")).into_response(),
    }
}

async fn set_key(State(server): Shared, Json(wish): Json<Value>) -> StatusCode {
    let key = wish.get("api_key").and_then(Value::as_str);
    server.set_key(key.map(str::to_owned));
    StatusCode::NO_CONTENT
}

async fn complete(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let (arrived, in_flight) = (Instant::now(), server.arrive());
    if !authorised(&server, &headers) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"error": "Unauthorized"})),
        )
            .into_response();
    }
    if server.is_full() {
        return error(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is overloaded (simulation)",
            None,
        );
    }
    let (request, seen) = match read(&server, body).await {
        Ok(read) => read,
        Err(Refusal {
            status,
            message,
            param,
        }) => return error(status, &message, param),
    };
    let fault = server.state().faults.take(&seen.photo());
    let kind = fault.as_ref().map(|fault| fault.kind);
    let asked = asked(&request);
    let text = answer(&seen, asked.as_deref(), kind);
    let mut tokens = tokens(&request, &seen, &text);
    let (text, cut) = within(&request, text, &mut tokens);
    if let Some(response) = fault.as_ref().and_then(refused) {
        server.record(&seen, asked.as_deref(), arrived, None, kind);
        return response;
    }
    let finish = if cut || kind == Some(Kind::CutAtMaxTokens) {
        "length"
    } else {
        "stop"
    };
    if request.get("stream") == Some(&Value::Bool(true)) {
        return streamed(
            server,
            Answer {
                text,
                finish,
                tokens,
                seen,
                asked,
                arrived,
                fault,
            },
            in_flight,
        );
    }
    server.spend(tokens, fault.as_ref()).await;
    server.record(&seen, asked.as_deref(), arrived, Some(tokens), kind);
    completion(&server, &text, tokens, finish)
}

/// The answer within the most tokens that the request allows, and whether it was cut off there.
fn within(request: &Value, text: String, tokens: &mut Tokens) -> (String, bool) {
    let most = request
        .get("max_tokens")
        .and_then(Value::as_u64)
        .and_then(|most| u32::try_from(most).ok());
    let Some(most) = most.filter(|most| *most < tokens.completion) else {
        return (text, false);
    };
    let kept = text.chars().count() * most as usize / tokens.completion as usize;
    tokens.completion = most;
    (text.chars().take(kept).collect(), true)
}

fn authorised(server: &Server, headers: &HeaderMap) -> bool {
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    server.admits(given)
}

async fn read(server: &Server, body: Bytes) -> Result<(Value, Seen), Refusal> {
    let bad = |message: &str| Refusal {
        status: StatusCode::BAD_REQUEST,
        message: message.into(),
        param: None,
    };
    let request: Value = serde_json::from_slice(&body).map_err(|_| bad("JSON decode error"))?;
    let model = request
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if model != server.options.model {
        let message = format!("The model `{model}` does not exist.");
        return Err(Refusal {
            status: StatusCode::NOT_FOUND,
            message,
            param: Some("model"),
        });
    }
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
fn refused(fault: &Fault) -> Option<Response> {
    match fault.kind {
        Kind::Status429 => {
            let mut response = error(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests (simulation)",
                None,
            );
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
        Kind::Status503 => Some(error(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is overloaded (simulation)",
            None,
        )),
        Kind::Drop => close_connection(),
        _ => None,
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

fn completion(server: &Server, text: &str, tokens: Tokens, finish: &str) -> Response {
    let body = json!({
        "id": "chatcmpl-simulation",
        "object": "chat.completion",
        "created": 0,
        "model": server.options.model,
        "system_fingerprint": "simulation",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": tokens.prompt,
            "completion_tokens": tokens.completion,
            "total_tokens": tokens.prompt + tokens.completion,
        },
    });
    Json(body).into_response()
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
