//! The index holds what the history shows: all of it, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use evaluation::decide::evaluation::{Evaluation, Timings};
use evaluation::decide::record::Finalisation;
use evaluation::decide::start::{FromCache, Limits, Request, Reuse, open};
use evaluation::decide::update::UpdateAction;
use evaluation::decide::updates::finalised;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::judge::{Judgement, Verdict};
use evaluation::domain::outcome::Usage;
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use serde_json::{Map, Value, json};

use super::*;
use crate::table::Item;

/// The attributes of the index, beside the keys, as the template has them.
fn projected() -> BTreeSet<String> {
    let template = include_str!("../../../../template.yaml");
    let index = template.split("IndexName: history").nth(1).unwrap();
    let list = index.split("NonKeyAttributes: [").nth(1).unwrap();
    let list = list.split(']').next().unwrap();
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

/// An evaluation of which everything is known that the history shows.
fn ended() -> Evaluation {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let versions = Versions::from_fn(|part| format!("{part:?}-1"));
    let photo = Photo::new("photos/DR1/a.jpg", "a.jpg", "\"1\"", catalogue);
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Quick,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 1,
        deadline: Duration::from_secs(1),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    let id = |number| EvaluationId::from_parts(Timestamp::default(), [number; 10]);
    let at = |millis| Some(Timestamp::from_millis(millis));
    let plan = plan(vec![photo], Mode::Quick, catalogue, &versions);
    let (known, now) = (FromCache::default(), Timestamp::from_millis(1));
    let new = open(id(1), &request, plan, versions, &limits, known, now);
    Evaluation {
        started_at: at(2),
        waiting_since: at(3),
        completed_at: at(4),
        superseded_by: Some(id(2)),
        judgement: Some(Judgement {
            verdict: Verdict::Fail,
            average_score: Some(4.5),
            steps: vec![],
            flags: vec![],
            flags_left_out: 0,
            gaps: None,
        }),
        ..new.evaluation
    }
}

/// Its verdict, as it is written.
fn verdict(evaluation: &Evaluation) -> Finalisation {
    let at = evaluation.completed_at.unwrap();
    Finalisation {
        expected_revision: 0,
        judgement: evaluation.judgement.clone().unwrap(),
        timings: Timings::default(),
        completed_at: at,
        expires_at: at,
        usage: Usage::default(),
        carried: None,
    }
}

/// The evaluation's item, as far as these attributes go, with its keys.
fn item(evaluation: &Evaluation, names: &BTreeSet<String>) -> Item {
    let mut fields: Map<String, Value> = serde_json::from_value(json!(evaluation)).unwrap();
    for action in finalised(&evaluation.evaluation_id, &verdict(evaluation)).actions {
        if let UpdateAction::Set(name, value) = action {
            fields.insert(name.into(), value);
        }
    }
    fields.retain(|name, _| names.contains(name));
    fields.insert("gsi_created".into(), json!(evaluation.evaluation_id));
    serde_dynamo::to_item(fields).unwrap()
}

#[test]
fn the_index_holds_all_that_the_history_shows_and_nothing_else() {
    let (evaluation, names) = (ended(), projected());
    let entry = HistoryEntry::of(&evaluation);
    let read = |names: &BTreeSet<String>| from_item::<HistoryEntry>(item(&evaluation, names));
    assert_eq!(read(&names).unwrap(), entry);
    for name in &names {
        let mut without = names.clone();
        without.remove(name);
        assert!(
            read(&without).ok().as_ref() != Some(&entry),
            "{name} is not needed"
        );
    }
}
