//! What is told of a change, as values.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::decide::evaluation::Evaluation;
use crate::decide::fixtures::{evaluation_of, id};
use crate::domain::judge::Judgement;
use crate::domain::reading::{Flag, FlagCode};

const SOURCE: &str = "https://api.example";

fn flag() -> Flag {
    Flag {
        photo: "DR1_ph_ont_secret.jpg".into(),
        step: None,
        code: FlagCode::PowerImplausible,
        message: "a comment at -26.2041, 28.0473 about serial ALCLB0123456".into(),
        fails: false,
    }
}

/// An evaluation's item as the table holds it with this verdict, the one of this revision.
fn item(revision: u32, verdict: Option<Verdict>, flags: usize) -> Value {
    let evaluation = Evaluation {
        revision,
        completed_at: verdict.map(|_| Timestamp::from_millis(1_795_516_494_007)),
        judgement: verdict.map(|verdict| Judgement {
            verdict,
            flags: vec![flag(); flags],
            ..Judgement::impossible()
        }),
        ..evaluation_of(&["DR1_secret.jpg"])
    };
    let mut item = json!(evaluation);
    if let (Some(fields), Some(verdict)) = (item.as_object_mut(), verdict) {
        // As `updates::finalised` writes it beside the judgement.
        fields.insert("verdict".into(), json!(verdict));
    }
    item
}

fn told(old: Option<&Value>, new: Option<&Value>) -> Option<Event> {
    event(SOURCE, old, new).unwrap()
}

#[test]
fn a_first_verdict_is_told_with_what_subscribers_need_and_nothing_of_people() {
    let (old, new) = (item(0, None, 0), item(1, Some(Verdict::Fail), 2));
    let body: Value =
        serde_json::from_str(&told(Some(&old), Some(&new)).unwrap().to_body()).unwrap();
    let id = id(1).to_string();
    let expected = json!({
        "specversion": "1.0",
        "id": format!("{id}/1/completed"),
        "source": SOURCE,
        "type": "fibre-evaluation.evaluation.completed.v1",
        "subject": format!("evaluations/{id}"),
        "time": "2026-11-24T10:34:54.007Z",
        "datacontenttype": "application/json",
        "dataschema": SCHEMA,
        "data": {
            "evaluation_id": id, "dr_number": "DR1", "mode": "full", "verdict": "fail", "revision": 1, "flags": 2,
            "links": {"self": format!("/evaluations/{id}"), "history": "/drs/DR1/evaluations"},
        },
    });
    assert_eq!(body, expected);
}

#[test]
fn a_verdict_that_is_replaced_is_told_as_a_change_with_the_one_before() {
    let (old, new) = (
        item(1, Some(Verdict::Incomplete), 1),
        item(2, Some(Verdict::Pass), 0),
    );
    let event = told(Some(&old), Some(&new)).unwrap();
    assert_eq!((event.kind, event.data.revision), (Kind::Changed, 2));
    assert_eq!(event.data.change, Some(Change::Upgraded));
    assert_eq!(event.data.previous_verdict, Some(Verdict::Incomplete));
    assert!(event.id.ends_with("/2/changed"));
}

#[test]
fn the_completion_of_what_was_superseded_says_by_what() {
    let mut new = item(1, Some(Verdict::Incomplete), 0);
    new["superseded_by"] = json!(id(2));
    let event = told(Some(&item(0, None, 0)), Some(&new)).unwrap();
    assert_eq!(event.data.superseded_by, Some(id(2)));
}

#[test]
fn what_people_decided_before_is_told_with_the_verdict_for_which_it_held() {
    let told_with = |carried: Value| {
        let mut new = item(2, Some(Verdict::Fail), 0);
        new["carried"] = carried;
        told(Some(&item(1, Some(Verdict::Incomplete), 0)), Some(&new)).unwrap()
    };
    let event = told_with(json!({"revision": 2, "verdict": "pass"}));
    assert_eq!(
        (event.data.verdict, event.data.carried),
        (Verdict::Fail, Some(Verdict::Pass))
    );
    assert!(event.to_body().contains("\"reviewed_verdict\":\"pass\""));
    let of_another_verdict = told_with(json!({"revision": 1, "verdict": "pass"}));
    assert_eq!(of_another_verdict.data.carried, None);
    assert!(!of_another_verdict.to_body().contains("reviewed_verdict"));
}

#[test]
fn what_brings_no_verdict_tells_nothing() {
    let (running, ended) = (item(0, None, 0), item(1, Some(Verdict::Pass), 0));
    assert_eq!(told(None, Some(&running)), None, "begun");
    assert_eq!(
        told(Some(&running), Some(&running)),
        None,
        "a photo is done"
    );
    assert_eq!(told(Some(&ended), Some(&ended)), None, "touched afterwards");
    assert_eq!(told(Some(&ended), None), None, "deleted");
    let photo = json!({"photo_id": "0123456789abcdef", "revision": 1, "verdict": "pass"});
    assert_eq!(told(None, Some(&photo)), None, "another item");
}

#[test]
fn what_can_not_be_read_is_said_to_be_so() {
    let mut odd = item(1, Some(Verdict::Pass), 0);
    odd["verdict"] = json!("a verdict of a later release");
    assert!(event(SOURCE, None, Some(&odd)).is_err());
}

proptest! {
    /// Flags that were left out count, and whatever else an item holds changes nothing: another release may write more.
    #[test]
    fn an_event_follows_from_the_change_alone(
        revision in 1u32..5,
        kept in 0usize..4,
        left_out in 0usize..1000,
        more in "[a-z]{1,8}",
    ) {
        let (old, mut new) = (item(revision - 1, None, 0), item(revision, Some(Verdict::Pass), kept));
        new["judgement"]["flags_left_out"] = json!(left_out);
        let once = told(Some(&old), Some(&new)).unwrap();
        prop_assert_eq!(once.data.flags, Some(kept + left_out));
        new[format!("later_{more}")] = json!("ignored");
        prop_assert_eq!(told(Some(&old), Some(&new)).unwrap().to_body(), once.to_body());
        for secret in ["secret", "-26.2", "ALCLB"] {
            prop_assert!(!once.to_body().contains(secret));
        }
    }
}
