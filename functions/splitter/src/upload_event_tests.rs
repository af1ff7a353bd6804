use serde_json::json;

use super::*;

const TIME: &str = "2026-11-24T10:34:54.007Z";

fn s3(name: &str, key: &str) -> Value {
    json!({"eventName": name, "eventTime": TIME, "s3": {"bucket": {"name": "b"}, "object": {"key": key}}})
}

fn records(records: &[Value]) -> Value {
    json!({"Records": records})
}

fn event_bridge(kind: &str, key: &str) -> Value {
    json!({
        "version": "0", "detail-type": kind, "source": "aws.s3", "time": "2026-11-24T10:34:54Z",
        "detail": {"bucket": {"name": "b"}, "object": {"key": key, "size": 5}, "reason": "PutObject"},
    })
}

/// In the envelope of SNS.
fn enveloped(event: &Value) -> Value {
    json!({"Type": "Notification", "TopicArn": "arn", "Subject": "Amazon S3 Notification", "Message": event.to_string()})
}

/// As Lambda gets it from SNS.
fn of_sns(event: &Value) -> Value {
    records(&[
        json!({"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": event.to_string()}}),
    ])
}

/// The keys of the changes, a deletion with a minus.
fn keys(event: &Value) -> Vec<String> {
    let sign = |change: Change| {
        format!(
            "{}{}",
            if change.is_deletion { "-" } else { "" },
            change.key
        )
    };
    let changes = changes(event).unwrap().into_iter();
    changes.map(|change| sign(change.unwrap())).collect()
}

fn test_event() -> Value {
    json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": TIME, "Bucket": "b", "RequestId": "r", "HostId": "h"})
}

#[test]
fn an_upload_is_read_whichever_way_it_comes() {
    let own = records(&[s3("ObjectCreated:Put", "photos/DR1/a+b%2B%C3%A9.jpg")]);
    let key = "photos/DR1/a b+é.jpg";
    let bridged = event_bridge("Object Created", key);
    for event in [
        &own,
        &enveloped(&own),
        &of_sns(&own),
        &enveloped(&enveloped(&own)),
        &bridged,
        &enveloped(&bridged),
        &of_sns(&bridged),
    ] {
        assert_eq!(keys(event), [key], "{event}");
    }
    let at = changes(&own).unwrap().remove(0).unwrap().at;
    assert_eq!(at, Timestamp::parse(TIME).unwrap());
}

#[test]
fn a_key_of_event_bridge_is_taken_as_it_is() {
    let event = event_bridge("Object Created", "photos/DR1/a+b%20c.jpg");
    assert_eq!(keys(&event), ["photos/DR1/a+b%20c.jpg"]);
}

#[test]
fn a_deletion_is_told_from_an_upload_and_a_restored_photo_counts_as_one() {
    for (name, kind, key) in [
        ("ObjectCreated:Copy", "Object Created", "k"),
        ("ObjectRemoved:DeleteMarkerCreated", "Object Deleted", "-k"),
        ("s3:ObjectRemoved:Delete", "Object Deleted", "-k"),
        ("LifecycleExpiration:Delete", "Object Deleted", "-k"),
        ("ObjectRestore:Completed", "Object Restore Completed", "k"),
    ] {
        assert_eq!(keys(&records(&[s3(name, "k")])), [key], "{name}");
        assert_eq!(keys(&event_bridge(kind, "k")), [key], "{kind}");
    }
}

#[test]
fn what_tells_of_no_change_is_passed_over() {
    let test = test_event();
    for event in [
        test.clone(),
        enveloped(&test),
        of_sns(&test),
        records(&[s3("ObjectTagging:Put", "k")]),
        event_bridge("Object Tags Added", "k"),
        event_bridge("Object Storage Class Changed", "k"),
        json!({"source": "my.test", "detail-type": "Test", "detail": {}}),
        json!({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "Token": "t"}),
    ] {
        assert_eq!(keys(&event), [""; 0], "{event}");
    }
}

#[test]
fn one_bad_record_costs_the_others_nothing() {
    let event = records(&[
        s3("ObjectCreated:Put", "photos/DR1/a.jpg"),
        s3("ObjectCreated:Put", "photos/DR1/%FF.jpg"),
        json!({"eventName": "ObjectCreated:Put", "eventTime": TIME}),
        json!("nonsense"),
        s3("ObjectCreated:Put", "photos/DR2/b.jpg"),
    ]);
    for event in [event.clone(), enveloped(&event), of_sns(&event)] {
        let read: Vec<Option<String>> = changes(&event)
            .unwrap()
            .into_iter()
            .map(|one| Some(one.ok()?.key))
            .collect();
        let key = |key: &str| Some(key.to_owned());
        assert_eq!(
            read,
            [
                key("photos/DR1/a.jpg"),
                None,
                None,
                None,
                key("photos/DR2/b.jpg")
            ]
        );
    }
}

#[test]
fn what_is_no_event_is_an_error() {
    let deep = (0..5).fold(test_event(), |event, _| enveloped(&event));
    for event in [json!({}), json!([]), json!({"Message": "hello"}), deep] {
        assert!(changes(&event).is_err(), "{event}");
    }
}

#[test]
fn events_that_come_without_a_queue_are_known() {
    let own = records(&[s3("ObjectCreated:Put", "k")]);
    for event in [
        own.clone(),
        of_sns(&own),
        event_bridge("Object Created", "k"),
    ] {
        assert!(is_one(&event), "{event}");
    }
    for event in [
        json!({"dr_number": "DR1"}),
        records(&[json!({"messageId": "1", "body": "b"})]),
    ] {
        assert!(!is_one(&event), "{event}");
    }
}
