//! The client against a real server: `VLM_BASE_URL=http://127.0.0.1:8100 cargo test --workspace --test real_vlm`.
//!
//! `VLM_MODEL` is the model's name (default `Qwen/Qwen3-VL-8B-Instruct`), `VLM_API_KEY` its key. Without
//! `VLM_BASE_URL` the tests say that they were passed over. Nothing is expected of what the model sees: one with
//! random weights will do.

#[cfg(test)]
mod real_vlm {
    use std::time::Duration;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};
    use evaluation::domain::outcome::ReasonCode;
    use futures::future::join_all;
    use serde_json::{Value, json};
    use vlm::client::{VlmClient, VlmSettings};
    use vlm::failure::{RetryCause, VlmFailure};
    use vlm::prompt::Question;
    use vlm::request::PromptPhoto;

    /// The most output tokens of a photo, in the median, that a good answer may have.
    const MOST_TOKENS_A_PHOTO: u64 = 120;

    fn settings() -> Option<VlmSettings> {
        let Ok(url) = std::env::var("VLM_BASE_URL") else {
            eprintln!("passed over: VLM_BASE_URL is not set");
            return None;
        };
        let model =
            std::env::var("VLM_MODEL").unwrap_or_else(|_| "Qwen/Qwen3-VL-8B-Instruct".into());
        let (timeout, wait) = (Duration::from_secs(300), Duration::from_secs(240));
        let api_key = std::env::var("VLM_API_KEY").ok();
        Some(VlmSettings {
            api_key,
            timeout,
            first_token_timeout: wait,
            stall_timeout: wait,
            ..VlmSettings::new(url, model)
        })
    }

    fn question() -> (&'static Catalogue, Question) {
        let catalogue = Catalogue::shipped(CURRENT_VERSION).unwrap();
        let keys: Vec<_> = catalogue
            .steps
            .iter()
            .map(|step| step.key.clone())
            .collect();
        let question = Question::new(catalogue, &keys);
        (catalogue, question)
    }

    /// A picture of nothing: a JPEG of a grey gradient, 320 x 240.
    fn jpeg() -> Vec<u8> {
        BASE64_STANDARD
            .decode(include_str!("grey.jpg.base64").replace('\n', ""))
            .unwrap()
    }

    /// A result that shows that the request was taken and the answer understood, or that there was none to understand: a
    /// model with random weights may run into the most tokens, or write nothing.
    fn fine<T: std::fmt::Debug>(result: &Result<T, VlmFailure>) -> bool {
        match result {
            Ok(_) => true,
            Err(VlmFailure::Permanent { reason, .. }) => reason.code == ReasonCode::InvalidAnswer,
            Err(VlmFailure::RetryLater { cause, detail, .. }) => {
                *cause == RetryCause::Failed && detail.contains("no text")
            }
            Err(VlmFailure::Bug { .. }) => false,
        }
    }

    #[tokio::test]
    async fn requests_are_taken_and_schema_valid_answers_are_read() {
        let Some(settings) = settings() else { return };
        let client = VlmClient::new(settings).unwrap();
        let ((catalogue, question), jpeg) = (question(), jpeg());
        let hints = catalogue.steps.iter().map(Some).chain([None]);
        let results = join_all(hints.map(|hint| client.ask(&question, &jpeg, hint))).await;
        assert!(results.iter().all(fine), "{results:?}");
        let answered: Vec<_> = results.iter().flatten().collect();
        assert!(!answered.is_empty(), "{results:?}");
        for asked in &answered {
            assert!(
                asked.usage.prompt_tokens > 500 && asked.usage.completion_tokens > 0,
                "{asked:?}"
            );
            assert!(
                asked.timings.first_token.is_some() && asked.timings.generation.is_some(),
                "not streamed: {asked:?}"
            );
        }
        assert!(
            answered.iter().any(|asked| !asked.repaired),
            "no answer was read as it came"
        );
        eprintln!(
            "{} of {} answered, {:?}",
            answered.len(),
            results.len(),
            answered.first()
        );
    }

    #[tokio::test]
    async fn several_photos_in_a_request_and_bulk_requests_are_taken() {
        let Some(settings) = settings() else { return };
        let client = VlmClient::new(settings).unwrap().for_bulk();
        let ((_, question), jpeg) = (question(), jpeg());
        for photos in [2, 3] {
            let shots = vec![
                PromptPhoto {
                    jpeg: &jpeg,
                    hint: None
                };
                photos
            ];
            let results = client.ask_several(&question, &shots).await;
            assert!(
                results.len() == photos && results.iter().all(fine),
                "{results:?}"
            );
        }
        assert!(
            !client.capability().ignores_schema(),
            "the server must hold to the schema"
        );
    }

    #[tokio::test]
    async fn each_refusal_is_classed_by_what_to_do() {
        let Some(settings) = settings() else { return };
        let ((_, question), good) = (question(), jpeg());
        let ask = async |settings: VlmSettings, jpeg: &[u8]| {
            VlmClient::new(settings)
                .unwrap()
                .ask(&question, jpeg, None)
                .await
                .unwrap_err()
        };
        let unknown = ask(
            VlmSettings {
                model: "no-such-model".into(),
                ..settings.clone()
            },
            &good,
        )
        .await;
        assert!(
            matches!(
                &unknown,
                VlmFailure::RetryLater {
                    cause: RetryCause::Misconfigured,
                    ..
                }
            ),
            "{unknown:?}"
        );
        for bad in [&b"no image"[..], &good[..good.len() / 2], b""] {
            let refused = ask(settings.clone(), bad).await;
            assert!(
                matches!(&refused, VlmFailure::Permanent { reason, .. } if reason.code == ReasonCode::Refused),
                "{refused:?}"
            );
        }
        let gone = ask(
            VlmSettings {
                base_url: "http://127.0.0.1:9".into(),
                ..settings.clone()
            },
            &good,
        )
        .await;
        assert!(
            matches!(
                &gone,
                VlmFailure::RetryLater {
                    cause: RetryCause::Unavailable,
                    ..
                }
            ),
            "{gone:?}"
        );
        let hasty = VlmSettings {
            first_token_timeout: Duration::from_millis(1),
            ..settings
        };
        let late = ask(hasty, &good).await;
        assert!(
            matches!(
                &late,
                VlmFailure::RetryLater {
                    cause: RetryCause::TimedOut,
                    ..
                }
            ),
            "{late:?}"
        );
    }

    /// Answers as a good model gives them on the sample photos; the server counts their tokens with its own tokenizer.
    #[tokio::test]
    async fn a_good_answer_has_few_tokens() {
        let Some(settings) = settings() else { return };
        let http = reqwest::Client::new();
        let entry = |step: &str, score: u8, comment: &str, fail: Value, reading: Value| {
            format!(
                r#"{{"step":"{step}","score":{score},"comment":"{comment}","fail":{fail},"reading":{reading}}}"#
            )
        };
        let null = || Value::Null;
        let meter = entry(
            "power_meter",
            9,
            "value clearly readable on the display",
            null(),
            json!("-18.4 dBm"),
        );
        let barcode = entry(
            "ont_back_and_barcode",
            9,
            "all connections and the barcode in view",
            null(),
            json!("ALCLF4A1B2C3"),
        );
        let house = entry(
            "house_photo",
            8,
            "front of the house in view",
            null(),
            json!("formal"),
        );
        let span = entry(
            "cable_span",
            5,
            "pole cut off at the left edge",
            json!("no_pole"),
            null(),
        );
        let label = entry(
            "ont_lights_and_dr_label",
            7,
            "lights green, label slightly blurred",
            null(),
            json!("DR1730550"),
        );
        let last = entry(
            "final_installation",
            8,
            "ONT mounted, cables tidy",
            null(),
            null(),
        );
        let answers = [
            vec![&meter],
            vec![&barcode],
            vec![&house],
            vec![&span],
            vec![&label, &last],
            vec![],
        ];
        let mut counts = Vec::new();
        for entries in answers {
            let text = format!(
                r#"{{"steps":[{}]}}"#,
                entries.into_iter().cloned().collect::<Vec<_>>().join(",")
            );
            let body =
                json!({"model": settings.model, "prompt": text, "add_special_tokens": false});
            let answer = http
                .post(format!("{}/tokenize", settings.base_url))
                .json(&body)
                .send()
                .await
                .unwrap();
            let answer: Value = answer.json().await.unwrap();
            counts.push(answer["count"].as_u64().unwrap());
        }
        counts.sort_unstable();
        eprintln!("tokens an answer: {counts:?}");
        assert!(
            counts[counts.len() / 2] <= MOST_TOKENS_A_PHOTO,
            "{counts:?}"
        );
    }
}
