//! Evaluations as items, and what is read off them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::Score;
use crate::domain::outcome::Finding;
use crate::protocol::record::{finalise, tests::evaluation_of, tests::photo};

type Item = HashMap<String, AttributeValue>;

fn answered() -> PhotoRecord {
    let finding = Finding {
        step: StepKey::parse("power_meter").unwrap(),
        score: Score::try_from(8).unwrap(),
        comment: "ok".into(),
        reading: None,
        fail_code: None,
    };
    let report = Report::bare(
        PhotoOutcome::Evaluated {
            findings: vec![finding],
        },
        Timestamp::from_millis(7),
    );
    PhotoRecord {
        attempt: 2,
        report: Some(report),
        ..PhotoRecord::new(photo("a.jpg"))
    }
}

#[test]
fn an_evaluation_reads_back_from_an_item_as_it_was_written() {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    let item: Item = serde_dynamo::to_item(&evaluation).unwrap();
    assert!(
        matches!(item.get("pending"), Some(AttributeValue::Ss(_))),
        "a list can't have members removed"
    );
    assert_eq!(
        serde_dynamo::from_item::<_, Evaluation>(item).unwrap(),
        evaluation
    );
    let verdict = finalise(
        &evaluation,
        &[answered()],
        &Catalogue::shipped("v1").unwrap(),
        Timestamp::from_millis(9),
    )
    .unwrap();
    evaluation.pending.clear();
    evaluation.judgement = Some(verdict.judgement);
    evaluation.timings = Some(verdict.timings);
    evaluation.completed_at = Some(verdict.completed_at);
    let item: Item = serde_dynamo::to_item(&evaluation).unwrap();
    assert!(!item.contains_key("pending"), "DynamoDB takes no empty set");
    assert_eq!(
        serde_dynamo::from_item::<_, Evaluation>(item).unwrap(),
        evaluation
    );
}

#[test]
fn a_photo_reads_back_from_an_item_as_it_was_written() {
    for record in [answered(), PhotoRecord::new(photo("IMG-1.jpg"))] {
        let item: Item = serde_dynamo::to_item(&record).unwrap();
        assert_eq!(
            serde_dynamo::from_item::<_, PhotoRecord>(item).unwrap(),
            record
        );
    }
}

#[test]
fn never_again_a_result_never_computed_looks_like_a_fail() {
    let evaluation = evaluation_of(&["a.jpg"]);
    assert_eq!(
        (evaluation.verdict(), evaluation.status()),
        (None, Status::Queued)
    );
}

#[test]
fn never_again_users_wait_with_no_updates() {
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg", "c.jpg"]);
    let mut seen = vec![evaluation.photos_done()];
    while let Some(photo) = evaluation.pending.pop_first() {
        seen.push(evaluation.photos_done());
        drop(photo);
    }
    assert_eq!(seen, [0, 1, 2, 3]);
}

#[test]
fn the_status_follows_what_is_known() {
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    assert_eq!(evaluation.status(), Status::Queued);
    evaluation.started_at = Some(Timestamp::from_millis(1));
    assert_eq!(evaluation.status(), Status::Running);
    evaluation.waiting_since = Some(Timestamp::from_millis(2));
    assert_eq!(evaluation.status(), Status::Waiting);
    evaluation.completed_at = Some(Timestamp::from_millis(3));
    assert_eq!(evaluation.status(), Status::Completed);
}
