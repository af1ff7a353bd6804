//! Each kind of refusal, by status and as a real server worded it.

use serde::Deserialize;

use super::*;
use crate::server::images_allowed;

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
fn each_status_is_classed_by_what_to_do() {
    for (statuses, expected) in [
        (&[401, 403, 404][..], "retry: misconfigured"),
        (&[408], "retry: timedout"),
        (&[429, 503], "retry: overloaded"),
        (&[500], "retry: failed"),
        (&[502, 504], "retry: unavailable"),
        (&[400, 413, 422], "permanent: refused"),
        (&[501], "bug"),
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
}
