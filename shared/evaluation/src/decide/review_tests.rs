use serde_json::json;

use super::*;
use crate::decide::fixtures::{evaluation_of, photo};
use crate::decide::updates;
use crate::domain::catalogue::Catalogue;
use crate::domain::judge::{StepOutcome, judge};
use crate::domain::scope::Scope;

const KEPT_FOR: Duration = Duration::from_secs(100);

fn step(key: &str) -> StepKey {
    StepKey::parse(key).unwrap()
}

/// An evaluation of which nothing was seen: every step is missing.
fn failed() -> Reviewed {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    evaluation.judgement = Some(judge(catalogue, &Scope::All.steps(catalogue), &[]));
    evaluation.revision = 1;
    let photos = ["a.jpg", "b.jpg"].map(|name| PhotoRecord::new(photo(name)));
    Reviewed::of(evaluation, &photos, Some(catalogue))
}

fn wish(step: Option<&str>, decision: Decision, photo: Option<&str>) -> Wish {
    let what = Wished::Decision {
        step: step.map(self::step),
        decision,
        photo: photo.map(str::to_owned),
        reading: None,
    };
    Wish::new(what, Some(" why "), Some("u")).unwrap()
}

fn read(step: Option<&str>, decision: Decision, reading: &str) -> Wish {
    let what = Wished::Decision {
        step: step.map(self::step),
        decision,
        photo: None,
        reading: Some(reading.to_owned()),
    };
    Wish::new(what, Some("why"), Some("u")).unwrap()
}

fn none() -> Reviews {
    Reviews::of_items(Vec::new(), at(0))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn asked(reviews: &Reviews, of: &Reviewed, wish: &Wish) -> Next {
    next(reviews, of, wish, at(7_000), KEPT_FOR)
}

/// The records with this one, as the table then holds them.
fn with(reviews: &Reviews, of: &Reviewed, wish: &Wish) -> Reviews {
    let Next::Write(record) = asked(reviews, of, wish) else {
        panic!("{:?}", asked(reviews, of, wish));
    };
    let put = updates::reviewed(&record);
    let (pk, sk) = put.key.parts();
    let mut item = put.item;
    (item["pk"], item["sk"]) = (json!(pk), json!(sk));
    let mut items = reviews.items.clone();
    items.push(item);
    Reviews::of_items(items, at(0))
}

#[test]
fn a_record_says_what_stood_before_and_what_it_leads_to() {
    let of = failed();
    let none = none();
    let pass = wish(Some("power_meter"), Decision::Pass, Some("b.jpg"));
    let one = with(&none, &of, &pass);
    let record = one.record(1).unwrap();
    let decided = record.decided().unwrap();
    assert_eq!(decided.photo.as_ref().unwrap().content, "\"b.jpg\"");
    assert_eq!(
        (record.reason.as_deref(), record.by.as_deref()),
        (Some("why"), Some("u"))
    );
    let before = &record.before;
    assert_eq!(
        (before.verdict, before.outcome),
        (Verdict::Fail, Some(StepOutcome::Missing))
    );
    assert_eq!((before.reviewed_verdict, before.review), (None, None));
    assert_eq!(record.reviewed_verdict, Some(Verdict::Fail), "one of ten");
    assert_eq!((record.previous.clone(), record.kept_until), (None, 107));
    let two = with(&one, &of, &wish(None, Decision::Pass, None));
    let whole = two.record(2).unwrap();
    assert_eq!(whole.before.reviewed_verdict, Some(Verdict::Fail));
    assert_eq!(whole.reviewed_verdict, Some(Verdict::Pass));
    assert_eq!(whole.previous.clone().unwrap().hash, two.hash(1).unwrap());
    let withdrawal = Wish::new(Wished::Withdrawal(2), None, None).unwrap();
    let three = with(&two, &of, &withdrawal);
    let withdrawal = three.record(3).unwrap();
    assert_eq!(withdrawal.before.review, Some(2));
    assert_eq!(withdrawal.reviewed_verdict, Some(Verdict::Fail));
    assert_eq!(three.chain(), Chain::Intact);
}

#[test]
fn what_was_read_is_kept_beside_what_the_model_had_read() {
    let mut of = failed();
    let rows = &mut of.evaluation.judgement.as_mut().unwrap().steps;
    let row = rows.iter_mut().find(|row| row.step == step("power_meter"));
    row.unwrap().reading = Some("-13.4 dBm".into());
    let says = read(Some("power_meter"), Decision::Pass, " -18.4 dBm ");
    let one = with(&none(), &of, &says);
    let record = one.record(1).unwrap();
    assert_eq!(record.before.reading.as_deref(), Some("-13.4 dBm"));
    let reading = record.decided().unwrap().reading.as_deref();
    assert_eq!(reading, Some("-18.4 dBm"));
    assert_eq!(asked(&one, &of, &says), Next::Stands(1));
    let without = with(&one, &of, &wish(Some("power_meter"), Decision::Pass, None));
    assert_eq!((without.last(), without.chain()), (2, Chain::Intact));
}

#[test]
fn a_photo_is_named_by_its_name_or_id_and_is_one_of_the_evaluation_s() {
    let of = failed();
    let id = PhotoRecord::new(photo("b.jpg")).photo.photo_id.to_string();
    let none = none();
    let by_id = with(
        &none,
        &of,
        &wish(Some("power_meter"), Decision::Pass, Some(&id)),
    );
    let record = by_id.record(1).unwrap().decided().unwrap().clone();
    assert_eq!(record.photo.unwrap().name, "b.jpg");
}

#[test]
fn what_can_t_be_said_is_refused_with_what_to_say() {
    let (of, none) = (failed(), none());
    for (wish, words) in [
        (
            wish(Some("no_such"), Decision::Pass, None),
            "the step is one of house_photo",
        ),
        (
            wish(Some("power_meter"), Decision::Pass, Some("c.jpg")),
            "none of this evaluation's",
        ),
        (
            wish(Some("power_meter"), Decision::Missing, Some("a.jpg")),
            "missing",
        ),
        (wish(None, Decision::Missing, None), "of a step"),
        (
            wish(None, Decision::Fail, Some("a.jpg")),
            "leave the photo out",
        ),
        (wish(None, Decision::Unknown, None), "the decision is"),
        (
            read(Some("house_photo"), Decision::Pass, "x"),
            "small print is read: ",
        ),
        (
            read(Some("power_meter"), Decision::Missing, "x"),
            "\"pass\" or \"fail\"",
        ),
        (read(None, Decision::Pass, "x"), "of a step"),
        (
            read(Some("power_meter"), Decision::Pass, &"x".repeat(101)),
            "100 bytes",
        ),
        (
            read(Some("power_meter"), Decision::Pass, "a\nb"),
            "one line",
        ),
    ] {
        let Next::Refuse(Refused::Invalid(why)) = asked(&none, &of, &wish) else {
            panic!("{words}");
        };
        assert!(why.0.contains(words), "{words}: {}", why.0);
    }
    for reason in [None, Some(" "), Some("a\nb")] {
        let what = wish(None, Decision::Pass, None).what;
        assert!(Wish::new(what, reason, None).is_err(), "{reason:?}");
    }
    let mut running = failed();
    running.evaluation.judgement = None;
    let refused = asked(&none, &running, &wish(None, Decision::Pass, None));
    assert_eq!(refused, Next::Refuse(Refused::NotJudged));
}

#[test]
fn what_is_said_again_stands_once_but_not_if_something_else_was_said_between() {
    let of = failed();
    let (pass, fail) = (
        wish(None, Decision::Pass, None),
        wish(None, Decision::Fail, None),
    );
    let one = with(&none(), &of, &pass);
    assert_eq!(asked(&one, &of, &pass), Next::Stands(1));
    let mut of_another = pass.clone();
    of_another.by = Some("v".into());
    let two = with(&one, &of, &of_another);
    let three = with(&two, &of, &fail);
    let four = with(&three, &of, &pass);
    assert_eq!((four.last(), four.len()), (4, 4));
    let withdraws = Wish::new(Wished::Withdrawal(4), None, None).unwrap();
    let five = with(&four, &of, &withdraws);
    assert_eq!(asked(&five, &of, &withdraws), Next::Stands(5));
}

#[test]
fn what_is_sent_again_under_its_key_stands_once_whatever_was_said_between() {
    let of = failed();
    let under = |key: &str, wish: Wish| wish.under(Some(RequestKey::of("u", "route", key)));
    let pass = under("a", wish(None, Decision::Pass, None));
    let one = with(&none(), &of, &pass);
    let two = with(&one, &of, &wish(None, Decision::Fail, None));
    assert_eq!(
        asked(&two, &of, &pass),
        Next::Stands(1),
        "and covers nobody's"
    );
    let withdraws = Wish::new(Wished::Withdrawal(2), None, None).unwrap();
    let three = with(&two, &of, &under("b", withdraws.clone()));
    assert_eq!(asked(&three, &of, &under("b", withdraws)), Next::Stands(3));
    let other = under("a", wish(None, Decision::Fail, None));
    assert_eq!(asked(&three, &of, &other), Next::Refuse(Refused::KeyUsed));
    let anew = under("c", wish(None, Decision::Pass, None));
    assert!(
        matches!(asked(&two, &of, &anew), Next::Write(_)),
        "another wish"
    );
}

#[test]
fn a_reading_with_blanks_around_it_is_the_same_under_its_key() {
    let of = failed();
    let key = || Some(RequestKey::of("u", "route", "a"));
    let says = read(Some("power_meter"), Decision::Pass, " -18.4 dBm ").under(key());
    let one = with(&none(), &of, &says);
    assert_eq!(asked(&one, &of, &says), Next::Stands(1));
    let other = read(Some("power_meter"), Decision::Pass, "-13.4 dBm").under(key());
    assert_eq!(asked(&one, &of, &other), Next::Refuse(Refused::KeyUsed));
}

#[test]
fn only_decisions_of_the_dr_can_be_withdrawn() {
    let of = failed();
    let one = with(&none(), &of, &wish(None, Decision::Pass, None));
    let withdraw = |number| Wish::new(Wished::Withdrawal(number), Some("wrong"), None).unwrap();
    let two = with(&one, &of, &withdraw(1));
    for number in [0, 2, 3] {
        let refused = Next::Refuse(Refused::NoSuchReview(number));
        assert_eq!(asked(&two, &of, &withdraw(number)), refused);
    }
}

#[test]
fn a_dr_has_at_most_so_many_records_and_what_stands_is_said_to_stand_all_the_same() {
    let of = failed();
    let one = with(&none(), &of, &wish(None, Decision::Pass, None));
    let mut items = one.items.clone();
    let mut last = items[0].clone();
    last["sk"] = json!(crate::domain::review::sort_key(MOST_REVIEWS));
    last["number"] = json!(MOST_REVIEWS);
    items.push(last);
    let full = Reviews::of_items(items, at(0));
    let refused = asked(&full, &of, &wish(None, Decision::Fail, None));
    assert_eq!(refused, Next::Refuse(Refused::Full));
    let again = asked(&full, &of, &wish(None, Decision::Pass, None));
    assert_eq!(again, Next::Stands(MOST_REVIEWS));
    assert_ne!(full.chain(), Chain::Intact);
}

#[test]
fn an_etag_says_what_was_seen() {
    let of = failed();
    let none = none();
    assert_eq!(none.tag(3), "\"3-0-\"");
    assert_eq!(seen_until(&none.tag(3)), Some(0));
    let one = with(&none, &of, &wish(None, Decision::Pass, None));
    let tag = one.tag(12);
    assert!(
        tag.starts_with("\"12-1-") && tag.len() == 7 + SHOWN_OF_HASH,
        "{tag}"
    );
    assert_eq!(seen_until(&format!("W/{tag}")), Some(1));
    for odd in ["", "*", "\"\"", "12-1-x", "\"a-1-x\"", "\"1-b-x\""] {
        assert_eq!(seen_until(odd), None, "{odd}");
    }
}
