//! Production's client before each server that the simulated one takes on: with its right settings a photo is answered
//! as before any other, with each wrong one the operator is told what to change, and no photo is blamed.

#[cfg(test)]
mod personalities {
    use std::sync::OnceLock;
    use std::time::Duration;

    use evaluation::domain::catalogue::Catalogue;
    use evaluation::domain::scope::Scope;
    use samples::drs::{Dr, samples};
    use samples::photo;
    use serde_json::{Value, json};
    use simulated_vlm::latency::Latency;
    use simulated_vlm::{Options, personality, serve};
    use vlm::client::{AskResult, VlmClient, VlmSettings};
    use vlm::endpoint::Headers;
    use vlm::failure::{RetryCause, VlmFailure};
    use vlm::prompt::Question;

    const MODEL: &str = "some-model";
    const KEY: &str = "some-key";

    /// What the operator is told to change, by the setting that is wrong: one of these is in the words.
    const ADVICE: [(&str, &[&str]); 11] = [
        ("key", &["the VLM's key"]),
        ("signature", &["the VLM's key"]),
        ("rights", &["the VLM's key and its rights"]),
        ("model", &["the model's name"]),
        ("path", &["the address (VlmBaseUrl)"]),
        ("money", &["money or quota"]),
        ("region", &["the region"]),
        ("images", &["takes no images"]),
        (
            "field",
            &[
                "what the account may do",
                "JSON schema",
                "requests as we send them",
            ],
        ),
        ("context", &["context is too small"]),
        ("memory", &["the server's memory"]),
    ];
    /// What each refuses that we can do without: the requests that are spent on it, once in a process's life.
    const REFUSED: [(&str, u64); 13] = [
        ("anthropic", 0),
        ("azure", 3),
        ("bedrock", 1),
        ("dashscope", 1),
        ("gemini", 3),
        ("litellm", 1),
        ("llamacpp", 0),
        ("mistral", 2),
        ("ollama", 0),
        ("openai", 3),
        ("openrouter", 0),
        ("sglang", 0),
        ("vllm", 0),
    ];

    /// Who says how sure the model is; of Azure's few other tokens as of the others' many.
    const TELLS_HOW_SURE: [&str; 5] = ["azure", "llamacpp", "openai", "sglang", "vllm"];

    /// A server that takes somebody on, and how to tell it things.
    struct Server {
        url: String,
        http: reqwest::Client,
    }

    impl Server {
        async fn like(name: &str) -> Self {
            let options = Options {
                model: MODEL.into(),
                api_key: Some(KEY.into()),
                latency: Latency::Fixed(Duration::ZERO),
                max_running: 4,
                max_queued: None,
                personality: name.into(),
            };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(serve(listener, options));
            let http = reqwest::Client::new();
            Self { url, http }
        }

        async fn tell(&self, path: &str, body: Value) -> u16 {
            let url = format!("{}/simulation/{path}", self.url);
            let answer = self.http.post(url).json(&body).send().await.unwrap();
            answer.status().as_u16()
        }

        async fn requests(&self) -> u64 {
            let url = format!("{}/simulation/stats", self.url);
            let stats: Value = self
                .http
                .get(url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            stats["requests"].as_u64().unwrap()
        }

        /// As people have its address, and the headers that it wants.
        fn client(&self, name: &str) -> VlmClient {
            let (base, headers) = match name {
                "gemini" => ("/v1beta/openai/", ""),
                "azure" => (
                    "/openai/deployments/some-model?api-version=2024-06-01",
                    "api-key: {key}",
                ),
                "bedrock" => ("/openai/v1", ""),
                "openrouter" => ("/api/v1", ""),
                "dashscope" => ("/compatible-mode/v1/chat/completions", ""),
                _ => ("/v1", ""),
            };
            client_of(&format!("{}{base}", self.url), headers)
        }
    }

    /// One that knows nothing of the server yet; what it takes to connect is made once, for that takes its time.
    fn client_of(url: &str, headers: &str) -> VlmClient {
        static FIRST: OnceLock<VlmClient> = OnceLock::new();
        let first = || {
            let settings = VlmSettings {
                api_key: Some(KEY.into()),
                ..VlmSettings::new("http://127.0.0.1:9", MODEL)
            };
            VlmClient::new(settings).unwrap()
        };
        let client = FIRST.get_or_init(first).of_another(url).unwrap();
        client.with_headers(headers.parse::<Headers>().unwrap())
    }

    fn question() -> Question {
        let catalogue = Catalogue::current().unwrap();
        Question::new(catalogue, &Scope::All.steps(catalogue))
    }

    fn jpeg() -> Vec<u8> {
        let dr = &samples().unwrap()[0];
        photo::jpeg(&dr.truth(8).unwrap(), &Dr::view(0, 1.3, 1)).unwrap()
    }

    async fn ask(client: &VlmClient, jpeg: &[u8]) -> Result<AskResult, VlmFailure> {
        client.ask(&question(), jpeg, None).await
    }

    #[tokio::test]
    async fn with_its_right_settings_everybody_answers_and_what_it_refuses_is_learnt_once() {
        let jpeg = jpeg();
        assert_eq!(personality::names(), REFUSED.map(|(name, _)| name));
        for (name, refused) in REFUSED {
            let server = Server::like(name).await;
            let client = server.client(name);
            for requests in [refused + 1, refused + 2] {
                let answer = ask(&client, &jpeg)
                    .await
                    .unwrap_or_else(|failure| panic!("{name}: {failure}"));
                let found: Vec<_> = answer
                    .findings
                    .iter()
                    .map(|found| found.reading.as_deref())
                    .collect();
                let sure = answer
                    .findings
                    .iter()
                    .all(|found| found.certainty.is_some());
                assert_eq!(sure, TELLS_HOW_SURE.contains(&name), "{name}");
                assert_eq!(
                    (found, answer.repaired),
                    (vec![Some("-18.4 dBm")], false),
                    "{name}"
                );
                assert_eq!(server.requests().await, requests, "{name}");
                assert!(answer.timings.first_token.is_some(), "{name}");
                let counted = answer.usage.completion_tokens > 0;
                assert_eq!(
                    counted,
                    !["azure", "mistral"].contains(&name) || name == "mistral",
                    "{name}"
                );
            }
            let bulk = client.for_bulk();
            assert!(
                ask(&bulk, &jpeg).await.is_ok(),
                "{name}: priority is left out, too"
            );
        }
    }

    #[tokio::test]
    async fn with_each_wrong_setting_the_operator_is_told_in_one_line_what_to_change() {
        let (jpeg, mut problems, mut told) = (jpeg(), Vec::new(), 0);
        for name in personality::names() {
            let server = Server::like(&name).await;
            let client = server.client(&name);
            for (setting, advice) in ADVICE {
                if server.tell("wrong", json!({"setting": setting})).await == 204 {
                    told += 1;
                    let answer = ask(&client, &jpeg).await;
                    problems.extend(problem(&format!("{name}, {setting}"), &answer, advice));
                }
                server.tell("reset", json!({})).await;
            }
            assert!(ask(&client, &jpeg).await.is_ok(), "{name}, mended");
        }
        assert!(problems.is_empty(), "{problems:#?}");
        assert!(told > 50, "{told} refusals were looked at");
    }

    /// The same, found by the server itself: it wants another key, has another model, takes questions at another path.
    #[tokio::test]
    async fn what_a_server_notices_itself_is_told_as_well() {
        let (jpeg, mut problems) = (jpeg(), Vec::new());
        let of = |setting: &str| ADVICE.iter().find(|(of, _)| *of == setting).unwrap().1;
        for name in personality::names() {
            let server = Server::like(&name).await;
            let client = server.client(&name);
            server.tell("key", json!({"api_key": "another"})).await;
            let answer = ask(&client, &jpeg).await;
            // Ollama knows no keys.
            if name != "ollama" {
                problems.extend(problem(&format!("{name}, key"), &answer, of("key")));
            }
            server.tell("reset", json!({})).await;
            server.tell("model", json!({"model": "another"})).await;
            let answer = ask(&client, &jpeg).await;
            if ["sglang", "llamacpp"].contains(&name.as_str()) {
                assert!(answer.is_ok(), "{name} takes any name");
            } else {
                problems.extend(problem(&format!("{name}, model"), &answer, of("model")));
            }
            server.tell("reset", json!({})).await;
            let elsewhere = format!("{}/v7", server.url);
            let answer = ask(&client_of(&elsewhere, "api-key: {key}"), &jpeg).await;
            problems.extend(problem(&format!("{name}, path"), &answer, of("path")));
            let detail = answer.unwrap_err().detail().to_owned();
            assert!(detail.contains("/v7/chat/completions"), "{name}: {detail}");
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[tokio::test]
    async fn everybody_who_is_busy_slows_us_down_and_blames_no_photo() {
        let jpeg = jpeg();
        for name in personality::names() {
            let server = Server::like(&name).await;
            server.tell("faults", json!({"kind": "busy"})).await;
            let client = server.client(&name);
            let failure = ask(&client, &jpeg).await.unwrap_err();
            let slows = matches!(
                failure,
                VlmFailure::RetryLater {
                    cause: RetryCause::Overloaded,
                    ..
                }
            );
            assert!(slows, "{name}: {failure:?}");
            assert!(ask(&client, &jpeg).await.is_ok(), "{name}");
        }
    }

    /// What is wrong with how a refusal is taken, if anything.
    fn problem(
        what: &str,
        answer: &Result<AskResult, VlmFailure>,
        advice: &[&str],
    ) -> Option<String> {
        let Err(VlmFailure::RetryLater {
            cause,
            about,
            detail,
            ..
        }) = answer
        else {
            return Some(format!("{what}: {answer:?}"));
        };
        let words = about.and_then(|about| about.advice()).unwrap_or_default();
        let is_named = advice.iter().any(|advice| words.contains(advice));
        let right = *cause == RetryCause::Misconfigured && is_named && !detail.contains('\n');
        (!right).then(|| format!("{what}: {cause:?} {words:?} of {detail:?}"))
    }
}
