//! `/simulation/…`: how tests tell the server what to be, and ask what it saw.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use crate::faults::Fault;
use crate::latency::Latency;
use crate::personality::Setting;
use crate::server::Server;
use crate::sigv4::Signer;

type Shared = State<Arc<Server>>;

/// A setting that is wrong, of requests about these photos.
#[derive(Deserialize)]
struct Wrong {
    setting: Setting,
    /// Only requests whose photo, as `DR1730550/3`, contains this.
    #[serde(default, rename = "match")]
    photo: String,
}

/// How sure the model is of its scores.
#[derive(Deserialize)]
struct Sharpness {
    sharpness: f64,
    /// Only of requests whose photo, as `DR1730550/3`, contains this.
    #[serde(default, rename = "match")]
    photo: String,
}

/// The routes of tests.
pub(crate) fn routes() -> Router<Arc<Server>> {
    let done = StatusCode::NO_CONTENT;
    let clear_faults = async |State(server): Shared| server.state().faults.clear();
    let clear_wrong = async |State(server): Shared| server.set_wrong(None);
    Router::new()
        .route(
            "/simulation/stats",
            get(async |State(server): Shared| Json(server.stats())),
        )
        .route("/simulation/faults", post(add_fault).delete(clear_faults))
        .route("/simulation/latency", post(set_latency))
        .route("/simulation/key", post(set_key))
        .route("/simulation/model", post(set_model))
        .route("/simulation/sharpness", post(set_sharpness))
        .route("/simulation/as", post(set_personality))
        .route("/simulation/wrong", post(add_wrong).delete(clear_wrong))
        .route(
            "/simulation/signer",
            post(
                async move |State(server): Shared, Json(signer): Json<Option<Signer>>| {
                    server.set_signer(signer);
                    done
                },
            ),
        )
        // A body that nobody reads would close the connection under the next request.
        .route(
            "/simulation/reset",
            post(async |State(server): Shared, _: Bytes| server.reset()),
        )
}

async fn add_fault(State(server): Shared, Json(fault): Json<Fault>) -> StatusCode {
    server.state().faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn add_wrong(State(server): Shared, Json(wrong): Json<Wrong>) -> Response {
    let (personality, _) = server.persona();
    if personality.says(wrong.setting).is_none() {
        let problem = format!("this server never says that {:?} is wrong\n", wrong.setting);
        return refused(&problem);
    }
    server.set_wrong(Some((wrong.setting, wrong.photo)));
    StatusCode::NO_CONTENT.into_response()
}

async fn set_sharpness(State(server): Shared, Json(wish): Json<Sharpness>) -> StatusCode {
    server.set_sharpness(wish.sharpness, wish.photo);
    StatusCode::NO_CONTENT
}

async fn set_latency(State(server): Shared, Json(wish): Json<Value>) -> Response {
    match Latency::parse(text(&wish, "latency")) {
        Ok(latency) => {
            server.set_latency(latency);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => refused(&format!("{problem:#}\n")),
    }
}

async fn set_personality(State(server): Shared, Json(wish): Json<Value>) -> Response {
    match server.set_personality(text(&wish, "name")) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => refused(&format!("{problem:#}\n")),
    }
}

async fn set_key(State(server): Shared, Json(wish): Json<Value>) -> StatusCode {
    let key = wish.get("api_key").and_then(Value::as_str);
    server.set_key(key.map(str::to_owned));
    StatusCode::NO_CONTENT
}

async fn set_model(State(server): Shared, Json(wish): Json<Value>) -> StatusCode {
    server.set_model(text(&wish, "model").to_owned());
    StatusCode::NO_CONTENT
}

fn text<'w>(wish: &'w Value, name: &str) -> &'w str {
    wish.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn refused(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, problem.to_owned()).into_response()
}
