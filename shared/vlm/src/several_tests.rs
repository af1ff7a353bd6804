//! The same outcomes whatever the number of photos in a request: against a server over real HTTP that answers from the
//! photos' bytes, always the same way, and fails at answers about several in every way that was seen.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::client::VlmSettings;
use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};

/// What goes wrong with answers about several photos.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Good,
    /// The photo of this number is left out.
    LeavesOut(usize),
    /// The photos come in the wrong order.
    Turns,
    /// The first photo is named twice.
    Doubles,
    /// The answer breaks off after so many characters.
    Cuts(usize),
    /// No more than so many images are taken.
    Takes(usize),
    /// One bad photo has the whole request refused.
    Refuses,
}

/// A photo's bytes are its truth: a score, or `x` for one that is refused, or `-` for one that shows nothing.
fn steps(photo: &str) -> Value {
    photo.parse::<u8>().map_or(
        json!([]),
        |score| json!([{"step": "power_meter", "score": score, "comment": "c", "fail": null, "reading": null}]),
    )
}

fn reply(request: &Value, habit: Habit) -> (u16, String) {
    let content = request["messages"][1]["content"].as_array().unwrap();
    let url = |part: &Value| {
        Some(
            part["image_url"]["url"]
                .as_str()?
                .split_once(',')?
                .1
                .to_owned(),
        )
    };
    let photos: Vec<String> = content
        .iter()
        .filter_map(url)
        .map(|data| String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap())
        .collect();
    let refuse = |words: &str| (400, json!({"error": {"message": words}}).to_string());
    if photos.iter().any(|photo| photo == "x") {
        return refuse("cannot identify image file");
    }
    if let [one] = photos.as_slice() {
        return says(&json!({"steps": steps(one)}).to_string(), "stop");
    }
    let mut entries: Vec<Value> = photos
        .iter()
        .enumerate()
        .map(|(at, photo)| json!({"photo": at + 1, "steps": steps(photo)}))
        .collect();
    match habit {
        Habit::LeavesOut(at) => drop(entries.remove(at % photos.len())),
        Habit::Turns => entries.reverse(),
        Habit::Doubles => entries.push(json!({"photo": 1, "steps": []})),
        Habit::Takes(most) if photos.len() > most => {
            return refuse(&format!(
                "At most {most} image(s) may be provided in one prompt."
            ));
        }
        Habit::Refuses => return refuse("no"),
        _ => (),
    }
    let text = json!({"photos": entries}).to_string();
    match habit {
        Habit::Cuts(at) => says(&text[..1 + at % (text.len() - 1)], "length"),
        _ => says(&text, "stop"),
    }
}

fn says(text: &str, finish: &str) -> (u16, String) {
    let body = json!({"choices": [{"message": {"content": text}, "finish_reason": finish}], "usage": {"prompt_tokens": 100, "completion_tokens": 30}});
    (200, body.to_string())
}

async fn answer(mut stream: TcpStream, habit: Habit, requests: Arc<Mutex<usize>>) {
    let mut bytes = Vec::new();
    while !complete(&bytes) {
        let mut chunk = [0; 8192];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend(&chunk[..read]);
    }
    *requests.lock().unwrap() += 1;
    let text = String::from_utf8(bytes).unwrap();
    let (status, body) = reply(
        &serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap(),
        habit,
    );
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
}

fn complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .to_lowercase()
        .split_once("content-length: ")
        .map(|(_, rest)| rest.split("\r\n").next().unwrap().parse::<usize>());
    body.len() >= length.unwrap().unwrap()
}

/// What becomes of the photos, asked about in groups of `size`, and how many requests that took.
async fn outcomes(photos: &[String], size: usize, habit: Habit) -> (Vec<Option<Vec<u8>>>, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, requests) = (
        format!("http://{}", listener.local_addr().unwrap()),
        Arc::new(Mutex::new(0)),
    );
    let counted = Arc::clone(&requests);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, habit, Arc::clone(&counted)));
        }
    });
    let client = VlmClient::new(VlmSettings::new(url, "m")).unwrap();
    let catalogue = Catalogue::shipped(CURRENT_VERSION).unwrap();
    let keys: Vec<_> = catalogue
        .steps
        .iter()
        .map(|step| step.key.clone())
        .collect();
    let question = Question::new(catalogue, &keys);
    let mut found = Vec::new();
    for group in photos.chunks(size) {
        let shots: Vec<_> = group
            .iter()
            .map(|photo| PromptPhoto {
                jpeg: photo.as_bytes(),
                hint: None,
            })
            .collect();
        for result in client.ask_several(&question, &shots).await {
            let scores = |asked: AskResult| {
                asked
                    .findings
                    .iter()
                    .map(|finding| finding.score.value())
                    .collect()
            };
            found.push(result.ok().map(scores));
        }
    }
    server.abort();
    let requests = *requests.lock().unwrap();
    (found, requests)
}

fn habit() -> impl Strategy<Value = Habit> {
    prop_oneof![
        Just(Habit::Good),
        (0usize..5).prop_map(Habit::LeavesOut),
        Just(Habit::Turns),
        Just(Habit::Doubles),
        (0usize..400).prop_map(Habit::Cuts),
        (1usize..4).prop_map(Habit::Takes),
        Just(Habit::Refuses),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn outcomes_are_the_same_for_every_number_of_photos_in_a_request(
        photos in proptest::collection::vec(prop_oneof![4 => (0u8..=10).prop_map(|score| score.to_string()), 1 => Just("x".to_owned()), 1 => Just("-".to_owned())], 1..8),
        size in 2usize..6, habit in habit(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected: Vec<Option<Vec<u8>>> = photos.iter().map(|photo| (photo != "x").then(|| photo.parse().into_iter().collect())).collect();
        let (alone, _) = runtime.block_on(outcomes(&photos, 1, Habit::Good));
        prop_assert_eq!(&alone, &expected);
        let (together, _) = runtime.block_on(outcomes(&photos, size, habit));
        prop_assert_eq!(together, expected);
    }
}

#[tokio::test]
async fn a_group_takes_one_request_and_what_the_server_does_not_take_is_learnt_once() {
    let photos: Vec<String> = (1..=8).map(|score: u8| score.to_string()).collect();
    assert_eq!(outcomes(&photos, 4, Habit::Good).await.1, 2);
    // Four are refused, then asked one by one; the next four go in twos.
    assert_eq!(outcomes(&photos, 4, Habit::Takes(2)).await.1, 1 + 4 + 2);
}

#[test]
fn shares_add_up() {
    for photos in 1..9 {
        let shares = shares(
            Usage {
                prompt_tokens: 1001,
                completion_tokens: 7,
            },
            photos,
        );
        assert_eq!(shares.len(), photos);
        assert_eq!(
            shares.iter().map(|usage| usage.prompt_tokens).sum::<u64>(),
            1001
        );
        assert_eq!(
            shares
                .iter()
                .map(|usage| usage.completion_tokens)
                .sum::<u64>(),
            7
        );
    }
}
