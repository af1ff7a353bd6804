//! Catalogues that an operator published: found in the table, and kept by questions that named them.

use evaluation::decide::message::PlanAnew;
use evaluation::decide::start::Request;
use evaluation::decide::update::{Key, Put};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::versions::{VersionPart, Versions};
use evaluation::run::plan_anew;
use evaluation::run::ports::Ports;
use serde_json::json;

use super::one_photo::{named, started};
use super::past::versions;
use super::serial::{Serial, at_once};

/// Publishes a catalogue of this version, which says that it is another one where `says` does.
fn publish(world: &Serial, version: &str, says: &str) {
    let document = include_str!("../../../../shared/evaluation/src/catalogues/v3.json");
    let put = Put {
        key: Key::Catalogue(version.into()),
        guards: Vec::new(),
        item: json!({"document": document.replace("\"v3\"", &format!("\"{says}\""))}),
    };
    at_once(world.put_all(vec![put])).unwrap();
}

fn found(world: &Serial, version: &str) -> Option<&'static Catalogue> {
    at_once(world.catalogue(version)).unwrap()
}

/// What is asked in an evaluation's place by a release of another model, whose rules say v1.
fn anew(world: &Serial, id: &EvaluationId) -> Option<Request> {
    let message = PlanAnew {
        version: 1,
        evaluation_id: id.clone(),
    };
    let now = |_: &DrNumber, named: Option<&str>| {
        let model = versions().with(VersionPart::Model, "another");
        model.with(VersionPart::Catalogue, named.unwrap_or("v1"))
    };
    at_once(plan_anew::request(world, &message, now)).unwrap()
}

fn with(catalogue: &str) -> Versions {
    versions().with(VersionPart::Catalogue, catalogue)
}

#[test]
fn what_is_published_is_found_and_what_is_broken_is_not() {
    let world = Serial::new(versions(), None);
    assert_eq!(found(&world, "history-1"), None);
    publish(&world, "history-1", "history-1");
    let first = found(&world, "history-1").unwrap();
    assert_eq!(
        (first.version.as_str(), first.steps.len()),
        ("history-1", 10)
    );
    publish(&world, "history-2", "history-1");
    assert_eq!(
        found(&world, "history-2"),
        None,
        "it says that it is another one"
    );
    // A release's is never looked for.
    assert!(found(&world, "v1").is_some_and(|catalogue| catalogue.version == "v1"));
}

#[test]
fn a_question_that_named_its_catalogue_keeps_it_when_it_is_planned_anew() {
    let world = Serial::new(versions(), None);
    publish(&world, "history-3", "history-3");
    found(&world, "history-3").unwrap();
    let (by_name, _) = named(
        &world,
        "DR1",
        "\"1\"",
        &with("history-3"),
        Some("history-3"),
    );
    let request = anew(&world, &by_name).unwrap();
    assert_eq!(request.catalogue.as_deref(), Some("history-3"));
    let (by_rule, _) = started(&world, "DR2", "\"2\"", &with("v2"));
    assert_eq!(anew(&world, &by_rule).unwrap().catalogue, None);
}
