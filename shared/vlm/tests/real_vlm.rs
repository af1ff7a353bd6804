//! The client against a real server: `VLM_BASE_URL=http://127.0.0.1:8100 cargo test --workspace --test real_vlm`.
//!
//! `VLM_MODEL` is the model's name (default `Qwen/Qwen3-VL-8B-Instruct`), `VLM_API_KEY` its key. Without
//! `VLM_BASE_URL` the tests say that they were passed over. Nothing is expected of what the model sees: one with
//! random weights will do. `VLM_HOLDS_SCHEMA=no` says that the server does not hold models to a schema, so that such
//! weights can't answer: then only refusals are looked at. `infra/local servers` says all that by itself.

#[cfg(test)]
mod real_vlm {
    use std::time::Duration;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};
    use evaluation::domain::outcome::ReasonCode;
    use futures::future::join_all;
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
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
        // A busy CPU writes two tokens a second, and an answer about three photos may have a thousand.
        let (timeout, wait) = (Duration::from_secs(1_200), Duration::from_secs(600));
        let api_key = std::env::var("VLM_API_KEY").ok();
        let api_key = api_key.filter(|key| key != "none");
        Some(VlmSettings {
            api_key,
            timeout,
            first_token_timeout: wait,
            stall_timeout: wait,
            ..VlmSettings::new(url, model)
        })
    }

    /// Whether a model with random weights gives an answer that can be read.
    fn answers_are_expected() -> bool {
        std::env::var("VLM_HOLDS_SCHEMA").as_deref() != Ok("no")
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
        if !answers_are_expected() {
            return;
        }
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

    /// Where requests go to the server with a schema that wants an entry at least: a model with random weights else
    /// sees nothing.
    async fn wanting_an_entry(server: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forwarded(client, server.clone()));
            }
        });
        address
    }

    /// The request's schema wants an entry, and no words without end.
    fn with_an_entry(body: &str) -> String {
        let mut body = body.to_owned();
        for (from, to) in [
            (
                r#""type":"array","maxItems""#,
                r#""type":"array","minItems":1,"maxItems""#,
            ),
            (
                r#""comment":{"type":"string"}"#,
                r#""comment":{"type":"string","enum":["seen"]}"#,
            ),
            (
                r#""reading":{"type":["string","null"]}"#,
                r#""reading":{"type":"null"}"#,
            ),
        ] {
            assert!(body.contains(from), "the schema's form has changed: {from}");
            body = body.replace(from, to);
        }
        body
    }

    /// One request, passed on.
    async fn forwarded(mut client: TcpStream, server: String) {
        let (mut sent, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        let body = loop {
            let read = client.read(&mut buffer).await.unwrap();
            sent.extend(&buffer[..read]);
            let text = String::from_utf8_lossy(&sent);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.lines().next().unwrap().parse().unwrap();
                if body.len() >= length {
                    break with_an_entry(body);
                }
            }
        };
        let request = reqwest::Client::new()
            .post(format!(
                "{}/v1/chat/completions",
                server.trim_end_matches('/').trim_end_matches("/v1")
            ))
            .header("content-type", "application/json")
            .body(body);
        let answer = request.send().await.unwrap();
        let kind = answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&body).await.unwrap();
    }

    #[tokio::test]
    async fn how_sure_the_model_is_stands_beside_every_score() {
        let Some(settings) = settings() else { return };
        let settings = VlmSettings {
            base_url: wanting_an_entry(settings.base_url.clone()).await,
            ..settings
        };
        let client = VlmClient::new(settings).unwrap();
        let (catalogue, _) = question();
        let jpeg = jpeg();
        let questions: Vec<Question> = catalogue
            .steps
            .iter()
            .map(|step| Question::new(catalogue, std::slice::from_ref(&step.key)))
            .collect();
        let asked = questions.iter().zip(&catalogue.steps);
        let asked = asked.map(|(question, step)| client.ask(question, &jpeg, Some(step)));
        let results = join_all(asked).await;
        assert!(results.iter().all(fine), "{results:?}");
        let as_it_came = results.iter().flatten().filter(|asked| !asked.repaired);
        let findings: Vec<_> = as_it_came.flat_map(|asked| &asked.findings).collect();
        let sure: Vec<_> = findings
            .iter()
            .filter_map(|finding| finding.certainty)
            .collect();
        if client.capability().refused_fields().contains(&"logprobs") || sure.is_empty() {
            eprintln!(
                "the server does not say how sure the model is, of {} findings",
                findings.len()
            );
            return;
        }
        assert_eq!(sure.len(), findings.len(), "{findings:?}");
        eprintln!("{findings:?}");
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
            !client.capability().ignores_schema() || !answers_are_expected(),
            "the server must hold to the schema"
        );
    }

    /// Of the photo, by the server's words; or of a server that fails at it without a word, which is found out later: by
    /// whether it answers others.
    fn is_of_the_photo(failure: &VlmFailure) -> bool {
        match failure {
            VlmFailure::Permanent { reason, .. } => reason.code == ReasonCode::Refused,
            VlmFailure::RetryLater { cause, detail, .. } => {
                eprintln!("the server does not say that the picture is broken: {detail}");
                *cause == RetryCause::Failed && detail.starts_with("HTTP 500")
            }
            VlmFailure::Bug { .. } => false,
        }
    }

    #[tokio::test]
    async fn each_refusal_is_classed_by_what_to_do() {
        let Some(settings) = settings() else { return };
        let ((_, question), good) = (question(), jpeg());
        let try_out = async |settings: VlmSettings, jpeg: &[u8]| {
            let client = VlmClient::new(settings).unwrap();
            client.ask(&question, jpeg, None).await
        };
        let ask =
            async |settings: VlmSettings, jpeg: &[u8]| try_out(settings, jpeg).await.unwrap_err();
        let another = VlmSettings {
            model: "no-such-model".into(),
            ..settings.clone()
        };
        let misconfigured = |failure: &VlmFailure| match failure {
            VlmFailure::RetryLater { cause, .. } => *cause == RetryCause::Misconfigured,
            _ => false,
        };
        match try_out(another, &good).await {
            Err(unknown) => assert!(
                misconfigured(&unknown) || fine::<()>(&Err(unknown.clone())),
                "{unknown:?}"
            ),
            // llama.cpp has one model, whatever it is called.
            Ok(_) => eprintln!("the server answers to any model's name"),
        }
        for bad in [&b"no image"[..], b""] {
            let refused = ask(settings.clone(), bad).await;
            assert!(is_of_the_photo(&refused), "{refused:?}");
        }
        match try_out(settings.clone(), &good[..good.len() / 2]).await {
            Err(refused) => assert!(
                is_of_the_photo(&refused) || fine::<()>(&Err(refused.clone())),
                "{refused:?}"
            ),
            // llama.cpp fills up what is missing. We never send half a photo: it is decoded strictly before.
            Ok(_) => eprintln!("the server reads half a picture"),
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
            let host = settings
                .base_url
                .trim_end_matches('/')
                .trim_end_matches("/v1");
            let answer = http.post(format!("{host}/tokenize")).json(&body).send();
            let answer = answer.await.unwrap();
            if !answer.status().is_success() {
                eprintln!("passed over: the server counts no tokens of a text");
                return;
            }
            let answer: Value = answer.json().await.unwrap();
            if answer["count"].is_null() {
                eprintln!("passed over: the server counts tokens in another way");
                return;
            }
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
