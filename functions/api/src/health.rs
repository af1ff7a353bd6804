//! What a release says of itself: how it is called, what it works with, and what is known of the VLM.
//!
//! # Invariants
//! - It tells no secret: no address, no key, nothing of the environment but the release's and the model's name.

use aws::configuration::optional;
use aws::telemetry;
use evaluation::decide::breaker::Breaker;
use evaluation::decide::message;
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::versions::Versions;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use photos::size_policy::SizePolicy;
use serde_json::{Map, Value, json};
use vlm::prompt::PROMPT_VERSION;

/// How this release does: what it asks with unless a rule or a request says otherwise, and which catalogues are in use.
pub(crate) async fn view(
    ports: &impl Ports,
    current: &Versions,
    in_use: &[&str],
) -> Result<Value, RunError> {
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    let mut catalogues: Vec<&str> = Catalogue::known_versions().collect();
    for version in in_use {
        if !catalogues.contains(version) && ports.catalogue(version).await?.is_some() {
            catalogues.push(version);
        }
    }
    let version = optional("AWS_LAMBDA_FUNCTION_VERSION");
    Ok(health(
        telemetry::release(),
        version.as_deref(),
        &breaker.unwrap_or_default(),
        current,
        &catalogues,
    ))
}

fn health(
    release: &str,
    function_version: Option<&str>,
    breaker: &Breaker,
    current: &Versions,
    catalogues: &[&str],
) -> Value {
    let state = match breaker {
        breaker if breaker.is_open() => "away",
        breaker if breaker.failures > 0 => "failing",
        _ => "available",
    };
    let since = breaker.since.filter(|_| breaker.failures > 0);
    let reason = breaker.reason.as_ref().filter(|_| breaker.failures > 0);
    let asks_with = current.parts();
    let asks_with: Map<String, Value> = asks_with
        .map(|(part, version)| (part.published_name().to_owned(), version.into()))
        .collect();
    json!({
        "status": if breaker.is_open() { "vlm_away" } else { "ok" },
        "release": release,
        "function_version": function_version,
        "vlm": {
            "state": state, "failures": breaker.failures, "since": since.map(|at| at.to_string()), "reason": reason,
        },
        "asks_with": asks_with,
        "knows": {
            "catalogue_versions": catalogues,
            "prompt_versions": [PROMPT_VERSION],
            "size_policy_versions": SizePolicy::known_versions().collect::<Vec<_>>(),
            "message_versions": [message::VERSION],
        },
    })
}

#[cfg(test)]
mod tests {
    use evaluation::decide::breaker::FAILURES_TO_OPEN;
    use evaluation::domain::time::Timestamp;

    use super::*;

    fn said(failures: u32) -> Value {
        let breaker = Breaker {
            failures,
            since: Some(Timestamp::from_millis(1_795_516_494_000)),
            reason: Some("The VLM is away".into()),
            probe_until: None,
        };
        let current = vlm::versions::versions("v3", "a-model", "s4");
        let catalogues: Vec<&str> = Catalogue::known_versions().collect();
        health("abc-1", Some("7"), &breaker, &current, &catalogues)
    }

    #[test]
    fn a_release_says_what_it_is_called_and_what_it_works_with() {
        let said = said(0);
        assert_eq!(
            (&said["status"], &said["release"], &said["function_version"]),
            (&json!("ok"), &json!("abc-1"), &json!("7"))
        );
        assert_eq!(said["asks_with"]["model"], "a-model");
        for (part, asked) in [
            ("catalogue_version", "catalogue_versions"),
            ("prompt_version", "prompt_versions"),
            ("size_policy_version", "size_policy_versions"),
        ] {
            let known = said["knows"][asked].as_array().unwrap();
            assert!(known.contains(&said["asks_with"][part]), "{part}: {said}");
        }
        assert_eq!(said["knows"]["message_versions"], json!([message::VERSION]));
    }

    #[test]
    fn the_vlm_s_state_is_that_of_the_breaker_and_old_reasons_are_forgotten() {
        let states = [0, 1, FAILURES_TO_OPEN].map(said);
        let shown = states.map(|said| {
            let vlm = &said["vlm"];
            (
                vlm["state"].clone(),
                vlm["reason"].is_string(),
                vlm["since"].is_string(),
                said["status"].clone(),
            )
        });
        assert_eq!(
            shown,
            [
                (json!("available"), false, false, json!("ok")),
                (json!("failing"), true, true, json!("ok")),
                (json!("away"), true, true, json!("vlm_away")),
            ]
        );
    }
}
