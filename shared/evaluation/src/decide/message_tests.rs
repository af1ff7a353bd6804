//! What travels, as text.

use super::*;
use crate::domain::catalogue::Catalogue;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};

fn batch() -> Batch {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photos = vec![Photo::new(
        "photos/DR1/DR1_ph_ups_1.jpg",
        "DR1_ph_ups_1.jpg",
        "\"e\"",
        catalogue,
    )];
    Batch::new(
        &crate::decide::fixtures::id(7),
        &DrNumber::parse("DR1").unwrap(),
        photos,
        Timestamp::from_millis(7),
    )
}

#[test]
fn every_kind_of_message_reads_back_as_it_was_written() {
    let batch = batch();
    let report = Report::bare(
        PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone"),
        Timestamp::from_millis(9),
    );
    let photo = &batch.photos[0];
    let (dr, at) = (&batch.dr_number, Timestamp::from_millis(8));
    let versions = Versions::from_fn(|part| format!("{part:?}-1"));
    let look = Message::look(batch.evaluation_id.clone(), dr, photo.clone(), versions, at);
    let Message::Look(looked) = look.clone() else {
        panic!("a look");
    };
    let seen = Batch {
        seen: Some(Box::new(report.clone())),
        ..batch.clone()
    };
    for message in [
        Message::Batch(seen.clone()),
        Message::Batch(batch.clone()),
        Message::started(&batch.evaluation_id, Timestamp::from_millis(8)),
        Message::outcome(&batch.evaluation_id, &photo.photo_id, report.clone()),
        Message::deferral(
            &batch,
            photo,
            (DeferralCause::Overloaded, "busy".into()),
            Some(Duration::from_secs(2)),
            Timestamp::from_millis(8),
        ),
        Message::quiet_check(&batch.dr_number, Timestamp::from_millis(8)),
        look.clone(),
        Message::looked(&looked, Some(Box::new(report))),
        Message::looked(&looked, None),
    ] {
        assert_eq!(Message::parse(&message.to_body()).unwrap(), message);
        let trace = TraceId::made(7, 7);
        let traced = message.to_body_within(Some(&trace));
        assert!(traced.contains(trace.as_str()));
        assert_eq!(
            Message::parse(&traced).unwrap(),
            message,
            "by a release that knows of no trace"
        );
    }
}

#[test]
fn an_unknown_version_and_garbage_are_refused() {
    let body = Message::Batch(batch()).to_body();
    assert!(Message::parse(&body.replace("\"version\":1", "\"version\":2")).is_err());
    assert!(Message::parse("{}").is_err() && Message::parse("").is_err());
}

#[test]
fn a_batch_of_ten_photos_with_the_longest_keys_fits_a_message() {
    let mut batch = batch();
    let key = "é".repeat(512);
    batch.photos = vec![
        Photo::new(
            &key,
            &key,
            &"f".repeat(70),
            Catalogue::shipped("v1").unwrap()
        );
        10
    ];
    assert!(Message::Batch(batch).to_body().len() < 256 * 1024);
}

#[test]
fn the_sample_events_hold_messages_that_read() {
    for event in [
        include_str!("../../../../tests/events/batch.json"),
        include_str!("../../../../tests/events/batch-look.json"),
        include_str!("../../../../tests/events/aggregator-results.json"),
        include_str!("../../../../tests/events/aggregator-dead-letter.json"),
        include_str!("../../../../tests/events/splitter-quiet-check.json"),
    ] {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        for record in event["Records"].as_array().unwrap() {
            Message::parse(record["body"].as_str().unwrap()).unwrap();
        }
    }
}
