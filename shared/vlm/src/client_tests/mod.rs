//! The client against a server that answers from a script, over real HTTP.

mod keys;
mod streams;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::key::tests::Secret;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::outcome::ReasonCode;

#[derive(Clone)]
enum Reply {
    Say(u16, &'static str, String),
    /// Server-sent events, each after a pause in milliseconds; then the connection is closed, or held.
    Stream(Vec<(u64, String)>, After),
    Drop,
    Hang,
}

#[derive(Clone, Copy, PartialEq)]
enum After {
    Close,
    Hold,
}

/// A server that gives these replies, one a request, and keeps the requests it got.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    /// Connections that the client closed while they were held.
    left: Arc<Mutex<usize>>,
}

impl Server {
    /// Returns once the server has learnt that nobody listens.
    async fn is_left(&self) {
        for _ in 0..500 {
            if *self.left.lock().unwrap() == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the connection is still open");
    }
}

async fn server(replies: Vec<Reply>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let left = Arc::new(Mutex::new(0));
    let (seen, gone, mut replies) = (
        Arc::clone(&requests),
        Arc::clone(&left),
        VecDeque::from(replies),
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = request(&mut stream).await;
            seen.lock().unwrap().push(request);
            match replies.pop_front().unwrap_or(Reply::Drop) {
                Reply::Drop => drop(stream),
                Reply::Hang => {
                    tokio::spawn(async move {
                        (stream, tokio::time::sleep(Duration::from_secs(60)).await)
                    });
                }
                Reply::Stream(events, after) => {
                    tokio::spawn(stream_to(stream, events, after, Arc::clone(&gone)));
                }
                Reply::Say(status, headers, body) => {
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
                        body.len()
                    );
                    stream
                        .write_all(format!("{head}{body}").as_bytes())
                        .await
                        .unwrap();
                }
            }
        }
    });
    Server {
        url,
        requests,
        left,
    }
}

async fn stream_to(
    mut stream: TcpStream,
    events: Vec<(u64, String)>,
    after: After,
    left: Arc<Mutex<usize>>,
) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for (pause, event) in events {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if stream
            .write_all(format!("data: {event}\n\n").as_bytes())
            .await
            .is_err()
        {
            break;
        }
    }
    if after == After::Hold && stream.read(&mut [0; 16]).await.unwrap_or(0) == 0 {
        *left.lock().unwrap() += 1;
    }
}

/// Chunks as vLLM sends them: a role without words, then the words, the last with the reason for the end; then the
/// usage.
fn chunks(content: &str, pause: u64, finish: Option<&str>) -> Vec<(u64, String)> {
    let chunk = |text: &str, finish: Option<&str>| {
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
            .to_string()
    };
    let half = content.len() / 2;
    let mut chunks = vec![
        (0, chunk("", None)),
        (pause, chunk(&content[..half], None)),
        (pause, chunk(&content[half..], None)),
    ];
    if finish.is_some() {
        chunks.push((0, chunk("", finish)));
        chunks.push((
            0,
            json!({"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 40}})
                .to_string(),
        ));
        chunks.push((0, "[DONE]".into()));
    }
    chunks
}

async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| {
                    rest.split("\r\n").next().unwrap().parse().unwrap()
                });
            if body.len() >= length {
                return text;
            }
        }
        if read == 0 {
            return text;
        }
    }
}

fn says(content: &str) -> Reply {
    let body = json!({"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 900, "completion_tokens": 40}});
    Reply::Say(200, "", body.to_string())
}

const GOOD: &str = r#"{"steps": [{"step": "power_meter", "score": 9, "comment": "clear", "reading": "-18.4 dBm"}]}"#;

async fn ask(server: &Server) -> Result<AskResult, VlmFailure> {
    ask_with(&client(server)).await
}

async fn ask_with(client: &VlmClient) -> Result<AskResult, VlmFailure> {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let keys: Vec<_> = catalogue
        .steps
        .iter()
        .map(|step| step.key.clone())
        .collect();
    let question = Question::new(catalogue, &keys);
    client
        .ask(&question, b"jpeg", catalogue.steps.first())
        .await
}

fn client(server: &Server) -> VlmClient {
    let settings = VlmSettings {
        api_key: Some("secret-key".into()),
        timeout: Duration::from_millis(900),
        connect_timeout: Duration::from_millis(500),
        first_token_timeout: Duration::from_millis(500),
        stall_timeout: Duration::from_millis(200),
        ..VlmSettings::new(&server.url, "m")
    };
    VlmClient::new(settings).unwrap()
}

#[tokio::test]
async fn a_good_answer_takes_one_request_with_the_key_and_the_hint() {
    let server = server(vec![says(GOOD)]).await;
    let asked = ask(&server).await.unwrap();
    assert_eq!(
        (
            asked.findings[0].score.value(),
            asked.repaired,
            asked.usage.completion_tokens
        ),
        (9, false, 40)
    );
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0]
            .to_lowercase()
            .contains("authorization: bearer secret-key")
            && requests[0].contains("House photo")
    );
}

#[tokio::test]
async fn headers_of_ones_own_are_sent_and_may_carry_the_key() {
    let server = server(vec![says(GOOD), says(GOOD)]).await;
    for headers in ["x-team: photos", "api-key: {key}"] {
        let client = client(&server).with_headers(headers.parse().unwrap());
        ask_with(&client).await.unwrap();
    }
    let requests: Vec<_> = server
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| request.to_lowercase())
        .collect();
    assert!(
        requests[0].contains("\r\nx-team: photos\r\n")
            && requests[0].contains("authorization: bearer secret-key")
    );
    assert!(
        requests[1].contains("\r\napi-key: secret-key\r\n")
            && !requests[1].contains("authorization")
    );
}

#[tokio::test]
async fn a_refusal_for_the_operator_names_the_address() {
    let server = server(vec![Reply::Say(404, "", "{}".into())]).await;
    let failure = ask(&server).await.unwrap_err();
    let address = format!("{}/v1/chat/completions", server.url);
    assert!(failure.detail().contains(&address), "{failure:?}");
}

#[tokio::test]
async fn an_answer_that_cant_be_read_is_repaired_once() {
    let server = server(vec![says("I see a meter."), says(GOOD)]).await;
    let asked = ask(&server).await.unwrap();
    assert_eq!((asked.repaired, asked.usage.completion_tokens), (true, 80));
    let requests = server.requests.lock().unwrap();
    let second: Value =
        serde_json::from_str(requests[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(second["messages"][2]["content"], "I see a meter.");
}

#[tokio::test]
async fn two_unreadable_answers_are_an_outcome_without_a_score() {
    let server = server(vec![says("maybe"), says("no")]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(
        matches!(failure, VlmFailure::Permanent { reason, .. } if reason.code == ReasonCode::InvalidAnswer)
    );
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cut_answer_is_kept_when_the_repair_fails_too() {
    let cut = &GOOD[..GOOD.len() - 2];
    let asked = ask(&server(vec![says(cut), says("no")]).await)
        .await
        .unwrap();
    assert_eq!((asked.findings.len(), asked.repaired), (1, true));
}

#[tokio::test]
async fn busy_and_failing_servers_are_asked_once_and_left_to_the_queue() {
    for (status, headers, expected) in [
        (429, "retry-after: 3\r\n", RetryCause::Overloaded),
        (500, "", RetryCause::Failed),
        (502, "", RetryCause::Unavailable),
        (401, "", RetryCause::Misconfigured),
    ] {
        let server = server(vec![Reply::Say(status, headers, "{}".into()), says(GOOD)]).await;
        let failure = ask(&server).await.unwrap_err();
        assert!(
            matches!(failure, VlmFailure::RetryLater { cause, .. } if cause == expected),
            "{failure:?}"
        );
        assert_eq!(server.requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_the_time_out() {
    let failure = ask(&server(vec![Reply::Hang]).await).await.unwrap_err();
    assert!(
        matches!(
            failure,
            VlmFailure::RetryLater {
                cause: RetryCause::TimedOut,
                ..
            }
        ),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_dropped_connection_is_tried_again_once() {
    assert!(
        ask(&server(vec![Reply::Drop, says(GOOD)]).await)
            .await
            .is_ok()
    );
    let server = server(vec![Reply::Drop, Reply::Drop, says(GOOD)]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(
        matches!(
            failure,
            VlmFailure::RetryLater {
                cause: RetryCause::Unavailable,
                ..
            }
        ),
        "{failure:?}"
    );
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_no_secret_is_told() {
    let gone = Server {
        url: "http://127.0.0.1:9/v1?key=query-key".into(),
        requests: Arc::default(),
        left: Arc::default(),
    };
    let failure = format!("{:?}", ask(&gone).await.unwrap_err());
    assert!(failure.contains("http://127.0.0.1:9/v1/chat") && !failure.contains("query-key"));
    assert!(
        failure.contains("Unavailable") && !failure.contains("secret-key"),
        "{failure}"
    );
}
