//! The client against a server that answers from a script, over real HTTP.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::domain::catalogue::Catalogue;
use crate::domain::outcome::ReasonCode;

#[derive(Clone)]
enum Reply {
    Say(u16, &'static str, String),
    Drop,
    Hang,
}

/// A server that gives these replies, one a request, and keeps the requests it got.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

async fn server(replies: Vec<Reply>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (seen, mut replies) = (Arc::clone(&requests), VecDeque::from(replies));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = request(&mut stream).await;
            seen.lock().unwrap().push(request);
            match replies.pop_front().unwrap_or(Reply::Drop) {
                Reply::Drop => drop(stream),
                Reply::Hang => {
                    tokio::spawn(async move { (stream, tokio::time::sleep(Duration::from_secs(60)).await) });
                }
                Reply::Say(status, headers, body) => {
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
                }
            }
        }
    });
    Server { url, requests }
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
                .map_or(0, |(_, rest)| rest.split("\r\n").next().unwrap().parse().unwrap());
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

async fn ask(server: &Server) -> Result<Asked, VlmFailure> {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let keys: Vec<_> = catalogue.steps.iter().map(|step| step.key.clone()).collect();
    let settings = VlmSettings {
        base_url: server.url.clone(),
        model: "m".into(),
        api_key: Some("secret-key".into()),
        timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(500),
    };
    VlmClient::new(settings).unwrap().ask(&Question::new(&catalogue, &keys), b"jpeg", catalogue.steps.first()).await
}

#[tokio::test]
async fn a_good_answer_takes_one_request_with_the_key_and_the_hint() {
    let server = server(vec![says(GOOD)]).await;
    let asked = ask(&server).await.unwrap();
    assert_eq!((asked.findings[0].score.value(), asked.repaired, asked.usage.completion_tokens), (9, false, 40));
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].to_lowercase().contains("authorization: bearer secret-key") && requests[0].contains("House photo")
    );
}

#[tokio::test]
async fn an_answer_that_cant_be_read_is_repaired_once() {
    let server = server(vec![says("I see a meter."), says(GOOD)]).await;
    let asked = ask(&server).await.unwrap();
    assert_eq!((asked.repaired, asked.usage.completion_tokens), (true, 80));
    let requests = server.requests.lock().unwrap();
    let second: Value = serde_json::from_str(requests[1].split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(second["messages"][2]["content"], "I see a meter.");
}

#[tokio::test]
async fn two_unreadable_answers_are_an_outcome_without_a_score() {
    let server = server(vec![says(""), says("no")]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(matches!(failure, VlmFailure::Permanent { reason, .. } if reason.code == ReasonCode::InvalidAnswer));
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cut_answer_is_kept_when_the_repair_fails_too() {
    let cut = &GOOD[..GOOD.len() - 2];
    let asked = ask(&server(vec![says(cut), says("no")]).await).await.unwrap();
    assert_eq!((asked.findings.len(), asked.repaired), (1, true));
}

#[tokio::test]
async fn busy_and_failing_servers_are_asked_once_and_left_to_the_queue() {
    for (status, headers, expected) in [
        (429, "retry-after: 3\r\n", RetryCause::Overloaded),
        (500, "", RetryCause::Unavailable),
        (401, "", RetryCause::Misconfigured),
    ] {
        let server = server(vec![Reply::Say(status, headers, "{}".into()), says(GOOD)]).await;
        let failure = ask(&server).await.unwrap_err();
        assert!(matches!(failure, VlmFailure::RetryLater { cause, .. } if cause == expected), "{failure:?}");
        assert_eq!(server.requests.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_the_time_out() {
    let failure = ask(&server(vec![Reply::Hang]).await).await.unwrap_err();
    assert!(matches!(failure, VlmFailure::RetryLater { cause: RetryCause::TimedOut, .. }), "{failure:?}");
}

#[tokio::test]
async fn a_dropped_connection_is_tried_again_once() {
    assert!(ask(&server(vec![Reply::Drop, says(GOOD)]).await).await.is_ok());
    let server = server(vec![Reply::Drop, Reply::Drop, says(GOOD)]).await;
    let failure = ask(&server).await.unwrap_err();
    assert!(matches!(failure, VlmFailure::RetryLater { cause: RetryCause::Unavailable, .. }), "{failure:?}");
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_no_secret_is_told() {
    let gone = Server { url: "http://127.0.0.1:9".into(), requests: Arc::default() };
    let failure = format!("{:?}", ask(&gone).await.unwrap_err());
    assert!(failure.contains("Unavailable") && !failure.contains("secret-key"), "{failure}");
}
