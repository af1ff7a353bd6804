//! The server over real HTTP: answers, refusals, each fault, and the bound on running requests.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use samples::drs::{Dr, samples};
use samples::photo;

use super::*;
use crate::latency::Latency;
use crate::server::Options;

/// Far above what any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// For answers that never come.
const HASTE: Duration = Duration::from_secs(3);

struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn start(max_running: usize, max_queued: Option<usize>, latency: &str) -> Self {
        let latency = Latency::parse(latency).unwrap();
        let options = Options {
            model: "sim".into(),
            api_key: Some("key".into()),
            latency,
            max_running,
            max_queued,
            personality: "vllm".into(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            axum::serve(listener, routes(Arc::new(Server::new(options).unwrap()))).await
        });
        Self {
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            url,
        }
    }

    async fn ask(&self, request: &Value) -> reqwest::Result<reqwest::Response> {
        self.asking(request).send().await
    }

    /// As somebody asks who gives up soon.
    async fn ask_hastily(&self, request: &Value) -> reqwest::Result<reqwest::Response> {
        self.asking(request).timeout(HASTE).send().await
    }

    fn asking(&self, request: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/v1/chat/completions", self.url))
            .bearer_auth("key")
            .json(request)
    }

    async fn content(&self, request: &Value) -> String {
        let answer: Value = self.ask(request).await.unwrap().json().await.unwrap();
        answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn fault(&self, fault: Value) {
        let answer = self
            .http
            .post(format!("{}/simulation/faults", self.url))
            .json(&fault)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 204);
    }

    async fn stats(&self) -> Value {
        self.http
            .get(format!("{}/simulation/stats", self.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

fn request() -> Value {
    let dr = &samples().unwrap()[0];
    let jpeg = photo::jpeg(&dr.truth(8).unwrap(), &Dr::view(0, 1.3, 1)).unwrap();
    let url = format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg));
    let schema = json!({"properties": {"steps": {"items": {"properties": {"step": {"enum": ["power_meter", "ups_serial"]}}}}}});
    json!({"model": "sim", "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}, "messages": [
        {"role": "system", "content": "Look."}, {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]})
}

#[tokio::test]
async fn it_says_that_it_is_a_simulation_and_answers_from_the_picture() {
    let client = Client::start(4, None, "none").await;
    let models = client
        .http
        .get(format!("{}/v1/models", client.url))
        .bearer_auth("key")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(models.contains("simulation"));
    let answer = client.ask(&request()).await.unwrap();
    assert_eq!(answer.headers()["x-simulation"], "true");
    let answer: Value = answer.json().await.unwrap();
    let content: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(
        content["steps"],
        json!([{"step": "power_meter", "score": 9, "comment": "clearly shown", "fail": null, "reading": "-18.4 dBm"}])
    );
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() > 1000);
}

#[tokio::test]
async fn it_takes_on_another_until_it_is_reset() {
    let client = Client::start(4, None, "none").await;
    let tell = async |path: &str, body: Value| {
        let url = format!("{}/simulation/{path}", client.url);
        client
            .http
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(tell("as", json!({"name": "nobody"})).await, 400);
    assert_eq!(tell("as", json!({"name": "gemini"})).await, 204);
    let refused = client.ask(&request()).await.unwrap();
    assert_eq!(
        (
            refused.status(),
            refused.headers()["x-simulation"].as_bytes()
        ),
        (StatusCode::NOT_FOUND, &b"true"[..])
    );
    assert_eq!(
        tell("wrong", json!({"setting": "memory"})).await,
        400,
        "it never says so"
    );
    tell("reset", json!({})).await;
    assert_eq!(client.ask(&request()).await.unwrap().status(), 200);
    tell(
        "wrong",
        json!({"setting": "context", "match": "DR1730550/"}),
    )
    .await;
    let refused = client.ask(&request()).await.unwrap();
    assert!(refused.text().await.unwrap().contains("max_model_len"));
    tell("model", json!({"model": "another"})).await;
    assert_eq!(client.ask(&request()).await.unwrap().status(), 404);
}

#[tokio::test]
async fn from_some_moment_on_it_wants_another_key_until_it_is_reset() {
    let client = Client::start(4, None, "none").await;
    let tell = async |path: &str, body: Value| {
        let url = format!("{}/simulation/{path}", client.url);
        client.http.post(url).json(&body).send().await.unwrap()
    };
    tell("key", json!({"api_key": "another"})).await;
    assert_eq!(client.ask(&request()).await.unwrap().status(), 401);
    tell("reset", json!({})).await;
    assert_eq!(client.ask(&request()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn wrong_keys_and_models_are_refused() {
    let client = Client::start(4, None, "none").await;
    let answer = client
        .http
        .post(format!("{}/v1/chat/completions", client.url))
        .json(&request())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.text().await.unwrap().as_str()
        ),
        (401, r#"{"error":"Unauthorized"}"#)
    );
    let mut other = request();
    other["model"] = "other".into();
    let refused = client.ask(&other).await.unwrap();
    assert_eq!(
        (
            refused.status().as_u16(),
            &refused.headers()["x-simulation"] == "true"
        ),
        (404, true)
    );
}

#[tokio::test]
async fn every_fault_happens_when_it_is_asked_for() {
    let client = Client::start(4, None, "none").await;
    for (kind, status) in [
        ("status_429", 429),
        ("status_500", 500),
        ("status_503", 503),
    ] {
        client
            .fault(json!({"kind": kind, "retry_after_s": 7}))
            .await;
        let answer = client.ask(&request()).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
    }
    for (kind, sign) in [
        ("fenced", "```json"),
        ("prefixed", "<think>"),
        ("wrong_types", "\"score\":\"9\""),
        ("unmendable", "\"good\""),
        ("unknown_step", "garden_gnome"),
        ("empty_answer", ""),
    ] {
        client
            .fault(json!({"kind": kind, "match": "DR1730550/8"}))
            .await;
        let content = client.content(&request()).await;
        assert!(
            content.contains(sign) && (kind != "empty_answer" || content.is_empty()),
            "{kind}: {content}"
        );
    }
    client.fault(json!({"kind": "cut_at_max_tokens"})).await;
    let cut: Value = client.ask(&request()).await.unwrap().json().await.unwrap();
    assert_eq!(cut["choices"][0]["finish_reason"], "length");
    for kind in ["hang", "drop", "down"] {
        client.fault(json!({"kind": kind, "for_ms": 3000})).await;
        assert!(client.ask_hastily(&request()).await.is_err(), "{kind}");
    }
    tokio::time::sleep(HASTE).await;
    assert!(client.ask(&request()).await.unwrap().status().is_success());
    assert_eq!(
        client.stats().await["faults"].as_object().unwrap().len(),
        13
    );
}

#[tokio::test]
async fn a_slow_answer_takes_ten_times_as_long() {
    let client = Client::start(4, None, "fixed:50").await;
    client.fault(json!({"kind": "slow"})).await;
    let clock = Instant::now();
    client.content(&request()).await;
    assert!(clock.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn every_running_answer_slows_down_when_others_begin() {
    let rates = r#"{"prefill_ms_per_token": 0, "decode_ms_per_token": 60, "decode_ms_per_token_and_other_request": 40,
        "kv_tokens": 44000, "prefix_block_tokens": 0}"#;
    let path = std::env::temp_dir().join(format!("latency-{}.json", std::process::id()));
    std::fs::write(&path, rates).unwrap();
    let client = Client::start(4, None, path.to_str().unwrap()).await;
    let request = request();
    let timed = async |delay: Duration| {
        tokio::time::sleep(delay).await;
        let clock = Instant::now();
        let _ = client.ask(&request).await;
        clock.elapsed()
    };
    let alone = timed(Duration::ZERO).await;
    let later = alone / 4;
    let (first, ..) = tokio::join!(
        timed(Duration::ZERO),
        timed(later),
        timed(later),
        timed(later)
    );
    assert!(
        first > alone.mul_f64(1.3),
        "{first:?} among four, {alone:?} alone"
    );
}

#[tokio::test]
async fn no_more_requests_run_than_allowed_and_none_wait_beyond_the_queue() {
    let client = Client::start(2, Some(1), "fixed:400").await;
    let request = request();
    let (a, b, c, d) = tokio::join!(
        client.ask(&request),
        client.ask(&request),
        client.ask(&request),
        client.ask(&request)
    );
    let mut statuses: Vec<u16> = [a, b, c, d]
        .map(|answer| answer.unwrap().status().as_u16())
        .into();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
    let stats = client.stats().await;
    assert_eq!(
        (
            stats["max_running_seen"].as_u64(),
            stats["max_in_flight"].as_u64(),
            stats["in_flight"].as_u64()
        ),
        (Some(2), Some(4), Some(0))
    );
}

#[tokio::test]
async fn a_client_that_gives_up_frees_its_place() {
    let client = Client::start(1, None, "none").await;
    client.fault(json!({"kind": "hang"})).await;
    assert!(client.ask_hastily(&request()).await.is_err());
    assert!(client.ask(&request()).await.unwrap().status().is_success());
}

fn streaming() -> Value {
    let mut request = request();
    request["stream"] = true.into();
    request["stream_options"] = json!({"include_usage": true});
    request
}

/// How many pieces of text have come with this chunk.
fn pieces(chunk: &[u8]) -> usize {
    let text = String::from_utf8_lossy(chunk);
    text.matches("\"content\":").count() - text.matches("\"content\":\"\"").count()
}

#[tokio::test]
async fn a_token_comes_as_soon_as_it_is_written() {
    let client = Client::start(2, None, "fixed:2000").await;
    let mut answer = client.ask(&streaming()).await.unwrap();
    let mut come = 0;
    while come == 0 {
        come += pieces(&answer.chunk().await.unwrap().unwrap());
    }
    assert_eq!(client.stats().await["answered"], 0, "it is being written");
    while let Some(chunk) = answer.chunk().await.unwrap() {
        come += pieces(&chunk);
    }
    assert_eq!(
        (come > 20, &client.stats().await["answered"]),
        (true, &json!(1))
    );
}

#[tokio::test]
async fn no_token_comes_before_there_is_a_place() {
    let client = Client::start(1, None, "fixed:300").await;
    let told = std::sync::Mutex::new(Vec::new());
    let told = &told;
    let listen = async |name: usize| {
        let mut answer = client.ask(&streaming()).await.unwrap();
        while let Some(chunk) = answer.chunk().await.unwrap() {
            let named = std::iter::repeat_n(name, pieces(&chunk));
            told.lock().unwrap().extend(named);
        }
    };
    tokio::join!(listen(1), listen(2));
    let told = told.lock().unwrap();
    let turns = told.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(turns, 1, "one waits for the other's end: {told:?}");
}

#[tokio::test]
async fn a_streamed_answer_says_the_same_and_ends_as_vllm_ends_it() {
    let client = Client::start(4, None, "none").await;
    let whole = client.content(&request()).await;
    let answer = client.ask(&streaming()).await.unwrap();
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    let text = answer.text().await.unwrap();
    let data: Vec<&str> = text
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "))
        .collect();
    let chunks: Vec<Value> = data
        .iter()
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let words: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!((words, data.last()), (whole, Some(&"[DONE]")));
    let usage = &chunks.last().unwrap()["usage"];
    assert!(usage["completion_tokens"].as_u64().unwrap() > 10);
}

#[tokio::test]
async fn streams_stall_break_and_end_with_errors_when_asked_to() {
    let client = Client::start(4, None, "none").await;
    client.fault(json!({"kind": "error_event"})).await;
    let text = client
        .ask(&streaming())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("\"error\"")
            && !text.contains("\"finish_reason\":\"stop\"")
            && text.ends_with("[DONE]\n\n")
    );
    client.fault(json!({"kind": "stall", "for_ms": 50})).await;
    let answer = client.ask(&streaming()).await.unwrap();
    assert!(answer.text().await.unwrap().ends_with("[DONE]\n\n"));
    for kind in ["cut_stream", "stall"] {
        client.fault(json!({"kind": kind})).await;
        let answer = client.ask_hastily(&streaming()).await.unwrap();
        assert!(answer.text().await.is_err(), "{kind}");
    }
    assert_eq!(
        client.stats().await["in_flight"],
        0,
        "a client that gave up must free its place"
    );
}

#[tokio::test]
async fn no_answer_is_longer_than_the_request_allows() {
    let client = Client::start(4, None, "none").await;
    let mut short = request();
    short["max_tokens"] = 5.into();
    let answer: Value = client.ask(&short).await.unwrap().json().await.unwrap();
    assert_eq!(
        (
            answer["choices"][0]["finish_reason"].as_str(),
            answer["usage"]["completion_tokens"].as_u64()
        ),
        (Some("length"), Some(5))
    );
}

#[tokio::test]
async fn several_pictures_are_answered_by_their_numbers() {
    let client = Client::start(4, None, "none").await;
    let mut several = request();
    let picture = several["messages"][1]["content"][0].clone();
    several["messages"][1]["content"] = vec![picture.clone(), picture.clone()].into();
    let answer: Value = serde_json::from_str(&client.content(&several).await).unwrap();
    let numbers: Vec<_> = answer["photos"]
        .as_array()
        .unwrap()
        .iter()
        .map(|photo| photo["photo"].as_u64().unwrap())
        .collect();
    assert_eq!(
        (numbers, answer["photos"][1]["steps"][0]["score"].as_u64()),
        (vec![1, 2], Some(9))
    );
    several["messages"][1]["content"] = vec![picture; 9].into();
    assert_eq!(client.ask(&several).await.unwrap().status(), 400);
}
