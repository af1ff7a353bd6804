//! Answers of all kinds of servers, byte for byte, to everything that is asked of them: alone, as a repair's answer,
//! and for several photos. `recorded/answers.json` holds our own, made up after what servers are documented to say.
//! A folder of raw answers beside the repository is walked as well, where it is there (`VLM_ANSWERS`, or the usual
//! place).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{AskResult, VlmClient, VlmSettings};
use crate::failure::VlmFailure;
use crate::prompt::Question;
use crate::request::PromptPhoto;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::scope::Scope;

const OURS: &str = include_str!("recorded/answers.json");
/// Where the folder usually is, from this crate.
const USUALLY: &str = "../../../shared/vlm/answers";
/// An answer that breaks off behind a whole entry: worth a repair, and it holds a finding.
const PARTIAL: &str =
    r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "front"}, {"step"#;

/// An answer that we made up. The class may name two, where both are right: `a | b`.
#[derive(Deserialize)]
struct Made {
    what: String,
    head: String,
    body: String,
    class: String,
}

/// What each raw answer is right to become, by its number: our own judgement, which follows the folder's but for
/// those with a reason.
const JUDGED: [(u32, &str); 67] = [
    (1, "retry: overloaded, after 30"),
    (3, "retry: unavailable"),
    (5, "retry: misconfigured"),
    (7, "found: power_meter=9"),
    (9, "retry: failed"),
    (11, "retry: failed"),
    (13, "found: power_meter=9"),
    (15, "found: power_meter=9"),
    (17, "found: power_meter=9"),
    (19, "found: power_meter=9"),
    (21, "found: power_meter=9"),
    (23, "retry: misconfigured"),
    (25, "retry: misconfigured"),
    (27, "retry: misconfigured"),
    (29, "retry: unavailable"),
    (31, "permanent: refused"),
    (33, "retry: failed"),
    (35, "found: power_meter=9"),
    (37, "found: power_meter=9"),
    (39, "permanent: invalid_answer"),
    (41, "found: power_meter=9"),
    (51, "retry: misconfigured"),
    (53, "retry: misconfigured"),
    (55, "retry: misconfigured"),
    (57, "retry: misconfigured"),
    (59, "retry: misconfigured"),
    (61, "retry: misconfigured"),
    (63, "retry: misconfigured"),
    (65, "retry: misconfigured"),
    (67, "retry: misconfigured"),
    (69, "retry: misconfigured"),
    (71, "retry: misconfigured"),
    (73, "retry: misconfigured"),
    (75, "retry: overloaded"),
    (77, "retry: failed"),
    (79, "retry: misconfigured"),
    (81, "retry: overloaded"),
    (83, "permanent: refused"),
    (85, "retry: failed"),
    (87, "retry: misconfigured"),
    (89, "retry: failed"),
    (91, "retry: overloaded"),
    (93, "retry: misconfigured"),
    (95, "retry: failed"),
    (97, "found: power_meter=9"),
    (99, "found: power_meter=9"),
    (101, "found: power_meter=9"),
    (103, "retry: failed"),
    (105, "permanent: invalid_answer"),
    (107, "found: power_meter=9"),
    (109, "permanent: invalid_answer"),
    (111, "permanent: invalid_answer"),
    // Not rounded down: a score that the model did not write is made up.
    (113, "permanent: invalid_answer"),
    (115, "permanent: invalid_answer"),
    (117, "permanent: invalid_answer"),
    (119, "retry: overloaded, after 45"),
    (121, "retry: overloaded, after 1"),
    (123, "retry: overloaded, after 900"),
    (125, "retry: overloaded, after 34"),
    (127, "retry: misconfigured"),
    (129, "retry: misconfigured"),
    (131, "retry: misconfigured"),
    (133, "retry: misconfigured"),
    (135, "retry: failed"),
    (137, "retry: failed"),
    (139, "retry: misconfigured"),
    (141, "retry: overloaded, after 900"),
];

/// In one line what became of a photo.
pub(crate) fn class(result: &Result<AskResult, VlmFailure>) -> String {
    match result {
        Ok(asked) => {
            let found = asked.findings.iter();
            let found: Vec<String> = found
                .map(|finding| format!("{}={}", finding.step, finding.score.value()))
                .collect();
            format!("found: {}", found.join(" ")).trim().into()
        }
        Err(VlmFailure::RetryLater {
            cause, retry_after, ..
        }) => {
            let after = retry_after.map(|span| format!(", after {}", span.as_secs()));
            let cause = format!("{cause:?}").to_lowercase();
            format!("retry: {cause}{}", after.unwrap_or_default())
        }
        Err(VlmFailure::Permanent { reason, .. }) => {
            let code = serde_json::to_value(reason.code).unwrap();
            format!("permanent: {}", code.as_str().unwrap())
        }
        Err(VlmFailure::Bug { .. }) => "bug".into(),
    }
}

/// A server that first says `first`, if that is anything, and then gives everybody the same bytes. Returns its
/// address and the count of its requests.
async fn server(first: Option<String>, then: Vec<u8>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            let before = {
                let mut count = counted.lock().unwrap();
                *count += 1;
                *count - 1
            };
            let reply = match &first {
                Some(first) if before == 0 => says(first),
                _ => then.clone(),
            };
            let _ = stream.write_all(&reply).await;
        }
    });
    (url, count)
}

fn says(content: &str) -> Vec<u8> {
    let body = serde_json::json!({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]});
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 8192];
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let parts = text.split_once("\r\n\r\n");
        let whole = parts.is_some_and(|(head, body)| {
            let head = head.to_lowercase();
            let length = head.split_once("content-length: ");
            let length = length.map(|(_, rest)| rest.split("\r\n").next().unwrap());
            body.len() >= length.map_or(0, |length| length.parse().unwrap())
        });
        if whole || read == 0 {
            return text.into_owned();
        }
    }
}

/// Its connections end with each answer, so that it may be shared by tests.
fn client(url: &str) -> VlmClient {
    static FIRST: OnceLock<VlmClient> = OnceLock::new();
    let first = || VlmClient::new(VlmSettings::new("http://127.0.0.1:9", "m")).unwrap();
    FIRST.get_or_init(first).of_another(url).unwrap()
}

fn question() -> Question {
    let catalogue = Catalogue::shipped("v3").unwrap();
    Question::new(catalogue, &Scope::All.steps(catalogue))
}

/// Bytes whose base64 is long enough to be known again.
pub(crate) fn photo() -> Vec<u8> {
    (0..600u32).map(|at| (at * 7 % 251) as u8).collect()
}

async fn alone(raw: &[u8]) -> Result<AskResult, VlmFailure> {
    let (url, _) = server(None, raw.to_vec()).await;
    client(&url).ask(&question(), &photo(), None).await
}

async fn as_a_repair(first: &str, raw: &[u8]) -> Result<AskResult, VlmFailure> {
    let (url, _) = server(Some(first.into()), raw.to_vec()).await;
    client(&url).ask(&question(), &photo(), None).await
}

async fn of_three(raw: &[u8]) -> Vec<Result<AskResult, VlmFailure>> {
    let (url, _) = server(None, raw.to_vec()).await;
    let jpeg = photo();
    let shots = [PromptPhoto {
        jpeg: &jpeg,
        hint: None,
    }; 3];
    client(&url).ask_several(&question(), &shots).await
}

/// What is wrong with how this answer is taken, in each way in which it may come.
async fn wrong(what: &str, raw: &[u8], right: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut look = |way: &str, got: String| {
        if !right.split(" | ").any(|right| right == got) {
            wrong.push(format!("{what}, {way}: {got}, right is {right}"));
        }
    };
    look("alone", class(&alone(raw).await));
    look(
        "as a repair",
        class(&as_a_repair("I see a meter.", raw).await),
    );
    for one in of_three(raw).await {
        look("of three", class(&one));
    }
    wrong.extend(lost(
        what,
        &alone(raw).await,
        &as_a_repair(PARTIAL, raw).await,
    ));
    wrong
}

/// What is wrong with how a repair's answer is taken beside a broken one, which held a finding: that stays, and unless
/// the repair is whole by itself it is known that more may have been seen.
fn lost(
    what: &str,
    alone: &Result<AskResult, VlmFailure>,
    repair: &Result<AskResult, VlmFailure>,
) -> Option<String> {
    let whole = alone.as_ref().is_ok_and(|asked| !asked.partial);
    let partial = repair.as_ref().is_ok_and(|asked| asked.partial);
    let left = class(repair);
    let right = left.contains("house_photo=8") && partial != whole;
    (!right).then(|| format!("{what}: the repair left {left}, partial: {partial}"))
}

#[tokio::test]
async fn every_answer_of_ours_becomes_what_is_right() {
    let ours: Vec<Made> = serde_json::from_str(OURS).unwrap();
    assert!(ours.len() >= 40);
    let mut problems = Vec::new();
    for made in ours {
        let head = made.head.replace('\n', "\r\n");
        let raw = format!("{head}\r\nConnection: close\r\n\r\n{}", made.body);
        problems.extend(wrong(&made.what, raw.as_bytes(), &made.class).await);
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test]
async fn every_raw_answer_beside_the_repository_becomes_what_is_right() {
    let folder = std::env::var_os("VLM_ANSWERS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(USUALLY),
        PathBuf::from,
    );
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("passed over: no raw answers at {}", folder.display());
        return;
    };
    let mut problems = Vec::new();
    for path in files.map(|file| file.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let number = name.split('-').next().unwrap_or_default().parse::<u32>();
        let Some((_, right)) =
            number.map_or(None, |number| JUDGED.iter().find(|(of, _)| *of == number))
        else {
            continue;
        };
        problems.extend(wrong(&name, &std::fs::read(&path).unwrap(), right).await);
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Statuses, bodies and shapes of answers, mixed.
fn replies() -> impl Strategy<Value = Vec<u8>> {
    let status = prop::sample::select(vec![
        200u16, 200, 200, 200, 200, 200, 200, 200, 200, 200, 202, 307, 400, 401, 402, 403, 404,
        408, 413, 418, 422, 424, 429, 500, 501, 502, 503, 529,
    ]);
    let kind = prop::sample::select(vec![
        "application/json",
        "text/event-stream",
        "text/html",
        "",
    ]);
    let words = prop::sample::select(vec![
        "no",
        "quota",
        "seed is not supported",
        "rate limit",
        "overloaded",
        "the api key",
        "validation error",
    ]);
    let finish = prop::sample::select(vec![
        "null",
        "\"\"",
        "\"stop\"",
        "\"stop\"",
        "\"stop\"",
        "\"length\"",
        "\"abort\"",
        "\"error\"",
        "7",
    ]);
    let text = prop::sample::select(vec![
        r#"{"steps": []}"#,
        r#"I see no photo. {"steps": []}"#,
        r#"{"steps": [{"step": "power_meter", "score": 9}]}"#,
        r#"{"steps": [{"step": "power_meter", "score": 9}, {"st"#,
        r#"{"steps": [{"step": "roof", "score": 9}]}"#,
        r#"{"steps": [{"step": "roof", "score": 9}, {"step": "power_meter", "score": 9}]}"#,
        r#"<think>{"steps": []}"#,
        r#"{"photos": [{"photo": 0, "steps": []}, {"photo": 1, "steps": []}, {"photo": 2, "steps": []}]}"#,
        "",
    ]);
    let parts = (status, kind, words, finish, text, 0usize..6);
    parts.prop_map(|(status, kind, words, finish, text, shape)| {
        let text = serde_json::json!(text);
        let body = match shape {
            0 => format!(r#"{{"error": {{"message": "{words}"}}}}"#),
            1 => format!(r#"{{"choices": [{{"message": {{"content": {text}}}, "finish_reason": {finish}}}]}}"#),
            2 => format!("data: {{\"choices\": [{{\"delta\": {{\"content\": {text}}}, \"finish_reason\": {finish}}}]}}\n\n"),
            3 => format!("data: {{\"choices\": [{{\"delta\": {{\"content\": {text}}}, \"finish_reason\": {finish}, \"error\": {{\"code\": {status}}}}}]}}\n\n"),
            4 => format!("<p>{words}</p>"),
            _ => words.into(),
        };
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{body}").into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn of_whatever_comes_no_photo_is_blamed_no_step_is_missing_and_nothing_held_is_lost(raw in replies()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = String::from_utf8_lossy(&raw);
        // Everybody is told the same, so that no other photo is answered.
        let refused = |class: &str| class == "permanent: refused" || class == "permanent: too_large" || class == "bug";
        let says_nothing = |class: &str| class == "found:";
        let whole = answer.contains(r#""content": "{\"steps\": []}""#) || answer.contains(r#""photo\": 0"#);
        let ended = answer.contains(r#""stop""#) && !answer.contains(r#""error""#) && answer.contains("1.1 20");
        runtime.block_on(async {
            let mut all = of_three(&raw).await;
            let one = alone(&raw).await;
            let lost = lost("", &one, &as_a_repair(PARTIAL, &raw).await);
            prop_assert!(lost.is_none(), "{lost:?}: {answer}");
            all.push(one);
            for class in all.iter().map(class) {
                prop_assert!(!refused(&class), "{class}: {answer}");
                prop_assert!(!says_nothing(&class) || (whole && ended), "{class}: {answer}");
            }
            // What breaks off, or names what there is not, is never taken for all that a photo shows.
            let broken = answer.contains(r#"{\"st""#) || answer.contains("roof");
            for asked in all.into_iter().flatten() {
                prop_assert!(asked.partial || !broken, "{asked:?}: {answer}");
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn no_part_of_a_photo_gets_into_an_error() {
    let data = BASE64_STANDARD.encode(photo());
    for part in [&data[..300], &data[7..60], &data[data.len() - 30..]] {
        for (status, body) in [
            (
                422,
                format!(r#"{{"detail": [{{"msg": "no", "loc": ["body"], "input": "{part}"}}]}}"#),
            ),
            (
                400,
                format!(
                    r#"{{"error": {{"message": "bad input_value='data:image/jpeg;base64,{part}'"}}}}"#
                ),
            ),
            (400, format!("cannot read {part}")),
            (500, format!(r#"{{"error": "{part}"}}"#)),
            (
                200,
                format!(r#"{{"error": {{"message": "{part}", "code": "{part}"}}}}"#),
            ),
            (200, format!(r#"{{"choices": "{part}"}}"#)),
            (200, part.to_owned()),
        ] {
            let raw = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n\r\n{body}");
            let mut failures = of_three(raw.as_bytes()).await;
            failures.push(alone(raw.as_bytes()).await);
            for failure in failures {
                let told = format!("{failure:?}");
                let parts: Vec<char> = data.chars().collect();
                let repeated = parts
                    .windows(12)
                    .map(String::from_iter)
                    .find(|part| told.contains(part));
                assert_eq!(repeated, None, "{status} {told}");
            }
        }
    }
}

/// A server that refuses these fields, as long as a request has them, and the requests that it got.
async fn server_that_refuses(
    fields: &'static [(&'static str, &'static str)],
) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            let body: Value =
                serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
            let text = body.to_string();
            let refused = fields
                .iter()
                .find(|(field, _)| text.contains(&format!("\"{field}\":")));
            seen.lock().unwrap().push(body);
            let reply = match refused {
                Some((_, words)) => {
                    let body = serde_json::json!({"error": {"message": words}}).to_string();
                    format!(
                        "HTTP/1.1 400 X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    )
                    .into()
                }
                None => says(r#"{"steps": []}"#),
            };
            stream.write_all(&reply).await.unwrap();
        }
    });
    (url, requests)
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_from_then_on_and_no_request_is_made_to_find_out() {
    let (url, requests) = server_that_refuses(&[
        ("seed", "Extra inputs are not permitted: seed"),
        (
            "temperature",
            "Unsupported value: 'temperature' does not support 0 with this model.",
        ),
        (
            "max_tokens",
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        (
            "maxItems",
            "Invalid schema for response_format: 'maxItems' is not permitted.",
        ),
        (
            "json_schema",
            "This response_format type is unavailable now",
        ),
    ])
    .await;
    let client = client(&url);
    let ask = async || class(&client.ask(&question(), &photo(), None).await);
    assert_eq!(ask().await, "found:");
    assert_eq!(
        requests.lock().unwrap().len(),
        6,
        "one for each field, and the answered one"
    );
    assert_eq!(ask().await, "found:");
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 7);
    let last = &requests[6];
    assert!(last.get("seed").is_none() && last.get("max_completion_tokens").is_some());
    assert_eq!(last["response_format"]["type"], "json_object");
    assert_eq!(
        last["stream_options"]["include_usage"], true,
        "what was not refused stays"
    );
}

#[tokio::test]
async fn what_is_refused_although_it_was_left_out_waits_for_the_operator() {
    let (url, requests) = server_that_refuses(&[("model", "seed is not supported")]).await;
    let failure = client(&url).ask(&question(), &photo(), None).await;
    assert_eq!(class(&failure), "retry: misconfigured");
    assert_eq!(requests.lock().unwrap().len(), 2);
}
