//! What is written reads back as it was.

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::start::{FromCache, Limits, NewEvaluation, Request, Reuse, open};
use evaluation::decide::updates;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;

use super::*;

fn new_evaluation(mode: Mode) -> NewEvaluation {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let names = [
        "X_ph_powm1_1.jpg",
        "X_ph_wall_2.jpg",
        "X_ph_ups_3.jpg",
        "X_ph_pole_4.jpg",
    ];
    let photo = |name: &str| Photo::new(&format!("photos/DR1/{name}"), name, name, catalogue);
    let versions = Versions::from_fn(|part| format!("{part:?}-1"));
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 2,
        deadline: std::time::Duration::from_secs(60),
        kept_for: std::time::Duration::from_secs(90 * 24 * 3600),
    };
    let (id, now) = (
        EvaluationId::from_parts(Timestamp::default(), [1; 10]),
        Timestamp::default(),
    );
    let plan = plan(names.map(photo).to_vec(), mode, catalogue, &versions);
    open(
        id,
        &request,
        plan,
        versions,
        &limits,
        FromCache::default(),
        now,
    )
}

/// The item that is put for an evaluation.
fn evaluation_item(new: &NewEvaluation) -> Item {
    let parts = updates::open(new, None, None);
    let put = parts.into_iter().find_map(|part| match part {
        Part::Put(put) if put.item.get("pending").is_some() => Some(put),
        _ => None,
    });
    item(&put.unwrap()).unwrap()
}

#[test]
fn an_evaluation_reads_back_and_its_sets_are_sets() {
    let new = new_evaluation(Mode::Quick);
    let stored = evaluation_item(&new);
    for name in SETS {
        let is_set = matches!(stored.get(name), Some(AttributeValue::Ss(_)));
        assert!(is_set, "{name}: a list can't have members removed");
    }
    assert_eq!(from_item::<Evaluation>(stored).unwrap(), new.evaluation);
}

#[test]
fn all_that_belongs_to_an_evaluation_goes_as_long_after_its_creation_as_is_set() {
    let mut new = new_evaluation(Mode::Full);
    new.evaluation.created_at = Timestamp::from_millis(5_000);
    new.kept_for = std::time::Duration::from_secs(100);
    let opened = updates::open(&new, None, None).into_iter();
    let opened = opened.filter_map(|part| match part {
        Part::Put(put) => Some(put),
        Part::Update(_) => None,
    });
    let puts: Vec<Put> = opened.chain(updates::photos(&new)).collect();
    assert_eq!(puts.len(), 3 + new.photos.len());
    for put in puts {
        let ttl = item(&put).unwrap().remove("ttl");
        assert_eq!(ttl, Some(AttributeValue::N("105".into())), "{:?}", put.key);
    }
}

#[test]
fn an_empty_set_is_left_out() {
    let mut new = new_evaluation(Mode::Full);
    assert!(new.evaluation.held.is_empty());
    assert!(
        !evaluation_item(&new).contains_key("held"),
        "DynamoDB takes no empty set"
    );
    new.evaluation.pending.pop_first();
    assert_eq!(
        from_item::<Evaluation>(evaluation_item(&new)).unwrap(),
        new.evaluation
    );
}

#[test]
fn a_photo_reads_back_with_and_without_its_report() {
    let new = new_evaluation(Mode::Full);
    let outcome = PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone");
    let first = new.photos.first().unwrap().clone();
    let reported = PhotoRecord {
        attempt: 2,
        report: Some(Report::bare(outcome, Timestamp::from_millis(7))),
        ..first.clone()
    };
    for record in [first, reported] {
        let new = NewEvaluation {
            photos: vec![record.clone()],
            ..new.clone()
        };
        let put = updates::photos(&new).remove(0);
        assert_eq!(
            from_item::<PhotoRecord>(item(&put).unwrap()).unwrap(),
            record
        );
    }
}
