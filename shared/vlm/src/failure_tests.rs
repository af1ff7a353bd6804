//! Each kind of refusal, by status and as a real server worded it.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::server::images_allowed;
use reqwest::header::RETRY_AFTER;

/// Answers of vLLM 0.32 to wrong requests, recorded; `unauthorised`, `queue_full` and the decoder's wording of a
/// prompt that is too long are from its sources.
const RECORDED: &str = include_str!("recorded/vllm-0.32-errors.json");

#[derive(Deserialize)]
struct Recorded {
    what: String,
    status: u16,
    class: String,
    body: String,
}

fn of(status: u16, body: &str) -> VlmFailure {
    VlmFailure::of_status(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body,
    )
}

fn class(failure: &VlmFailure) -> String {
    match failure {
        VlmFailure::RetryLater { cause, .. } => format!("retry: {cause:?}").to_lowercase(),
        VlmFailure::Permanent { reason, .. } => {
            format!(
                "permanent: {}",
                serde_json::to_value(reason.code).unwrap().as_str().unwrap()
            )
        }
        VlmFailure::Bug { .. } => "bug".into(),
    }
}

#[test]
fn what_a_real_server_answers_is_classed_by_what_to_do() {
    let recorded: Vec<Recorded> = serde_json::from_str(RECORDED).unwrap();
    assert!(recorded.len() >= 20);
    for Recorded {
        what,
        status,
        class: expected,
        body,
    } in recorded
    {
        assert_eq!(class(&of(status, &body)), expected, "{what}: {body}");
    }
}

#[test]
fn a_wrong_key_at_a_proxy_without_a_database_is_the_keys_fault() {
    // LiteLLM 1.106.
    let body = r#"{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}"#;
    assert_eq!(of(400, body).about(), Some(About::Key));
}

#[test]
fn a_server_that_serves_another_model_alone_is_told_so() {
    // transformers serve 5.19.
    let body = r#"{"detail":"Server is pinned to 'a/b'; requested 'no-such-model'."}"#;
    let about = of(400, body).about();
    assert_eq!(
        about.map(About::setting),
        Some(crate::server::Setting::Model)
    );
}

#[test]
fn each_status_is_classed_by_what_to_do() {
    for (statuses, expected) in [
        (
            &[401, 402, 403, 404, 405, 410, 413, 415, 421, 501][..],
            "retry: misconfigured",
        ),
        (&[408], "retry: timedout"),
        (&[429, 503, 529], "retry: overloaded"),
        // Whose fault it is shows only where others are answered.
        (&[400, 409, 418, 422, 424, 500], "retry: failed"),
        (&[502, 504], "retry: unavailable"),
    ] {
        for status in statuses {
            assert_eq!(class(&of(*status, "")), expected, "{status}");
        }
    }
}

#[test]
fn other_servers_words_for_a_model_without_eyes_are_the_operators_business() {
    for words in [
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "Qwen/Qwen3-8B is not a multimodal model",
        "At most 0 image(s) may be provided in one prompt.",
    ] {
        let failure = of(400, &format!(r#"{{"error":{{"message":"{words}"}}}}"#));
        assert_eq!(class(&failure), "retry: misconfigured", "{words}");
        assert!(failure.detail().contains("takes no images"));
    }
}

#[test]
fn every_shape_of_error_bodies_and_plain_text_are_read() {
    for body in [
        r#"{"error":"Unauthorized"}"#,
        r#"{"error":{"message":"Unauthorized","code":401}}"#,
        r#"{"object":"error","message":"Unauthorized"}"#,
        "Unauthorized",
    ] {
        assert!(of(401, body).detail().ends_with(": Unauthorized"), "{body}");
    }
}

#[test]
fn retry_after_is_respected() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
    let failure = VlmFailure::of_status(StatusCode::TOO_MANY_REQUESTS, &headers, "");
    assert!(
        matches!(failure, VlmFailure::RetryLater { retry_after: Some(span), .. } if span == Duration::from_secs(7))
    );
}

#[test]
fn the_most_images_are_read_from_a_refusal() {
    assert_eq!(
        images_allowed("HTTP 400: At most 8 image(s) may be provided in one prompt."),
        Some(8)
    );
    assert_eq!(images_allowed("At most x image(s)"), None);
    assert_eq!(images_allowed("At most 8 videos"), None);
    assert_eq!(
        images_allowed("This model supports up to 5 images"),
        Some(5)
    );
}

/// Words of all kinds, that servers say and that they don't.
fn words() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "quota",
        "rate limit",
        "api key",
        "model not found",
        "context length",
        "seed is not supported",
        "region",
        "no",
        "",
        "internal error",
        "schema",
        "billing",
        "overloaded",
        "extra inputs",
    ]);
    prop_oneof![known.prop_map(String::from), "[a-z ]{0,30}"]
}

/// The words in each shape that bodies have.
fn shaped(words: &str, code: &str, shape: usize) -> String {
    let body = match shape {
        0 => json!({"error": {"message": words, "code": code}}),
        1 => json!({"error": words}),
        2 => json!([{"error": {"message": words, "status": code}}]),
        3 => json!({"detail": [{"msg": words, "type": code, "loc": ["body", words]}]}),
        4 => json!({"object": "error", "message": {"detail": words}, "type": code}),
        _ => return format!("<html><body>{words}</body></html>"),
    };
    body.to_string()
}

proptest! {
    #[test]
    fn whatever_is_said_no_photo_is_blamed_without_a_word_about_the_picture(
        status in 300u16..600, words in words(), code in "[a-z_]{0,16}", shape in 0usize..6,
    ) {
        let about_picture = ["image", "content", "filter", "moderation", "flagged", "inspection", "factor", "aspect", "usage policies", "bomb"];
        prop_assume!(!about_picture.iter().any(|about| words.contains(about) || code.contains(about)));
        let failure = of(status, &shaped(&words, &code, shape));
        prop_assert!(matches!(failure, VlmFailure::RetryLater { .. }), "{failure:?}");
    }

    #[test]
    fn the_same_is_right_wherever_an_error_stands(words in words(), code in "[a-z_]{0,16}", shape in 0usize..5) {
        let body = shaped(&words, &code, shape);
        let within = VlmFailure::within_answer(&serde_json::from_str(&body).unwrap());
        let of_status = of(400, &body);
        // Without a status nobody says that it was the request.
        let unlisted = of_status.about() == Some(About::Request);
        prop_assert!(class(&within) == class(&of_status) || (unlisted && class(&within) == "retry: failed"), "{within:?}, {of_status:?}");
    }
}

#[test]
fn codes_come_before_words() {
    for (code, words, expected) in [
        (
            "insufficient_quota",
            "Rate limit reached",
            "retry: misconfigured",
        ),
        (
            "rate_limit_exceeded",
            "Your quota per minute is used up",
            "retry: overloaded",
        ),
        (
            "sanitizer_server_error",
            "You uploaded an unsupported image",
            "retry: failed",
        ),
        ("content_filter", "Bad request", "permanent: refused"),
    ] {
        for status in [400, 403, 429] {
            let body = json!({"error": {"message": words, "code": code}}).to_string();
            assert_eq!(class(&of(status, &body)), expected, "{status} {code}");
        }
    }
}

#[test]
fn what_a_photo_shows_is_refused_without_asking_for_another_photo() {
    let body = json!({"error": {"message": "no", "code": "content_policy_violation"}}).to_string();
    let VlmFailure::Permanent { reason, .. } = of(400, &body) else {
        panic!("it is refused for good");
    };
    assert!(!reason.message.contains("again") && reason.message.contains("content policy"));
}

#[test]
fn what_goes_wrong_within_the_servers_processor_is_not_the_photos_fault() {
    for processor in [
        "Qwen2_5_VLProcessor",
        "Qwen3VLProcessor",
        "InternVLProcessor",
    ] {
        let words = format!(
            "Failed to apply {processor} on data={{'text': '<|image_pad|>', 'images': [<PIL.Image.Image image \
             mode=RGB size=960x1280 at 0x7F0935DFCD40>]}} with kwargs={{}}"
        );
        let body = json!({"error": {"message": words, "type": "BadRequestError", "param": null, "code": 400}});
        let failure = of(400, &body.to_string());
        assert_eq!(class(&failure), "retry: failed", "{words}");
        assert_eq!(failure.about(), Some(About::Request), "{words}");
    }
}
