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
use evaluation::domain::time::Moment;
use evaluation::domain::versions::ShownVersions;
use evaluation::domain::versions::Versions;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use photos::size_policy::SizePolicy;
use serde::Serialize;
use utoipa::ToSchema;
use vlm::prompt::PROMPT_VERSION;

/// How a release does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Whether photos are evaluated now.
    status: HealthStatus,
    /// What the release is called.
    release: String,
    /// The version of the function that answers.
    function_version: Option<String>,
    /// What is known of the VLM.
    vlm: VlmHealth,
    /// What DRs are asked with, unless a rule or a request says otherwise.
    asks_with: ShownVersions,
    /// What it works with.
    knows: Knows,
}

/// Whether photos are evaluated now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HealthStatus {
    /// They are.
    Ok,
    /// They wait for the VLM.
    VlmAway,
}

/// What is known of the VLM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VlmHealth {
    /// What is taken to be so.
    state: VlmState,
    /// Failures in a row.
    failures: u32,
    /// Since when it fails.
    since: Option<Moment>,
    /// How it failed last.
    reason: Option<String>,
}

/// What the VLM is taken to be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VlmState {
    /// It answers.
    Available,
    /// It failed lately, and is asked all the same.
    Failing,
    /// It is away, and only probes ask.
    Away,
}

/// What a release works with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Knows {
    /// Lists of steps.
    catalogue_versions: Vec<String>,
    /// Prompts.
    prompt_versions: Vec<String>,
    /// Sizes of photos.
    size_policy_versions: Vec<String>,
    /// Messages between functions.
    message_versions: Vec<u32>,
}

/// How this release does: what it asks with unless a rule or a request says otherwise, and which catalogues are in use.
pub(crate) async fn view(
    ports: &impl Ports,
    current: &Versions,
    in_use: &[&str],
) -> Result<Health, RunError> {
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
) -> Health {
    let size_policies = SizePolicy::known_versions();
    Health {
        status: match breaker.is_open() {
            true => HealthStatus::VlmAway,
            false => HealthStatus::Ok,
        },
        release: release.to_owned(),
        function_version: function_version.map(str::to_owned),
        vlm: vlm(breaker),
        asks_with: current.into(),
        knows: Knows {
            catalogue_versions: catalogues.iter().map(ToString::to_string).collect(),
            prompt_versions: vec![PROMPT_VERSION.to_owned()],
            size_policy_versions: size_policies.map(str::to_owned).collect(),
            message_versions: vec![message::VERSION.into()],
        },
    }
}

fn vlm(breaker: &Breaker) -> VlmHealth {
    let fails = breaker.failures > 0;
    VlmHealth {
        state: match breaker {
            breaker if breaker.is_open() => VlmState::Away,
            _ if fails => VlmState::Failing,
            _ => VlmState::Available,
        },
        failures: breaker.failures,
        since: breaker.since.filter(|_| fails).map(Moment),
        reason: breaker.reason.clone().filter(|_| fails),
    }
}

#[cfg(test)]
mod tests {
    use evaluation::decide::breaker::FAILURES_TO_OPEN;
    use evaluation::domain::time::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn said(failures: u32) -> Value {
        let breaker = Breaker {
            failures,
            since: Some(Timestamp::from_millis(1_795_516_494_000)),
            reason: Some("The VLM is away".into()),
            probe_until: None,
            probe_of: None,
        };
        let current = vlm::versions::versions("v3", "a-model", "s4");
        let catalogues: Vec<&str> = Catalogue::known_versions().collect();
        json!(health("abc-1", Some("7"), &breaker, &current, &catalogues))
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
