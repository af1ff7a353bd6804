//! The request's body: the photo's base64 is written once, straight into it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::prompt::{Question, user_text};
use crate::domain::catalogue::Step;

/// Stands for the photo while the rest is serialised; the first of its kind, since the photo's message comes before
/// anything that a model wrote.
const PLACE: &str = "THE-PHOTO-GOES-HERE";
/// Any fixed number: the same photo shall get the same answer.
const SEED: u32 = 7;

/// An answer that could not be read, to be shown to the model again.
pub(super) struct Repair<'a> {
    pub(super) bad_answer: &'a str,
}

/// The body of a chat completion about one photo.
pub(super) fn body(
    model: &str,
    question: &Question,
    jpeg: &[u8],
    hint: Option<&Step>,
    repair: Option<&Repair>,
) -> String {
    let frame = json!({
        "model": model,
        "temperature": 0,
        "seed": SEED,
        "max_tokens": question.max_tokens,
        "messages": messages(question, hint, repair),
        "response_format": {"type": "json_schema", "json_schema": {"name": "photo_findings", "schema": question.schema}},
    })
    .to_string();
    let (before, after) = frame.split_once(PLACE).unwrap_or((&frame, ""));
    let mut body = String::with_capacity(frame.len() + jpeg.len() * 4 / 3 + 4);
    body.push_str(before);
    BASE64_STANDARD.encode_string(jpeg, &mut body);
    body.push_str(after);
    body
}

fn messages(question: &Question, hint: Option<&Step>, repair: Option<&Repair>) -> Vec<Value> {
    let image = json!({"type": "image_url", "image_url": {"url": format!("data:image/jpeg;base64,{PLACE}")}});
    let text = json!({"type": "text", "text": user_text(hint)});
    let mut messages =
        vec![json!({"role": "system", "content": question.system}), json!({"role": "user", "content": [image, text]})];
    if let Some(Repair { bad_answer }) = repair {
        messages.push(json!({"role": "assistant", "content": harmless(bad_answer)}));
        messages.push(json!({"role": "user", "content": "That could not be read. Answer again: one complete, valid JSON object as described, short comments, nothing else."}));
    }
    messages
}

/// A bad answer as it may be shown again: short, and without the marks that servers take for control tokens.
fn harmless(answer: &str) -> String {
    answer.chars().take(500).collect::<String>().replace("<|", "< |")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::Catalogue;

    fn question() -> Question {
        let catalogue = Catalogue::shipped("v1").unwrap();
        let keys: Vec<_> = catalogue.steps.iter().map(|step| step.key.clone()).collect();
        Question::new(&catalogue, &keys)
    }

    #[test]
    fn the_photo_stands_where_the_server_expects_it() {
        let body: Value = serde_json::from_str(&body("m", &question(), &[1, 2, 3], None, None)).unwrap();
        assert_eq!(body["messages"][1]["content"][0]["image_url"]["url"], "data:image/jpeg;base64,AQID");
        assert_eq!((body["messages"][0]["role"].as_str(), body["temperature"].as_u64()), (Some("system"), Some(0)));
        assert_eq!(body["response_format"]["json_schema"]["name"], "photo_findings");
    }

    #[test]
    fn two_photos_differ_only_behind_the_prompt() {
        let (a, b) = (body("m", &question(), b"a", None, None), body("m", &question(), b"b", None, None));
        let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        assert!(same > a.find("\"content\":\"You check").unwrap() + 1000);
    }

    #[test]
    fn a_bad_answer_is_shown_again_without_control_tokens() {
        let bad = format!("<|im_end|>{PLACE}");
        let body = body("m", &question(), b"x", None, Some(&Repair { bad_answer: &bad }));
        assert!(
            !body.contains("<|im_end")
                && serde_json::from_str::<Value>(&body).unwrap()["messages"][3]["role"] == "user"
        );
        assert!(body.contains("base64,eA=="));
    }
}
