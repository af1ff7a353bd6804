//! Cards made of what the stream says, as values.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::fixtures::{evaluation_of, id};
use super::*;
use crate::decide::evaluation::Evaluation;
use crate::domain::judge::Judgement;
use crate::domain::reading::{Flag, FlagCode};

fn flag() -> Flag {
    Flag {
        photo: "DR1_a.jpg".into(),
        step: None,
        code: FlagCode::PowerImplausible,
        message: "a message".into(),
        fails: false,
    }
}

/// An evaluation's item as the table holds it after so many verdicts.
fn item(revision: u32, verdict: Option<Verdict>, flags: usize) -> Value {
    let evaluation = Evaluation {
        revision,
        completed_at: verdict.map(|_| Timestamp::from_millis(1_795_516_494_007)),
        created_at: Timestamp::from_millis(1_795_516_400_000),
        judgement: verdict.map(|verdict| Judgement {
            verdict,
            flags: vec![flag(); flags],
            ..Judgement::impossible()
        }),
        ..evaluation_of(&["DR1_a.jpg"])
    };
    let mut item = json!(evaluation);
    item["ttl"] = json!(1_803_292_400);
    if let Some(verdict) = verdict {
        item["verdict"] = json!(verdict);
    }
    item
}

fn of(old: Option<&Value>, new: Option<&Value>) -> Option<Image> {
    Image::of(old, new).unwrap()
}

fn image(item: &Value) -> Image {
    Image::of(None, Some(item)).unwrap().unwrap()
}

fn made(before: Option<&Card>, item: &Value) -> Option<Card> {
    Card::made(before, &image(item), ByPeople::default(), 0)
}

/// The cards and counts of a table in which these changes were put onto cards.
#[derive(Default)]
struct Kept {
    sample: u8,
    card: Option<Card>,
    counts: BTreeMap<&'static str, i64>,
}

impl Kept {
    fn put(&mut self, item: &Value, by_people: ByPeople) {
        let Some(card) = Card::made(self.card.as_ref(), &image(item), by_people, self.sample)
        else {
            return;
        };
        for part in card.parts(self.card.as_ref()) {
            let Part::Update(update) = part else { continue };
            assert_eq!(update.key, Key::Counts("2026-11-24".into()));
            for action in update.actions {
                if let Add(state, by) = action {
                    *self.counts.entry(state).or_default() += by;
                }
            }
        }
        self.card = Some(card);
    }

    fn counted(&self) -> BTreeMap<&'static str, i64> {
        let counted = self.counts.iter().filter(|(_, count)| **count != 0);
        counted.map(|(state, count)| (*state, *count)).collect()
    }
}

#[test]
fn a_card_says_what_the_evaluation_says_and_where_it_is_listed() {
    let mut item = item(1, Some(Verdict::Fail), 2);
    item["judgement"]["flags_left_out"] = json!(3);
    item["judgement"]["steps"] =
        json!([{"certainty": 0.98}, {"certainty": null}, {"certainty": 0.512}]);
    let card = made(None, &item).unwrap();
    assert_eq!(
        (card.verdict, card.flags, card.revision),
        (Some(Verdict::Fail), 5, 1)
    );
    assert_eq!(card.certainty, Certainty::of(0.512));
    assert_eq!(card.by_certainty(), format!("0512#{}", id(1)));
    assert_eq!(
        (card.state().name(), card.day().as_str()),
        ("fail_flagged", "2026-11-24")
    );
    let parts = card.parts(None);
    let lists = parts.iter().filter_map(|part| match part {
        Part::Put(put) => put.item.get("gsi_list").cloned(),
        Part::Update(_) => None,
    });
    assert_eq!(
        lists.collect::<Vec<_>>(),
        [json!("LISTED#fail_flagged"), json!("UNSURE#fail_flagged")]
    );
    let Some(Part::Put(put)) = parts.first() else {
        panic!("no card")
    };
    assert_eq!(Card::deserialize(&put.item).unwrap(), card);
}

#[test]
fn what_nothing_is_known_of_is_not_listed_by_certainty_before_its_verdict_and_then_last() {
    let unfinished = made(None, &item(0, None, 0)).unwrap();
    assert_eq!(unfinished.parts(None).len(), 2, "the card and its count");
    let card = made(Some(&unfinished), &item(1, Some(Verdict::Pass), 0)).unwrap();
    assert!(card.by_certainty().as_str() > "1000");
    assert_eq!(card.parts(Some(&unfinished)).len(), 3);
}

#[test]
fn what_changes_nothing_of_a_card_is_no_news() {
    let (before, mut after) = (item(0, None, 0), item(0, None, 0));
    after["waiting_since"] = json!(7);
    assert_eq!(of(Some(&before), Some(&after)), None, "it waits");
    assert_eq!(of(Some(&before), None), None, "it is gone");
    assert_eq!(
        of(None, Some(&json!({"photo_id": "0123456789abcdef"}))),
        None
    );
    assert!(of(None, Some(&before)).is_some(), "it has begun");
    after["listed_anew"] = json!(1);
    assert!(
        of(Some(&before), Some(&after)).is_some(),
        "an operator wants its card"
    );
    after["mode"] = json!("a mode of a later release");
    assert!(Image::of(Some(&before), Some(&after)).is_err());
}

#[test]
fn what_people_decide_moves_the_card_and_a_withdrawal_moves_it_back() {
    let evaluated = item(1, Some(Verdict::Fail), 0);
    let by_people = |last, verdict| ByPeople {
        last,
        last_at: Some(Timestamp::from_millis(i64::from(last))),
        verdict,
        notes: 0,
    };
    let mut kept = Kept::default();
    kept.put(&evaluated, ByPeople::default());
    kept.put(&evaluated, by_people(1, Some(Verdict::Pass)));
    let card = kept.card.clone().unwrap();
    let shown = (card.verdict, card.reviewed, card.reviewed_verdict);
    assert_eq!(shown, (Some(Verdict::Fail), true, Some(Verdict::Pass)));
    assert_eq!(kept.counted(), BTreeMap::from([("fail_reviewed", 1)]));
    kept.put(&evaluated, ByPeople::default());
    kept.put(&item(0, None, 0), by_people(9, None));
    assert_eq!(kept.card, Some(card), "what was read earlier comes late");
    kept.put(&evaluated, by_people(2, None));
    assert_eq!(kept.counted(), BTreeMap::from([("fail", 1)]));
}

#[test]
fn what_people_decide_moves_the_card_although_their_numbers_began_anew() {
    let evaluated = item(1, Some(Verdict::Fail), 0);
    let said = |last, at| ByPeople {
        last,
        last_at: Some(Timestamp::from_millis(at)),
        ..ByPeople::default()
    };
    for number in [1, 2, 3] {
        let mut kept = Kept::default();
        kept.put(&evaluated, said(2, 100));
        // What was said before is no longer kept.
        let anew = ByPeople {
            verdict: Some(Verdict::Pass),
            ..said(number, 900)
        };
        kept.put(&evaluated, anew);
        assert_eq!(kept.counted(), BTreeMap::from([("fail_reviewed", 1)]));
        let card = kept.card.clone();
        kept.put(&evaluated, said(1, 90));
        assert_eq!(kept.card, card, "what was read earlier comes late");
    }
}

/// The parts of the index in which a card is put.
fn lists(card: &Card) -> Vec<String> {
    let parts = card.parts(None);
    let lists = parts.iter().filter_map(|part| match part {
        Part::Put(put) => Some(put.item.get("gsi_list")?.as_str()?.to_owned()),
        Part::Update(_) => None,
    });
    lists.collect()
}

#[test]
fn what_technicians_say_lists_and_counts_an_evaluation_once_more_and_stays_said() {
    let noted = |notes| ByPeople {
        notes,
        ..ByPeople::default()
    };
    let (running, failed) = (item(0, None, 0), item(1, Some(Verdict::Fail), 0));
    let mut kept = Kept::default();
    kept.put(&running, noted(0));
    kept.put(&running, noted(2));
    let card = kept.card.clone().unwrap();
    assert_eq!(lists(&card), ["LISTED#unfinished", "CONTESTED#unfinished"]);
    let counted = |names: &[&'static str]| names.iter().map(|name| (*name, 1)).collect();
    let expected: BTreeMap<_, _> = counted(&["unfinished", "contested_unfinished"]);
    assert_eq!(kept.counted(), expected);
    kept.put(&failed, noted(1));
    let card = kept.card.clone().unwrap();
    assert_eq!(card.notes, 2, "what was read earlier comes late");
    let listed = [
        "LISTED#fail",
        "UNSURE#fail",
        "CONTESTED#fail",
        "CONTESTED_UNSURE#fail",
    ];
    assert_eq!(lists(&card), listed);
    kept.put(&failed, noted(3));
    assert_eq!(kept.counted(), counted(&["fail", "contested_fail"]));
    kept.put(
        &failed,
        ByPeople {
            last: 1,
            verdict: Some(Verdict::Pass),
            notes: 3,
            ..ByPeople::default()
        },
    );
    let expected = counted(&["fail_reviewed", "contested_fail_reviewed"]);
    assert_eq!(kept.counted(), expected);
    let again = Card::made(kept.card.as_ref(), &image(&failed), noted(3), 0);
    assert_eq!(again, None, "it says no more");
}

#[test]
fn of_a_day_the_contested_are_counted_among_all_and_by_themselves() {
    let day =
        json!({"fail": 5, "fail_flagged": 2, "contested_fail": 3, "contested_pass": -1, "pass": 7});
    let counts = Counts::of(&[day.as_object().unwrap().clone()]);
    let fails = |state: State| state.verdict == Some(Verdict::Fail);
    let of = |counts: &Counts| (counts.among(fails), counts.contested(fails));
    assert_eq!(of(&counts), (7, 3));
    assert_eq!(of(&counts.only(true)), (3, 3));
    assert_eq!(of(&counts.only(false)), (4, 0));
    assert_eq!(counts.only(false).among(|_| true), 11);
}

#[test]
fn chance_draws_passes_without_flags_once_and_whatever_comes_later() {
    let passed = item(1, Some(Verdict::Pass), 0);
    let again = item(2, Some(Verdict::Pass), 0);
    let drawn = |before: Option<&Card>, item: &Value, last: u32, sample: u8| {
        let verdict = (last > 0).then_some(Verdict::Fail);
        let card = Card::made(
            before,
            &image(item),
            ByPeople {
                last,
                verdict,
                ..ByPeople::default()
            },
            sample,
        );
        card.unwrap()
    };
    let by_all = drawn(None, &passed, 0, 100);
    assert_eq!(
        (by_all.sampled, by_all.state().name()),
        (Some(100), "pass_sampled")
    );
    let by_none = drawn(None, &passed, 0, 0);
    assert_eq!((by_none.sampled, by_none.state().name()), (None, "pass"));
    let raised = drawn(Some(&by_none), &passed, 1, 100);
    assert_eq!(raised.state().name(), "pass_reviewed", "people chose it");
    let lowered = drawn(Some(&by_all), &again, 1, 0);
    assert_eq!(
        (lowered.sampled, lowered.state().name()),
        (Some(100), "pass_sampled_reviewed")
    );
    for other in [
        item(1, Some(Verdict::Pass), 1),
        item(1, Some(Verdict::Fail), 0),
        item(1, Some(Verdict::Incomplete), 0),
        item(0, None, 0),
    ] {
        assert_eq!(drawn(None, &other, 0, 100).sampled, None);
    }
    let late = drawn(None, &item(1, Some(Verdict::Incomplete), 0), 0, 100);
    assert_eq!(drawn(Some(&late), &again, 0, 100).sampled, Some(100));
}

#[test]
fn a_known_case_is_listed_as_if_chance_had_drawn_it() {
    let passed = item(1, Some(Verdict::Pass), 0);
    let card = made(None, &passed).unwrap();
    let offered = card.offered().unwrap();
    assert_eq!(
        (offered.state().name(), offered.version),
        ("pass_sampled", 2)
    );
    assert_eq!(offered.offered(), None);
    assert_eq!(
        made(None, &item(1, Some(Verdict::Fail), 0))
            .unwrap()
            .offered(),
        None
    );
    let by_people = ByPeople {
        last: 1,
        verdict: Some(Verdict::Fail),
        ..ByPeople::default()
    };
    let reviewed = Card::made(Some(&offered), &image(&passed), by_people, 0).unwrap();
    assert_eq!(reviewed.state().name(), "pass_sampled_reviewed");
}

#[test]
fn a_card_of_the_release_before_is_read_and_was_not_drawn() {
    let card = made(None, &item(1, Some(Verdict::Pass), 0)).unwrap();
    let mut kept = json!(card);
    kept.as_object_mut().unwrap().remove("sampled");
    assert_eq!(Card::deserialize(&kept).unwrap(), card);
}

#[test]
fn every_state_has_a_name_of_its_own() {
    let mut names = [
        State::ALL.map(State::name),
        State::ALL.map(State::contested_name),
    ]
    .concat();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2 * State::ALL.len());
}

proptest! {
    /// Whatever order the changes of an evaluation come in, and however often: the last state counts, and counts once.
    #[test]
    fn a_card_and_its_counts_follow_from_the_last_state_alone(
        order in prop::collection::vec(0usize..4, 0..12), sample in prop::sample::select(vec![0, 100]),
    ) {
        let mut superseded = item(0, None, 0);
        superseded["superseded_by"] = json!(id(2));
        let mut upgraded = item(2, Some(Verdict::Pass), 0);
        upgraded["superseded_by"] = json!(id(2));
        let mut incomplete = item(1, Some(Verdict::Incomplete), 1);
        incomplete["superseded_by"] = json!(id(2));
        let states = [item(0, None, 0), superseded, incomplete, upgraded];
        let new = || Kept { sample, ..Kept::default() };
        let (mut kept, mut last) = (new(), 0);
        for at in order {
            kept.put(&states[at], ByPeople::default());
            last = last.max(at);
            let mut expected = new();
            expected.put(&states[last], ByPeople::default());
            let version = kept.card.as_ref().map_or(0, |card| card.version);
            let card = expected.card.clone().map(|card| Card { version, ..card });
            prop_assert_eq!(&kept.card, &card);
            prop_assert_eq!(kept.counted(), expected.counted());
        }
    }
}
